"""How like the whole file the picture of a prefix is, from where somebody looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavplayer.evaluation.metrics import psnr

if TYPE_CHECKING:
    from pavplayer.viewer.player import Client, Player

SCALE = 0.5
"""Of the window: half its width and height are enough to measure."""


@dataclass(frozen=True)
class PrefixQuality:
    """One measurement, and what it was of."""

    limit: int
    decibels: float


class QualityMeter:
    """Measures when everything has come to rest, once for each state of the controls."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._measured: tuple[int, int] | None = None
        self.latest: PrefixQuality | None = None
        """None: all bytes are shown, or there is nothing to compare with."""

    def update(self) -> None:
        """Measure if it is time to. Takes two pictures."""
        player = self._player
        limit = player.controls.limit
        if (
            limit is None
            or not player.controlled.avatar.has_ended
            or not player.controlled.avatar.scene.is_visible
        ):
            self.latest = None
            return
        client = next(iter(list(player.clients.values())), None)
        if client is None or not player.is_at_rest():
            return
        state = (player.controls.version, id(client.view))
        if state != self._measured:
            self._measured = state
            self.latest = PrefixQuality(limit, self._decibels(client, limit))

    def _decibels(self, client: Client, limit: int) -> float:
        player, camera = self._player, client.view.camera(SCALE)
        pose = player.pose()
        pictures = []
        for one in (limit, None):  # one after the other: a session may pose into the same memory again
            cloud = player.scene.cloud(camera, pose, one, float("inf"))
            pictures.append(player.picture(cloud, camera))
        return psnr(*pictures)

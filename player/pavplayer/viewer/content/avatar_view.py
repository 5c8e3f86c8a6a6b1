"""One avatar on stage: what has arrived of it, cut and faded, in a pose."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from pavfmt.decoding import events as ev
from pavfmt.errors import PavError
from pavfmt.model import Pose
from pavplayer.avatar import Avatar
from pavplayer.posing.cloud import PosedCloud
from pavplayer.posing.poser import Poser
from pavplayer.session import CHANGES_PICTURE
from pavplayer.viewer.content.arrivals import Arrivals
from pavplayer.viewer.content.visibility import FADE_SECONDS, Presence, presence, settled_at


class Actor:
    """An avatar, with a record of which unit came when."""

    def __init__(self, avatar: Avatar, fade_seconds: float = FADE_SECONDS, name: str = "avatar") -> None:
        """The avatar must not have been updated before: the record would have a gap."""
        if avatar.received_bytes:
            raise ValueError("an actor takes an avatar of which nothing has been taken in yet")
        self.avatar = avatar
        self.name = name
        self.arrivals = Arrivals()
        self.fade_seconds = fade_seconds
        """0: what arrives is there at once."""
        self.has_failed = False
        """Nothing more will come, and something is missing."""
        self._posers: dict[tuple[bool, bool], Poser] = {}  # of prefixes that have only a part of the rig
        self._settled: tuple[object, Presence] | None = None

    def update(self, now: float | None = None) -> list[ev.Event]:
        """Take in what has arrived.

        Raises what stands in the way of the avatar, PavError among it, while there is nothing to draw; once, and
        from then on it is the avatar's `error`.
        """
        events = [] if self.has_failed else self._arrived()
        if events:
            now = time.monotonic() if now is None else now
            self.arrivals.note(events, self.avatar.received_bytes, now)
            if self.avatar.scene.hand_overs or any(isinstance(event, CHANGES_PICTURE) for event in events):
                self._posers.clear()
            self._settled = None
        return events

    def _arrived(self) -> list[ev.Event]:
        avatar = self.avatar
        try:
            events = avatar.update()
        except PavError as error:
            return self._fail(error)
        if avatar.has_ended and avatar.error is not None:
            self._fail(avatar.error)
        return events

    def _fail(self, error: Exception) -> list[ev.Event]:
        self.has_failed = True
        if not self.avatar.scene.is_visible:
            raise error
        return []

    @property
    def total_bytes(self) -> int:
        """Of the complete file, or what is known of it."""
        return self.avatar.total_bytes or self.avatar.received_bytes

    def is_fading(self, now: float) -> bool:
        """Whether something that has arrived is not wholly there yet."""
        return now < settled_at(self.avatar.scene, self.arrivals, self.fade_seconds)

    def presence(self, limit: int | None, now: float) -> Presence:
        """Which Gaussians are drawn; of the first `limit` bytes if there is a limit."""
        if self.is_fading(now):
            return presence(self.avatar.scene, self.arrivals, limit, now, self.fade_seconds)
        if self._settled is None or self._settled[0] != limit:
            self._settled = (limit, presence(self.avatar.scene, self.arrivals, limit))
        return self._settled[1]

    def cloud(self, pose: Pose, limit: int | None = None, now: float = float("inf")) -> PosedCloud | None:
        """The Gaussians to draw; None while there are none."""
        scene = self.avatar.scene
        if not scene.is_visible:
            return None
        shown = self.presence(limit, now)
        if not shown.count:
            return None
        whole = self._posed(self._pose_within(pose, limit), limit)
        return None if whole is None else _chosen(whole, shown)

    def _posed(self, pose: Pose, limit: int | None) -> PosedCloud | None:
        """All Gaussians that are there, by the rig of the first `limit` bytes."""
        within = self.arrivals.is_within
        state = within(self.arrivals.identity, limit), within(self.arrivals.correctives, limit)
        if all(state):
            return self.avatar.session.posed(pose)
        if state not in self._posers:
            self._posers[state] = self._poser_without(*state)
        return self._posers[state].frame(pose)

    def _pose_within(self, pose: Pose, limit: int | None) -> Pose:
        """Without the shapes that come after `limit`."""
        within = self.arrivals.is_within
        shapes = self.arrivals.shapes
        weights = {name: value for name, value in pose.weights.items() if within(shapes.get(name), limit)}
        return replace(pose, weights=weights)

    def _poser_without(self, identity: bool, correctives: bool) -> Poser:
        """One with only those of the two that are wanted."""
        snapshot = self.avatar.scene.snapshot()
        assert snapshot is not None  # it is visible
        avatar = snapshot.avatar
        if not identity:
            avatar = replace(avatar, identity=None)
        if not correctives and avatar.rig is not None:
            avatar = replace(avatar, rig=replace(avatar.rig, correctives=None))
        poser = self.avatar.session.new_poser(snapshot=replace(snapshot, avatar=avatar))
        assert poser is not None
        return poser


def _chosen(cloud: PosedCloud, shown: Presence) -> PosedCloud:
    """The rows of a cloud, with their opacities and scales of the moment."""
    rows: Any = shown.rows

    def taken(values: Any) -> Any:
        return None if values is None else values[rows]

    scales = taken(cloud.scales)
    if shown.stretch is not None:
        scales = scales * _like(shown.stretch, scales)
    return PosedCloud(
        taken(cloud.means),
        taken(cloud.quats),
        scales,
        _like(shown.opacities, cloud.opacities),
        taken(cloud.sh),
        taken(cloud.sh_quats),
    )


def _like(values: Any, other: Any) -> Any:
    """A NumPy array as what `other` is, where that is."""
    if isinstance(other, type(values)):
        return values
    import torch

    return torch.from_numpy(values).to(other.device)

"""One avatar in the viewer: what has arrived of it, cut to a prefix and faded, in a pose."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from pavfmt.decoding import events as ev
from pavfmt.errors import PavError
from pavfmt.model import Pose
from pavplayer.fading import Visibility
from pavplayer.posing.cloud import PosedCloud
from pavplayer.posing.poser import Poser
from pavplayer.viewer.content.arrivals import Arrivals
from pavplayer.viewer.content.visibility import FADE_SECONDS, settled_at, visibility

if TYPE_CHECKING:
    from pavplayer.avatar import Avatar


class AvatarView:
    """An avatar, with a record of which unit came when."""

    def __init__(self, avatar: Avatar, fade_seconds: float = FADE_SECONDS, name: str = "avatar") -> None:
        """The avatar must not have been updated before: the record would have a gap."""
        if avatar.received_bytes:
            raise ValueError("an avatar to be viewed must not have taken in anything yet")
        self.avatar = avatar
        self.name = name
        self.arrivals = Arrivals()
        self.fade_seconds = fade_seconds
        """0: what arrives is there at once."""
        self.has_failed = False
        """Nothing more will come, and something is missing."""
        self._posers: dict[tuple[bool, bool], Poser] = {}  # of prefixes that have only a part of the rig
        self._settled: tuple[int | None, Visibility] | None = None  # of a limit, once nothing fades

    def update(self, now: float | None = None) -> list[ev.Event]:
        """Take in what has arrived.

        Raises what stands in the way of the avatar, PavError among it, while there is nothing to draw; once, and
        from then on it is the avatar's `error`.
        """
        events = [] if self.has_failed else self._new_events()
        if events:
            now = time.monotonic() if now is None else now
            self.arrivals.note(events, self.avatar.received_bytes, now)
            self._posers.clear()
            self._settled = None
        return events

    def _new_events(self) -> list[ev.Event]:
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
        return now < settled_at(self.avatar.session, self.arrivals, self.fade_seconds)

    def visibility(self, limit: int | None, now: float) -> Visibility:
        """Which Gaussians are drawn; of the first `limit` bytes if there is a limit."""
        session, arrivals = self.avatar.session, self.arrivals
        if self.is_fading(now):
            return visibility(session, arrivals, limit, now, self.fade_seconds)
        if self._settled is None or self._settled[0] != limit:
            self._settled = (limit, visibility(session, arrivals, limit))
        return self._settled[1]

    def cloud(self, pose: Pose, limit: int | None = None, now: float = float("inf")) -> PosedCloud | None:
        """The Gaussians to draw; None while there are none."""
        if not self.avatar.scene.is_visible:
            return None
        shown = self.visibility(limit, now)
        if not len(shown.opacities):
            return None
        whole = self._posed(self._pose_within(pose, limit), limit)
        return None if whole is None else shown.applied_to(whole)

    def _posed(self, pose: Pose, limit: int | None) -> PosedCloud | None:
        """All Gaussians that are there, by the rig of the first `limit` bytes.

        Identity and correctives change the whole mesh, so a prefix that ends before them needs a poser of its own.
        There are few such prefixes and many frames of each: posers are kept until something new arrives.
        """
        within = self.arrivals.is_within
        state = within(self.arrivals.identity, limit), within(self.arrivals.correctives, limit)
        if all(state):
            return self.avatar.session.posed(pose)
        if state not in self._posers:
            self._posers[state] = self._poser_without(*state)
        return self._posers[state].frame(pose)

    def _pose_within(self, pose: Pose, limit: int | None) -> Pose:
        """Without the shapes that come after `limit`: a shape of weight 0 is as if it were not there."""
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

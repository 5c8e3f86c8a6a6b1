"""Several avatars in one picture, sharing a budget of Gaussians."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Pose
from pavplayer.camera import Camera, centre_and_height
from pavplayer.crowd import Budget, Crowd, in_rows
from pavplayer.posing.cloud import PosedCloud
from pavplayer.viewer.content.avatar_view import Actor


class Together:
    """A stage of avatars in rows, each of which draws the prefix that its share of the budget pays for."""

    def __init__(self, actors: Sequence[Actor], budget: Budget | None = None) -> None:
        self.actors = tuple(actors)
        self.crowd = Crowd([actor.avatar.session for actor in actors], budget=budget)
        self.rasterizer = self.crowd.rasterizer
        self._placed = 0
        self._moving = False

    def cloud(self, camera: Camera, pose: Pose, limit: int | None, now: float) -> PosedCloud | None:
        """All of them, in one pose; at `now` = infinity with the prefixes they are on their way to.

        `limit` has no meaning here.
        """
        self._place()
        if now == float("inf"):
            self.crowd.settle()
        before = self.crowd.counts
        cloud = self.crowd.cloud(camera, pose)
        self._moving = self.crowd.counts != before
        return cloud

    def _place(self) -> None:
        """In rows anew, when one more is to be seen: before, nobody knew how large it is."""
        visible = sum(actor.avatar.scene.is_visible for actor in self.actors)
        if visible != self._placed:
            self._placed = visible
            placements = in_rows([actor.avatar.session for actor in self.actors])
            for member, placement in zip(self.crowd.members, placements, strict=True):
                member.placement = placement

    def is_moving(self, now: float) -> bool:
        """Whether prefixes were still growing or shrinking in the last picture."""
        return self._moving

    def note(self, seconds: float) -> None:
        """What the last picture took, for a budget that follows it."""
        if self.crowd.budget is not None:
            self.crowd.budget.note(self.crowd.drawn, seconds)

    def home(self, size: tuple[int, int]) -> Camera:
        """From where all of them are seen."""
        self._place()
        return self.crowd.camera(size=size)

    def centre(self) -> NDArray[np.float64]:
        """(3,) metres: of the box around them."""
        points = [member.placement.points(member.session.framed_points()) for member in self.crowd.members]
        return centre_and_height(np.concatenate(points))[0]

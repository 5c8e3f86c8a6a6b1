"""Several avatars in one picture, sharing a budget of Gaussians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Pose
from pavplayer.camera import Camera, centre_and_height
from pavplayer.crowd import Crowd, RenderBudget, in_rows
from pavplayer.posing.cloud import PosedCloud

if TYPE_CHECKING:
    from pavplayer.viewer.content.avatar_view import AvatarView


class CrowdScene:
    """Avatars in rows, each of which draws the prefix that its share of the budget pays for."""

    def __init__(self, avatar_views: Sequence[AvatarView], budget: RenderBudget | None = None) -> None:
        self.avatar_views = tuple(avatar_views)
        self.crowd = Crowd([one.avatar.session for one in avatar_views], budget=budget)
        self.rasterizer = self.crowd.rasterizer
        self._placed_count = 0
        self._is_moving = False

    def cloud(self, camera: Camera, pose: Pose, limit: int | None, now: float) -> PosedCloud | None:
        """All of them, in one pose; at `now` = infinity with the prefixes they are on their way to.

        `limit` has no meaning here.
        """
        self._place()
        if now == float("inf"):
            self.crowd.settle()
        before = self.crowd.counts
        cloud = self.crowd.cloud(camera, pose)
        self._is_moving = self.crowd.counts != before
        return cloud

    def _place(self) -> None:
        """In rows anew, when one more is to be seen: before, nobody knew how large it is."""
        visible_count = sum(one.avatar.scene.is_visible for one in self.avatar_views)
        if visible_count != self._placed_count:
            self._placed_count = visible_count
            placements = in_rows([one.avatar.session for one in self.avatar_views])
            for member, placement in zip(self.crowd.members, placements, strict=True):
                member.placement = placement

    def is_moving(self, now: float) -> bool:
        """Whether prefixes were still growing or shrinking in the last picture."""
        return self._is_moving

    def default_camera(self, size: tuple[int, int]) -> Camera:
        """From where all of them are seen."""
        self._place()
        return self.crowd.camera(size=size)

    def centre(self) -> NDArray[np.float64]:
        """(3,) metres: of the box around them."""
        points = [member.placement.points(member.session.framed_points()) for member in self.crowd.members]
        return centre_and_height(np.concatenate(points))[0]

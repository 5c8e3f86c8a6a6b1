"""What the player draws: one avatar, or several, behind one interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Pose
from pavplayer.camera import Camera, centre_and_height
from pavplayer.posing.cloud import PosedCloud

if TYPE_CHECKING:
    from pavplayer.crowd import Crowd
    from pavplayer.rasterizers import Rasterizer
    from pavplayer.viewer.content.avatar_view import AvatarView


class ViewerScene(Protocol):
    """Avatars that are drawn into one picture."""

    @property
    def avatar_views(self) -> Sequence[AvatarView]:
        """All of them; the controls' names, bytes and tracks are those of the first."""

    @property
    def rasterizer(self) -> Rasterizer:
        """What draws them."""

    @property
    def crowd(self) -> Crowd | None:
        """Several avatars under one budget; None: one alone, whose file can be cut."""

    def cloud(self, camera: Camera, pose: Pose, limit: int | None, now: float) -> PosedCloud | None:
        """The Gaussians to draw as seen from a camera; None while there are none.

        `limit` cuts the file of one avatar alone; `now` says how far fades have come, infinity that they are over.
        """

    def is_moving(self, now: float) -> bool:
        """Whether the next picture differs, though no control was touched."""

    def default_camera(self, size: tuple[int, int]) -> Camera:
        """From where all of it is seen, from the front; `size` is width and height in pixels."""

    def centre(self) -> NDArray[np.float64]:
        """(3,) metres: what views turn about."""


class AvatarScene:
    """One avatar."""

    crowd = None

    def __init__(self, avatar_view: AvatarView) -> None:
        self.avatar_views = (avatar_view,)
        self.rasterizer = avatar_view.avatar.session.rasterizer

    def cloud(self, camera: Camera, pose: Pose, limit: int | None, now: float) -> PosedCloud | None:  # noqa: D102
        return self.avatar_views[0].cloud(pose, limit, now)

    def is_moving(self, now: float) -> bool:  # noqa: D102
        return self.avatar_views[0].is_fading(now)

    def default_camera(self, size: tuple[int, int]) -> Camera:  # noqa: D102
        return self.avatar_views[0].avatar.camera(size=size)

    def centre(self) -> NDArray[np.float64]:  # noqa: D102
        return centre_and_height(self.avatar_views[0].avatar.session.framed_points())[0]

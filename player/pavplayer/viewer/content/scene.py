"""What is played: one avatar, or several, behind one face to the player."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Pose
from pavplayer.camera import Camera, centre_and_height
from pavplayer.posing.cloud import PosedCloud
from pavplayer.rasterizers import Rasterizer
from pavplayer.viewer.content.avatar_view import Actor


class Stage(Protocol):
    """Avatars that are drawn into one picture."""

    @property
    def actors(self) -> Sequence[Actor]:
        """All of them; the controls' names, bytes and tracks are those of the first."""

    @property
    def rasterizer(self) -> Rasterizer:
        """What draws them."""

    def cloud(self, camera: Camera, pose: Pose, limit: int | None, now: float) -> PosedCloud | None:
        """The Gaussians to draw as seen from a camera; None while there are none.

        `limit` cuts a single actor's file; `now` says how far fades have come, infinity that they are over.
        """

    def is_moving(self, now: float) -> bool:
        """Whether the next picture differs, though no control was touched."""

    def note(self, seconds: float) -> None:
        """What the last picture took, while things moved."""

    def home(self, size: tuple[int, int]) -> Camera:
        """From where all of it is seen, from the front; `size` is width and height in pixels."""

    def centre(self) -> NDArray[np.float64]:
        """(3,) metres: what views turn about."""


class Solo:
    """One avatar."""

    def __init__(self, actor: Actor) -> None:
        self.actors = (actor,)
        self.rasterizer = actor.avatar.session.rasterizer

    def cloud(self, camera: Camera, pose: Pose, limit: int | None, now: float) -> PosedCloud | None:  # noqa: D102
        return self.actors[0].cloud(pose, limit, now)

    def is_moving(self, now: float) -> bool:  # noqa: D102
        return self.actors[0].is_fading(now)

    def note(self, seconds: float) -> None:  # noqa: D102
        pass

    def home(self, size: tuple[int, int]) -> Camera:  # noqa: D102
        return self.actors[0].avatar.camera(size=size)

    def centre(self) -> NDArray[np.float64]:  # noqa: D102
        return centre_and_height(self.actors[0].avatar.session.framed_points())[0]

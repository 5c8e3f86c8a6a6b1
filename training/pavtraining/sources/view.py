"""What every source of truth gives: views, that is a camera, a pose and the picture they should lead to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Identity, Pose, Rig
from pavplayer.camera import Camera

Picture = NDArray[np.float32]
"""(H, W, 3) display sRGB in 0..1."""
Mask = NDArray[np.float32]
"""(H, W) 0..1: how much of a pixel the head covers."""
Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, eq=False)
class View:
    """One picture of the truth, and how it came about."""

    camera: Camera
    pose: Pose
    picture: Picture
    """Over the source's background. May be read-only: a source hands the same picture out again."""
    mask: Mask | None = None
    """None: not known."""

    @property
    def byte_count(self) -> int:
        """Bytes that picture and mask take in memory."""
        return self.picture.nbytes + (0 if self.mask is None else self.mask.nbytes)


class ViewSource(Protocol):
    """Where a fit gets its targets from. The same number always gives the same view."""

    @property
    def rig(self) -> Rig:
        """What moves the head."""

    @property
    def identity(self) -> Identity | None:
        """The neutral of this head; None: the rig's mean."""

    @property
    def background(self) -> float:
        """The grey all pictures are over, 0..1; 1 is white."""

    def training_view(self, number: int, size: Size | None = None) -> View:
        """View `number` ≥ 0 of a sequence without end; `size` scales its camera, None: the source's own."""

    @property
    def held_out(self) -> Sequence[View]:
        """Views to report on, none of which is a training view."""


class LazyViews(Sequence[View]):
    """A sequence of views that are made when they are asked for."""

    def __init__(self, count: int, make: Callable[[int], View]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> View: ...
    @overload
    def __getitem__(self, index: slice) -> list[View]: ...
    def __getitem__(self, index: int | slice) -> View | list[View]:
        if isinstance(index, slice):
            return [self._make(number) for number in range(self._count)[index]]
        return self._make(range(self._count)[index])


def scaled_camera(camera: Camera, size: Size | None) -> Camera:
    """The camera with pictures of another size (width, height) that show the same; None: as it is."""
    if size is None or size == (camera.width, camera.height):
        return camera
    across, down = size[0] / camera.width, size[1] / camera.height
    return Camera(
        camera.rotation,
        camera.translation,
        camera.fx * across,
        camera.fy * down,
        camera.cx * across,
        camera.cy * down,
        *size,
    )

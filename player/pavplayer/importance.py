"""The renderer that an encoder measures importance and quality with: any rasterizer, seen through `pavfmt`'s
protocols."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.encoder.pictures import OrbitView
from pavfmt.posing import PosedGaussians
from pavplayer.camera import Camera
from pavplayer.rasterizers import Rasterizer, open_rasterizer


def camera_of(view: OrbitView) -> Camera:
    """The encoder's view as a camera: 550×802 pixels, focal length 1,900."""
    return Camera.orbit(view.target, view.distance, view.yaw_degrees, view.pitch_degrees)


class EncoderRenderer:
    """A rasterizer as `pavfmt.encoder`'s Renderer."""

    def __init__(self, rasterizer: Rasterizer) -> None:
        self._rasterizer = rasterizer

    def contributions(
        self, gaussians: PosedGaussians, view: OrbitView, shares: NDArray[np.floating] | None = None
    ) -> NDArray[np.floating]:
        """(N,) Σ α·T of each Gaussian over the pixels of one picture, each counting its share (H, W)."""
        return self._rasterizer.contributions(gaussians, camera_of(view), shares)

    def picture(self, gaussians: PosedGaussians, view: OrbitView) -> NDArray[np.floating]:
        """(H, W, 3) the picture over white."""
        return self._rasterizer.render(gaussians, camera_of(view))


def open_renderer(device: str = "auto") -> EncoderRenderer:
    """What `pav encode` measures with."""
    return EncoderRenderer(open_rasterizer(device))

"""The renderer that an encoder measures importance with: any rasterizer, seen through `pavfmt`'s protocol."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.encoder.importance import ContributionRenderer, View
from pavfmt.posing import PosedGaussians
from pavplayer.camera import Camera
from pavplayer.rasterizers import Rasterizer, open_rasterizer


def camera_of(view: View) -> Camera:
    """The encoder's view as a camera: 550×802 pixels, focal length 1,900."""
    return Camera.orbit(view.target, view.distance, view.yaw_degrees, view.pitch_degrees)


class RasterizerContributions:
    """A rasterizer as a `pavfmt.encoder.importance.ContributionRenderer`."""

    def __init__(self, rasterizer: Rasterizer) -> None:
        self._rasterizer = rasterizer

    def contributions(self, gaussians: PosedGaussians, view: View) -> NDArray[np.floating]:
        """(N,) Σ α·T of each Gaussian over the pixels of one picture."""
        return self._rasterizer.contributions(gaussians, camera_of(view))


def open_renderer(device: str = "auto") -> ContributionRenderer:
    """What `pav encode` finds by the entry point group "pavfmt.renderers"."""
    return RasterizerContributions(open_rasterizer(device))

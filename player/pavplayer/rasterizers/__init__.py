"""Rasterizers behind one protocol: tiles on the CPU, gsplat on CUDA, and a plain one to test them against.

What a picture is, §9 says: Gaussians blended front to back by depth, each where its α reaches 1/255, until
a pixel's transmittance T is used up. `plain` does that sentence by sentence in float64 NumPy, one Gaussian after the
other over the whole picture. It takes seconds and is what the others are tested against.

`tiles` draws the same picture in milliseconds, in three steps:

1. **Projection** (`projection`). Each Gaussian becomes a record of ten numbers: its centre in pixels, the exponent of
   its α as two squares, its colour from this side, and how far it reaches. What cannot reach a pixel ends here.
2. **Binning** (`binning`). The picture is cut into tiles of 16×16 pixels, and each tile gets the list of the Gaussians
   that reach a pixel of it, sorted by depth. Two passes over the Gaussians fill all lists as a counting sort does:
   the first counts, the sums of the counts say where each list begins, the second writes.
3. **Blending** (`blending`). Each tile goes through its list once, its pixels in the nearest cache, and stops when all
   of them have stopped.

Why it is exact, not an approximation by tiles. Lists may hold too many Gaussians but never too few: boxes and spans
are computed from the border where α = 1/255 and widened by a thousandth of a pixel against rounding. Whether a
Gaussian covers a pixel is then decided at the pixel, by its α, as §9 wants it; a Gaussian that is listed in vain
weighs 0. Depths are rounded to binary32 before they are compared and the sort is stable, so ties go by index.
What remains is the rounding of float32 sums.

Why the number of threads does not show. Threads share out whole tiles, and nothing that one tile computes enters
another: which thread draws a tile, and when, changes nothing. Where results of tiles are added up (`contributions`),
each entry of each list has a place of its own, and one thread adds them in the order of the lists.

`sensitivity` and `linear` walk the same tiles for the encoder: what pictures owe to each Gaussian, and pictures as a
linear function of colours.

`cuda` hands the same Gaussians to gsplat, where the rules come from; its docstring says where it differs.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavplayer.camera import Camera
from pavplayer.packages import install_hint, is_installed
from pavplayer.rasterizers.cloud import Background, GaussianCloud

__all__ = [
    "AUTO",
    "DEVICES",
    "Background",
    "GaussianCloud",
    "Rasterizer",
    "RasterizerUnavailableError",
    "open_rasterizer",
]

AUTO = "auto"
"""CUDA where it works and else the CPU."""
DEVICES = (AUTO, "cpu", "cuda")
"""What draws: the only list of them, for options and messages too."""


class Rasterizer(Protocol):
    """Draws Gaussians. All rasterizers follow the rules in `pavplayer.rasterizers.rules`."""

    def render(
        self, gaussians: GaussianCloud, camera: Camera, background: Background = (1.0, 1.0, 1.0)
    ) -> NDArray[np.float32]:
        """The picture as (H, W, 3) float32, display sRGB in 0..1, over a background colour."""

    def contributions(
        self, gaussians: GaussianCloud, camera: Camera, shares: NDArray[np.floating] | None = None
    ) -> NDArray[np.float32]:
        """(N,) float32: each Gaussian's blending weight α·T summed over the pixels, its importance here.

        `shares` (H, W) says how much each pixel counts; None: 1.
        """


class RasterizerUnavailableError(RuntimeError):
    """The device asked for, or the package that drives it, is not there."""


def open_rasterizer(device: str = AUTO) -> Rasterizer:
    """The rasterizer of one of DEVICES. Raises ValueError for another, RasterizerUnavailableError."""
    if device not in DEVICES:
        raise ValueError(f"device is {device!r}, must be one of {', '.join(DEVICES)}")
    if device == "cuda" or (device == AUTO and cuda_problem() is None):
        return _open_cuda()
    return _open_cpu()


def cuda_problem() -> str | None:
    """Why gsplat cannot draw on CUDA here; None if nothing is known to be missing."""
    for package in ("torch", "gsplat", "packaging"):
        if not is_installed(package):
            return f"the package {package} is not installed ({install_hint('gpu')})"
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of CUDA that torch links to is missing
        return f"torch cannot be imported: {error}"
    if not torch.cuda.is_available():
        return "torch finds no CUDA device (or is a build without CUDA)"
    return None


def _open_cuda() -> Rasterizer:
    problem = cuda_problem()
    if problem is not None:
        raise RasterizerUnavailableError(f"no CUDA rasterizer: {problem}")
    from pavplayer.rasterizers.cuda import CudaRasterizer

    return CudaRasterizer()


def _open_cpu() -> Rasterizer:
    if not is_installed("numba"):
        hint = install_hint("player")
        raise RasterizerUnavailableError(f"no CPU rasterizer: the package numba is not installed ({hint})")
    from pavplayer.rasterizers.tiles import TileRasterizer

    return TileRasterizer()

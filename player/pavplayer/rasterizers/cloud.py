"""What a rasterizer takes."""

from __future__ import annotations

from typing import Any, Protocol

Background = tuple[float, float, float]
"""Display sRGB in 0..1."""


class GaussianCloud(Protocol):
    """N Gaussians in world space: `pavfmt.posing.PosedGaussians`, or anything with its attributes.

    Arrays are NumPy of any float type; the CUDA rasterizer also takes torch tensors.
    """

    @property
    def means(self) -> Any:
        """(N, 3) metres."""

    @property
    def quats(self) -> Any:
        """(N, 4) rotations (w, x, y, z), normalised by the rasterizer."""

    @property
    def scales(self) -> Any:
        """(N, 3) standard deviations in metres."""

    @property
    def opacities(self) -> Any:
        """(N,) 0..1."""

    @property
    def sh(self) -> Any:
        """(N, 1 + K, 3) coefficients; K = 0, 3, 8 or 15."""

    @property
    def sh_quats(self) -> Any | None:
        """(N, 4): view directions are turned by the inverse of these before SH are evaluated; None: not."""

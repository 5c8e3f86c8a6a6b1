"""What posing gives: an avatar's Gaussians in world space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PosedCloud:
    """N Gaussians in world space, float32 NumPy arrays or torch tensors: what a rasterizer draws."""

    means: Any
    """(N, 3) metres."""
    quats: Any
    """(N, 4) unit, (w, x, y, z)."""
    scales: Any
    """(N, 3) standard deviations in metres."""
    opacities: Any
    """(N,) 0..1."""
    sh: Any
    """(N, 1 + K, 3) coefficients, sh0 first."""
    sh_quats: Any | None = None
    """(N, 4): view directions are turned by the inverse of these before SH are evaluated."""

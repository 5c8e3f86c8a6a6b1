"""Where somebody looks from, whatever size the picture then has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavplayer.camera import Camera

MAX_PIXELS = 1920 * 1200
"""Of one picture; a larger window shows it enlarged."""


@dataclass(frozen=True, eq=False)
class WindowView:
    """A camera that follows a window."""

    position: NDArray[np.float64]
    """(3,) metres."""
    rotation: NDArray[np.float64]
    """(3, 3) camera axes (x right, y down, z forward) to world axes."""
    fov_y: float
    """Radians, from the window's upper to its lower edge."""
    width: int
    height: int
    """Pixels of the window."""

    def camera(self, scale: float = 1.0) -> Camera:
        """At a share of the window's width and height."""
        scale = min(scale, (MAX_PIXELS / max(1, self.width * self.height)) ** 0.5)
        width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        focal = height / 2 / float(np.tan(self.fov_y / 2))
        turned = self.rotation.T
        return Camera(turned, -turned @ self.position, focal, focal, width / 2, height / 2, width, height)

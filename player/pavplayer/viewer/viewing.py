"""Where somebody looks from, whatever size the picture then has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavplayer.camera import Camera

MOST_PIXELS = 1920 * 1200
"""Of one picture; a larger window shows it enlarged."""


@dataclass(frozen=True, eq=False)
class View:
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
        scale = min(scale, (MOST_PIXELS / max(1, self.width * self.height)) ** 0.5)
        width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        focal = height / 2 / float(np.tan(self.fov_y / 2))
        turned = self.rotation.T
        return Camera(turned, -turned @ self.position, focal, focal, width / 2, height / 2, width, height)


def view_of(camera: Camera, width: int, height: int) -> View:
    """A window that shows from top to bottom what a camera shows."""
    fov = 2 * float(np.arctan(camera.height / 2 / camera.fy))
    return View(camera.position, camera.rotation.T, fov, width, height)

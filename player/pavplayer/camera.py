"""A pinhole camera in OpenCV axes, and the cameras that look at a head.

World axes are the project's: +Y up, the face looks toward +Z, the person's left is +X. Camera axes are x to
the right, y down, z forward; pixel (column i, row j) has its centre at (i + 0.5, j + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

REFERENCE_SIZE = (550, 802)
"""Width and height in pixels at which `REFERENCE_FOCAL` is given."""
REFERENCE_FOCAL = 1900.0
"""Pixels."""
REFERENCE_DISTANCE = 3.25
"""Camera to target, in heights of the neutral mesh."""


@dataclass(frozen=True, eq=False)
class Camera:
    """Where a picture is taken from, and its size."""

    rotation: NDArray[np.float64]
    """(3, 3) world axes to camera axes."""
    translation: NDArray[np.float64]
    """(3,) metres: a world point p is at rotation · p + translation in the camera's axes."""
    fx: float
    """Focal lengths and principal point in pixels."""
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "rotation", np.ascontiguousarray(self.rotation, np.float64).reshape(3, 3))
        set_(self, "translation", np.ascontiguousarray(self.translation, np.float64).reshape(3))
        if self.width < 1 or self.height < 1 or not (self.fx > 0 and self.fy > 0):
            raise ValueError(f"a camera needs a size and focal lengths above 0, not {self}")

    @property
    def position(self) -> NDArray[np.float64]:
        """(3,) the camera's centre in world axes, metres."""
        return -self.rotation.T @ self.translation

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) the matrix K that takes camera axes to homogeneous pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def view_matrix(self) -> NDArray[np.float64]:
        """(4, 4) world to camera."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.rotation, self.translation
        return matrix

    @classmethod
    def orbit(
        cls,
        target: Floats | tuple[float, float, float],
        distance: float,
        yaw_degrees: float = 0.0,
        pitch_degrees: float = 0.0,
        zoom: float = 1.0,
        width: int = REFERENCE_SIZE[0],
        height: int = REFERENCE_SIZE[1],
        focal_px: float = REFERENCE_FOCAL,
    ) -> Camera:
        """A camera `distance` metres from `target`, looking at it, up being +Y.

        At yaw = pitch = 0 it stands on the +Z side and looks toward −Z; positive yaw moves it toward the
        person's left (+X), positive pitch raises it. `zoom` multiplies the focal length.
        """
        yaw, pitch = np.radians(yaw_degrees), np.radians(pitch_degrees)
        outward = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        rotation = np.stack([right, np.cross(-outward, right), -outward])
        position = np.asarray(target, np.float64) + distance * outward
        focal = focal_px * zoom
        return cls(rotation, -rotation @ position, focal, focal, width / 2, height / 2, width, height)


def centre_and_height(vertices: Floats) -> tuple[NDArray[np.float64], float]:
    """Of the bounding box of (V, 3) vertices."""
    low = np.min(vertices, axis=0).astype(np.float64)
    high = np.max(vertices, axis=0).astype(np.float64)
    return (low + high) / 2, float(high[1] - low[1])


def evaluation_camera(
    neutral: Floats,
    yaw_degrees: float = 0.0,
    pitch_degrees: float = 0.0,
    zoom: float = 1.0,
    width: int = REFERENCE_SIZE[0],
    height: int = REFERENCE_SIZE[1],
) -> Camera:
    """The camera that quality is measured with: `neutral` is (V, 3), the rig's neutral vertices in metres.

    It looks at the centre of the mesh's bounding box from 3.25 times the box's height. The focal length is
    1,900 px at 550×802 and follows the smaller ratio of the sizes, so another size shows at least as much.
    """
    centre, tall = centre_and_height(neutral)
    scale = min(width / REFERENCE_SIZE[0], height / REFERENCE_SIZE[1])
    return Camera.orbit(
        centre,
        REFERENCE_DISTANCE * tall,
        yaw_degrees,
        pitch_degrees,
        zoom,
        width,
        height,
        REFERENCE_FOCAL * scale,
    )

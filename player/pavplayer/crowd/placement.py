"""Where an avatar stands in the world that it shares with others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array
from pavplayer.camera import Camera


@dataclass(frozen=True)
class Placement:
    """An avatar's point p is at position + scale · turn(p), the turn being about +Y."""

    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Metres: where the origin of the avatar's axes goes."""
    yaw_degrees: float = 0.0
    """Positive turns the face toward +X."""
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"a placement needs a scale above 0, not {self.scale}")

    @property
    def rotation(self) -> NDArray[np.float64]:
        """(3, 3) the turn."""
        yaw = np.radians(self.yaw_degrees)
        c, s = np.cos(yaw), np.sin(yaw)
        return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])

    @property
    def quaternion(self) -> NDArray[np.float64]:
        """(4,) the turn as (w, x, y, z)."""
        half = np.radians(self.yaw_degrees) / 2
        return np.array([np.cos(half), 0.0, np.sin(half), 0.0])

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, 3) points of the avatar's axes in the world."""
        placed: NDArray[np.float64] = self.scale * points @ self.rotation.T + np.array(self.position)
        return placed

    def seen_by(self, camera: Camera) -> Camera:
        """The camera in the avatar's axes: the same picture, depths divided by the scale."""
        moved = camera.rotation @ np.array(self.position) + camera.translation
        return replace(camera, rotation=camera.rotation @ self.rotation, translation=moved / self.scale)

    def placed(
        self, means: Float32Array, quats: Float32Array, scales: Float32Array
    ) -> tuple[Float32Array, Float32Array, Float32Array]:
        """World means (N, 3), quaternions (N, 4) and scales (N, 3) of posed Gaussians."""
        turn = np.ascontiguousarray((self.scale * self.rotation.T).astype(np.float32))
        offset = np.array(self.position, np.float32)
        quaternion = self.quaternion.astype(np.float32)
        return means @ turn + offset, _product(quaternion, quats.T), scales * self.scale


def _product(p: Float32Array, quats: Float32Array) -> Float32Array:
    """p ⊗ q of one quaternion (4,) and (4, N): the rotation q, then p, as (N, 4)."""
    pw, px, py, pz = p
    qw, qx, qy, qz = quats
    parts = [
        pw * qw - px * qx - py * qy - pz * qz,
        pw * qx + px * qw + py * qz - pz * qy,
        pw * qy - px * qz + py * qw + pz * qx,
        pw * qz + px * qy - py * qx + pz * qw,
    ]
    return np.stack(parts, axis=1)

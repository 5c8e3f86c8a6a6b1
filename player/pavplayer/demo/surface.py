"""The head as a surface to paint on: parts, normals, and what is seen from the front."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Float64Array, Int32Array, Pose, Rig
from pavfmt.posing import pose_mesh

SKIN, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE = range(5)
PART_REGIONS = {
    "skin": SKIN,
    "left_eye": LEFT_EYE,
    "right_eye": RIGHT_EYE,
    "upper_teeth": TEETH,
    "lower_teeth": TEETH,
    "tongue": TONGUE,
}


@dataclass(frozen=True)
class HeadSurface:
    """A posed rig: vertices (V, 3) in metres and its faces (F, 3)."""

    rig: Rig
    vertices: Float64Array

    @classmethod
    def of(cls, rig: Rig, **weights: float) -> HeadSurface:
        """The rig at rest, or with some shapes at some weight."""
        return cls(rig, pose_mesh(rig, None, Pose(weights)).vertices)

    @property
    def faces(self) -> Int32Array:
        """(F, 3)."""
        return self.rig.faces

    @cached_property
    def corners(self) -> Float64Array:
        """(F, 3, 3) face, corner, axis."""
        return self.vertices[self.faces]

    @cached_property
    def parts(self) -> NDArray[np.int64]:
        """(F,) SKIN, LEFT_EYE, …"""
        parts = np.zeros(len(self.faces), np.int64)
        for name, part in PART_REGIONS.items():
            parts[self.rig.regions[name][self.faces].all(axis=1)] = part
        return parts

    @cached_property
    def vertex_normals(self) -> Float64Array:
        """(V, 3) unit, the faces' normals weighted by area."""
        corners = self.corners
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(normals, self.faces[:, corner], across)
        return unit(normals)

    def smoothed(self, values: Float64Array, rounds: int) -> Float64Array:
        """(V, X) values, each averaged with its neighbours' `rounds` times."""
        pairs = np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]])
        degree = np.bincount(pairs.reshape(-1), minlength=len(values))[:, None]
        for _ in range(rounds):
            total = np.zeros_like(values)
            np.add.at(total, pairs[:, 0], values[pairs[:, 1]])
            np.add.at(total, pairs[:, 1], values[pairs[:, 0]])
            values = (values + total / np.maximum(degree, 1)) / 2
        return values

    def front_faces(self, xy: Float64Array) -> NDArray[np.int64]:
        """(N, 2) points x, y in metres → (N,) the face seen there from far ahead (+Z), −1 where none is."""
        flat = self.corners[..., :2]
        near = ((flat.max(axis=1) >= xy.min(axis=0)) & (flat.min(axis=1) <= xy.max(axis=0))).all(axis=1)
        candidates = np.flatnonzero(near)
        blocks = [_front_rows(xy[i : i + 128], self.corners[candidates]) for i in range(0, len(xy), 128)]
        rows = np.concatenate(blocks)
        return np.where(rows < 0, -1, candidates[rows])


def _front_rows(xy: Float64Array, corners: Float64Array) -> NDArray[np.int64]:
    """(N, 2) points, (C, 3, 3) corners → (N,) the nearest of the triangles over each point, −1 if none."""
    edges = np.roll(corners, -1, axis=1)[..., :2] - corners[..., :2]
    away = xy[:, None, None] - corners[..., :2]
    side = (
        edges[..., 0] * away[..., 1] - edges[..., 1] * away[..., 0]
    )  # (N, C, 3): shares of the third corners
    total = side.sum(axis=2)
    height = (side * np.roll(corners[..., 2], -2, axis=1)).sum(axis=2) / np.where(total == 0, 1, total)
    height = np.where((side >= 0).all(axis=2) & (total > 0), height, -np.inf)
    best = np.argmax(height, axis=1)
    return np.where(np.isfinite(height[np.arange(len(xy)), best]), best, -1)


def unit(vectors: Float64Array) -> Float64Array:
    """(…, 3) vectors to length 1; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Float64Array = vectors / np.maximum(lengths, 1e-12)
    return scaled


def smoothstep(low: float, high: float, values: Float64Array) -> Float64Array:
    """0 below `low`, 1 above `high`, smooth between; `low` may be the larger."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    steps: Float64Array = t * t * (3 - 2 * t)
    return steps


def bump(points: Float64Array, centre: tuple[float, ...], widths: tuple[float, ...]) -> Float64Array:
    """(N, D) points → (N,) Gaussian of height 1 and standard deviations `widths`; x is mirrored."""
    mirrored = np.concatenate([np.abs(points[:, :1]), points[:, 1:]], axis=1)
    away = (mirrored[:, : len(centre)] - np.array(centre)) / np.array(widths)
    hill: Float64Array = np.exp(-0.5 * np.sum(away * away, axis=1))
    return hill


def value_noise(points: Float64Array, cell: float, seed: int) -> Float64Array:
    """(N, 3) points in metres → (N,) smooth noise in −1..1 with bumps of size `cell`, from an integer hash."""
    place = points / cell + 1000.0
    base = np.floor(place).astype(np.int64)
    fraction = place - base
    fraction = fraction * fraction * (3 - 2 * fraction)
    total = np.zeros(len(points))
    for corner in np.ndindex(2, 2, 2):
        offset = np.array(corner)
        share = np.where(offset == 1, fraction, 1 - fraction).prod(axis=1)
        total += share * hashed(base + offset, seed)
    return total


def hashed(cells: NDArray[np.int64], seed: int) -> Float64Array:
    """(N, 3) integers → (N,) numbers in −1..1."""
    mixed = cells[:, 0] * 73856093 ^ cells[:, 1] * 19349663 ^ cells[:, 2] * 83492791 ^ seed * 2654435761
    mixed = (mixed ^ (mixed >> 15)) * 0x2C1B3C6D & 0xFFFFFFFF
    mixed = (mixed ^ (mixed >> 12)) * 0x297A2D39 & 0xFFFFFFFF
    numbers: Float64Array = ((mixed ^ (mixed >> 15)) & 0xFFFF) / 32767.5 - 1.0
    return numbers

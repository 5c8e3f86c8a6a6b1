"""The resting head as a surface to paint on: its parts, normals and frames, and smooth curves to paint with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array, Int32Array
from pavfmt.model import Identity, Pose, Rig
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


@dataclass(frozen=True, eq=False)
class HeadSurface:
    """A posed rig: vertices (V, 3) in metres and its faces (F, 3)."""

    rig: Rig
    vertices: Float64Array

    @classmethod
    def of(cls, rig: Rig, identity: Identity | None = None, **weights: float) -> HeadSurface:
        """The rig at rest, or with some shapes at some weight."""
        return cls(rig, pose_mesh(rig, identity, Pose(weights)).vertices)

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
    def normals(self) -> Float64Array:
        """(V, 3) unit, the faces' normals weighted by area."""
        return vertex_normals(self.vertices, self.faces)

    def smoothed(self, values: Float64Array, rounds: int) -> Float64Array:
        """(V,) values, each averaged with its neighbours' `rounds` times."""
        pairs = np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]])
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        degree = np.maximum(np.bincount(pairs[:, 0], minlength=len(values)), 1)
        for _ in range(rounds):
            total = np.bincount(pairs[:, 0], values[pairs[:, 1]], len(values))
            values = (values + total / degree) / 2
        return values


def vertex_normals(vertices: Float64Array, faces: Int32Array) -> Float64Array:
    """(V, 3) unit normals, the faces' weighted by area."""
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    index = faces.reshape(-1)
    sums = [np.bincount(index, np.repeat(column, 3), len(vertices)) for column in across.T]
    return unit(np.stack(sums, axis=1))


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


def front_faces(surface: HeadSurface, xy: Float64Array) -> NDArray[np.int64]:
    """(N, 2) points x, y in metres → (N,) the face seen there from far ahead (+Z), −1 where none is."""
    flat = surface.corners[..., :2]
    near = ((flat.max(axis=1) >= xy.min(axis=0)) & (flat.min(axis=1) <= xy.max(axis=0))).all(axis=1)
    candidates = np.flatnonzero(near)
    corners = surface.corners[candidates]
    rows = np.concatenate([_front_rows(xy[i : i + 128], corners) for i in range(0, len(xy), 128)])
    return np.where(rows < 0, -1, candidates[rows])


def _front_rows(xy: Float64Array, corners: Float64Array) -> NDArray[np.int64]:
    """(N, 2) points, (C, 3, 3) corners → (N,) the nearest of the triangles over each point, −1 if none."""
    edges = np.roll(corners, -1, axis=1)[..., :2] - corners[..., :2]
    away = xy[:, None, None] - corners[..., :2]
    side = edges[..., 0] * away[..., 1] - edges[..., 1] * away[..., 0]  # (N, C, 3)
    total = side.sum(axis=2)
    height = (side * np.roll(corners[..., 2], -2, axis=1)).sum(axis=2) / np.where(total == 0, 1, total)
    height = np.where((side >= 0).all(axis=2) & (total > 0), height, -np.inf)
    best = np.argmax(height, axis=1)
    return np.where(np.isfinite(height[np.arange(len(xy)), best]), best, -1)


def on_skin_ahead(
    surface: HeadSurface, xy: Float64Array
) -> tuple[Float64Array, Float64Array, NDArray[np.int64]]:
    """(N, 2) places seen from the front → points (N, 3) and normals (N, 3) there, and their faces (N,)."""
    faces = front_faces(surface, xy)
    corners = surface.corners[faces]
    normals = unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    slope = np.sum(normals[:, :2] * (xy - corners[:, 0, :2]), axis=1)
    depth = corners[:, 0, 2] - slope / np.maximum(normals[:, 2], 0.2)
    return np.concatenate([xy, depth[:, None]], axis=1), normals, faces

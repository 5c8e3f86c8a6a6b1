"""The mesh of a rig and the split points on it, moved by a pose; what does not move is worked out once.

All of it is float64, so that the frames of small faces are exact. Vectors are component first: (3, N).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Float64Array
from pavfmt.codec.subdivision import edges_of, subdivided_faces
from pavfmt.model import Identity, Level, Pose, Rig
from pavfmt.posing import joint_transforms

IntArray = NDArray[np.int64]


def row_indices(numbers: NDArray[np.integer]) -> NDArray[np.int32]:
    """Indices as they are kept: four bytes, as kernels spend their time waiting for memory."""
    return np.ascontiguousarray(numbers, np.int32)


@dataclass(frozen=True)
class SkeletonPose:
    """One pose of the skeleton."""

    features: Float32Array
    """(9 · corrective joints,) entries of R − I, for the pose correctives."""
    rotations: Float64Array
    """(J, 3, 3): skinning moves a fully bound point p to R p + t."""
    translations: Float64Array
    """(J, 3) metres, root translation included."""

    def table(self, joints: slice | IntArray = slice(None)) -> Float64Array:
        """(J, 12) of some joints, or all: R row by row, then t."""
        rotations = self.rotations[joints].reshape(-1, 9)
        return np.concatenate([rotations, self.translations[joints]], axis=1)


class Mesh:
    """A rig's mesh with the split points of all levels appended to its vertices."""

    def __init__(self, rig: Rig, identity: Identity | None = None, levels: Sequence[Level] = ()) -> None:
        from pavplayer.posing import kernels  # numba, which commands must load without

        self.kernels: Any = kernels
        neutral = rig.mean_neutral if identity is None else identity.neutral
        joints = rig.mean_joint_positions if identity is None else identity.joint_positions
        self.rig = rig
        self.joint_positions = joints.astype(np.float64)
        self.neutral = np.ascontiguousarray(neutral.T.astype(np.float64))
        self.shapes = np.ascontiguousarray(
            _component_first([shape.displacements for shape in rig.shapes], len(neutral))
        )
        self.correctives = None
        if rig.correctives is not None:
            self.correctives = np.ascontiguousarray(
                _component_first(rig.correctives.displacements, len(neutral))
            )
        self.edges = row_indices(edges_of(rig.faces).T) if rig.subdivisions else None
        weights = rig.weights.astype(np.float64)
        self.host_weights = weights / weights.sum(axis=1, keepdims=True)
        self.weights = np.ascontiguousarray(self.host_weights.T)
        faces = subdivided_faces(rig.faces, len(neutral)) if rig.subdivisions else rig.faces
        self.corners, self.split_points = _forest(faces.astype(np.int64), len(weights), levels)
        self._splits = [
            (row_indices(parent.T), np.ascontiguousarray(beta.T)) for parent, beta in self.split_points
        ]

    @property
    def point_count(self) -> int:
        """Vertices and split points."""
        splits: int = sum(parents.shape[1] for parents, _ in self._splits)
        return len(self.host_weights) + splits

    def forget_levels(self) -> None:
        """Let go of what only the making of bindings needs: faces above level 0 and the host's split points."""
        self.corners, self.split_points = self.corners[:1], []

    def skeleton(self, pose: Pose) -> SkeletonPose:
        """The skeleton in a pose; the joints follow the shapes first."""
        positions = self.joint_positions
        for shape in self.rig.shapes:
            weight = pose.weights.get(shape.name, 0.0)
            if weight and shape.joint_displacements is not None:
                positions = positions + weight * shape.joint_displacements
        local, rotations, translations = joint_transforms(self.rig, positions, pose)
        listed = [] if self.rig.correctives is None else list(self.rig.correctives.joints)
        features = (local[listed] - np.eye(3)).reshape(-1).astype(np.float32)
        return SkeletonPose(features, rotations, translations)

    def rest(self, weights: Mapping[str, float], skeleton: SkeletonPose) -> Float64Array:
        """(3, V) vertices before skinning: neutral, weighted shapes, correctives, midpoints."""
        points = self.neutral
        wanted = np.array([weights.get(shape.name, 0.0) for shape in self.rig.shapes], np.float32)
        points = self._with_rows(points, wanted, self.shapes)
        if self.correctives is not None:
            points = self._with_rows(points, skeleton.features, self.correctives)
        if self.edges is None:
            return points
        ends = points[:, self.edges]
        return np.concatenate([points, (ends[:, 0] + ends[:, 1]) / 2], axis=1)

    def _with_rows(self, points: Float64Array, weights: Float32Array, rows: Float32Array) -> Float64Array:
        """(3, V0) points plus Σ weight · row of (K,) weights and (K, 3 · V0) rows, but for weights of 0."""
        active = np.flatnonzero(weights)
        if not len(active):
            return points
        moved: Float64Array = self.kernels.add_rows(points, weights[active].astype(np.float64), active, rows)
        return moved

    def skinned(self, rest: Float64Array, skeleton: SkeletonPose) -> Float64Array:
        """(3, V) posed vertices."""
        points = np.empty((3, rest.shape[1]))
        self.kernels.skin(rest, self.weights, skeleton.table(), points)
        return points

    def with_splits(self, points: Float64Array) -> Float64Array:
        """(3, V) points continued to the split points of every level, level after level."""
        whole = np.empty((3, self.point_count))
        first = points.shape[1]
        whole[:, :first] = points
        for parents, beta in self._splits:
            self.kernels.add_splits(parents, beta, first, whole)
            first += parents.shape[1]
        return whole


def _component_first(rows: Sequence[Float32Array] | Float32Array, count: int) -> Float32Array:
    """K arrays (V0, 3) as one (K, 3 · V0)."""
    stacked = np.asarray(rows, np.float32).reshape(len(rows), count, 3)
    return stacked.transpose(0, 2, 1).reshape(len(rows), 3 * count)


def _forest(
    faces: IntArray, point_count: int, levels: Sequence[Level]
) -> tuple[list[IntArray], list[tuple[IntArray, Float64Array]]]:
    """Per level the (F, 3) corners of its faces; per level above 0 the splits' parents' corners and β.

    Corners count the mesh's vertices first and then the split points.
    """
    corners, splits = [faces], []
    for level in levels[1:]:
        assert level.splits is not None  # Avatar's constructor checks it
        parents = corners[-1][level.splits.parents]
        beta = level.splits.barycentrics.astype(np.float64)
        a, b, c = parents.T
        p = point_count + np.arange(len(parents))
        point_count += len(parents)
        children = [np.stack(child, axis=1) for child in ((a, b, p), (b, c, p), (c, a, p))]
        corners.append(np.stack(children, axis=1).reshape(-1, 3))
        splits.append((parents, beta / beta.sum(axis=1, keepdims=True)))
    return corners, splits

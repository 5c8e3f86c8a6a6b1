"""What Gaussians hang on: face frames, or points of the skinned surface.

Gaussians are float32. Vectors inside are component first: (3, N).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Float64Array
from pavfmt.model import Level
from pavfmt.posing import quaternion_from_rotation
from pavfmt.registry import Site
from pavplayer.posing.skinned_mesh import IntArray, Mesh, SkeletonPose, row_indices


@dataclass(frozen=True)
class LocalArrays:
    """All Gaussians of an avatar, level after level or in file order, as they are stored."""

    levels: IntArray
    """(N,) which level each is of."""
    sites: IntArray
    means: Float32Array
    quats: Float32Array
    """(N, 4), normalised."""
    scales: Float32Array
    barycentrics: Float64Array
    """(N, 3), zeros where the site is no point on a face."""
    opacities: Float32Array
    sh: Float32Array

    def take(self, rows: NDArray[np.integer]) -> LocalArrays:
        """The Gaussians at `rows`, in that order."""
        if len(rows) == len(self.levels) and (np.diff(rows) == 1).all():
            return self  # all, in this order
        return LocalArrays(**{name: value[rows] for name, value in vars(self).items()})


def local_arrays(levels: Sequence[Level]) -> LocalArrays:
    """Level after level."""
    width = max(level.gaussians.shN.shape[1] for level in levels)
    parts = [_level_arrays(number, level, width) for number, level in enumerate(levels)]
    return LocalArrays(
        **{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])}
    )


def _level_arrays(number: int, level: Level, width: int) -> LocalArrays:
    """One level's Gaussians, with zeros for SH bands that other levels have."""
    gaussians = level.gaussians
    quats = gaussians.quats.astype(np.float64)
    missing = width - gaussians.shN.shape[1]
    higher = np.pad(gaussians.shN, ((0, 0), (0, missing), (0, 0)))
    beta = gaussians.barycentrics
    return LocalArrays(
        levels=np.full(len(gaussians), number, np.int64),
        sites=gaussians.sites.astype(np.int64),
        means=gaussians.means,
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        scales=np.exp(gaussians.log_scales.astype(np.float64)).astype(np.float32),
        barycentrics=np.zeros((len(gaussians), 3)) if beta is None else beta.astype(np.float64),
        opacities=gaussians.opacities,
        sh=np.concatenate([gaussians.sh0, higher], axis=1),
    )


Part = tuple[Float32Array, Float32Array, Float32Array, Float32Array]
"""World means (N, 3), quaternions (N, 4), scales (N, 3), and the bindings' rotations (4, N).

The last may have no columns where nobody asked for them.
"""


def joint_quaternions(rotations: Float64Array) -> tuple[Float32Array, Float64Array]:
    """Of joints' rotations (J, 3, 3): the signs (J, J) of their quaternions against each other, and these (J, 4)."""
    quats = quaternion_from_rotation(rotations)
    return np.where(quats @ quats.T < 0, np.float32(-1), np.float32(1)), quats


def _empty_part(count: int, with_rotations: bool) -> Part:
    """Room for a Part."""
    return (
        np.empty((count, 3), np.float32),
        np.empty((count, 4), np.float32),
        np.empty((count, 3), np.float32),
        np.empty((4, count if with_rotations else 0), np.float32),
    )


class FaceFrameBinding:
    """Gaussians that live in the frames of faces."""

    def __init__(self, mesh: Mesh, gaussians: LocalArrays, with_rotations: bool = True) -> None:
        """`with_rotations`: whether somebody wants the bindings' rotations."""
        self._kernels, self._with_rotations = mesh.kernels, with_rotations
        first = np.cumsum([0, *(len(corners) for corners in mesh.corners)])
        faces, which = _by_first_use(gaussians.sites + first[gaussians.levels])
        corners = np.concatenate(mesh.corners)[faces]
        self._corners = [row_indices(column) for column in corners.T]
        self._which = row_indices(which)
        self._means = np.ascontiguousarray(gaussians.means.T)
        self._quats = np.ascontiguousarray(gaussians.quats.T)
        self._scales = np.ascontiguousarray(gaussians.scales)

    def leading(self, count: int) -> FaceFrameBinding:
        """The same for the first `count` Gaussians and the faces they use."""
        part = copy(self)
        part._which = self._which[:count]
        faces = int(part._which.max()) + 1 if count else 0
        part._corners = [column[:faces] for column in self._corners]
        part._means, part._quats = self._means[:, :count], self._quats[:, :count]
        part._scales = self._scales[:count]
        return part

    def posed(self, points: Float64Array) -> Part:
        """The Gaussians when vertices and split points are at `points`, (3, V + S)."""
        part = _empty_part(len(self._which), self._with_rotations)
        table = self._kernels.face_frames(points, tuple(self._corners))
        own = tuple(self._means), tuple(self._quats), self._scales
        self._kernels.pose_on_faces(table, self._which, *own, *part)
        return part


class SurfacePointBinding:
    """Gaussians that the skinning of a point carries: a vertex, a point on a face, or a joint's origin."""

    def __init__(
        self, mesh: Mesh, gaussians: LocalArrays, levels: Sequence[Level], with_rotations: bool = True
    ) -> None:
        """`with_rotations`: whether somebody wants the bindings' rotations."""
        self._kernels, self._with_rotations = mesh.kernels, with_rotations
        corners, beta, weights = _anchors(mesh, gaussians, levels)
        self._joints = np.flatnonzero(weights.any(axis=0))
        weights = weights[:, self._joints]
        self._weights = np.ascontiguousarray(weights.T.astype(np.float32))
        self._heaviest = row_indices(np.argmax(weights, axis=1)) if weights.size else None
        self._corners = [row_indices(column) for column in corners.T]
        self._beta = [np.ascontiguousarray(column) for column in beta.T]
        self._means = np.ascontiguousarray(gaussians.means.T)
        self._quats = np.ascontiguousarray(gaussians.quats.T)
        self._scales = np.ascontiguousarray(gaussians.scales)

    def leading(self, count: int) -> SurfacePointBinding:
        """The same for the first `count` Gaussians."""
        part = copy(self)
        part._weights = self._weights[:, :count]
        part._heaviest = None if self._heaviest is None else self._heaviest[:count]
        part._corners = [column[:count] for column in self._corners]
        part._beta = [column[:count] for column in self._beta]
        part._means, part._quats = self._means[:, :count], self._quats[:, :count]
        part._scales = self._scales[:count]
        return part

    def posed(self, rest: Float64Array, skeleton: SkeletonPose) -> Part:
        """The Gaussians; `rest` is (3, V + S + 1), unskinned, its last point the origin."""
        means, quats, _, rotations = part = _empty_part(len(self._scales), self._with_rotations)
        if self._heaviest is None:
            return part
        on_joints = skeleton.table(self._joints), *joint_quaternions(skeleton.rotations[self._joints])
        anchors = tuple(self._corners), tuple(self._beta), self._weights, self._heaviest
        own = tuple(self._means), tuple(self._quats)
        self._kernels.pose_on_points(rest, *anchors, *on_joints, *own, means, quats, rotations)
        return means, quats, self._scales, rotations


def _by_first_use(faces: IntArray) -> tuple[IntArray, IntArray]:
    """The different ones of (N,) faces in the order they first come in, and which of these each is."""
    found, first, which = np.unique(faces, return_index=True, return_inverse=True)
    order = np.argsort(first)
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return found[order], places[which.reshape(-1)]


def _anchors(
    mesh: Mesh, gaussians: LocalArrays, levels: Sequence[Level]
) -> tuple[IntArray, Float64Array, Float64Array]:
    """What surface points hang on: three points (N, 3), their β (N, 3), and skinning weights (N, J)."""
    extended = _extended_weights(mesh)
    corners = np.full((len(gaussians.sites), 3), mesh.point_count, np.int64)  # that one is the origin
    beta = np.zeros((len(corners), 3))
    weights = np.zeros((len(corners), extended.shape[1]))
    for number, level in enumerate(levels):
        rows = np.flatnonzero(gaussians.levels == number)
        sites = gaussians.sites[rows]
        if level.site is Site.JOINT:
            weights[rows, sites] = 1.0
            continue
        if level.site is Site.VERTEX:
            corners[rows], beta[rows] = sites[:, None], [1.0, 0.0, 0.0]
        else:
            corners[rows], beta[rows] = mesh.corners[number][sites], gaussians.barycentrics[rows]
        weights[rows] = np.einsum("nk,nkj->nj", beta[rows], extended[corners[rows]])
    return corners, beta, weights


def _extended_weights(mesh: Mesh) -> Float64Array:
    """(V + S, J): skinning weights of vertices and split points."""
    weights: Float64Array = mesh.host_weights
    for parents, beta in mesh.split_points:
        weights = np.concatenate([weights, np.einsum("sk,skj->sj", beta, weights[parents])])
    return weights

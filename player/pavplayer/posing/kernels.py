"""The steps of `pavplayer.posing.poser` in numba: one Gaussian at a time instead of whole arrays one after another.

What a Gaussian needs is read once, and nothing is written but the result: array operations read and write
all of N dozens of times, and at 170,000 Gaussians memory is what they wait for. Numbers in between are float64: what
is waited for is not arithmetic. Each Gaussian is computed on its own, so that the bits are the same
for any number of threads. Vectors come component first, as everywhere in posing: (3, N) as three rows, so that the
first Gaussians alone will do. Meshes are small, and left to one thread: waking another would take as long.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from pavfmt.posing import TINY
from pavplayer.compilation import (
    Float32Array,
    Float64Array,
    Int64Array,
    compiled,
    parallel,
    prange,
)

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Columns = tuple[Float32Array, ...]
"""The components of N vectors or quaternions, (N,) each."""
FRAME_WIDTH = 8
"""A face's frame: quaternion, size and centroid."""


@compiled
def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compiled
def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def _scaled(a: Vector, factor: float) -> Vector:
    return a[0] * factor, a[1] * factor, a[2] * factor


@compiled
def _across(a0: Vector) -> Vector:
    """A unit vector at right angles to a0: a0 × the coordinate axis least along it (the first on ties)."""
    x, y, z = abs(a0[0]), abs(a0[1]), abs(a0[2])
    axis = (0.0, 0.0, 1.0)
    if x <= y and x <= z:
        axis = (1.0, 0.0, 0.0)
    elif y <= z:
        axis = (0.0, 1.0, 0.0)
    vector = _cross(a0, axis)
    return _scaled(vector, 1 / sqrt(_dot(vector, vector)))


@compiled
def _quaternion(x: Vector, y: Vector, z: Vector) -> Quaternion:
    """Rotation columns → a unit quaternion, through its component of largest magnitude."""
    # The four candidates are 4 w², 4 x², 4 y², 4 z²; the largest is at least 1, so that nothing cancels and the square
    # root is of no small number. Which one is taken changes the sign at most, and q and −q are one rotation.
    ww, xx = 1 + x[0] + y[1] + z[2], 1 + x[0] - y[1] - z[2]
    yy, zz = 1 - x[0] + y[1] - z[2], 1 - x[0] - y[1] + z[2]
    a, b, c = y[2] - z[1], z[0] - x[2], x[1] - y[0]
    d, e, f = x[1] + y[0], z[0] + x[2], y[2] + z[1]
    row = (ww, a, b, c)
    if max(ww, xx) >= max(yy, zz):
        if ww < xx:
            row = (a, xx, d, e)
    else:
        row = (c, e, f, zz) if zz > yy else (b, d, yy, f)
    scale = 1 / sqrt(row[0] ** 2 + row[1] ** 2 + row[2] ** 2 + row[3] ** 2)
    return row[0] * scale, row[1] * scale, row[2] * scale, row[3] * scale


@compiled
def _write_frame(points: Float64Array, i: int, j: int, k: int, table: Float32Array, face: int) -> None:
    """The frame of the face with these corners (§8); degenerate faces have one too."""
    x, y, z = points[0, i], points[1, i], points[2, i]
    edge = (points[0, j] - x, points[1, j] - y, points[2, j] - z)
    other = (points[0, k] - x, points[1, k] - y, points[2, k] - z)
    square = _dot(edge, edge)
    length = sqrt(square)
    a0 = (1.0, 0.0, 0.0) if square < TINY else _scaled(edge, 1 / length)
    normal = _cross(a0, other)
    normal_square = _dot(normal, normal)
    a1 = _across(a0) if normal_square < TINY else _scaled(normal, 1 / sqrt(normal_square))
    a2 = _cross(a0, a1)
    table[face, 0], table[face, 1], table[face, 2], table[face, 3] = _quaternion(a0, a1, a2)
    table[face, 4] = (length + abs(_dot(a2, other))) / 2
    table[face, 5] = x + (edge[0] + other[0]) / 3
    table[face, 6] = y + (edge[1] + other[1]) / 3
    table[face, 7] = z + (edge[2] + other[2]) / 3


@compiled
def _rotated(q: Quaternion, v: Vector) -> Vector:
    """A vector turned by a unit quaternion."""
    twice = _scaled(_cross((q[1], q[2], q[3]), v), 2.0)
    again = _cross((q[1], q[2], q[3]), twice)
    return (
        v[0] + q[0] * twice[0] + again[0],
        v[1] + q[0] * twice[1] + again[1],
        v[2] + q[0] * twice[2] + again[2],
    )


@compiled
def _write_product(p: Quaternion, q: Quaternion, products: Float32Array, i: int) -> None:
    """p ⊗ q, the rotation q, then p, into row i."""
    products[i, 0] = p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3]
    products[i, 1] = p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2]
    products[i, 2] = p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1]
    products[i, 3] = p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0]


@compiled
def _skinned(point: Vector, weights: Float32Array | Float64Array, i: int, table: Float64Array) -> Vector:
    """A point moved by the transforms in `table` (J, 12), R row by row and then t, under weights (J, N)[:, i]."""
    x, y, z = point
    u, v, w = 0.0, 0.0, 0.0
    for j in range(len(weights)):
        weight = weights[j, i]
        u += weight * (table[j, 0] * x + table[j, 1] * y + table[j, 2] * z + table[j, 9])
        v += weight * (table[j, 3] * x + table[j, 4] * y + table[j, 5] * z + table[j, 10])
        w += weight * (table[j, 6] * x + table[j, 7] * y + table[j, 8] * z + table[j, 11])
    return u, v, w


@compiled
def _blended(
    weights: Float32Array, i: int, heaviest: int, agreement: Float32Array, quats: Float64Array
) -> Quaternion:
    """The normalised sum of joints' quaternions (J, 4), signs (J, J) agreeing with the heaviest joint's."""
    w, x, y, z = 0.0, 0.0, 0.0, 0.0
    for j in range(len(weights)):
        # q and −q turn alike, but their sums do not: the signs follow the joint that matters most here.
        weight = weights[j, i] * agreement[heaviest, j]
        w, x = w + weight * quats[j, 0], x + weight * quats[j, 1]
        y, z = y + weight * quats[j, 2], z + weight * quats[j, 3]
    scale = 1 / sqrt(w * w + x * x + y * y + z * z + 1e-24)
    return w * scale, x * scale, y * scale, z * scale


@compiled
def add_rows(
    base: Float64Array, weights: Float64Array, chosen: Int64Array, rows: Float32Array
) -> Float64Array:
    """(3, V) points plus Σ weights[k] · rows[chosen[k]], rows (K, 3 · V)."""
    moved = base.copy()
    flat = moved.reshape(-1)
    for k in range(len(chosen)):
        weight, row = weights[k], rows[chosen[k]]
        for at in range(len(flat)):
            flat[at] += weight * row[at]
    return moved


@compiled
def skin(rest: Float64Array, weights: Float64Array, table: Float64Array, points: Float64Array) -> None:
    """The first V of `points` (3, P): `rest` (3, V) under weights (J, V)."""
    for v in range(rest.shape[1]):
        moved = _skinned((rest[0, v], rest[1, v], rest[2, v]), weights, v, table)
        points[0, v], points[1, v], points[2, v] = moved


@compiled
def add_splits(parents: Int64Array, beta: Float64Array, first: int, points: Float64Array) -> None:
    """Split points of a level into `points` (3, P) from `first` on: corners (3, S) weighted by β (3, S)."""
    for s in range(parents.shape[1]):
        a, b, c = parents[0, s], parents[1, s], parents[2, s]
        for k in range(3):
            points[k, first + s] = (
                beta[0, s] * points[k, a] + beta[1, s] * points[k, b] + beta[2, s] * points[k, c]
            )


@parallel
def face_frames(points: Float64Array, corners: tuple[Int64Array, ...]) -> Float32Array:
    """(F, FRAME_WIDTH) frames of faces, whose three corners are points (3, P)."""
    table = np.empty((len(corners[0]), FRAME_WIDTH), np.float32)
    for face in prange(len(table)):
        _write_frame(points, corners[0][face], corners[1][face], corners[2][face], table, face)
    return table


@parallel
def pose_on_faces(
    table: Float32Array,
    which: Int64Array,
    local_means: Columns,
    local_quats: Columns,
    local_scales: Float32Array,
    means: Float32Array,
    quats: Float32Array,
    scales: Float32Array,
    turns: Float32Array,
) -> None:
    """Gaussians in the frames table[which] into the last four arrays; `turns` (4, N) may have no columns."""
    for i in prange(len(which)):
        f = which[i]
        turn, size = (table[f, 0], table[f, 1], table[f, 2], table[f, 3]), table[f, 4]
        x, y, z = _rotated(turn, (local_means[0][i], local_means[1][i], local_means[2][i]))
        means[i, 0], means[i, 1] = table[f, 5] + size * x, table[f, 6] + size * y
        means[i, 2] = table[f, 7] + size * z
        for k in range(3):
            scales[i, k] = size * local_scales[i, k]
        q = (local_quats[0][i], local_quats[1][i], local_quats[2][i], local_quats[3][i])
        _write_product(turn, q, quats, i)
        if turns.shape[1] > 0:
            turns[0, i], turns[1, i], turns[2, i], turns[3, i] = turn


@parallel
def pose_on_points(
    rest: Float64Array,
    corners: tuple[Int64Array, ...],
    beta: tuple[Float64Array, ...],
    weights: Float32Array,
    heaviest: Int64Array,
    table: Float64Array,
    agreement: Float32Array,
    joint_quats: Float64Array,
    local_means: Columns,
    local_quats: Columns,
    means: Float32Array,
    quats: Float32Array,
    turns: Float32Array,
) -> None:
    """Gaussians that hang on points of `rest` (3, P) and that skinning under weights (J, N) carries."""
    for i in prange(len(heaviest)):
        x, y, z = float(local_means[0][i]), float(local_means[1][i]), float(local_means[2][i])
        for k in range(3):
            share, point = beta[k][i], corners[k][i]
            x, y, z = x + share * rest[0, point], y + share * rest[1, point], z + share * rest[2, point]
        means[i, 0], means[i, 1], means[i, 2] = _skinned((x, y, z), weights, i, table)
        turn = _blended(weights, i, heaviest[i], agreement, joint_quats)
        q = (local_quats[0][i], local_quats[1][i], local_quats[2][i], local_quats[3][i])
        _write_product(turn, q, quats, i)
        if turns.shape[1] > 0:
            turns[0, i], turns[1, i], turns[2, i], turns[3, i] = turn

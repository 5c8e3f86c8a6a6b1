"""The first level: a few large Gaussians, each standing for a patch of faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Float64Array
from pavplayer.demo.strokes import Strokes
from pavplayer.demo.surface import hashed


def patch_seeds(centres: Float64Array, normals: Float64Array, spacing: Float64Array) -> NDArray[np.int64]:
    """Rows of (N, 3) centres such that no two facing the same way are nearer than their `spacing` (N,)."""
    order = np.argsort(hashed(np.arange(len(centres))[:, None] * np.array([1, 0, 0]), 21), kind="stable")
    free = np.ones(len(centres), np.bool_)
    seeds = []
    for row in order:
        if not free[row]:
            continue
        seeds.append(int(row))
        near = np.sum((centres - centres[row]) ** 2, axis=1) < spacing[row] ** 2
        free &= ~(near & (normals @ normals[row] > 0.2))
    return np.array(sorted(seeds), np.int64)


def nearest_seeds(
    centres: Float64Array, normals: Float64Array, parts: NDArray[np.int64], seeds: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(N,) which seed each face belongs to: the nearest of its part that faces the same way."""
    owner = np.empty(len(centres), np.int64)
    for start in range(0, len(centres), 512):
        rows = slice(start, start + 512)
        away = np.sum((centres[rows, None] - centres[seeds]) ** 2, axis=2)
        turned = 1 - normals[rows] @ normals[seeds].T
        other = parts[rows, None] != parts[seeds]
        owner[rows] = np.argmin(away + 1e-4 * np.maximum(turned - 0.3, 0) + other, axis=1)
    return owner


def patches(
    strokes: Strokes,
    owner: NDArray[np.int64],
    seeds: NDArray[np.int64],
    spread: Float64Array,
    sink: Float64Array,
) -> Strokes:
    """One Gaussian for the strokes of each owner: mean, extent, colour and opacity weighted by area.

    Each hangs on its seed's face, lies `sink` (N,) metres below its patch and is `spread` (N,) times as wide.
    """
    weights = strokes.sigmas[:, 0] * strokes.sigmas[:, 1]
    total = np.bincount(owner, weights, minlength=len(seeds))

    def mean(values: Float64Array) -> Float64Array:
        flat = values.reshape(len(values), -1)
        sums = [np.bincount(owner, weights * column, minlength=len(seeds)) for column in flat.T]
        return (np.stack(sums, axis=1) / total[:, None]).reshape(len(seeds), *values.shape[1:])

    centres = mean(strokes.centres)
    away = strokes.centres - centres[owner]
    own = np.einsum("nij,nj,nkj->nik", strokes.axes, strokes.sigmas**2, strokes.axes)
    extent, axes = np.linalg.eigh(mean(own + away[:, :, None] * away[:, None, :]))
    axes = axes[:, :, ::-1]
    axes[:, :, 2] *= np.sign(np.sum(axes[:, :, 2] * strokes.axes[seeds][:, :, 2], axis=1, keepdims=True))
    axes[:, :, 0] *= np.sign(np.linalg.det(axes))[:, None]
    sigmas = np.sqrt(np.maximum(extent[:, ::-1], 1e-9)) * mean(spread[:, None])
    sigmas[:, 2] *= 0.35
    sunk = centres - mean(sink[:, None]) * axes[:, :, 2]
    return Strokes(strokes.faces[seeds], sunk, axes, sigmas, mean(strokes.colours), mean(strokes.opacities))

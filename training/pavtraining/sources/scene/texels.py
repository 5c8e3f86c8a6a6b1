"""A texture without a map: every face of the mesh carries a triangular grid of texels of its own.

Texel (i, j) of a face with n steps lies at the barycentric coordinates (1 − (i + j)/n, i/n, j/n), i + j ≤ n.
What is painted is a function of the place on the resting head, so neighbouring faces agree along their edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Float64Array, Int32Array

RED, GREEN, BLUE, GLOSS, ROUGHNESS, SOFTNESS, SLOPE_X, SLOPE_Y, SLOPE_Z = range(9)
CHANNELS = 9
"""Linear reflectance, strength and roughness of highlights, bleeding of light, and how the normal is tilted."""
MOST_STEPS = 64


@dataclass(frozen=True)
class Texels:
    """The grids of F faces, one after the other."""

    starts: Int32Array
    """(F,) each face's first texel."""
    steps: Int32Array
    """(F,) n."""
    values: Float32Array
    """(T, CHANNELS)."""


@dataclass(frozen=True)
class TexelGrid:
    """Where T texels lie."""

    faces: NDArray[np.int64]
    """(T,)."""
    shares: Float64Array
    """(T, 3) barycentric coordinates."""
    starts: Int32Array
    steps: Int32Array

    def interpolated(self, at_corners: Float64Array) -> Float64Array:
        """(F, 3, X) values at corners → (T, X) at the texels."""
        values: Float64Array = np.einsum("tk,tkx->tx", self.shares, at_corners[self.faces])
        return values


def texel_grid(corners: Float64Array, spacing: Float64Array) -> TexelGrid:
    """Grids on (F, 3, 3) faces with texels about `spacing` (F,) metres apart, slivers a little coarser along."""
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    side = np.sqrt(np.linalg.norm(across, axis=1) * 2 / np.sqrt(3))  # of the equal-sided face as large
    steps = np.clip(np.ceil(np.sqrt(longest * side) / spacing), 1, MOST_STEPS).astype(np.int32)
    counts = (steps + 1) * (steps + 2) // 2
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    faces = np.repeat(np.arange(len(corners)), counts)
    shares = np.empty((len(faces), 3))
    for n in np.unique(steps):
        grid = _grid(int(n))
        rows = (starts[:-1][steps == n][:, None] + np.arange(len(grid))).reshape(-1)
        shares[rows] = np.tile(grid, (int((steps == n).sum()), 1))
    return TexelGrid(faces, shares, starts[:-1], steps)


def _grid(n: int) -> Float64Array:
    """((n + 1)(n + 2)/2, 3) barycentric coordinates, row j after row j − 1, each i = 0 … n − j."""
    rows = [(1 - (i + j) / n, i / n, j / n) for j in range(n + 1) for i in range(n + 1 - j)]
    return np.array(rows)

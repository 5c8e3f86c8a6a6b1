"""A few faces that stand for all: the coarse start of level 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
CHUNK = 2048


def farthest_points(centres: Float64Array, sizes: Float64Array, count: int) -> IntArray:
    """`count` of N faces, ascending, far from each other: each the farthest from those before.

    `centres` is (N, 3), `sizes` (N,), both in metres. Distances count in roots of face sizes, so that parts
    that the mesh resolves finely, eyes and lips, get more than their area.
    """
    chosen = [int(np.argmax(np.sum((centres - centres.mean(axis=0)) ** 2, axis=1)))]
    nearest = np.full(len(centres), np.inf)
    for _ in range(min(count, len(centres)) - 1):
        away = np.sum((centres - centres[chosen[-1]]) ** 2, axis=1) / np.maximum(sizes, 1e-12)
        nearest = np.minimum(nearest, away)
        chosen.append(int(np.argmax(nearest)))
    return np.sort(np.array(chosen, np.int64))


def nearest_areas(centres: Float64Array, areas: Float64Array, chosen: IntArray) -> Float64Array:
    """(len(chosen),) what the faces nearest to each chosen one cover together, from (N,) `areas`."""
    owners = [
        np.argmin(((part[:, None] - centres[chosen]) ** 2).sum(axis=2), axis=1)
        for part in np.array_split(centres, max(len(centres) // CHUNK, 1))
    ]
    totals = np.bincount(np.concatenate(owners), areas, minlength=len(chosen))
    return totals.astype(np.float64)

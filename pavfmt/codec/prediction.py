"""From which of its neighbours a Gaussian of a unit is predicted (§5.3).

The Gaussians of a unit are told in passes, each about as many as all before it together. Three space-filling
curves through their places, one shifted against the other, each give two neighbours among those told before.
All of it is integer arithmetic on the template's mesh, so every reader finds the same neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.template_coordinates import GRID

SHIFTS = (0, GRID // 4, GRID // 2)
"""Added to all coordinates of a place before its bits are interleaved: below 2^10 with GRID."""
FIRST_PASS = 8
"""The first pass has at least so many Gaussians (if there are), and less than twice as many."""
NEIGHBOURS = 2 * len(SHIFTS)
WEIGHT_ONE = 1 << 20
WEIGHT_NEAR = 2

Int64Array = NDArray[np.int64]


@dataclass(frozen=True)
class Neighbourhood:
    """Who predicts whom among the n Gaussians of a unit."""

    order: NDArray[np.intp]
    """(n,) the Gaussian told at each turn."""
    passes: tuple[int, ...]
    """The turns at which passes end; the first pass is predicted by nothing."""
    neighbours: Int64Array
    """(n − passes[0], NEIGHBOURS) earlier turns."""
    weights: Int64Array
    """(n − passes[0], NEIGHBOURS), ≥ 1: less the further away."""


def morton_codes(places: Int64Array) -> Int64Array:
    """(N, 3) integers below 2^10 → Morton codes: bit b of x, y, z becomes bits 3b + 2, 3b + 1, 3b."""
    spread = places & 0x3FF
    for shift, mask in ((16, 0x030000FF), (8, 0x0300F00F), (4, 0x030C30C3), (2, 0x09249249)):
        spread = (spread | spread << shift) & mask
    codes: Int64Array = spread[:, 0] << 2 | spread[:, 1] << 1 | spread[:, 2]
    return codes


def neighbourhood(places: Int64Array) -> Neighbourhood:
    """(n, 3) places in file order, n > 0 → who predicts whom. Ties along a curve go by file order."""
    curves = [np.argsort(morton_codes(places + shift), kind="stable") for shift in SHIFTS]
    turns = turns_of_passes(len(places))
    ends = tuple(np.cumsum([len(turn) for turn in turns]).tolist())
    order = curves[0][np.concatenate(turns)]
    turn_of = np.empty(len(places), dtype=np.int64)
    turn_of[order] = np.arange(len(places))
    along = [turn_of[curve] for curve in curves]  # the turns, in the order of each curve
    neighbours = np.empty((len(places) - ends[0], NEIGHBOURS), dtype=np.int64)
    for start, end in pairwise(ends):
        for number, turn in enumerate(along):
            pair = _both_sides(turn, start, end)
            neighbours[start - ends[0] : end - ends[0], 2 * number : 2 * number + 2] = pair
    told = places[order]
    distances = ((told[neighbours] - told[ends[0] :, None]) ** 2).sum(axis=2)
    return Neighbourhood(order, ends, neighbours, 1 + WEIGHT_ONE // (distances + WEIGHT_NEAR))


def turns_of_passes(count: int) -> list[NDArray[np.intp]]:
    """Per pass, the ranks along the first curve that are told in it."""
    stride = 1
    while count >= 2 * stride * FIRST_PASS:
        stride *= 2
    passes = [np.arange(0, count, stride)]
    while stride > 1:
        passes.append(np.arange(stride // 2, count, stride))
        stride //= 2
    return passes


def _both_sides(turns: Int64Array, start: int, end: int) -> Int64Array:
    """(end − start, 2) for the turns start…end − 1: the turns < start next before and after them on a curve.

    At the curve's ends, the one there is counts for both.
    """
    present = turns[turns < end]
    known = present < start
    before = np.maximum.accumulate(np.where(known, np.arange(len(present)), -1))
    after = np.minimum.accumulate(np.where(known, np.arange(len(present)), len(present))[::-1])[::-1]
    new = np.flatnonzero(~known)
    left, right = before[new], after[new]
    left, right = np.where(left < 0, right, left), np.where(right == len(present), left, right)
    pair = np.empty((end - start, 2), dtype=np.int64)
    pair[present[new] - start] = np.stack([present[left], present[right]], axis=1)
    return pair

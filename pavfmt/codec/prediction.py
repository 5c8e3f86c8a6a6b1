"""From which of its neighbours a Gaussian of a unit is predicted (§5.3).

How it works. The Gaussians of a unit stand in file order, sorted by site. Their template coordinates (§5.2) are put
in order along a Morton curve, and every 2^k-th along it is decoded in the first pass, every other one between those
in the next, and so on: each pass about as many as all before it together, and spread over the whole unit. When a pass
is decoded, everything of earlier passes is known. So each of its Gaussians takes the two known ones next to it along
the curve, before and behind, and likewise along two more curves whose grid is shifted by a quarter and by a half.

Why so. Points that are close in space can be far apart along one Morton curve, wherever it crosses a boundary of its
cells; a shift moves the boundaries, so that three curves seldom all miss. Interpolating from both sides predicts
better than extrapolating from what came before, and costs no more. Nearest neighbours proper would need a search
structure in every reader and rules for ties; here it is three sorts and two scans.

Invariants. A neighbour's turn is always before one's own pass, so whole passes can be predicted at once, without a
loop over Gaussians. All of it is integer arithmetic on coordinates below 2^10: every reader finds the same neighbours
and the same weights, whatever its floating point does. The sorts are stable, so that Gaussians at one place keep
their order. `morton_codes` of a shifted coordinate stay below 2^30: GRID + GRID / 2 is 1023.

Costs. n log n for the sorts, n for each pass's scans (about 2 n in all, as what is present halves each time); six
neighbours and weights of 8 bytes per Gaussian. The compiled twin sorts by radix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Int64Array
from pavfmt.codec import compiled

GRID = 682
"""Template coordinates are 0..GRID per axis (§5.2)."""
SHIFTS = (0, GRID // 4, GRID // 2)
"""Added to all coordinates before their bits are interleaved: below 2^10 with GRID."""
FIRST_PASS = 8
"""The first pass has at least so many Gaussians (if there are), and less than twice as many."""
NEIGHBOURS = 2 * len(SHIFTS)
WEIGHT_ONE = 1 << 20
WEIGHT_NEAR = 2


@dataclass(frozen=True)
class Neighbourhood:
    """Who predicts whom among the n Gaussians of a unit."""

    order: NDArray[np.intp]
    """(n,) the Gaussian decoded at each turn."""
    passes: tuple[int, ...]
    """The turns at which passes end; the first pass is predicted by nothing."""
    neighbours: Int64Array
    """(n − passes[0], NEIGHBOURS) earlier turns."""
    weights: Int64Array
    """(n − passes[0], NEIGHBOURS), ≥ 1: less the further away."""


def morton_codes(coordinates: Int64Array) -> Int64Array:
    """(N, 3) integers below 2^10 → Morton codes: bit b of x, y, z becomes bits 3b + 2, 3b + 1, 3b."""
    spread = coordinates & 0x3FF
    for shift, mask in ((16, 0x030000FF), (8, 0x0300F00F), (4, 0x030C30C3), (2, 0x09249249)):
        spread = (spread | spread << shift) & mask
    codes: Int64Array = spread[:, 0] << 2 | spread[:, 1] << 1 | spread[:, 2]
    return codes


def neighbourhood(coordinates: Int64Array) -> Neighbourhood:
    """(n, 3) template coordinates in file order, n > 0 → who predicts whom. Ties along a curve go by file order."""
    turns = turns_of_passes(len(coordinates))
    ends = tuple(np.cumsum([len(turn) for turn in turns]).tolist())
    find = _neighbours if compiled.twins is None else compiled.twins.neighbours
    order, neighbours, weights = find(coordinates, np.concatenate(turns), ends)
    return Neighbourhood(order, ends, neighbours, weights)


def _neighbours(
    coordinates: Int64Array, turns: NDArray[np.intp], ends: Sequence[int]
) -> tuple[NDArray[np.intp], Int64Array, Int64Array]:
    """Order, neighbours and weights. `turns` (n,) are ranks along the first curve, pass by pass."""
    curves = [np.argsort(morton_codes(coordinates + shift), kind="stable") for shift in SHIFTS]
    order = curves[0][turns]
    turn_of = np.empty(len(coordinates), dtype=np.int64)
    turn_of[order] = np.arange(len(coordinates))
    along = [turn_of[curve] for curve in curves]  # the turns, in the order of each curve
    neighbours = np.empty((len(coordinates) - ends[0], NEIGHBOURS), dtype=np.int64)
    for start, end in pairwise(ends):
        for number, turn in enumerate(along):
            pair = _both_sides(turn, start, end)
            neighbours[start - ends[0] : end - ends[0], 2 * number : 2 * number + 2] = pair
    moved = coordinates[order]
    distances = ((moved[neighbours] - moved[ends[0] :, None]) ** 2).sum(axis=2)
    return order, neighbours, 1 + WEIGHT_ONE // (distances + WEIGHT_NEAR)


def turns_of_passes(count: int) -> list[NDArray[np.intp]]:
    """Per pass, the ranks along the first curve that are decoded in it."""
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
    present = turns[turns < end]  # what comes in later passes is not there yet
    known = present < start
    # Running maximum and minimum of positions: the last known one so far, and from behind the next one.
    before = np.maximum.accumulate(np.where(known, np.arange(len(present)), -1))
    after = np.minimum.accumulate(np.where(known, np.arange(len(present)), len(present))[::-1])[::-1]
    new = np.flatnonzero(~known)
    left, right = before[new], after[new]
    left, right = np.where(left < 0, right, left), np.where(right == len(present), left, right)
    pair = np.empty((end - start, 2), dtype=np.int64)
    pair[present[new] - start] = np.stack([present[left], present[right]], axis=1)
    return pair

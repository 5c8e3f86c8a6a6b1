"""What the next Gaussians of a prefix are worth, and the division of a budget by it.

The error of a prefix of n Gaussians is taken as v · (1 − f(n))^p: v is what the avatar counts for in this picture
(importance × pixels), f(n) the share that its first n Gaussians have of all its opacity × area, made concave.
The best division has everywhere the same marginal gain, a *price*, that is found by bisection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ERROR_POWER = 5.0
"""About what the squared error of the seeded avatars' pictures follows (tests/benchmarks/bench_crowd.py)."""
KNOTS = 96
"""Points of a curve: 0, and the others about equally spaced in the logarithm."""
FIRST_KNOT = 32.0
MIN_GAUSSIANS = 500.0
"""Gaussians an avatar in view has, if the budget allows as many for each; half an even share if not."""
_BISECTIONS = 40


@dataclass(frozen=True)
class GainCurve:
    """An avatar's worth by prefix length."""

    counts: Floats
    """(KNOTS,) Gaussians, ascending from 0 to all."""
    gains: Floats
    """(KNOTS,) descending to 0: how much of the error the next Gaussian takes away, at v = 1."""


def gain_curve(weights: NDArray[np.floating]) -> GainCurve:
    """The curve of Gaussians with these (N > 0,) weights, opacity × area, in the order of the prefixes."""
    total = float(len(weights))
    counts = np.concatenate([[0.0], np.geomspace(min(FIRST_KNOT, total), total, KNOTS - 1)])
    counts[-1] = total
    solid = weights.astype(np.float64)
    solid = solid + max(1e-6 * solid.mean(), 1e-30)  # so that every Gaussian is worth something
    sums = np.concatenate([[0.0], np.cumsum(solid)]) / solid.sum()
    # The order is by units, so the share is not quite concave: a good unit may come after a poor one. As a curve of
    # gains that would give a price two lengths; the concave hull has one, and skips those never worth stopping at.
    reached = _concave(counts, np.interp(counts, np.arange(len(sums)), sums))
    widths = np.diff(counts)
    slopes = np.divide(np.diff(reached), widths, out=np.zeros(KNOTS - 1), where=widths > 0)
    missing = np.maximum(1.0 - reached, 0.0) ** (ERROR_POWER - 1)
    gains = ERROR_POWER * missing * np.append(slopes, 0.0)
    gains[-1] = 0.0
    # (1 − f)^(p−1) · f' falls as f is concave; accumulate only takes away what rounding adds.
    return GainCurve(counts, np.minimum.accumulate(gains))


def _concave(x: Floats, y: Floats) -> Floats:
    """The least concave function over the points (x, y), x ascending, at x."""
    hull: list[int] = []
    for at in range(len(x)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (y[b] - y[a]) * (x[at] - x[a]) > (y[at] - y[a]) * (x[b] - x[a]):
                break
            hull.pop()
        hull.append(at)
    return np.interp(x, x[hull], y[hull])


def allocate(curves: Sequence[GainCurve], values: Floats, budget: float) -> Floats:
    """How many Gaussians each avatar shows: at most `budget` together, each rounded up; none where the value is 0.

    A larger value never gets an avatar fewer, nor does a larger budget.
    """
    shown = np.flatnonzero(values > 0).tolist()
    result = np.zeros(len(curves))
    if not shown:
        return result
    counts = np.stack([curves[at].counts for at in shown])
    if counts[:, -1].sum() <= budget:  # all of everything, exactly: no bisection comes out at a whole avatar
        result[shown] = counts[:, -1]
        return result
    budget = max(budget - len(shown), 0.0)  # rounding up may cost each avatar one
    gains = np.stack([curves[at].gains for at in shown]) * values[shown, None]
    least = np.minimum(counts[:, -1], min(MIN_GAUSSIANS, budget / 2 / len(shown)))
    low, high = _price_range(gains)
    # Gains span many powers of ten (a face and a speck far away), so prices are halved in the logarithm. `high` is
    # always a price whose division is within the budget: it is the one that counts at the end.
    for _ in range(_BISECTIONS):
        price = np.sqrt(low * high)
        if np.maximum(_bought(counts, gains, price), least).sum() > budget:
            low = price
        else:
            high = price
    result[shown] = np.maximum(_bought(counts, gains, high), least)
    return result


def _price_range(gains: Floats) -> tuple[float, float]:
    """A price at which everything is bought, and one at which nothing is."""
    return float(gains[gains > 0].min()) * 1e-3, float(gains.max()) * 2.0


def _bought(counts: Floats, gains: Floats, price: float) -> Floats:
    """(A,) how far each of the (A, KNOTS) curves is worth more than the price, straight between knots."""
    last = np.maximum((gains > price).sum(axis=1) - 1, 0)
    rows, after = np.arange(len(counts)), np.minimum(last + 1, KNOTS - 1)
    here, there = gains[rows, last], gains[rows, after]
    drop = np.where(here > there, here - there, 1.0)
    share = np.clip((here - price) / drop, 0.0, 1.0)
    bought: Floats = counts[rows, last] + share * (counts[rows, after] - counts[rows, last])
    return bought

"""Which Gaussians a prefix of the file will hold: level after level, the important first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavtraining.configuration import Configuration
from pavtraining.forest import IntArray


def streaming_order(levels: IntArray, importance: NDArray[np.floating]) -> IntArray:
    """(N,) rows: level by level, importance descending inside a level, ties by row."""
    order: IntArray = np.lexsort([-np.asarray(importance, np.float64), levels])
    return order


def random_prefix(
    order: IntArray, stages: IntArray, configuration: Configuration, random: np.random.Generator
) -> IntArray | None:
    """Rows, ascending, of one prefix to learn from: up to a stage's end, or to a random budget; None: no such.

    `order` (N,) is the streaming order, `stages` (N,) the stage of each row.
    """
    c = configuration
    last = int(stages.max(initial=0))
    by_stage = c.multi_level and last > 0
    if by_stage and c.random_budgets:
        by_stage = bool(random.uniform() < c.level_share)
    if by_stage:
        return np.flatnonzero(stages < int(random.integers(1, last + 1)))
    if not c.random_budgets:
        return None
    share = c.smallest_budget ** random.uniform()
    return np.sort(order[: max(round(share * len(order)), 1)])

"""Which Gaussians a prefix of the file will hold: level after level, the important first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavtraining.hierarchy.configuration import HierarchyConfiguration
from pavtraining.hierarchy.forest import IntArray


def streaming_order(levels: IntArray, importance: NDArray[np.floating]) -> IntArray:
    """(N,) rows: level by level, importance descending inside a level, ties by row."""
    order: IntArray = np.lexsort([-np.asarray(importance, np.float64), levels])
    return order


def staged(importance: NDArray[np.floating], levels: IntArray, stages: IntArray) -> NDArray[np.float64]:
    """The same values (N,) dealt out anew inside each level, so that an earlier stage is the more important.

    Inside a stage the order stays. A file knows levels only; this is how its order keeps to the stages.
    """
    values = np.asarray(importance, np.float64)
    dealt = np.empty_like(values)
    for level in np.unique(levels):
        rows = np.flatnonzero(levels == level)
        order = rows[np.lexsort([-values[rows], stages[rows]])]
        dealt[order] = np.sort(values[rows])[::-1]
    return dealt


def random_prefix(
    order: IntArray, stages: IntArray, configuration: HierarchyConfiguration, random: np.random.Generator
) -> IntArray | None:
    """Rows, ascending, of one prefix to learn from: up to a stage's end, or to a random budget; None: no such.

    `order` (N,) is the streaming order, `stages` (N,) the stage of each row.
    """
    c = configuration
    last = int(stages.max(initial=0))
    if not (c.random_budgets or (c.multi_level and last)):
        return None
    if c.multi_level and last:
        draw = random.uniform()
        if c.coarse_share and draw < c.coarse_prefix_share:
            return np.flatnonzero(stages < 1)
        if not c.random_budgets or random.uniform() < c.level_share:
            return np.flatnonzero(stages < int(random.integers(1, last + 1)))
    share = c.smallest_budget ** random.uniform()
    return np.sort(order[: max(round(share * len(order)), 1)])

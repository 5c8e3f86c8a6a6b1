"""The one stopwatch of the benchmarks."""

import time
from collections.abc import Callable
from statistics import median


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """The median of `repeats` runs after two that are not counted."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * median(times[2:])

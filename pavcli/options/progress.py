"""Progress on stderr: a bar where a terminal is there and tqdm is installed, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_BETWEEN_LINES = 20.0
"""Without a terminal: what takes less long says nothing."""


class Lines:
    """Progress for logs: a line when the last one, or the start, is long enough ago."""

    def __init__(self, label: str, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._label, self._quiet, self._clock = label, quiet, clock
        self._began = self._said = clock()

    def show(self, fraction: float, count: str = "") -> None:
        """So much, 0..1, is done; `count` is added in words."""
        now = self._clock()
        if self._quiet or now - self._said < SECONDS_BETWEEN_LINES or fraction >= 1:
            return
        self._said = now
        took = f"{now - self._began:.0f} s"
        print(f"{self._label}: {100 * fraction:.0f} %{count} after {took}", file=sys.stderr, flush=True)


@contextmanager
def bar(label: str, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Yields `advance(fraction)`, 0..1. Works in a bare install."""
    try:
        from tqdm import tqdm
    except ImportError:
        tqdm = None
    if quiet or tqdm is None or not sys.stderr.isatty():
        yield Lines(label, quiet).show
        return
    form = "{l_bar}{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc=label, bar_format=form, leave=False) as shown:

        def advance(fraction: float) -> None:
            shown.update(fraction - shown.n)

        yield advance


@contextmanager
def counting_bar(label: str, unit: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Yields `show(done, total)`, both in units such as "picture". Needs tqdm."""
    from tqdm import tqdm

    lines = Lines(label, quiet or sys.stderr.isatty())
    with tqdm(unit=unit, desc=label, disable=quiet or None, file=sys.stderr) as shown:

        def show(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)
            lines.show(done / max(total, 1), f", {done:,} of {total:,} {unit}s")

        yield show

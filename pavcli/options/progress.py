"""Progress bars on stderr, where a terminal is there and tqdm is installed; nothing otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(label: str, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Yields `advance(fraction)`, 0..1. Works in a bare install, where nothing is shown."""
    try:
        from tqdm import tqdm
    except ImportError:
        tqdm = None
    if quiet or tqdm is None or not sys.stderr.isatty():
        yield lambda fraction: None
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

    with tqdm(unit=unit, desc=label, disable=quiet or None, file=sys.stderr) as shown:

        def show(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield show

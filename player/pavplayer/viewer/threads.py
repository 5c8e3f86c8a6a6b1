"""How many of the machine's cores draw."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_core_left() -> Iterator[None]:
    """The compiled loops of this thread leave one core to others, the browser above all.

    A loop that is spread over all cores waits for the slowest of them, and burns time on the others meanwhile. On
    two cores that a browser shares, one thread draws a small picture sooner than two do.
    """
    numba = sys.modules.get("numba")
    if numba is None:
        yield
        return
    before = numba.get_num_threads()
    numba.set_num_threads(max(1, before - 1))
    try:
        yield
    finally:
        numba.set_num_threads(before)

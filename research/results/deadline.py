"""Stopping in time: everything done so far is kept."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class TimeIsUpError(RuntimeError):
    """The minutes given are over; what is kept goes on next time."""


class Deadline:
    """A number of minutes, or no end."""

    def __init__(self, minutes: float | None = None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes

    @property
    def seconds_left(self) -> float | None:
        """None: no end."""
        return None if self._end is None else self._end - time.monotonic()

    def check(self) -> None:
        """TimeIsUpError if it is."""
        left = self.seconds_left
        if left is not None and left <= 0:
            raise TimeIsUpError("the minutes are over")

    @contextmanager
    def stopping_fits(self) -> Iterator[None]:
        """Inside, a fit is interrupted as by Ctrl-C when time is up, so that it saves its state."""
        self.check()
        left = self.seconds_left
        timer = None if left is None else threading.Timer(left, os.kill, (os.getpid(), signal.SIGINT))
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()

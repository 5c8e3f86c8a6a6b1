"""How far a fit of several stages has come."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""What is being done, and how much of all has been done, 0..1."""


class Stages:
    """How much of all has been done, as stages of known cost follow each other."""

    def __init__(self, total: float, progress: Progress | None) -> None:
        self._total, self._progress, self._done = total, progress, 0.0

    def begin(self, what: str, cost: float) -> Callable[[float], None]:
        """The next stage; what is returned takes the share of it that is done."""
        before, self._done = self._done, self._done + cost

        def tell(share: float) -> None:
            if self._progress is not None:
                self._progress(what, min((before + cost * share) / self._total, 1.0))

        tell(0.0)
        return tell

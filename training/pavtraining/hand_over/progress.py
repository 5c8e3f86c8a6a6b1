"""How far a fit of several stages has come."""

from __future__ import annotations

from collections.abc import Callable

from pavtraining.running import Progress


class StagedProgress:
    """How much of all has been done, as stages of known cost follow each other."""

    def __init__(self, total: float, progress: Progress | None) -> None:
        self._total, self._progress, self._done = total, progress, 0.0

    def begin(self, what: str, cost: float) -> Callable[[float], None]:
        """The next stage; what is returned takes the share of it that is done."""
        before, self._done = self._done, self._done + cost

        def report(share: float) -> None:
            if self._progress is not None:
                self._progress(what, min((before + cost * share) / self._total, 1.0))

        report(0.0)
        return report

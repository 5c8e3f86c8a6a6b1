"""A run over as many processes as it takes: where it keeps its things, and how it is stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType


class InterruptedFitError(RuntimeError):
    """Somebody stopped the fit; its state has been saved."""


@dataclass(frozen=True)
class RunFiles:
    """Where a run keeps its things."""

    state: Path
    log: Path

    @classmethod
    def beside(cls, output: Path) -> RunFiles:
        """Next to the checkpoint that it will write."""
        return cls(output.with_name(f"{output.name}.fit-state"), output.with_name(f"{output.name}.jsonl"))


@contextmanager
def stop_asked() -> Iterator[Callable[[], bool]]:
    """Yields a question: was Ctrl-C pressed (or the process asked to end)? The second Ctrl-C is obeyed at once."""
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    kinds = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(kind, note) for kind in kinds]
    except ValueError:  # not the main thread: nobody's signals come here
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)

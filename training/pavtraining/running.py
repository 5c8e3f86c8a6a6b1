"""Running a fit over as many processes as it takes: its files, its time, log and saved states, and how it is stopped.

A fit takes minutes to hours, on machines that are switched off and in terminals that are closed. So every run keeps
all that its next step depends on in one file beside its output (`pavtraining.state`), written anew every half minute
or so, and `--resume` goes on from it. Three rules make an interrupted run end with the same numbers as one in a piece:

- random numbers come from the seed and the number of the step, never from a generator that runs along;
- the log forgets the lines after the state that is resumed: those steps are done again;
- the state goes only when the result stands (`clear`): until then it is all there is of the work.

Ctrl-C is a wish that the loop asks for between two steps; no step is torn apart. It costs a save, and the second
Ctrl-C is obeyed at once.
"""

from __future__ import annotations

import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from pavfmt.model import Avatar
from pavtraining.log import Log
from pavtraining.state import State, write_state

LOG_INTERVAL = 20
"""Steps between two lines of the log, unless a configuration says otherwise."""
SAVE_SECONDS = 30.0
"""Between two saved states, unless a configuration says otherwise."""
Progress = Callable[[str, float], None]
"""What is being done, and how much of all has been done, 0..1."""


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


class Run(ABC):
    """One fit by any method. A method says what a state is (`_state`) and does the work (`_fitted`)."""

    def __init__(
        self,
        files: RunFiles,
        seconds: float = 0.0,
        save_seconds: float = SAVE_SECONDS,
        log_interval: int = LOG_INTERVAL,
    ) -> None:
        """`seconds` were spent in processes before; `log_interval` is in steps."""
        self.files = files
        self._spent, self._save_seconds, self._log_interval = seconds, save_seconds, log_interval
        self._began = self._saved = time.monotonic()
        self._stop_is_asked: Callable[[], bool] = lambda: False
        self._log: Log | None = None

    @abstractmethod
    def _fitted(self, show: Progress | None) -> Avatar:
        """To the end, calling `_after_step` after every step; `show` is the progress bar, if there is one."""

    @abstractmethod
    def _state(self) -> State:
        """What another process needs to go on, but for the time spent."""

    @property
    def seconds(self) -> float:
        """Time spent so far, in all processes."""
        return self._spent + time.monotonic() - self._began

    def go(self, quiet: bool = False) -> Avatar:
        """To the end, or until interrupted: then the state is on disk and InterruptedFitError says so."""
        with stop_asked() as self._stop_is_asked, progress_bar(quiet) as show:
            return self._fitted(show)

    def save(self) -> None:
        """Put the state on disk."""
        state = self._state()
        write_state(replace(state, values={**state.values, "seconds": self.seconds}), self.files.state)
        self._saved = time.monotonic()

    def clear(self) -> None:
        """The run is over and its result written: forget the state."""
        self.files.state.unlink(missing_ok=True)

    def _after_step(self, step: int, line: Callable[[], Mapping[str, Any]], must_save: bool = False) -> None:
        """Log, stop and save where it is due: `step` steps are done in all, `line` makes their line of the log."""
        if self._log is None:  # only now is it known where a resumed run goes on
            self._log = Log(self.files.log, step - 1)
        if step % self._log_interval == 0:
            self._log.write({"step": step, "seconds": round(self.seconds, 2), **line()})
        if self._stop_is_asked():
            self.save()
            raise InterruptedFitError(f"interrupted after step {step}; --resume goes on from there")
        if must_save or time.monotonic() - self._saved > self._save_seconds:
            self.save()


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress | None]:
    """Yields what shows progress on the terminal, if there is one."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(total=1.0, bar_format="{desc}: {percentage:3.0f} % {bar} [{elapsed} < {remaining}]") as bar:

        def show(what: str, done: float) -> None:
            bar.set_description_str(what, refresh=False)
            bar.update(done - bar.n)

        yield show


@contextmanager
def stop_asked() -> Iterator[Callable[[], bool]]:
    """Yields a question: was Ctrl-C pressed (or the process asked to end)? The second Ctrl-C is obeyed at once."""
    asked = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    kinds = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(kind, handle) for kind in kinds]
    except ValueError:  # not the main thread: nobody's signals come here
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)

"""Running a hand-over from beginning to end: log, saved states, progress, interruption."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pavfmt.errors import EncodeError
from pavfmt.model import Avatar
from pavtraining.hand_over.checkpoint import Memory, Phase
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.method import hand_over
from pavtraining.interruption import InterruptedFitError, RunFiles, stop_asked
from pavtraining.log import Journal
from pavtraining.state import State, read_state, write_state

SAVE_SECONDS = 30.0
LOG_INTERVAL = 20
"""Steps."""
METHOD = "hand-over"
"""What a state says it is of."""


class HandOverRun:
    """One hand-over over as many processes as it takes."""

    def __init__(
        self,
        avatar: Avatar,
        configuration: HandOverConfiguration,
        files: RunFiles,
        state: State | None = None,
    ) -> None:
        """`state` is what an interrupted run left; its configuration must be this one."""
        self.avatar, self.configuration, self.files = avatar, configuration, files
        self._memory = Memory(None if state is None else dict(state.arrays), self._watch)
        self._spent = 0.0 if state is None else float(state.values["seconds"])
        self._began = self._saved = time.monotonic()
        self._stopped: Callable[[], bool] = lambda: False
        self._journal: Journal | None = None

    @classmethod
    def resumed(cls, avatar: Avatar, files: RunFiles) -> HandOverRun:
        """From the saved state."""
        state = read_state(files.state)
        return cls(avatar, saved_configuration(state), files, state)

    @property
    def seconds(self) -> float:
        """Time spent so far, in all processes."""
        return self._spent + time.monotonic() - self._began

    def go(self, quiet: bool = False) -> Avatar:
        """To the end, or until interrupted: then the state is on disk and InterruptedFitError says so."""
        with stop_asked() as self._stopped, progress_bar(quiet) as show:
            return hand_over(self.avatar, self.configuration, show, self._memory).avatar

    def save(self) -> None:
        """Put the state on disk."""
        values = {"method": METHOD, "configuration": self.configuration.as_mapping(), "seconds": self.seconds}
        write_state(State(self._memory.arrays(), values), self.files.state)
        self._saved = time.monotonic()

    def clear(self) -> None:
        """The run is over and its result written: forget the state."""
        self.files.state.unlink(missing_ok=True)

    def _watch(self, phase: Phase, steps: int, error: float) -> None:
        total = self._steps_before(phase) + steps
        if self._journal is None:
            self._journal = Journal(self.files.log, total - 1)
        if total % LOG_INTERVAL == 0:
            decibels = min(-10 * math.log10(max(error, 1e-20)), 200.0)
            line = {"step": total, "seconds": round(self.seconds, 2), "loss": math.log(error + 1e-20)}
            self._journal.write({**line, "psnr": decibels, "phase": phase.number})
        if self._stopped():
            self.save()
            raise InterruptedFitError(f"interrupted after step {total}; --resume goes on from there")
        if time.monotonic() - self._saved > SAVE_SECONDS or steps == phase.steps:
            self.save()

    def _steps_before(self, phase: Phase) -> int:
        given = self.configuration
        own = 0 if given.exact else given.own_steps
        return sum(
            (own, given.scout_steps, given.alone_steps, *given.prefix_steps, given.joint_steps)[
                : phase.number
            ]
        )


def saved_configuration(state: State) -> HandOverConfiguration:
    """The configuration that a saved run follows."""
    if state.values.get("method") != METHOD:
        raise EncodeError("bad-state", "the state is of a fit by another method")
    return HandOverConfiguration().changed(state.values["configuration"])


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str, float], None] | None]:
    """Yields what `hand_over` tells its progress, for a terminal, if there is one."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(total=1.0, bar_format="{desc}: {percentage:3.0f} % {bar} [{elapsed} < {remaining}]") as bar:

        def tell(what: str, done: float) -> None:
            bar.set_description(what, refresh=False)
            bar.update(done - bar.n)

        yield tell

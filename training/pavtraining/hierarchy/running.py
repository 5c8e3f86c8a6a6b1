"""Running a fit from beginning to end: clock, log, saved states, progress, interruption."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pavfmt.model import Avatar
from pavtraining.hierarchy.configuration import Configuration
from pavtraining.hierarchy.fitting import Fit, StepReport
from pavtraining.interruption import InterruptedFitError, RunFiles, stop_asked
from pavtraining.log import Journal
from pavtraining.sources.view import Source
from pavtraining.state import State, read_state, write_state


@contextmanager
def _bar(total: int, first: int, quiet: bool) -> Iterator[Callable[[StepReport, Fit], None]]:
    """Yields what shows a step on a progress bar, if there is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda report, fit: None
        return
    from tqdm import tqdm

    with tqdm(total=total, initial=first, desc="fit", unit="step", smoothing=0.05) as shown:

        def advance(report: StepReport, fit: Fit) -> None:
            shown.set_postfix_str(
                f"loss {report.loss:.4f}, {report.psnr:.1f} dB, {len(fit.forest):,} Gaussians", refresh=False
            )
            shown.update(1)

        yield advance


class Run:
    """One fit over as many processes as it takes."""

    def __init__(self, fit: Fit, files: RunFiles, minutes: float | None = None, seconds: float = 0.0) -> None:
        """`minutes` bounds the whole run, of which `seconds` are over; None: only its steps do."""
        self.fit, self.files, self.minutes = fit, files, minutes
        self._spent = seconds
        self._began = time.monotonic()

    @classmethod
    def started(
        cls,
        source: Source,
        configuration: Configuration,
        files: RunFiles,
        minutes: float | None = None,
        device: str = "cpu",
    ) -> Run:
        """From the beginning; looking which faces are seen counts as time."""
        began = time.monotonic()
        fit = Fit(source, configuration, device)
        return cls(fit, files, minutes, time.monotonic() - began)

    @classmethod
    def resumed(cls, source: Source, files: RunFiles, device: str = "cpu") -> Run:
        """From the saved state."""
        state = read_state(files.state)
        return cls(
            Fit.resumed(source, state, device), files, state.values["minutes"], state.values["seconds"]
        )

    @property
    def seconds(self) -> float:
        """Time spent so far, in all processes."""
        return self._spent + time.monotonic() - self._began

    @property
    def progress(self) -> float:
        """The share done: of the steps, or of the minutes if those are fewer."""
        share = self.fit.step_count / self.fit.configuration.steps
        return share if self.minutes is None else max(share, self.seconds / (60 * self.minutes))

    def go(self, quiet: bool = False) -> Avatar:
        """To the end, or until interrupted: then the state is on disk and InterruptedFitError says so."""
        c = self.fit.configuration
        journal = Journal(self.files.log, self.fit.step_count)
        saved = time.monotonic()
        with stop_asked() as stopped, _bar(c.steps, self.fit.step_count, quiet) as show:
            while (progress := self.progress) < 1.0:
                report = self.fit.step(progress)
                show(report, self.fit)
                if self.fit.step_count % c.log_interval == 0:
                    journal.write(self._line(report, progress))
                if stopped():
                    self.save()
                    message = f"interrupted after step {self.fit.step_count}; --resume goes on from there"
                    raise InterruptedFitError(message)
                if time.monotonic() - saved > c.checkpoint_seconds:
                    self.save()
                    saved = time.monotonic()
        self.fit.measure_importance(4 * c.order_views, 1.0)
        return self.fit.avatar()

    def _line(self, report: StepReport, progress: float) -> dict[str, Any]:
        """A line of the log."""
        line: dict[str, Any] = {
            "step": self.fit.step_count,
            "progress": round(progress, 5),
            "seconds": round(self.seconds, 2),
            "loss": report.loss,
            "psnr": min(report.psnr, 200.0),
            "gaussians": len(self.fit.forest),
            "levels": self.fit.forest.structure.level_count,
        }
        if report.prefix_psnr is not None:
            line |= {"prefix_psnr": min(report.prefix_psnr, 200.0), "prefix_share": report.prefix_share}
        return line

    def save(self) -> None:
        """Put the state on disk."""
        state = self.fit.state()
        values = {**state.values, "seconds": self.seconds, "minutes": self.minutes}
        write_state(replace(state, values=values), self.files.state)

    def clear(self) -> None:
        """The run is over and its result written: forget the state."""
        self.files.state.unlink(missing_ok=True)


def saved_configuration(state: State) -> Configuration:
    """The configuration that a saved run follows."""
    return Configuration().changed(state.values["configuration"])

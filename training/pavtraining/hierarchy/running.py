"""Running a fit of a hierarchy from beginning to end, by steps or by minutes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from pavfmt.model import Avatar
from pavtraining.hierarchy.configuration import HierarchyConfiguration
from pavtraining.hierarchy.fitting import Fit, StepReport
from pavtraining.running import Progress, Run, RunFiles
from pavtraining.sources.view import ViewSource
from pavtraining.state import State, read_state

MOST_DECIBELS = 200.0
"""What the log says of a picture without any error: JSON has no infinity."""


class HierarchyRun(Run):
    """One fit over as many processes as it takes."""

    def __init__(self, fit: Fit, files: RunFiles, minutes: float | None = None, seconds: float = 0.0) -> None:
        """`minutes` bounds the whole run, of which `seconds` are over; None: only its steps do."""
        c = fit.configuration
        super().__init__(files, seconds, c.checkpoint_seconds, c.log_interval)
        self.fit, self.minutes = fit, minutes

    @classmethod
    def started(
        cls,
        source: ViewSource,
        configuration: HierarchyConfiguration,
        files: RunFiles,
        minutes: float | None = None,
        device: str = "cpu",
    ) -> HierarchyRun:
        """From the beginning; looking which faces are seen counts as time."""
        began = time.monotonic()
        fit = Fit(source, configuration, device)
        return cls(fit, files, minutes, time.monotonic() - began)

    @classmethod
    def resumed(cls, source: ViewSource, files: RunFiles, device: str = "cpu") -> HierarchyRun:
        """From the saved state."""
        state = read_state(files.state)
        fit = Fit.resumed(source, state, device)
        return cls(fit, files, state.values["minutes"], state.values["seconds"])

    @property
    def progress(self) -> float:
        """The share done: of the steps, or of the minutes if those are fewer."""
        share = self.fit.step_count / self.fit.configuration.steps
        return share if self.minutes is None else max(share, self.seconds / (60 * self.minutes))

    def _fitted(self, show: Progress | None) -> Avatar:
        fit = self.fit
        while (progress := self.progress) < 1.0:
            report = fit.step(progress)
            if show is not None:
                what = f"loss {report.loss:.4f}, {report.psnr:.1f} dB, {len(fit.forest):,} Gaussians"
                show(f"step {fit.step_count:,}, {what}", progress)
            self._after_step(fit.step_count, lambda: self._line(report, progress))  # noqa: B023 (called at once)
        fit.measure_importance(4 * fit.configuration.order_views, 1.0)
        return fit.avatar()

    def _line(self, report: StepReport, progress: float) -> dict[str, Any]:
        """A line of the log."""
        line: dict[str, Any] = {
            "progress": round(progress, 5),
            "loss": report.loss,
            "psnr": min(report.psnr, MOST_DECIBELS),
            "gaussians": len(self.fit.forest),
            "levels": self.fit.forest.structure.level_count,
        }
        if report.prefix_psnr is not None:
            prefix_psnr = min(report.prefix_psnr, MOST_DECIBELS)
            line |= {"prefix_psnr": prefix_psnr, "prefix_share": report.prefix_share}
        return line

    def _state(self) -> State:
        state = self.fit.state()
        return replace(state, values={**state.values, "minutes": self.minutes})

"""An evaluation as a picture: quality of the budgets, and the wait for the first picture. Needs matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from pavplayer.evaluation.figures import GAUSSIAN_BYTES, GAUSSIANS, EvalReport
from pavplayer.evaluation.reports.byte_axes import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (10.0, 3.8)
DOTS_PER_INCH = 110
PALETTE = Palette()
COLOURS = ("#1f5fa8", "#b3261e")
EQUAL_DECIBELS = 60.0
"""Where a bar ends that stands for no difference."""


def eval_plot(report: EvalReport) -> bytes:
    """PNG: bars of PSNR on the left, of milliseconds on the right."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.family": "sans-serif", "font.size": 9}):
        figure = Figure(figsize=INCHES, facecolor=PALETTE.card, layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        _draw_budgets(left, report)
        _draw_waits(right, report)
        figure.suptitle(
            f"{report.likeness.name}, against {report.likeness.reference}", color=PALETTE.ink, fontsize=11
        )
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return stream.getvalue()


def _draw_budgets(axes: Axes, report: EvalReport) -> None:
    kinds = ((GAUSSIAN_BYTES, "of Gaussian bytes"), (GAUSSIANS, "of Gaussians"))
    for number, (of, label) in enumerate(kinds):
        some = [one for one in report.budgets if one.of == of]
        found = [one.framings[0].psnr for one in some]
        heights = [EQUAL_DECIBELS if psnr == float("inf") else psnr for psnr in found]
        at = np.arange(len(some)) + 0.4 * number - 0.2
        bars = axes.bar(at, heights, 0.38, color=COLOURS[number], label=label)
        names = ["equal" if psnr == float("inf") else f"{psnr:.1f}" for psnr in found]
        axes.bar_label(bars, names, fontsize=8, color=PALETTE.faint)
        axes.set_xticks(np.arange(len(some)), [f"{one.percent:g} %" for one in some])
    axes.set_ylabel(f"PSNR of {report.likeness.framings[0].framing}, dB", color=PALETTE.ink)
    axes.legend(loc="upper left", frameon=False)


def _draw_waits(axes: Axes, report: EvalReport) -> None:
    waits = report.first_pictures
    for number, label in enumerate(("simulated", "HTTP on loopback")):
        seconds = [one.loopback_seconds if number else one.simulated_seconds for one in waits]
        at = np.arange(len(waits)) + 0.4 * number - 0.2
        bars = axes.bar(at, [1e3 * one for one in seconds], 0.38, color=COLOURS[number], label=label)
        axes.bar_label(bars, [f"{1e3 * one:,.0f}" for one in seconds], fontsize=8, color=PALETTE.faint)
    names = [f"{one.megabits_per_second:g} Mbit/s\n{one.latency_ms:g} ms" for one in waits]
    axes.set_xticks(np.arange(len(waits)), names, fontsize=8)
    axes.set_ylabel("first picture after, ms", color=PALETTE.ink)
    axes.legend(loc="upper right", frameon=False)

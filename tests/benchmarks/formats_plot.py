"""Quality against bytes per Gaussian: one panel for each subject."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAV, PEER = "#b3261e", "#33415c"
PANEL_INCHES = (5.6, 4.0)
CEILING, FLOOR = 75.0, 15.0
"""Decibels."""
LABEL_GAP = 4.0
"""Decibels between labels."""
TICKS = (0.5, 1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 100, 200)


class PlottedRow(Protocol):
    """What is drawn of a format's figures."""

    name: str
    sizes: int
    decibels: float
    prefixes: list[tuple[int, float]]


Panel = tuple[str, int, Sequence[PlottedRow]]
"""Title, number of Gaussians, rows."""


def formats_plot(panels: Sequence[Panel]) -> bytes:
    """A PNG: peers are points, `.pav` is a curve, because every prefix of it draws."""
    across = min(2, len(panels))
    down = -(-len(panels) // across)
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        _draw(axes, panel)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()


def _draw(axes: Axes, panel: Panel) -> None:
    title, count, rows = panel
    for row in rows:
        if row.prefixes:
            inside = [(size / count, quality) for size, quality in row.prefixes if quality > FLOOR]
            x, y = zip(*inside, _place(row, count), strict=True)
            axes.plot(x, y, color=PAV, linewidth=1.6, marker=".", markersize=6)
        axes.plot(*_place(row, count), "o" if row.prefixes else "s", color=_colour(row), markersize=7)
    _scale(axes)
    _draw_labels(axes, count, rows)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("bytes per Gaussian (rig not counted; logarithmic)")
    axes.set_ylabel("PSNR at rest, dB")
    axes.grid(True, color="#dddddd", linewidth=0.7)


def _place(row: PlottedRow, count: int) -> tuple[float, float]:
    return row.sizes / count, min(row.decibels, CEILING)


def _colour(row: PlottedRow) -> str:
    return PAV if row.prefixes else PEER


def _scale(axes: Axes) -> None:
    """Logarithmic, with room for labels on the right."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * (high / low) ** 0.5)
    axes.set_ylim(FLOOR, CEILING + 4)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()


def _draw_labels(axes: Axes, count: int, rows: Sequence[PlottedRow]) -> None:
    """In one column, each at its height or lower where another stands, with a line to its point."""
    x = max(row.sizes for row in rows) / count * 1.15
    height = CEILING + LABEL_GAP
    for row in sorted(rows, key=lambda row: (-row.decibels, -row.sizes)):
        height = min(height - LABEL_GAP, row.decibels)
        text = f"{row.name} (over {CEILING:g} dB)" if row.decibels > CEILING else row.name
        line = {"arrowstyle": "-", "color": _colour(row), "linewidth": 0.6, "shrinkB": 0.0}
        axes.annotate(
            text,
            _place(row, count),
            xytext=(x, height),
            va="center",
            color=_colour(row),
            fontsize=8.5,
            arrowprops=line,
        )

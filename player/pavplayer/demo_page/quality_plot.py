"""Quality against bytes as an SVG that takes its colours from the page. Needs matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavplayer.evaluation.reports.byte_axes import (
    Palette,
    draw_marks,
    draw_steps,
    scale_bytes,
    scale_decibels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (7.6, 3.5)
COLOURS = {
    "#010101": "var(--ink)",
    "#020202": "var(--faint)",
    "#030303": "var(--line)",
    "#040404": "var(--accent)",
    "#050505": "var(--card)",
}
"""Stand-ins that the SVG is drawn in, and the page's variables that replace them."""
PALETTE = Palette(*COLOURS)


@dataclass(frozen=True)
class QualityPlot:
    """The drawing, and where on it a number of bytes is."""

    svg: str
    positions: list[float]
    """For each point given: 0..1 from the drawing's left edge."""
    top: float
    """The upper and lower end of the axes: 0..1 from the drawing's upper edge."""
    bottom: float


def quality_plot(
    byte_counts: Sequence[int], decibels: Sequence[float], marks: Mapping[str, int | None]
) -> QualityPlot:
    """PSNR at each prefix length; infinite values are left out. `marks` are named byte counts."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "pav", "font.family": "sans-serif"}):
        figure = Figure(figsize=INCHES, facecolor="none")
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0.085, 0.165, 0.895, 0.745), facecolor="none")
        _draw(axes, byte_counts, decibels, marks)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        places = axes.transData.transform([(count / 1000, 0.0) for count in byte_counts])[:, 0]
        box = axes.get_position()
    positions = (places / figure.bbox.width).tolist()
    return QualityPlot(_themed(stream.getvalue()), positions, 1 - box.y1, 1 - box.y0)


def _draw(
    axes: Axes, byte_counts: Sequence[int], decibels: Sequence[float], marks: Mapping[str, int | None]
) -> None:
    points = [(n, q) for n, q in zip(byte_counts, decibels, strict=True) if q < float("inf")]
    x, y = zip(*points, strict=True) if points else ((1000,), (0.0,))
    draw_steps(axes, x, y, PALETTE.accent)
    scale_bytes(axes, byte_counts[0], byte_counts[-1], PALETTE)
    scale_decibels(axes, y)
    axes.set_xlabel("file bytes received, kB (logarithmic)", color=PALETTE.ink)
    axes.set_ylabel("PSNR against the complete file, dB", color=PALETTE.ink)
    draw_marks(axes, marks, PALETTE)


def _themed(svg: str) -> str:
    """The `<svg>` element alone, scaling with the page and in its colours."""
    svg = svg[svg.index("<svg") :]
    for drawn, themed in COLOURS.items():
        svg = svg.replace(drawn, themed)
    return svg.replace("<svg ", '<svg role="img" aria-label="PSNR against bytes received" ', 1)

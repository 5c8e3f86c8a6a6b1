"""Quality against bytes as an SVG that takes its colours from the page. Needs matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavplayer.prefixes import shown_bytes

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
INK, FAINT, LINE, ACCENT, CARD = COLOURS
"""Stand-ins that the SVG is drawn in, and the page's variables that replace them."""
CEILING = 60.0
"""Decibels: the curve may leave the drawing here, where 8-bit pictures no longer differ."""


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
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    points = [(n / 1000, q) for n, q in zip(byte_counts, decibels, strict=True) if q < float("inf")]
    x, y = zip(*points, strict=True) if points else ((1.0,), (0.0,))
    axes.set_xscale("log")
    axes.plot(x, y, drawstyle="steps-post", color=ACCENT, linewidth=2.0)
    axes.plot(x, y, "o", color=ACCENT, markersize=4.5)
    axes.set_xlim(byte_counts[0] / 1000 * 0.93, byte_counts[-1] / 1000 * 1.05)
    top = min(max(y) + max(3.0, 0.15 * (max(y) - min(y))), CEILING)
    axes.set_ylim(min(*y, top - 5) - 1.5, top)
    within_a_decade = byte_counts[-1] < 10 * byte_counts[0]
    ticks = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0) if within_a_decade else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("file bytes received, kB (logarithmic)", color=INK)
    axes.set_ylabel("PSNR against the complete file, dB", color=INK)
    axes.grid(True, which="major", color=LINE, linewidth=0.8)
    axes.tick_params(which="both", colors=FAINT, length=0, labelcolor=INK)
    for side in axes.spines.values():
        side.set_visible(False)
    _draw_marks(axes, marks)


def _draw_marks(axes: Axes, marks: Mapping[str, int | None]) -> None:
    box = {"facecolor": CARD, "edgecolor": "none", "pad": 1.5}
    placed: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points"}
    placed |= {"xytext": (4, 0), "va": "top", "ha": "left", "color": FAINT, "fontsize": 9.5}
    for number, (name, count) in enumerate(marks.items()):
        if count is not None:
            axes.axvline(count / 1000, color=FAINT, linewidth=1.2, linestyle=(0, (3, 3)))
            box = {"facecolor": CARD, "edgecolor": "none", "pad": 1.5}
            text = f"{name}: {shown_bytes(count)}"
            axes.annotate(text, (count / 1000, 0.98 - 0.1 * number), bbox=box, **placed)


def _themed(svg: str) -> str:
    """The `<svg>` element alone, scaling with the page and in its colours."""
    svg = svg[svg.index("<svg") :]
    for drawn, themed in COLOURS.items():
        svg = svg.replace(drawn, themed)
    return svg.replace("<svg ", '<svg role="img" aria-label="PSNR against bytes received" ', 1)

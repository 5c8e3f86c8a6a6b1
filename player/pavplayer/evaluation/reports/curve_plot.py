"""PSNR and SSIM against bytes as a picture, PNG or SVG. Needs matplotlib."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from pavplayer.evaluation.figures import Curve, CurvePoint, CurveReport, PictureQuality
from pavplayer.evaluation.reports.byte_axes import (
    Palette,
    draw_marks,
    draw_steps,
    scale_bytes,
    scale_decibels,
    shown_bytes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES = (11.0, 6.2)
DOTS_PER_INCH = 110
COLOURS = ("#b3261e", "#1f5fa8", "#2f7d4f", "#8a5a00", "#6b3fa0")
"""Of the curves; then again from the first."""
PALETTE = Palette()
FORMATS = {".png": "png", ".svg": "svg"}
LABELLED_COUNTS = 8
"""At most about so many points tell their number of Gaussians."""


@dataclass(frozen=True)
class Column:
    """What one column of panels shows."""

    label: str
    size: Callable[[CurvePoint], int]
    likeness: Callable[[CurvePoint], PictureQuality]


OVER_FILE = Column("file bytes received", lambda point: point.file_bytes, lambda point: point.likeness)
OVER_GAUSSIANS = Column(
    "Gaussian bytes, rig and shapes held", lambda point: point.gaussian_bytes, lambda point: point.held
)


def plot_format(path: str) -> str | None:
    """ "png" or "svg" by a file's name; None: neither."""
    return FORMATS.get(PurePath(path).suffix.lower())


def curve_plot(report: CurveReport, form: str = "png") -> bytes:
    """Over file bytes on the left, over Gaussian bytes on the right; PSNR above, SSIM below."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "pav", "font.family": "sans-serif", "font.size": 10}):
        figure = Figure(figsize=INCHES, facecolor=PALETTE.card, layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(2, 2, sharex="col", sharey="row", height_ratios=(2.4, 1.0))
        decibels = _draw_column(panels[:, 0], report, OVER_FILE)
        decibels += _draw_column(panels[:, 1], report, OVER_GAUSSIANS)
        scale_decibels(panels[0, 0], decibels)  # the columns share it
        _label(figure, panels, report)
        stream = io.BytesIO()
        dates = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(stream, format=form, dpi=DOTS_PER_INCH, metadata=dates)
    return stream.getvalue()


def _draw_column(panels: Sequence[Axes], report: CurveReport, column: Column) -> list[float]:
    """Returns the PSNR of all that is drawn."""
    above, below = panels
    sizes: list[int] = []
    decibels: list[float] = []
    for number, curve in enumerate(report.curves):
        points = [point for point in curve.points if point.gaussian_count]
        colour, x = COLOURS[number % len(COLOURS)], [column.size(point) for point in points]
        likenesses = [column.likeness(point) for point in points]
        differ = [(n, one.psnr) for n, one in zip(x, likenesses, strict=True) if one.psnr is not None]
        draw_steps(above, [n for n, _ in differ], [quality for _, quality in differ], colour)
        draw_steps(below, x, [one.ssim for one in likenesses], colour)
        sizes += x
        decibels += [quality for _, quality in differ]
    for axes in panels:
        scale_bytes(axes, min(sizes, default=1000), max(sizes, default=10_000), PALETTE)
    below.set_xlabel(f"{column.label}, kB (logarithmic)", color=PALETTE.ink)
    return decibels


def _label(figure: Figure, panels: Sequence[Sequence[Axes]], report: CurveReport) -> None:
    (left, right), (below, _) = panels
    left.set_ylabel("PSNR, dB", color=PALETTE.ink)
    below.set_ylabel("SSIM", color=PALETTE.ink)
    pictures = f"{len(report.views)} views of {len(report.expressions)} expressions"
    sizes = ", ".join(f"{curve.name} ({shown_bytes(curve.file_bytes)})" for curve in report.curves)
    title = f"{sizes}: prefixes against {report.reference}, {pictures}"
    figure.suptitle(title, color=PALETTE.ink, fontsize=11)
    if len(report.curves) == 1:
        _label_one(left, right, report.curves[0])
        return
    for number, curve in enumerate(report.curves):
        right.plot([], [], color=COLOURS[number % len(COLOURS)], linewidth=2.0, label=curve.name)
    right.legend(loc="lower right", frameon=False)


def _label_one(left: Axes, right: Axes, curve: Curve) -> None:
    """Milestones and levels over file bytes, numbers of Gaussians over theirs."""
    levels = {f"level {one.level} from": one.begins for one in curve.levels[1:]}
    draw_marks(left, {"visible": curve.visible, "animatable": curve.animatable, **levels}, PALETTE)
    for number, (size, quality, count) in enumerate(_worth_a_label(curve)):
        right.annotate(
            f"{count:,} Gaussians",
            (size / 1000, quality),
            xytext=(-6 if number else 2, 6),
            ha="right" if number else "left",
            textcoords="offset points",
            fontsize=8.5,
            color=PALETTE.faint,
        )


def _worth_a_label(curve: Curve) -> Iterator[tuple[int, float, int]]:
    """Bytes, decibels and Gaussians of points far enough above the ones before."""
    held = [(point, point.held.psnr) for point in curve.points if point.gaussian_count]
    finite = [(point, quality) for point, quality in held if quality is not None]
    span = max((quality for _, quality in finite), default=0.0) - min((q for _, q in finite), default=0.0)
    above = -math.inf
    for point, quality in finite:
        if quality >= above:
            yield point.gaussian_bytes, quality, point.gaussian_count
            above = quality + max(span / LABELLED_COUNTS, 0.1)

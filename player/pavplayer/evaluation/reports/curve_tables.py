"""A curve as lines of text: for people, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pavplayer.evaluation.figures import Curve, CurvePoint, CurveReport

COLUMNS = (
    "file",
    "file_bytes",
    "gaussian_bytes",
    "gaussian_count",
    "animatable",
    "psnr",
    "worst_psnr",
    "ssim",
    "flip",
    "held_psnr",
    "held_ssim",
)


def curve_csv(report: CurveReport) -> str:
    """One line for each prefix of each file; no PSNR means no difference, no FLIP that it was not measured."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for curve in report.curves:
        for point in curve.points:
            like = point.likeness
            sizes = (point.file_bytes, point.gaussian_bytes, point.gaussian_count, int(point.animatable))
            held = (point.held.psnr, point.held.ssim)
            writer.writerow((curve.name, *sizes, like.psnr, like.worst_psnr, like.ssim, like.flip, *held))
    return stream.getvalue()


def curve_text(report: CurveReport) -> str:
    """One table for each file."""
    views, size = len(report.views), f"{report.width}x{report.height}"
    against = f"against {report.reference}; {views} views of {', '.join(report.expressions)}; {size}"
    return "\n".join([against, *(line for curve in report.curves for line in _lines(curve))])


def _lines(curve: Curve) -> Iterator[str]:
    with_flip = any(point.likeness.flip is not None for point in curve.points)
    yield f"\n{curve.name}"
    head = f"{'file bytes':>12}{'Gaussian bytes':>16}{'Gaussians':>11}{'PSNR dB':>9}{'worst':>7}{'SSIM':>8}"
    yield head + (f"{'FLIP':>8}" if with_flip else "") + f"{'held dB':>9}{'SSIM':>8}"
    for point in curve.points:
        yield _line(point, with_flip) + _remarks(curve, point)


def _line(point: CurvePoint, with_flip: bool) -> str:
    like = point.likeness
    sizes = f"{point.file_bytes:>12,}{point.gaussian_bytes:>16,}{point.gaussian_count:>11,}"
    quality = f"{_decibels(like.psnr):>9}{_decibels(like.worst_psnr, 1):>7}{like.ssim:>8.4f}"
    flip = f"{like.flip:>8.4f}" if with_flip and like.flip is not None else ""
    return f"{sizes}{quality}{flip}{_decibels(point.held.psnr):>9}{point.held.ssim:>8.4f}"


def _decibels(value: float | None, digits: int = 2) -> str:
    return "equal" if value is None else f"{value:.{digits}f}"


def _remarks(curve: Curve, point: CurvePoint) -> str:
    """The milestones reached exactly here."""
    marks = {"visible": curve.visible, "animatable": curve.animatable}
    for one in curve.levels if len(curve.levels) > 1 else ():
        marks |= {f"level {one.level} begins": one.begins, f"level {one.level} complete": one.complete}
    reached = [name for name, count in marks.items() if count == point.file_bytes]
    return f"  {', '.join(reached)}" if reached else ""

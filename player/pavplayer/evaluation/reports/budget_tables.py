"""An evaluation as tables: for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pavplayer.evaluation.figures import GAUSSIANS, EvalReport, EvaluationBudget, FirstPicture, ViewSet
from pavplayer.evaluation.reports.likeness_tables import (
    aligned,
    decibels,
    likeness_markdown,
    likeness_text,
    markdown,
)

NAMES = {GAUSSIANS: "Gaussians"}


def _share(one: EvaluationBudget) -> str:
    return f"{one.percent:g} % of {NAMES.get(one.of, 'Gaussian bytes')}"


def _sizes(one: EvaluationBudget) -> list[str]:
    return [f"{one.file_bytes:,}", f"{one.gaussian_bytes:,}", f"{one.gaussian_count:,}"]


def _budget_rows(report: EvalReport) -> Iterator[list[str]]:
    """By `eval-v2`: PSNR of each framing, and its worst 16×16 window."""
    names = [one.framing for one in report.likeness.framings]
    psnrs, windows = [f"{name} dB" for name in names], [f"{name} 16×16" for name in names]
    yield ["budget", "file bytes", "Gaussian bytes", "Gaussians", *psnrs, *windows, "frames/s"]
    for one in report.budgets:
        yield [
            _share(one),
            *_sizes(one),
            *(decibels(framing.psnr) for framing in one.framings),
            *(f"{framing.large.difference:.0f}" for framing in one.framings),
            "–" if one.frames_per_second is None else f"{one.frames_per_second:.1f}",
        ]


def _set_rows(report: EvalReport) -> Iterator[list[str]]:
    """Over the set of views that was asked for."""
    found = [(one, one.set_quality) for one in report.budgets if one.set_quality is not None]
    flip = any(quality.flip is not None for _, quality in found)
    sizes = ["budget", "file bytes", "Gaussian bytes", "Gaussians"]
    yield [*sizes, "PSNR dB", "worst", "SSIM", *(["FLIP"] if flip else [])]
    for one, quality in found:
        yield [
            _share(one),
            *_sizes(one),
            decibels(quality.psnr, 2),
            decibels(quality.worst_psnr),
            f"{quality.ssim:.4f}",
            *([f"{quality.flip:.4f}" if quality.flip is not None else "–"] if flip else []),
        ]


def _set_heading(views: ViewSet) -> str:
    pictures = f"{len(views.views)} views of {', '.join(views.expressions)}"
    return f"over the set of views: {pictures}; {views.width}x{views.height}"


def _opening(report: EvalReport) -> str:
    count, quality = f"{report.first_gaussian_count:,} Gaussians", decibels(report.first_psnr)
    unit = "" if quality == "equal" else f" dB ({report.likeness.framings[0].framing})"
    return f"first picture: {report.first_bytes:,} file bytes, {count}, {quality}{unit}"


def _picture_rows(found: Sequence[FirstPicture]) -> Iterator[list[str]]:
    yield ["link", "round trip", "simulated", "HTTP on loopback"]
    for one in found:
        simulated, real = f"{1e3 * one.simulated_seconds:,.0f} ms", f"{1e3 * one.loopback_seconds:,.0f} ms"
        yield [f"{one.megabits_per_second:g} Mbit/s", f"{one.latency_ms:g} ms", simulated, real]


def eval_text(report: EvalReport) -> str:
    """Aligned columns."""
    budgets, pictures = list(_budget_rows(report)), list(_picture_rows(report.first_pictures))
    parts = [likeness_text(report.likeness), "", *aligned(budgets), ""]
    if report.view_set is not None:
        parts += [_set_heading(report.view_set), *aligned(list(_set_rows(report))), ""]
    return "\n".join([*parts, _opening(report), *aligned(pictures)])


def eval_markdown(report: EvalReport) -> str:
    """The same as Markdown."""
    budgets, pictures = list(_budget_rows(report)), list(_picture_rows(report.first_pictures))
    lines = [*likeness_markdown(report.likeness), "", *markdown(budgets), ""]
    if report.view_set is not None:
        lines += [_set_heading(report.view_set) + ".", "", *markdown(list(_set_rows(report))), ""]
    return "\n".join([*lines, _opening(report) + ".", "", *markdown(pictures)]) + "\n"

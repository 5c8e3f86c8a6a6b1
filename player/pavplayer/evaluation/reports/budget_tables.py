"""An evaluation as tables: for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pavplayer.evaluation.figures import GAUSSIANS, EvalReport, EvaluationBudget, FirstPicture

COLUMNS = [
    "budget",
    "file bytes",
    "Gaussian bytes",
    "Gaussians",
    "PSNR dB",
    "worst",
    "SSIM",
    "FLIP",
    "frames/s",
]
NAMES = {GAUSSIANS: "Gaussians"}


def _heading(report: EvalReport) -> str:
    pictures = f"{len(report.views)} views of {', '.join(report.expressions)}; {report.width}x{report.height}"
    return f"{report.name}, against {report.reference}; {pictures}; drawn on {report.device}"


def _opening(report: EvalReport) -> str:
    quality = "equal" if report.first_psnr is None else f"{report.first_psnr:.1f} dB"
    count = f"{report.first_gaussian_count:,} Gaussians"
    return f"first picture: {report.first_bytes:,} file bytes, {count}, {quality}"


def _budget_rows(report: EvalReport) -> Iterator[list[str]]:
    flip = any(one.likeness.flip is not None for one in report.budgets)
    yield [cell for cell in COLUMNS if flip or cell != "FLIP"]
    for one in report.budgets:
        yield _budget_row(one, flip)


def _budget_row(one: EvaluationBudget, flip: bool) -> list[str]:
    like = one.likeness
    return [
        f"{one.percent:g} % of {NAMES.get(one.of, 'Gaussian bytes')}",
        f"{one.file_bytes:,}",
        f"{one.gaussian_bytes:,}",
        f"{one.gaussian_count:,}",
        _decibels(like.psnr, 2),
        _decibels(like.worst_psnr, 1),
        f"{like.ssim:.4f}",
        *([f"{like.flip:.4f}" if like.flip is not None else "–"] if flip else []),
        "–" if one.frames_per_second is None else f"{one.frames_per_second:.1f}",
    ]


def _decibels(value: float | None, digits: int) -> str:
    return "equal" if value is None else f"{value:.{digits}f}"


def _picture_rows(found: Sequence[FirstPicture]) -> Iterator[list[str]]:
    yield ["link", "round trip", "simulated", "HTTP on loopback"]
    for one in found:
        simulated, real = f"{1e3 * one.simulated_seconds:,.0f} ms", f"{1e3 * one.loopback_seconds:,.0f} ms"
        yield [f"{one.megabits_per_second:g} Mbit/s", f"{one.latency_ms:g} ms", simulated, real]


def eval_text(report: EvalReport) -> str:
    """Aligned columns."""
    budgets, pictures = list(_budget_rows(report)), list(_picture_rows(report.first_pictures))
    parts = [_heading(report), "", *_aligned(budgets), "", _opening(report), *_aligned(pictures)]
    return "\n".join(parts)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join([row[0].ljust(len(first)), *others])


def eval_markdown(report: EvalReport) -> str:
    """The same as Markdown."""
    budgets, pictures = list(_budget_rows(report)), list(_picture_rows(report.first_pictures))
    lines = [
        _heading(report) + ".",
        "",
        *_markdown(budgets),
        "",
        _opening(report) + ".",
        "",
        *_markdown(pictures),
    ]
    return "\n".join(lines) + "\n"


def _markdown(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    head, *body = rows
    yield f"| {' | '.join(head)} |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in body:
        yield f"| {' | '.join(row)} |"

"""`eval-v2` as tables: for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pavplayer.evaluation.figures import LikenessReport, WorstWindow

COLUMNS = ["framing", "pictures", "PSNR dB", "on black", "worst", "region", "FLIP", "16×16", "4×4"]


def decibels(value: float | None, digits: int = 1) -> str:
    """None and infinity: "equal"."""
    return "equal" if value is None or value == float("inf") else f"{value:.{digits}f}"


def likeness_rows(report: LikenessReport) -> Iterator[list[str]]:
    """The head, then one row for each framing."""
    flip = any(one.flip is not None for one in report.framings)
    yield [cell for cell in COLUMNS if flip or cell != "FLIP"]
    for one in report.framings:
        psnrs = (one.psnr, one.psnr_black, one.psnr_worst, one.psnr_region)
        flips = ["–" if one.flip is None else f"{one.flip:.4f}"] if flip else []
        windows = (one.large.difference, one.small.difference)
        yield [
            one.framing,
            str(one.pictures),
            *map(decibels, psnrs),
            *flips,
            *(f"{value:.1f}" for value in windows),
        ]


def likeness_heading(report: LikenessReport) -> str:
    """What is compared with what, and how large the pictures are."""
    size = f"{report.width}x{report.height}, white and black"
    return f"{report.name}, against {report.reference}; eval-v2, {size}; drawn on {report.device}"


def size_lines(report: LikenessReport) -> list[str]:
    """Gaussians and bytes."""
    kept = f"{report.gaussian_count:,} of the source's {report.source_gaussian_count:,} Gaussians"
    if report.gaussian_count > report.source_gaussian_count:
        kept = f"{report.gaussian_count:,} Gaussians, the source has {report.source_gaussian_count:,}"
    left = f"{kept}; {report.left_out:,} left out"
    each = f"{report.bytes_per_input:.2f} per input Gaussian, {report.bytes_per_kept:.2f} per kept one"
    return [left, f"{report.file_bytes:,} file bytes, {report.gaussian_bytes:,} Gaussian bytes: {each}"]


def window_lines(report: LikenessReport) -> list[str]:
    """Where the worst windows are."""
    return [
        f"worst {window.size}×{window.size} of {one.framing}: {_place(window)}"
        for one in report.framings
        for window in (one.large, one.small)
    ]


def _place(window: WorstWindow) -> str:
    return f"{window.difference:.1f} of 255 at {window.where}, pixel {window.x}, {window.y}"


def skipped_lines(report: LikenessReport) -> list[str]:
    """What was not looked at."""
    return [f"skipped: {line}" for line in report.skipped]


def likeness_text(report: LikenessReport) -> str:
    """Aligned columns."""
    table = aligned(list(likeness_rows(report)))
    notes = [*size_lines(report), *window_lines(report), *skipped_lines(report)]
    return "\n".join([likeness_heading(report), "", *table, "", *notes])


def likeness_markdown(report: LikenessReport) -> list[str]:
    """The same as lines of Markdown."""
    notes = [*size_lines(report), *window_lines(report), *skipped_lines(report)]
    table = markdown(list(likeness_rows(report)))
    return [likeness_heading(report) + ".", "", *table, "", *(f"- {line}" for line in notes)]


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join([row[0].ljust(len(first)), *others])


def markdown(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table whose first row is its head."""
    head, *body = rows
    yield f"| {' | '.join(head)} |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in body:
        yield f"| {' | '.join(row)} |"

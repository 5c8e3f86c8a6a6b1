"""One HTML file with everything in it: it asks the network for nothing."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib.resources import files
from string import Template

from pavplayer.evaluation.comparing import Examination
from pavplayer.evaluation.figures import FramingLikeness, LikenessReport, WorstWindow
from pavplayer.evaluation.likeness import Clouds
from pavplayer.evaluation.reports.comparison_page.difference_map import gradient, scale_end
from pavplayer.evaluation.reports.comparison_page.places import Box, ShownPlace, Trio, shown_places
from pavplayer.evaluation.reports.likeness_tables import decibels, likeness_rows

TITLES = {
    "head": "The head from all around",
    "everything": "Everything the avatar has",
    "eyes": "The eyes from close by",
    "mouth": "The mouth from close by",
}
ENLARGED = 3
"""Screen pixels for each pixel of a part, at most."""


def comparison_page(report: LikenessReport, examination: Examination, test: Clouds) -> str:
    """The page; `test` are the file's Gaussians, of which `report` tells.

    All text is escaped: names come from files.
    """
    # By the mean of the worst large window: its single pixels may go beyond, but what is small stays to be seen.
    end = scale_end(max(one.large.difference for one in report.framings))
    # Worst first: whoever looks at one place alone looks at the right one.
    ordered = sorted(report.framings, key=lambda one: -one.large.difference)
    sections = (_section(one, shown_places(examination, test, one, end)) for one in ordered)
    source = files("pavplayer.evaluation.reports.comparison_page")
    return Template(source.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        style=source.joinpath("page.css").read_text(encoding="utf-8"),
        script=source.joinpath("page.js").read_text(encoding="utf-8"),
        title=html.escape(f"{report.name}: original and encoded"),
        name=html.escape(report.name),
        lead=html.escape(_lead(report, ordered[0])),
        facts="".join(_fact(name, value) for name, value in _facts(report).items()),
        table=_table(report),
        gradient=gradient(),
        ticks="".join(f"<span>{tick}</span>" for tick in _ticks(end)),
        sections="".join(sections),
        notes="".join(f"<li>{html.escape(note)}</li>" for note in _notes(report)),
    )


def _lead(report: LikenessReport, worst: FramingLikeness) -> str:
    if not worst.large.difference:
        return f"Compared with {report.reference}: nothing differs in any picture."
    title = TITLES.get(worst.framing, worst.framing)
    return (
        f"Compared with {report.reference}. The place that differs most: {title.lower()}, where a 16×16 window is "
        f"off by {worst.large.difference:.1f} of 255 ({worst.large.where})."
    )


def _facts(report: LikenessReport) -> dict[str, str]:
    return {
        "Gaussians": f"{report.gaussian_count:,}",
        f"left out of {report.source_gaussian_count:,}": f"{report.left_out:,}",
        "file bytes": f"{report.file_bytes:,}",
        "Gaussian bytes": f"{report.gaussian_bytes:,}",
        "per input Gaussian": f"{report.bytes_per_input:.2f} B",
        "per kept Gaussian": f"{report.bytes_per_kept:.2f} B",
    }


def _fact(name: str, value: str) -> str:
    return f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"


def _table(report: LikenessReport) -> str:
    head, *rows = likeness_rows(report)
    cells = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    body = "".join(_row(row) for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _row(row: Sequence[str]) -> str:
    name, *others = (html.escape(cell) for cell in row)
    first = f'<th scope="row"><a href="#{name}">{name}</a></th>'
    return f"<tr>{first}{''.join(f'<td>{cell}</td>' for cell in others)}</tr>"


def _ticks(end: int) -> list[str]:
    """Of the difference's scale, at equal distances; what is beyond its end has the end's colour."""
    last = f"{end}" if end == 255 else f"{end} or more"
    return [*(f"{end * quarter // 4}" for quarter in range(4)), last]


def _section(framing: FramingLikeness, places: Sequence[ShownPlace]) -> str:
    name, title = html.escape(framing.framing), html.escape(TITLES.get(framing.framing, framing.framing))
    figures = (
        f"{framing.pictures} pictures on white and black. {decibels(framing.psnr)} dB on white, "
        f"{decibels(framing.psnr_black)} on black, the worst picture {decibels(framing.psnr_worst)}. "
        f"Worst window of 16×16: {framing.large.difference:.1f}, of 4×4: {framing.small.difference:.1f} of 255."
    )
    shown = "".join(_place(number, framing.framing, place) for number, place in enumerate(places, 1))
    return f'<section id="{name}"><h2>{title}</h2><p>{figures}</p>{shown}</section>'


def _place(number: int, framing: str, place: ShownPlace) -> str:
    window = place.window
    heading = f"{number}. {_angles(window)}, {window.expression}, on {window.background}"
    figures = (
        f"The {window.size}×{window.size} window in the box differs by {window.difference:.1f} of 255 "
        f"(pixel {window.x}, {window.y}); the whole picture: {decibels(place.picture.psnr)} dB."
    )
    what = f"{framing}, {_angles(window)}, {window.expression}, on {window.background}"
    part = _trio(place.part, f"Part of {what}", ENLARGED)
    whole = ""
    if place.whole is not None:
        trio = _trio(place.whole, f"Whole picture of {what}", 1)
        whole = f"<details><summary>The whole picture</summary>{trio}</details>"
    return f"<article><h3>{html.escape(heading)}</h3><p>{html.escape(figures)}</p>{part}{whole}</article>"


def _angles(window: WorstWindow) -> str:
    return f"yaw {window.yaw:g}°, pitch {window.pitch:g}°".replace("-", "−")


def _trio(trio: Trio, what: str, enlarged: int) -> str:
    """The middle picture is a button: it shows the original in the same place, which is where eyes see a change."""
    shown, box = html.escape(what, quote=True), _marked(trio.marked)
    size = f'width="{trio.width}" height="{trio.height}"'
    original = f'<img src="{trio.original}" {size} alt="{shown}: original">'
    under = f'<img class="under" src="{trio.original}" {size} alt="" aria-hidden="true">'
    encoded = f'<img src="{trio.encoded}" {size} alt="{shown}: encoded">'
    difference = f'<img src="{trio.difference}" {size} alt="{shown}: difference map">'
    flip = (
        f'<button type="button" class="frame flip" aria-pressed="false" aria-label="{shown}: encoded; press to flip '
        f'to the original">{encoded}{under}{box}</button>'
    )
    return (
        f'<div class="trio" style="--widest:{enlarged * trio.width}px">'
        f'<figure><div class="frame">{original}{box}</div><figcaption>Original</figcaption></figure>'
        f"<figure>{flip}<figcaption data-flipped>Encoded</figcaption></figure>"
        f'<figure><div class="frame">{difference}{box}</div><figcaption>Difference</figcaption></figure></div>'
    )


def _marked(box: Box) -> str:
    place = f"left:{box.left:.2f}%;top:{box.top:.2f}%;width:{box.width:.2f}%;height:{box.height:.2f}%"
    return f'<i class="box" style="{place}"></i>'


def _notes(report: LikenessReport) -> list[str]:
    return [
        f"Views and expressions are those of eval-v2, {report.width}×{report.height}, drawn by the reference player on "
        f"{report.device}. Encoders look at others.",
        "PSNR is over all pixels of all pictures of a framing, on white unless a column says otherwise; “worst” is "
        "its worst picture, “region” counts only the pixels that show what is looked at.",
        "A window's difference is the mean of |original − encoded| over its pixels in the channel where that is "
        "largest, of 255. The difference map shows each pixel's worst channel.",
        "Pictures on this page are stored without loss; parts are enlarged with sharp pixels.",
        *(f"Skipped: {line}." for line in report.skipped),
    ]

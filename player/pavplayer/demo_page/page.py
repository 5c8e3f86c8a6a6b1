"""One HTML file with everything in it: it asks the network for nothing."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from string import Template

from pavplayer.demo_page.quality_plot import QualityPlot

MARK = "pav demo"
"""In the first bytes of every page, so that a later demo may replace it."""


@dataclass(frozen=True)
class PrefixView:
    """One stop of the slider."""

    received_bytes: int
    gaussian_count: int
    decibels: float | None
    """None: equal to the complete file."""
    seconds: Mapping[str, float]
    """When it is there, by the network's name."""
    pictures: Mapping[str, str]
    """Expression → data URI."""


@dataclass(frozen=True)
class PrefixFilm:
    """The performance, played by one prefix."""

    title: str
    caption: str
    frames: Sequence[str]
    """Data URIs."""


@dataclass(frozen=True)
class Tile:
    """One picture of the grid."""

    picture: str
    """A data URI."""
    caption: Sequence[str]


@dataclass(frozen=True)
class PageContent:
    """What the page tells."""

    title: str
    lead: str
    facts: Mapping[str, str]
    plot: QualityPlot
    prefixes: Sequence[PrefixView]
    films: Sequence[PrefixFilm]
    frames_per_second: int
    tiles: Sequence[Sequence[Tile]]
    """Rows."""
    notes: Sequence[str]


def page_html(content: PageContent) -> str:
    """The page. All text is escaped: titles come from files."""
    source = files("pavplayer.demo_page")
    script_data = {
        "prefixes": [asdict(one) for one in content.prefixes],
        "positions": content.plot.positions,
        "stages": [list(film.frames) for film in content.films],
        "framesPerSecond": content.frames_per_second,
    }
    return Template(source.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        mark=MARK,
        style=source.joinpath("page.css").read_text(encoding="utf-8"),
        script=source.joinpath("page.js").read_text(encoding="utf-8"),
        data=json.dumps(script_data, allow_nan=False).replace("</", "<\\/"),
        title=html.escape(content.title),
        lead=html.escape(content.lead),
        facts="".join(_fact(name, value) for name, value in content.facts.items()),
        plot=content.plot.svg,
        cursor_top=f"{100 * content.plot.top:.3f}",
        cursor_height=f"{100 * (content.plot.bottom - content.plot.top):.3f}",
        expressions="".join(
            _expression(name, n == 0) for n, name in enumerate(content.prefixes[-1].pictures)
        ),
        first=content.prefixes[-1].pictures["rest"],
        last_stop=len(content.prefixes) - 1,
        times="".join(_time(name) for name in content.prefixes[-1].seconds),
        stages="".join(_film(film) for film in content.films),
        last_frame=len(content.films[0].frames) - 1,
        tiles="".join(f'<div class="tiles">{"".join(map(_tile, row))}</div>' for row in content.tiles),
        notes="".join(f"<li>{html.escape(note)}</li>" for note in content.notes),
    )


def _fact(name: str, value: str) -> str:
    return f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"


def _expression(name: str, checked: bool) -> str:
    state = " checked" if checked else ""
    shown = html.escape(name, quote=True)
    return f'<label><input type="radio" name="expression" value="{shown}"{state}><span>{shown}</span></label>'


def _time(name: str) -> str:
    shown = html.escape(name, quote=True)
    return f'<div><dt>at {shown}</dt><dd data-link="{shown}"></dd></div>'


def _film(film: PrefixFilm) -> str:
    caption = f"<b>{html.escape(film.title)}</b><span>{html.escape(film.caption)}</span>"
    return f'<figure><img src="{film.frames[0]}" alt=""><figcaption>{caption}</figcaption></figure>'


def _tile(tile: Tile) -> str:
    first, *others = (html.escape(line) for line in tile.caption)
    caption = f"<b>{first}</b>" + "".join(f"<span>{line}</span>" for line in others)
    return f'<figure><img src="{tile.picture}" alt="{first}"><figcaption>{caption}</figcaption></figure>'

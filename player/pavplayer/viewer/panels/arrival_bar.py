"""What has arrived, as a strip of the file's units and a table of its levels: HTML for a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from pavfmt.container.headers import DirectoryEntry
from pavfmt.registry import UnitType
from pavplayer.evaluation.reports.byte_axes import shown_bytes
from pavplayer.session import Session
from pavplayer.viewer.content.arrivals import Arrivals

LEVEL_COLOURS = ("#d9480f", "#e8890c", "#2b8a3e", "#0b7285", "#364fc7", "#862e9c", "#a61e4d", "#5c940d")
RIG_COLOUR, SHAPE_COLOUR, OTHER_COLOUR = "#868e96", "#adb5bd", "#ced4da"
RIG_TYPES = (UnitType.RIG, UnitType.RIG_REFERENCE, UnitType.IDENTITY, UnitType.CORRECTIVES)
WIDTH, HEIGHT = 1000, 46
"""Of the strip's own coordinates."""
LABEL = 'style="padding:0 .6em 0 0"'
NUMBER = 'style="padding:0 0 0 .6em;text-align:right;font-variant-numeric:tabular-nums"'


@dataclass(frozen=True)
class Segment:
    """One unit on the strip."""

    start: int
    end: int
    colour: str
    state: str
    """"drawn", "hidden" (here, but beyond the limit) or "missing"."""
    title: str


def colour_of(entry: DirectoryEntry) -> str:
    """By level, or by what kind of unit it is."""
    if entry.level is not None:
        return LEVEL_COLOURS[entry.level % len(LEVEL_COLOURS)]
    if entry.type in RIG_TYPES:
        return RIG_COLOUR
    return SHAPE_COLOUR if entry.type == UnitType.SHAPE else OTHER_COLOUR


def segments(arrivals: Arrivals, limit: int | None) -> list[Segment]:
    """Every unit of the directory, in file order."""
    found = []
    for entry in arrivals.entries:
        state = "missing"
        if entry.id in arrivals.ends:
            state = "drawn" if arrivals.is_within(entry.id, limit) else "hidden"
        found.append(Segment(entry.offset, entry.end, colour_of(entry), state, _title(entry, state)))
    return found


def _title(entry: DirectoryEntry, state: str) -> str:
    kind = UnitType(entry.type).name.lower() if entry.type in frozenset(UnitType) else f"type {entry.type}"
    level = "" if entry.level is None else f" of level {entry.level}"
    count = f", {entry.gaussian_count:,} Gaussians" if entry.gaussian_count else ""
    return f"unit {entry.id}: {kind}{level}, {shown_bytes(entry.end - entry.offset)}{count}, {state}"


OPACITY = {"drawn": 1.0, "hidden": 0.35, "missing": 0.1}


def strip(found: Sequence[Segment], total: int, limit: int | None) -> str:
    """An SVG as wide as its place."""
    unit = WIDTH / max(1, total)
    parts = [
        f'<rect x="{one.start * unit:.1f}" y="6" width="{max(1.0, (one.end - one.start) * unit - 0.6):.1f}" '
        f'height="34" fill="{one.colour}" opacity="{OPACITY[one.state]}"><title>{escape(one.title)}</title></rect>'
        for one in found
    ]
    if limit is not None:
        parts.append(f'<rect x="{min(WIDTH - 3.0, limit * unit):.1f}" y="0" width="3" height="{HEIGHT}"/>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="what arrived" '
        f'style="width:100%;height:2.2em;display:block">{"".join(parts)}</svg>'
    )


def level_rows(session: Session, arrivals: Arrivals, limit: int | None) -> list[tuple[str, str, int, int]]:
    """Colour, name, how many are drawn and how many there are: of Gaussians per level, and of shapes."""
    rows, scene = [], session.scene
    drawn: dict[int, int] = {}
    unit_of = {gaussians.start: unit for unit, gaussians in session.gaussian_ranges.items()}
    for block in scene.gaussians.blocks:
        if arrivals.is_within(unit_of.get(block.first), limit):
            drawn[block.level] = drawn.get(block.level, 0) + len(block)
    for number, entry in enumerate(scene.table.levels if scene.table else ()):
        colour = LEVEL_COLOURS[number % len(LEVEL_COLOURS)]
        rows.append((colour, f"level {number}", drawn.get(number, 0), entry.gaussian_count))
    if scene.core is not None and scene.core.shape_names:
        here = [shape.name for shape in scene.shapes.values()]
        count = sum(arrivals.is_within(arrivals.shapes.get(name), limit) for name in here)
        rows.append((SHAPE_COLOUR, "shapes", count, len(scene.core.shape_names)))
    return rows


def strip_html(title: str, arrivals: Arrivals, total: int, limit: int | None = None) -> str:
    """The strip under a title."""
    drawn = strip(segments(arrivals, limit), total, limit)
    return f'<div style="padding:.1em .8em;font-size:.8em">{escape(title)}{drawn}</div>'


def arrival_html(session: Session, arrivals: Arrivals, limit: int | None, total: int) -> str:
    """The strip and the table."""
    cells = "".join(
        f'<tr><td {LABEL}><span style="color:{colour}">■</span> {escape(name)}</td>'
        f"<td {NUMBER}>{here:,}</td><td {NUMBER}>of {total_:,}</td></tr>"
        for colour, name, here, total_ in level_rows(session, arrivals, limit)
    )
    table = f'<table style="border-collapse:collapse;font-size:.8em;margin-top:.3em">{cells}</table>'
    return f'<div style="padding:.2em .8em">{strip(segments(arrivals, limit), total, limit)}{table}</div>'

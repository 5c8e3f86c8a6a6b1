"""Numbers of bytes as people read them, and drawing quality over a logarithmic axis of them (needs matplotlib)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CEILING = 60.0
"""Decibels: the curve may leave the drawing here, where 8-bit pictures no longer differ."""


@dataclass(frozen=True)
class Palette:
    """Colours by what they are for."""

    ink: str = "#1b1f27"
    faint: str = "#667085"
    line: str = "#d9dce3"
    accent: str = "#b3261e"
    card: str = "#ffffff"


def shown_bytes(count: int) -> str:
    """In kB or MB, of 1,000 and 1,000,000 bytes."""
    return f"{count / 1e6:,.2f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"


def draw_steps(axes: Axes, byte_counts: Sequence[int], values: Sequence[float], colour: str) -> None:
    """A value holds until the next prefix that was measured."""
    x = [count / 1000 for count in byte_counts]
    axes.plot(x, values, drawstyle="steps-post", color=colour, linewidth=2.0)
    axes.plot(x, values, "o", color=colour, markersize=4.5)


def scale_bytes(axes: Axes, first: int, last: int, palette: Palette) -> None:
    """The axis from `first` to `last` bytes, in kB, and a plain look."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_xlim(first / 1000 * 0.93, last / 1000 * 1.05)
    ticks = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0) if last < 10 * first else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="major", color=palette.line, linewidth=0.8)
    axes.tick_params(which="both", colors=palette.faint, length=0, labelcolor=palette.ink)
    for side in axes.spines.values():
        side.set_visible(False)


def scale_decibels(axes: Axes, decibels: Sequence[float]) -> None:
    """The other axis, with room above the curve for marks."""
    low, high = (min(decibels), max(decibels)) if decibels else (0.0, 0.0)
    top = min(high + max(3.0, 0.15 * (high - low)), CEILING)
    axes.set_ylim(min(low, top - 5) - 1.5, top)


def draw_marks(axes: Axes, marks: Mapping[str, int | None], palette: Palette) -> None:
    """Named byte counts as upright lines, each label lower than the one before."""
    box = {"facecolor": palette.card, "edgecolor": "none", "pad": 1.5}
    placed: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points"}
    placed |= {"va": "top", "color": palette.faint, "fontsize": 9.5}
    known = {name: count for name, count in marks.items() if count is not None}
    for number, (name, count) in enumerate(known.items()):
        axes.axvline(count / 1000, color=palette.faint, linewidth=1.2, linestyle=(0, (3, 3)))
        left = _in_left_part(axes, count)
        placed |= {"xytext": (4 if left else -4, 0), "ha": "left" if left else "right"}
        place = (count / 1000, 0.98 - 0.1 * number)
        axes.annotate(f"{name}: {shown_bytes(count)}", place, bbox=box, **placed)


def _in_left_part(axes: Axes, count: int) -> bool:
    """Room for a label on the right."""
    low, high = (math.log(limit) for limit in axes.get_xlim())
    return math.log(count / 1000) < low + 0.7 * (high - low)

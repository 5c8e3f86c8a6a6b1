"""Sessions that receive growing prefixes of a file, their pictures, and the lengths worth looking at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pavfmt.container.headers import FileHeader
from pavfmt.model import Pose
from pavfmt.registry import GAUSSIAN_BYTES_TYPES
from pavfmt.tools.cut import bytes_of_percent
from pavfmt.tools.inspect import Inspection, UnitReport, type_name
from pavplayer.camera import Camera
from pavplayer.evaluation.metrics import psnr_over
from pavplayer.evaluation.views import Pictures
from pavplayer.session import Session

GAUSSIAN_TYPES = frozenset(type_name(type_) for type_ in GAUSSIAN_BYTES_TYPES)
"""Names of the unit types whose bytes are Gaussian bytes."""


@dataclass(frozen=True)
class PrefixPictures:
    """What one prefix shows."""

    received_bytes: int
    gaussian_count: int
    is_animatable: bool
    pictures: Pictures


def draw_expressions(session: Session, expressions: Mapping[str, Pose], camera: Camera) -> Pictures:
    """What the session shows now."""
    return {name: session.frame(pose, camera) for name, pose in expressions.items()}


def draw_prefixes(
    session: Session,
    data: bytes,
    lengths: Sequence[int],
    expressions: Mapping[str, Pose],
    camera: Camera,
    receive: Callable[[Session, bytes], None] | None = None,
) -> Iterator[PrefixPictures]:
    """The prefixes of rising `lengths`, fed to a fresh session; `receive` may feed it in its own time."""
    at = 0
    for length in lengths:
        (receive or _feed)(session, data[at:length])
        at = length
        pictures = draw_expressions(session, expressions, camera)
        yield PrefixPictures(length, session.scene.gaussian_count, session.scene.is_animatable, pictures)


def _feed(session: Session, data: bytes) -> None:
    session.feed(data)
    session.update()


def psnr_of(pictures: Pictures, reference: Pictures) -> float:
    """Decibels over all pixels of all expressions; infinite where they are equal."""
    return psnr_over((pictures[name], expected) for name, expected in reference.items())


class GaussianPrefix:
    """A session with everything but Gaussians from the start, whose units of Gaussians are added one by one.

    What a file shows depends on two things that arrive together: Gaussians, and the shapes that move them. Holding
    the rig still shows what bytes of Gaussians alone buy, and makes files of different rigs comparable.
    """

    def __init__(self, session: Session, data: bytes, report: Inspection) -> None:
        self.session, self._data = session, data
        self.gaussian_bytes = 0
        """Of the units that were added."""
        self._waiting = deque(unit for unit in report.units if unit.type in GAUSSIAN_TYPES)
        session.feed_at(0, data[: FileHeader.SIZE])
        for unit in report.units:
            if unit.type not in GAUSSIAN_TYPES:
                self._feed(unit)

    @property
    def next_unit(self) -> UnitReport | None:
        """What `add_next` would add; None: nothing is left."""
        return self._waiting[0] if self._waiting else None

    def add_next(self) -> None:
        """Feed the next unit of Gaussians; the session is to be updated by the caller."""
        unit = self._waiting.popleft()
        self.gaussian_bytes += unit.bytes or 0
        self._feed(unit)

    def _feed(self, unit: UnitReport) -> None:
        self.session.feed_at(unit.offset, self._data[unit.offset : end_of(unit)])


def end_of(unit: UnitReport) -> int:
    """Offset in bytes of what follows a unit, as far as it is there."""
    return unit.offset + (unit.bytes or 0)


def gaussian_bytes_within(report: Inspection, length: int) -> int:
    """Gaussian bytes of the first `length` bytes of the file that was inspected."""
    units = (unit for unit in report.units if unit.type in GAUSSIAN_TYPES)
    return sum(min(max(length - unit.offset, 0), unit.bytes or 0) for unit in units)


def spread_lengths(lengths: Sequence[int], count: int) -> list[int]:
    """At most `count` of the rising lengths, first and last among them, about equally spaced in the logarithm."""
    if not lengths:
        return []
    logarithms = np.log(np.maximum(lengths, 1))
    wanted = np.linspace(logarithms[0], logarithms[-1], count)
    return sorted({lengths[int(np.argmin(np.abs(logarithms - one)))] for one in wanted})


def milestone_lengths(whole: Session, total: int, percents: Sequence[float]) -> list[int]:
    """Rising lengths: the first picture, the first animatable one, and the percents of `total` after it."""
    first = whole.bytes_until_visible or 0
    asked = {bytes_of_percent(total, percent) for percent in percents}
    return sorted({first, whole.bytes_until_animatable or first, *(one for one in asked if one > first)})

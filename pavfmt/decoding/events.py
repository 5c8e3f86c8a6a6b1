"""What a decoder reports. `unit` is the unit's id, `offset` its header's byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pavfmt.container.framing import PartialUnit
from pavfmt.container.headers import FileHeader
from pavfmt.units.rig import RigReference

Content = TypeVar("Content")


@dataclass(frozen=True)
class Event:
    """Base of all events."""

    unit: int | None
    offset: int


@dataclass(frozen=True)
class HeaderArrived(Event):
    """The file header: version, features and totals of the complete avatar."""

    header: FileHeader


@dataclass(frozen=True)
class UnitArrived(Event):
    """A unit became active. `unit` is None for what stands in a rig file: its shapes and correctives."""

    content: Any
    """What it brings, of the class that the unit's kind reads (`pavfmt.units.table`): `Directory`, `RigCore` (also of
    a rig in a file of its own), `Identity`, `NumberedShape`, `PoseCorrectives`, `LevelTable`, `SplitBlock`,
    `GaussianBlock`, `HandOver`, a dict of metadata, `Thumbnail` or `Track`."""


@dataclass(frozen=True)
class RigNamed(Event):
    """The rig is in a file of its own: find it and call `Decoder.supply_rig`."""

    reference: RigReference


@dataclass(frozen=True)
class UnknownSkipped(Event):
    """An ancillary unit of a type this reader does not know."""

    type: int


@dataclass(frozen=True)
class UnitDamaged(Event):
    """A unit is lost, and with it whatever needs it."""

    code: str
    message: str
    error_offset: int
    """Of the field at fault."""
    type: int | None
    """As its header, or else the directory, says."""


@dataclass(frozen=True)
class StreamEnded(Event):
    """No more bytes will come; `offset` is how many there were."""

    complete: bool
    """All units of the complete avatar are there and intact."""
    partial: PartialUnit | None
    waiting: dict[int, tuple[int, ...]]
    """Intact units that stay unused → the needed units that are missing or damaged."""


def contents(events: Iterable[Event], kind: type[Content]) -> Iterator[Content]:
    """What units of one kind brought: `next(contents(decoder.events(), Directory)).entries`."""
    for event in events:
        if isinstance(event, UnitArrived) and isinstance(event.content, kind):
            yield event.content

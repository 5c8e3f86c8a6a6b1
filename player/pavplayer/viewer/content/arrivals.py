"""When each unit came, and how long a prefix of the file has to be to hold it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pavfmt.container.headers import DirectoryEntry, UnitHeader
from pavfmt.decoding import events as ev
from pavfmt.model import Identity, PoseCorrectives
from pavfmt.registry import GAUSSIAN_BYTES_TYPES
from pavfmt.units.directory import Directory
from pavfmt.units.shapes import NumberedShape


@dataclass
class Arrivals:
    """The active units of one avatar, as a decoder's events tell of them."""

    ends: dict[int, int] = field(default_factory=dict)
    """Unit → the shortest prefix in which it is active. A unit needs earlier ones only, so that is its own end;
    without a directory, what had been received when it came."""
    seconds: dict[int, float] = field(default_factory=dict)
    """Unit → when it came."""
    shapes: dict[str, int] = field(default_factory=dict)
    """Shape → the unit that brought it. Those of a rig in a file of its own are not listed: they have no unit."""
    identity: int | None = None
    correctives: int | None = None
    """The units that brought them; None: not there, or with the rig of another file."""
    entries: tuple[DirectoryEntry, ...] = ()
    """The directory."""

    def note(self, events: Iterable[ev.Event], received_bytes: int, now: float) -> None:
        """Take in what a session's update returned; `now` in seconds, of any clock."""
        for event in events:
            if isinstance(event, ev.UnitArrived) and isinstance(event.content, Directory):
                self.entries = event.content.entries
            if event.unit is None or isinstance(event, ev.UnitDamaged):
                continue
            self.ends.setdefault(event.unit, received_bytes)
            self.seconds.setdefault(event.unit, now)
            if isinstance(event, ev.UnitArrived):
                self._note_content(event.content, event.unit)
        for entry in self.entries:
            if entry.id in self.ends:
                self.ends[entry.id] = entry.end

    def _note_content(self, content: object, unit: int) -> None:
        match content:
            case NumberedShape():
                self.shapes[content.shape.name] = unit
            case Identity():
                self.identity = unit
            case PoseCorrectives():
                self.correctives = unit

    def is_within(self, unit: int | None, limit: int | None) -> bool:
        """Whether a unit is active in the prefix of `limit` bytes; None: no unit, or no limit."""
        return unit is None or limit is None or self.ends[unit] <= limit

    def gaussian_bytes(self, limit: int | None) -> int:
        """Of the units within `limit`: splits, Gaussians and hand-over, headers included."""
        return sum(
            UnitHeader.SIZE + entry.length
            for entry in self.entries
            if entry.type in GAUSSIAN_BYTES_TYPES
            and entry.id in self.ends
            and self.is_within(entry.id, limit)
        )

"""Bytes in, typed events and a growing scene out. No sockets, no files, no threads.

    decoder = Decoder()
    decoder.feed(first_bytes)
    for event in decoder.events():
        ...
    decoder.scene.arrays()

How it works. A unit is *intact* when its checksums are right (`pavfmt.container.framing` finds those), and *active*
when also every unit it needs is active and its content is right. The scene is that of the active units (§1). An
intact unit with a need that is not active is kept in `_waiting` until that has come; `_dependants` says for each
missing unit who waits for it. A unit whose needs are all active goes to `_ready` and is activated in its turn: its
kind (`pavfmt.units.table`) reads its content against what its needs have brought, puts that into the scene, and those
that waited for it last of all become ready.

`events` does one small step at a time: the header, or one ready unit, or one frame, or one shape of a rig file, or
the end. It is a generator, so a player may stop at any event, draw, and go on: nothing is decoded before it is asked
for.

A rig in a file of its own (§6.3) is a decoder within this one. The unit that names it is asked for by RigNamed and
waits, with all that needs it, in `_named` until `supply_rig`. Then the rig becomes its content at once; the shapes
and correctives of that file are taken out one by one when there is time, essential ones before this file's later
units, the others after them, so that they delay no Gaussian.

Why so. Content is read when a unit becomes active and not when it arrives: only then are the level table, the mesh
and the splits it refers to at hand, and an error in it is found at the same point whatever the sequence. A unit may
only use what it needs: the reader is given nothing else (`UnitReader.brought`), or the scene would depend on what
else has come.

Invariants. `feed` raises nothing; errors about content are raised in `events`, and once one was raised it is raised
again and again: a decoder that failed stays failed. What depends on the order of arrival is an error, never a choice:
two units that bring the same thing end decoding in either order. A critical unit whose content is wrong ends it too;
any other costs itself and what needs it.

Costs. A unit is decoded once. Waiting units hold their payloads, so memory is what has arrived and what it became.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pavfmt.codec import compiled
from pavfmt.codec.columns import ColumnDecompressor
from pavfmt.codec.fields import UnitReader
from pavfmt.container.framing import DamagedFrame, Frame, Framing
from pavfmt.decoding import events as ev
from pavfmt.decoding.scene import Scene
from pavfmt.errors import FormatError, PavError
from pavfmt.limits import FORMAT_LIMITS, Limits
from pavfmt.registry import UnitType
from pavfmt.units.directory import Directory
from pavfmt.units.rig import RigCore, RigReference
from pavfmt.units.table import UNIT_KINDS, UnitKind

RIG_TYPES = frozenset({UnitType.RIG, UnitType.RIG_REFERENCE})


@dataclass(frozen=True)
class Unit:
    """An intact unit whose needs have been read."""

    frame: Frame
    kind: UnitKind
    reader: UnitReader

    @property
    def id(self) -> int:
        """Its id."""
        return self.reader.id


class Decoder:
    """Sans-I/O decoder of `.pav` files, prefixes, and ranges in any order.

    Give it bytes (`feed`, `feed_at`), iterate over `events` until there are no more, look at `scene`; again and again.
    Only `events` raises errors about content, and one that ends decoding is raised by every later call.
    """

    def __init__(self, limits: Limits = FORMAT_LIMITS) -> None:
        self.limits = limits
        """What it accepts; a file that asks for more is a LimitError."""
        self.scene = Scene()
        """What has arrived and may be shown. It grows while `events` is iterated over."""
        self._framing = Framing(limits)
        self._columns = ColumnDecompressor()
        self._waiting: dict[int, Unit] = {}
        """Intact units with a need that is not active, by id."""
        self._dependants: dict[int, list[int]] = {}
        """Unit that is not active → the ids of those in `_waiting` that need it."""
        self._types: set[UnitType] = set()
        """Of all intact units, active or waiting."""
        self._contents: dict[int, tuple[UnitType, Any]] = {}
        """What the active units of known type have brought, by id."""
        self._supplied: bytes | None = None
        """The rig file."""
        self._named: Unit | None = None
        """The rig reference while its file is not supplied."""
        self._reference: RigReference | None = None
        """Its content, which is read when it is asked for and needed again when the file is there."""
        self._error: PavError | None = None
        """What ended decoding."""
        self._closed = False
        self._ended = False
        self._queue: deque[ev.Event] = deque()
        self._ready: deque[Unit] = deque()
        """Units whose needs are active, to be activated one by one."""
        self._rig_file: tuple[Unit, Iterator[tuple[UnitKind, ev.UnitArrived]]] | None = None
        """The unit that names it, and its shapes and correctives: taken out when there is time for it."""

    def feed(self, data: bytes) -> None:
        """Store the next bytes of the file; raises nothing about their content."""
        if self._error is None:
            self._framing.feed(bytes(data))

    def feed_at(self, offset: int, data: bytes) -> None:
        """Store bytes that stand at `offset` (from the directory, say)."""
        if self._error is None:
            self._framing.feed_at(offset, bytes(data))

    def supply_rig(self, data: bytes) -> None:
        """The rig file that a RigNamed event asks for; checked in `events`."""
        self._supplied = bytes(data)

    def close(self) -> None:
        """No more bytes will come; `events` ends with StreamEnded."""
        self._closed = True

    def events(self) -> Iterator[ev.Event]:
        """What the bytes so far amount to. The only place that raises errors about content, and they stay."""
        while True:
            while self._queue:
                yield self._queue.popleft()
            if self._error is not None:
                raise self._error
            if not self._step():
                return

    def _step(self) -> bool:
        """Queue the events of one more unit, or of the end; False if there is none now."""
        try:
            return self._step_header() or self._step_unit() or self._step_rig() or self._step_end()
        except PavError as error:
            self._error = error
            return True

    def _step_header(self) -> bool:
        if self.scene.header is None and (header := self._framing.read_header()) is not None:
            self.scene.header = header
            compiled.expect(header.gaussian_count)
            self._queue.append(ev.HeaderArrived(None, 0, header))
            return True
        return False

    def _step_unit(self) -> bool:
        """Gaussians first; then the essential shapes of a rig file, then units, then its other shapes."""
        if self._rig_file is not None and self.scene.is_visible and not self.scene.is_animatable:
            return self._step_shape() or self._step_ready() or self._step_frame()
        return self._step_ready() or self._step_frame() or self._step_shape()

    def _step_frame(self) -> bool:
        frame = self._framing.next_frame()
        if isinstance(frame, DamagedFrame):
            type_ = frame.header.type if frame.header else frame.entry.type if frame.entry else None
            id_ = frame.header.id if frame.header else frame.entry.id if frame.entry else None
            self._report(id_, type_, frame.offset, frame.error)
        elif frame is not None:
            self._on_frame(frame)
        return frame is not None

    def _step_rig(self) -> bool:
        if self._named is None or self._supplied is None:
            return False
        self._ready.append(self._named)
        self._named = None
        return True

    def _step_end(self) -> bool:
        if not self._closed or self._ended:
            return False
        self._ended = True
        self._queue.append(self._end())
        return True

    def _on_frame(self, frame: Frame) -> None:
        header = frame.header
        kind = UNIT_KINDS.get(header.type)
        if kind is None:
            self.scene.active_units.add(header.id)
            self._queue.append(ev.UnknownSkipped(header.id, frame.offset, header.type))
            self._ready += self._freed_by(header.id)
            return
        same = RIG_TYPES if kind.type in RIG_TYPES else {kind.type}
        if kind.only_one and not self._types.isdisjoint(same):
            raise FormatError("overlapping-range", f"a second {kind.type.name} unit", frame.offset)
        self._types.add(
            kind.type
        )  # before its content is looked at: a second one is a contradiction all the same
        at, known = frame.payload_offset, (self.limits, self._columns)
        try:
            reader = UnitReader(frame.payload, at, *known, header.id, kind.type)
        except FormatError as error:
            self._malformed(frame, error)
            return
        unit = Unit(frame, kind, reader)
        missing = self._missing(unit)
        if not missing:
            self._ready.append(unit)
            return
        self._waiting[unit.id] = unit
        for need in missing:
            self._dependants.setdefault(need, []).append(unit.id)

    def _missing(self, unit: Unit) -> list[int]:
        return [need for need in unit.reader.needs if need not in self.scene.active_units]

    def _step_ready(self) -> bool:
        """Activate one unit; those that waited for it are next in line."""
        if not self._ready:
            return False
        unit = self._ready.popleft()
        if unit.kind.type is UnitType.RIG_REFERENCE and self._supplied is None:
            self._named = unit
            self._queue.append(ev.RigNamed(unit.id, unit.frame.offset, self._reference_of(unit)))
            return True
        try:
            self._activate(unit)
        except FormatError as error:
            self._malformed(unit.frame, error)
        else:
            self._ready += self._freed_by(unit.id)
        return True

    def _step_shape(self) -> bool:
        """One more shape, or the correctives, of a rig file."""
        if self._rig_file is None:
            return False
        unit, arrivals = self._rig_file
        kind, event = next(arrivals, (None, None))
        if kind is None or event is None:
            self._rig_file = None
            return False
        self._apply(unit, kind, event.content)
        self._queue.append(event)
        return True

    def _freed_by(self, id_: int) -> list[Unit]:
        """Units that waited for `id_` last of all, by id: the order of events is not that of a hash table."""
        waiting = [self._waiting[one] for one in sorted(self._dependants.pop(id_, []))]
        freed = [unit for unit in waiting if not self._missing(unit)]
        for unit in freed:
            del self._waiting[unit.id]
        return freed

    def _malformed(self, frame: Frame, error: FormatError) -> None:
        """Right checksums, wrong content: fatal where the unit is critical or contradicts another."""
        if frame.header.critical or error.code == "overlapping-range":
            raise error
        self._report(frame.header.id, frame.header.type, frame.offset, error)

    def _report(self, id_: int | None, type_: int | None, offset: int, error: PavError) -> None:
        at = offset if error.offset is None else error.offset
        self._queue.append(ev.UnitDamaged(id_, offset, error.code, error.message, at, type_))

    def _end(self) -> ev.StreamEnded:
        framing, header = self._framing, self.scene.header
        waiting = self._root_causes()
        complete = (
            header is not None
            and framing.received_end >= header.file_bytes
            and len(self.scene.active_units) >= header.unit_count
        )
        return ev.StreamEnded(None, framing.received_end, complete, framing.partial(), waiting)

    def _root_causes(self) -> dict[int, tuple[int, ...]]:
        """Waiting units → the needs, their own or their needs', that are not there; none: a rig not supplied."""
        causes: dict[int, tuple[int, ...]] = {} if self._named is None else {self._named.id: ()}
        for id_, unit in sorted(self._waiting.items()):  # needs are earlier units: their causes are known
            causes[id_] = tuple(
                sorted({one for need in self._missing(unit) for one in causes.get(need, (need,))})
            )
        return {id_: missing for id_, missing in causes.items() if id_ in self._waiting}

    def _activate(self, unit: Unit) -> None:
        reader, scene = unit.reader, self.scene
        reader.brought = [self._contents[need] for need in reader.needs if need in self._contents]
        reader.critical_features = scene.header.critical_features if scene.header else 0
        elsewhere = unit.kind.type is UnitType.RIG_REFERENCE
        content = self._open_rig(unit) if elsewhere else unit.kind.read(reader)
        reader.finish()
        self._apply(unit, unit.kind, content)
        self._contents[unit.id] = unit.kind.type, content
        if isinstance(content, Directory):
            self._framing.learn(content.entries)
        scene.active_units.add(unit.id)
        self._queue.append(ev.UnitArrived(unit.id, unit.frame.offset, content))

    def _apply(self, unit: Unit, kind: UnitKind, content: Any) -> None:
        """Put what `unit` brings into the scene; `kind` is another than its own for what a rig file holds."""
        if kind.apply is not None and not kind.apply(self.scene, unit.id, content):
            message = f"unit {unit.id} brings what another unit has brought"
            raise FormatError("overlapping-range", message, unit.frame.offset)

    def _reference_of(self, unit: Unit) -> RigReference:
        if self._reference is None:
            self._reference = unit.kind.read(unit.reader)
            unit.reader.finish()
        return self._reference

    def _open_rig(self, unit: Unit) -> RigCore:
        """Open the supplied rig file; its shapes, which become this scene's, are left for `_step_shape`."""
        reference, data = self._reference_of(unit), self._supplied or b""
        digest = hashlib.sha256(data).digest()
        if digest != reference.sha256:
            message = f"rig {reference.name!r} has SHA-256 {digest.hex()}, not {reference.sha256.hex()}"
            raise FormatError("rig-mismatch", message, unit.frame.payload_offset)
        inner = Decoder(self.limits)
        inner.feed(data)
        arrivals = inner._arrivals()
        core = next((event.content for kind, event in arrivals if kind.type is UnitType.RIG), None)
        if core is None:
            message = f"rig {reference.name!r} holds no rig unit"
            raise FormatError("rig-mismatch", message, unit.frame.payload_offset)
        kept = (UnitType.SHAPE, UnitType.CORRECTIVES)
        self._rig_file = (
            unit,
            ((kind, replace(one, unit=None)) for kind, one in arrivals if kind.type in kept),
        )
        found: RigCore = core
        return found

    def _arrivals(self) -> Iterator[tuple[UnitKind, ev.UnitArrived]]:
        """The units that become active, with their kinds."""
        for event in self.events():
            if isinstance(event, ev.UnitArrived) and event.unit is not None:
                yield UNIT_KINDS[self._contents[event.unit][0]], event


def decode(data: bytes, limits: Limits = FORMAT_LIMITS) -> Scene:
    """The scene of a file, or of any prefix of one.

    Raises PavError as §11 says; damage in a unit that is not critical costs that unit and
    those that need it.
    """
    decoder = Decoder(limits)
    decoder.feed(data)
    decoder.close()
    for _ in decoder.events():
        pass
    return decoder.scene

"""Bytes in, typed events and a growing scene out. No sockets, no files, no threads.

    decoder = Decoder()
    decoder.feed(first_bytes)
    for event in decoder.events():
        ...
    decoder.scene.arrays()

A unit is *intact* when its checksums are right, and *active* when also every unit it needs is active. The
scene is that of the active units, whatever the order in which they came.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from pavfmt import events as ev
from pavfmt.compression import ColumnDecompressor
from pavfmt.errors import FormatError, PavError
from pavfmt.fields import FieldReader
from pavfmt.framing import DamagedFrame, Frame, Framing
from pavfmt.limits import FORMAT_LIMITS, Limits
from pavfmt.model import Site
from pavfmt.registry import CriticalFeature, RigSource, UnitType
from pavfmt.scene import Scene, check_faces
from pavfmt.units.annotations import decode_metadata, decode_thumbnail, decode_track
from pavfmt.units.directory import decode_directory
from pavfmt.units.gaussians import GaussianBlock, decode_gaussians
from pavfmt.units.hand_over import decode_hand_over
from pavfmt.units.levels import LevelTable, decode_levels
from pavfmt.units.needs import decode_needs
from pavfmt.units.rig import (
    RigCore,
    RigReference,
    decode_correctives,
    decode_identity,
    decode_reference,
    decode_rig,
    decode_shape,
)
from pavfmt.units.splits import SplitBlock, decode_splits

KNOWN_TYPES = frozenset(UnitType)
RIG_TYPES = frozenset({UnitType.RIG, UnitType.RIG_REFERENCE})
ONLY_ONE = {
    UnitType.DIRECTORY: frozenset({UnitType.DIRECTORY}),
    UnitType.RIG: RIG_TYPES,
    UnitType.RIG_REFERENCE: RIG_TYPES,
    UnitType.IDENTITY: frozenset({UnitType.IDENTITY}),
    UnitType.CORRECTIVES: frozenset({UnitType.CORRECTIVES}),
    UnitType.LEVELS: frozenset({UnitType.LEVELS}),
    UnitType.METADATA: frozenset({UnitType.METADATA}),
    UnitType.THUMBNAIL: frozenset({UnitType.THUMBNAIL}),
}
"""Types of which a file has at most one → the types that count as the same."""


@dataclass(frozen=True)
class Unit:
    """An intact unit whose needs have been read."""

    frame: Frame
    reader: FieldReader
    needs: tuple[int, ...]

    @property
    def id(self) -> int:
        """Its id."""
        return self.frame.header.id

    @property
    def type(self) -> UnitType:
        """Its type, a known one."""
        return UnitType(self.frame.header.type)


class Decoder:
    """Sans-I/O decoder of `.pav` files, prefixes, and ranges in any order."""

    def __init__(self, limits: Limits = FORMAT_LIMITS) -> None:
        self.limits = limits
        self.scene = Scene()
        self._framing = Framing(limits)
        self._columns = ColumnDecompressor()
        self._waiting: dict[int, Unit] = {}
        self._dependants: dict[int, list[int]] = {}
        self._types: dict[int, UnitType] = {}
        self._brought: dict[int, SplitBlock | GaussianBlock] = {}
        self._supplied: bytes | None = None
        self._named: Unit | None = None
        self._reference: RigReference | None = None
        self._error: PavError | None = None
        self._closed = False
        self._ended = False
        self._queue: deque[ev.Event] = deque()
        self._shared: list[ev.Event] = []

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
        """Queue the events of one more unit, or of the end; False if there is nothing more to tell now."""
        try:
            return self._step_header() or self._step_frame() or self._step_rig() or self._step_end()
        except PavError as error:
            self._error = error
            return True

    def _step_header(self) -> bool:
        if self.scene.header is None and (header := self._framing.read_header()) is not None:
            self.scene.header = header
            self._queue.append(ev.HeaderArrived(None, 0, header))
            return True
        return False

    def _step_frame(self) -> bool:
        frame = next(self._framing.frames(), None)
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
        named, self._named = self._named, None
        self._activate_all(named)
        return True

    def _step_end(self) -> bool:
        if not self._closed or self._ended:
            return False
        self._ended = True
        self._queue.append(self._end())
        return True

    def _on_frame(self, frame: Frame) -> None:
        header = frame.header
        if header.type not in KNOWN_TYPES:
            self.scene.active_units.add(header.id)
            self._queue.append(ev.UnknownSkipped(header.id, frame.offset, header.type))
            self._activate_all(*self._freed_by(header.id))
            return
        reader = FieldReader(frame.payload, frame.payload_offset, self.limits, self._columns)
        try:
            unit = Unit(frame, reader, decode_needs(reader, header.id))
        except FormatError as error:
            self._malformed(frame, error)
            return
        if unit.type in ONLY_ONE and not ONLY_ONE[unit.type].isdisjoint(self._types.values()):
            raise FormatError("overlapping-range", f"a second {unit.type.name} unit", frame.offset)
        self._types[unit.id] = unit.type
        missing = self._missing(unit)
        if not missing:
            self._activate_all(unit)
            return
        self._waiting[unit.id] = unit
        for need in missing:
            self._dependants.setdefault(need, []).append(unit.id)

    def _missing(self, unit: Unit) -> list[int]:
        return [need for need in unit.needs if need not in self.scene.active_units]

    def _activate_all(self, *units: Unit) -> None:
        """Activate units whose needs are active, then those that waited for them."""
        ready = deque(units)
        while ready:
            unit = ready.popleft()
            if unit.type is UnitType.RIG_REFERENCE and self._supplied is None:
                self._named = unit
                self._queue.append(ev.RigNamed(unit.id, unit.frame.offset, self._reference_of(unit)))
                continue
            try:
                self._activate(unit)
            except FormatError as error:
                self._malformed(unit.frame, error)
            else:
                ready += self._freed_by(unit.id)

    def _freed_by(self, id_: int) -> list[Unit]:
        """Units that waited for `id_` last of all."""
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
        for id_, unit in sorted(self._waiting.items()):
            causes[id_] = tuple(
                sorted({one for need in self._missing(unit) for one in causes.get(need, (need,))})
            )
        return {id_: missing for id_, missing in causes.items() if id_ in self._waiting}

    def _activate(self, unit: Unit) -> None:
        event = _HANDLERS[unit.type](self, unit)
        unit.reader.finish()
        shared, self._shared = self._shared, []
        for one in (event, *shared):
            self._commit(unit, one)
        self.scene.active_units.add(unit.id)
        self._queue += (event, *shared)

    def _commit(self, unit: Unit, event: ev.Event) -> None:
        """Put a checked unit into the scene."""
        scene, fits = self.scene, True
        match event:
            case ev.DirectoryArrived():
                self._framing.learn(event.entries)
            case ev.RigArrived():
                scene.core = event.core
            case ev.IdentityArrived():
                scene.identity = event.identity
            case ev.ShapeArrived():
                fits = scene.shapes.setdefault(event.index, event.shape) is event.shape
            case ev.CorrectivesArrived():
                fits = scene.correctives is None
                scene.correctives = scene.correctives or event.correctives
            case ev.LevelsArrived():
                scene.table = event.table
            case ev.SplitsArrived():
                fits = scene.add_splits(event.block)
                self._brought[unit.id] = event.block
            case ev.GaussiansArrived():
                fits = scene.add_gaussians(event.block)
                self._brought[unit.id] = event.block
            case ev.HandOverArrived():
                scene.hand_overs[unit.id] = event.record
            case ev.MetadataArrived():
                scene.metadata.update(event.metadata)
            case ev.ThumbnailArrived():
                scene.thumbnail = event.thumbnail
            case ev.TrackArrived():
                scene.tracks[unit.id] = event.track
        if not fits:
            message = f"unit {unit.id} brings what another unit has brought"
            raise FormatError("overlapping-range", message, unit.frame.offset)

    def _core(self, unit: Unit) -> RigCore:
        if self.scene.core is None or not any(self._types.get(need) in RIG_TYPES for need in unit.needs):
            raise self._undeclared(unit, "rig")
        return self.scene.core

    def _table(self, unit: Unit) -> LevelTable:
        if self.scene.table is None or UnitType.LEVELS not in map(self._types.get, unit.needs):
            raise self._undeclared(unit, "levels")
        return self.scene.table

    def _undeclared(self, unit: Unit, what: str) -> FormatError:
        message = f"a {unit.type.name} unit must need the {what} unit"
        return FormatError("bad-needs", message, unit.frame.payload_offset)

    def _needed_splits(self, unit: Unit, level: int) -> list[tuple[int, int]]:
        blocks = (self._brought.get(need) for need in unit.needs)
        return [
            (block.first, len(block))
            for block in blocks
            if isinstance(block, SplitBlock) and block.level == level
        ]

    def _on_directory(self, unit: Unit) -> ev.Event:
        end = unit.frame.payload_offset + len(unit.frame.payload)
        return ev.DirectoryArrived(unit.id, unit.frame.offset, decode_directory(unit.reader, end))

    def _on_rig(self, unit: Unit) -> ev.Event:
        return ev.RigArrived(unit.id, unit.frame.offset, decode_rig(unit.reader))

    def _reference_of(self, unit: Unit) -> RigReference:
        if self._reference is None:
            self._reference = decode_reference(unit.reader)
            unit.reader.finish()
        return self._reference

    def _on_reference(self, unit: Unit) -> ev.Event:
        """Open the supplied rig file; its shapes become this scene's."""
        reference, data = self._reference_of(unit), self._supplied or b""
        digest = hashlib.sha256(data).digest()
        if digest != reference.sha256:
            message = f"rig {reference.name!r} has SHA-256 {digest.hex()}, not {reference.sha256.hex()}"
            raise FormatError("rig-mismatch", message, unit.frame.payload_offset)
        inner = Decoder(self.limits)
        inner.feed(data)
        arrived = list(inner.events())
        if inner.scene.core is None:
            message = f"rig {reference.name!r} holds no rig unit"
            raise FormatError("rig-mismatch", message, unit.frame.payload_offset)
        kept = (ev.ShapeArrived, ev.CorrectivesArrived)
        self._shared = [replace(event, unit=None) for event in arrived if isinstance(event, kept)]
        return ev.RigArrived(unit.id, unit.frame.offset, inner.scene.core)

    def _on_identity(self, unit: Unit) -> ev.Event:
        identity = decode_identity(unit.reader, self._core(unit))
        return ev.IdentityArrived(unit.id, unit.frame.offset, identity)

    def _on_shape(self, unit: Unit) -> ev.Event:
        index, shape = decode_shape(unit.reader, self._core(unit))
        return ev.ShapeArrived(unit.id, unit.frame.offset, index, shape)

    def _on_correctives(self, unit: Unit) -> ev.Event:
        correctives = decode_correctives(unit.reader, self._core(unit))
        return ev.CorrectivesArrived(unit.id, unit.frame.offset, correctives)

    def _on_levels(self, unit: Unit) -> ev.Event:
        return ev.LevelsArrived(unit.id, unit.frame.offset, decode_levels(unit.reader))

    def _on_splits(self, unit: Unit) -> ev.Event:
        block = decode_splits(unit.reader, self._table(unit))
        core, at = self._core(unit), unit.frame.payload_offset
        if block.level > 1:
            check_faces(block.parents, self._needed_splits(unit, block.level - 1), at)
        elif int(block.parents.max()) >= core.face_count:
            message = f"face {block.parents.max()} of {core.face_count} is split"
            raise FormatError("index-out-of-range", message, at)
        return ev.SplitsArrived(unit.id, unit.frame.offset, block)

    def _on_gaussians(self, unit: Unit) -> ev.Event:
        table = self._table(unit)
        block = decode_gaussians(unit.reader, table)
        self._check_sites(unit, table, block)
        return ev.GaussiansArrived(unit.id, unit.frame.offset, block)

    def _check_sites(self, unit: Unit, table: LevelTable, block: GaussianBlock) -> None:
        site, at = table.levels[block.level].site, unit.frame.payload_offset
        core = None if table.rig_source is RigSource.NONE else self._core(unit)
        if site is Site.FACE and block.level > 0:
            check_faces(block.sites, self._needed_splits(unit, block.level), at)
            return
        counts = {Site.FACE: 0, Site.VERTEX: 0, Site.JOINT: 1}
        if core is not None:
            counts = dict(zip(Site, (core.face_count, *core.weights.shape), strict=True))
        if int(block.sites.max()) >= counts[site]:
            message = f"{site.name.lower()} {block.sites.max()} of {counts[site]}"
            raise FormatError("index-out-of-range", message, at)

    def _on_hand_over(self, unit: Unit) -> ev.Event:
        table, at = self._table(unit), unit.frame.payload_offset
        header = self.scene.header
        if header is None or not header.critical_features & CriticalFeature.HAND_OVER:
            raise FormatError("bad-field", "hand-over in a file without the hand-over feature", at)
        record = decode_hand_over(unit.reader, unit.id, table)
        covered = np.zeros(len(record.gaussians), dtype=bool)
        for need in unit.needs:
            block = self._brought.get(need)
            if isinstance(block, GaussianBlock) and block.level == record.level:
                last = block.first + len(block)
                covered |= (record.gaussians >= block.first) & (record.gaussians < last)
        if not covered.all():
            raise FormatError("index-out-of-range", "a Gaussian is not of the units needed", at)
        return ev.HandOverArrived(unit.id, unit.frame.offset, record)

    def _on_metadata(self, unit: Unit) -> ev.Event:
        return ev.MetadataArrived(unit.id, unit.frame.offset, decode_metadata(unit.reader))

    def _on_thumbnail(self, unit: Unit) -> ev.Event:
        return ev.ThumbnailArrived(unit.id, unit.frame.offset, decode_thumbnail(unit.reader))

    def _on_track(self, unit: Unit) -> ev.Event:
        return ev.TrackArrived(unit.id, unit.frame.offset, decode_track(unit.reader))


_HANDLERS: dict[UnitType, Callable[[Decoder, Unit], ev.Event]] = {
    UnitType.DIRECTORY: Decoder._on_directory,
    UnitType.RIG: Decoder._on_rig,
    UnitType.RIG_REFERENCE: Decoder._on_reference,
    UnitType.IDENTITY: Decoder._on_identity,
    UnitType.SHAPE: Decoder._on_shape,
    UnitType.CORRECTIVES: Decoder._on_correctives,
    UnitType.LEVELS: Decoder._on_levels,
    UnitType.SPLITS: Decoder._on_splits,
    UnitType.GAUSSIANS: Decoder._on_gaussians,
    UnitType.HAND_OVER: Decoder._on_hand_over,
    UnitType.METADATA: Decoder._on_metadata,
    UnitType.THUMBNAIL: Decoder._on_thumbnail,
    UnitType.TRACK: Decoder._on_track,
}


def decode(data: bytes, limits: Limits = FORMAT_LIMITS) -> Scene:
    """The scene of a file, or of any prefix of one.

    Raises PavError as FORMAT.md, "Errors", says; damage in a unit that is not critical costs that unit and
    those that need it.
    """
    decoder = Decoder(limits)
    decoder.feed(data)
    decoder.close()
    for _ in decoder.events():
        pass
    return decoder.scene

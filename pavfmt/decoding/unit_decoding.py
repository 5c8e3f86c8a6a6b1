"""What an intact unit says, checked against the scene and the units it needs; and putting it into the scene.

Everything a unit's content can be wrong in, beyond its own fields, is found here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from pavfmt.codec.fields import FieldReader
from pavfmt.container.framing import Frame
from pavfmt.decoding import events as ev
from pavfmt.decoding.scene import Scene, template_faces
from pavfmt.errors import FormatError
from pavfmt.model import Int32Array
from pavfmt.registry import CriticalFeature, RigSource, Site, UnitType
from pavfmt.units.annotations import decode_metadata, decode_thumbnail, decode_track
from pavfmt.units.attributes import GaussianBlock
from pavfmt.units.directory import decode_directory
from pavfmt.units.gaussians import Int64Array, decode_gaussians
from pavfmt.units.hand_over import decode_hand_over
from pavfmt.units.levels import LevelTable, decode_levels
from pavfmt.units.rig import RigCore, decode_correctives, decode_identity, decode_rig, decode_shape
from pavfmt.units.splits import SplitBlock, decode_splits

RIG_TYPES = frozenset({UnitType.RIG, UnitType.RIG_REFERENCE})
OWN_RIG = frozenset({UnitType.RIG})
"""What shapes and correctives need: those of a rig that is named stand in its file."""


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


class Interpreter:
    """Reads units whose needs are active."""

    def __init__(self, scene: Scene, types: Mapping[int, UnitType]) -> None:
        self.scene = scene
        self._types = types
        """Of every intact unit, by id."""
        self._brought: dict[int, SplitBlock | GaussianBlock] = {}
        self._roots: dict[int, Int32Array] = {}
        """Per splits unit, the template's face that each of its splits is within."""

    def interpret(self, unit: Unit) -> ev.Event:
        """The event of one unit; FormatError with the offset of what is wrong."""
        return _HANDLERS[unit.type](self, unit)

    def commit(self, unit: Unit, event: ev.Event) -> None:
        """Put an interpreted unit into the scene. FormatError if another has brought the same."""
        scene, fits = self.scene, True
        match event:
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

    def _core(self, unit: Unit, types: frozenset[UnitType] = RIG_TYPES) -> RigCore:
        if self.scene.core is None or types.isdisjoint(map(self._types.get, unit.needs)):
            raise self._undeclared(unit, "rig")
        return self.scene.core

    def _table(self, unit: Unit) -> LevelTable:
        if self.scene.table is None or UnitType.LEVELS not in map(self._types.get, unit.needs):
            raise self._undeclared(unit, "levels")
        return self.scene.table

    def _undeclared(self, unit: Unit, what: str) -> FormatError:
        message = f"a {unit.type.name} unit must need the {what} unit"
        return FormatError("bad-needs", message, unit.frame.payload_offset)

    def _needed_splits(self, unit: Unit, level: int) -> list[tuple[SplitBlock, Int32Array]]:
        """Those of a level, and the template's faces they are within."""
        blocks = ((self._brought.get(need), self._roots.get(need)) for need in unit.needs)
        return [
            (block, roots)
            for block, roots in blocks
            if isinstance(block, SplitBlock) and roots is not None and block.level == level
        ]

    def _on_directory(self, unit: Unit) -> ev.Event:
        end = unit.frame.payload_offset + len(unit.frame.payload)
        return ev.DirectoryArrived(unit.id, unit.frame.offset, decode_directory(unit.reader, end))

    def _on_rig(self, unit: Unit) -> ev.Event:
        core = decode_rig(unit.reader)
        _ = core.places  # found here and kept, while the first Gaussians are still on their way
        return ev.RigArrived(unit.id, unit.frame.offset, core)

    def _on_identity(self, unit: Unit) -> ev.Event:
        identity = decode_identity(unit.reader, self._core(unit))
        return ev.IdentityArrived(unit.id, unit.frame.offset, identity)

    def _on_shape(self, unit: Unit) -> ev.Event:
        index, shape = decode_shape(unit.reader, self._core(unit, OWN_RIG))
        return ev.ShapeArrived(unit.id, unit.frame.offset, index, shape)

    def _on_correctives(self, unit: Unit) -> ev.Event:
        correctives = decode_correctives(unit.reader, self._core(unit, OWN_RIG))
        return ev.CorrectivesArrived(unit.id, unit.frame.offset, correctives)

    def _on_levels(self, unit: Unit) -> ev.Event:
        return ev.LevelsArrived(unit.id, unit.frame.offset, decode_levels(unit.reader))

    def _on_splits(self, unit: Unit) -> ev.Event:
        block = decode_splits(unit.reader, self._table(unit))
        core, at = self._core(unit), unit.frame.payload_offset
        roots = block.parents
        if block.level > 1:
            roots = template_faces(block.parents, self._needed_splits(unit, block.level - 1), at)
        elif int(block.parents.max()) >= core.face_count:
            message = f"face {block.parents.max()} of {core.face_count} is split"
            raise FormatError("index-out-of-range", message, at)
        self._roots[unit.id] = roots
        return ev.SplitsArrived(unit.id, unit.frame.offset, block)

    def _on_gaussians(self, unit: Unit) -> ev.Event:
        table = self._table(unit)
        block = decode_gaussians(unit.reader, table, partial(self._places, unit, table))
        return ev.GaussiansArrived(unit.id, unit.frame.offset, block)

    def _places(self, unit: Unit, table: LevelTable, level: int, sites: Int32Array) -> Int64Array:
        """Where the sites of a Gaussians unit are, once it is sure that they exist."""
        site, at = table.levels[level].site, unit.frame.payload_offset
        core = None if table.rig_source is RigSource.NONE else self._core(unit)
        if site is Site.FACE and level > 0:
            sites = template_faces(sites, self._needed_splits(unit, level), at)
        counts = {Site.FACE: 0, Site.VERTEX: 0, Site.JOINT: 1}
        if core is not None:
            counts = dict(zip(Site, (core.face_count, *core.weights.shape), strict=True))
        if int(sites.max()) >= counts[site]:
            message = f"{site.name.lower()} {sites.max()} of {counts[site]}"
            raise FormatError("index-out-of-range", message, at)
        if core is None or site is Site.JOINT:
            return np.zeros((len(sites), 3), dtype=np.int64)
        return (core.places.faces if site is Site.FACE else core.places.vertices)[sites]

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


_HANDLERS: dict[UnitType, Callable[[Interpreter, Unit], ev.Event]] = {
    UnitType.DIRECTORY: Interpreter._on_directory,
    UnitType.RIG: Interpreter._on_rig,
    UnitType.IDENTITY: Interpreter._on_identity,
    UnitType.SHAPE: Interpreter._on_shape,
    UnitType.CORRECTIVES: Interpreter._on_correctives,
    UnitType.LEVELS: Interpreter._on_levels,
    UnitType.SPLITS: Interpreter._on_splits,
    UnitType.GAUSSIANS: Interpreter._on_gaussians,
    UnitType.HAND_OVER: Interpreter._on_hand_over,
    UnitType.METADATA: Interpreter._on_metadata,
    UnitType.THUMBNAIL: Interpreter._on_thumbnail,
    UnitType.TRACK: Interpreter._on_track,
}

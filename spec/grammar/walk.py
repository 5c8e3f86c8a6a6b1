"""All units of a whole file or a prefix, front to back; checksums are right or it raises construct's errors."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from construct import ChecksumError, Construct

from spec.grammar.container import FILE_HEADER, FILE_HEADER_BYTES, UNIT_HEADER, UNIT_HEADER_BYTES
from spec.grammar.units import PAYLOADS, UNKNOWN

RIG_TYPE, REFERENCE_TYPE, LEVELS_TYPE = 2, 3, 7


@dataclass(frozen=True)
class Leaf:
    """One field of the file."""

    path: str
    offset: int
    size: int
    value: Any


@dataclass(frozen=True)
class ParsedUnit:
    """One complete unit."""

    offset: int
    header: Any
    payload: Any
    """None where it leans on a rig or a level table that is not there."""
    leaves: tuple[Leaf, ...]
    """Those of the header, then those of the payload."""


@dataclass(frozen=True)
class Parsed:
    """A file, or as much of it as there is."""

    header: Any
    units: tuple[ParsedUnit, ...]
    header_leaves: tuple[Leaf, ...]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All fields in the order of their bytes."""
        return (*self.header_leaves, *(leaf for unit in self.units for leaf in unit.leaves))


Span = tuple[int, Any, tuple[Leaf, ...], bytes]


def walk(data: bytes, rig_file: bytes | None = None) -> Parsed | None:
    """The fields of `data`; None if its header is incomplete. `rig_file` is that of a rig reference."""
    if len(data) < FILE_HEADER_BYTES:
        return None
    header, leaves = _parse(FILE_HEADER, data[:FILE_HEADER_BYTES], 0)
    spans = list(_spans(data))
    by_type = {header.type: payload for _, header, _, payload in spans}
    known: dict[str, Any] = {"rig": None, "levels": None}
    for name, type_ in (("rig", RIG_TYPE), ("levels", LEVELS_TYPE)):
        if type_ in by_type:
            known[name], _ = _parse(PAYLOADS[type_], by_type[type_], 0)
    if REFERENCE_TYPE in by_type and rig_file is not None:
        known["rig"] = _rig_of(rig_file)
    units = tuple(_unit(*span, known) for span in spans)
    return Parsed(header.fields.value, units, leaves)


def _parse(structure: Construct, data: bytes, base: int, **known: Any) -> tuple[Any, tuple[Leaf, ...]]:
    found: list[tuple[str, int, int, Any]] = []
    value = structure.parse(data, leaves=found, **known)
    return value, tuple(Leaf(_short(path), base + start, size, leaf) for path, start, size, leaf in found)


def _short(path: str) -> str:
    steps = [step.strip() for step in path.split("->")[1:]]
    return ".".join(steps[1:] if steps[:1] == ["fields"] else steps)


def _spans(data: bytes) -> Iterator[Span]:
    """(offset, header, the header's leaves, payload) of every unit that is complete."""
    at = FILE_HEADER_BYTES
    while at + UNIT_HEADER_BYTES <= len(data):
        parsed, leaves = _parse(UNIT_HEADER, data[at : at + UNIT_HEADER_BYTES], at)
        header, start = parsed.fields.value, at + UNIT_HEADER_BYTES
        payload = data[start : start + header.length]
        if len(payload) < header.length:
            return
        if zlib.crc32(payload) != header.payload_checksum:
            raise ChecksumError(f"the payload checksum of unit {header.id} does not match")
        yield at, header, leaves, payload
        at = start + header.length


def _unit(
    offset: int, header: Any, leaves: tuple[Leaf, ...], payload: bytes, known: dict[str, Any]
) -> ParsedUnit:
    structure = PAYLOADS.get(header.type, UNKNOWN)
    lacks_rig = header.type in (4, 5, 6) and known["rig"] is None
    if lacks_rig or (header.type == 9 and known["levels"] is None):
        return ParsedUnit(offset, header, None, leaves)
    value, inner = _parse(structure, payload, offset + UNIT_HEADER_BYTES, **known)
    return ParsedUnit(offset, header, value, leaves + inner)


def _rig_of(data: bytes) -> Any:
    parsed = walk(data)
    units = parsed.units if parsed else ()
    return next((unit.payload for unit in units if unit.header.type == RIG_TYPE), None)

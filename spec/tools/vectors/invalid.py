"""Files with one field wrong and every checksum right: the code and the byte that a decoder must report.

Most are told by the grammar's name of the field that is changed; the byte reported is that field's, unless another
is named.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from pavfmt.codec.quantization import Affine
from pavfmt.container.headers import UnitHeader
from pavfmt.encoder import EncodeOptions, encode
from pavfmt.registry import UnitType
from spec.builders.avatars import PRECISION, external_file, toy, toy_file
from spec.builders.forging import Forge, Part, flipped, payload, resealed_header
from spec.grammar import Leaf, ParsedUnit, walk
from spec.tools.vectors.valid import hand_over_file, one_opaque
from spec.tools.vectors.vector import Vector, bare
from spec.tools.vectors.wrong_fields import END, PAYLOAD, WRONG_FIELDS, Wrong, varint

BASES: dict[str, Callable[[], bytes]] = {
    "face": lambda: bare(toy_file("face", 0)),
    "surface": lambda: bare(toy_file("surface", 0)),
    "static": lambda: bare(toy_file("static", 0)),
    "picture": lambda: bare(toy_file("static", 0, picture=True)),
    "subdivided": lambda: bare(toy_file("surface", 0, True)),
    "directory": lambda: toy_file("static", 0),
    "hand-over": lambda: bare(hand_over_file(True)),
    "metadata": lambda: bare(
        encode(replace(toy("static", 0), metadata={"org.a": "x", "org.b": "y"}), EncodeOptions(PRECISION))
    ),
}


def invalid() -> Iterator[Vector]:
    """All of them."""
    yield from _file_headers()
    yield from _unit_headers()
    yield from _between_units()
    data, offset = _off_its_grid()
    yield Vector(
        "invalid/gaussians-off-their-grid",
        "an opacity of 2^6 on a grid of 6 bits",
        data,
        error=("bad-field", offset),
    )
    for wrong in WRONG_FIELDS:
        data, offset = changed(wrong)
        yield Vector(f"invalid/{wrong.name}", wrong.trait, data, error=(wrong.code, offset))
    yield from _columns()


def changed(wrong: Wrong) -> tuple[bytes, int]:
    """The file, and the byte to report."""
    data = BASES[wrong.base]()
    unit = _unit(data, wrong.type, wrong.nth)
    leaf = _leaf(unit, wrong.path, wrong.field)
    start = unit.offset + UnitHeader.SIZE
    fixed = {None: leaf.offset, PAYLOAD: start, END: start + unit.header.length}
    told = fixed[wrong.at] if wrong.at in fixed else _leaf(unit, wrong.at or "", wrong.at_field).offset
    return replaced(data, unit, leaf, wrong.value), told


def _unit(data: bytes, type_: UnitType, nth: int = 0) -> ParsedUnit:
    parsed = walk(data)
    assert parsed is not None
    return [unit for unit in parsed.units if unit.header.type == type_][nth]


def _leaf(unit: ParsedUnit, path: str, nth: int = 0) -> Leaf:
    payload_leaves = [leaf for leaf in unit.leaves if leaf.offset >= unit.offset + UnitHeader.SIZE]
    return [leaf for leaf in payload_leaves if leaf.path == path][nth]


def replaced(data: bytes, unit: ParsedUnit, leaf: Leaf, value: bytes) -> bytes:
    """`data` with one field of one unit changed and both checksums of the unit set right."""
    start = unit.offset + UnitHeader.SIZE
    end = start + unit.header.length
    content = data[start : leaf.offset] + value + data[leaf.offset + leaf.size : end]
    header = UnitHeader.of(unit.header.type, bool(unit.header.flags), unit.header.id, content)
    return data[: unit.offset] + header.pack() + content + data[end:]


def _file_headers() -> Iterator[Vector]:
    data = BASES["static"]()
    yield Vector(
        "invalid/signature",
        "a line end of the signature is translated",
        flipped(data, 5, 7),
        error=("bad-signature", 0),
    )
    rows = (
        ("major-version", "major version 1", 8, b"\x01\x00", "unsupported-version"),
        ("older-minor", "an older minor version of major 0", 10, b"\x01\x00", "unsupported-version"),
        ("critical-feature", "critical feature bit 31", 12, b"\x00\x00\x00\x80", "unsupported-feature"),
        (
            "header-reserved",
            "the reserved field of the file header is 1",
            46,
            b"\x01\x00",
            "file-header-reserved",
        ),
        ("too-many-units", "2^20 + 1 units", 20, struct.pack("<I", (1 << 20) + 1), "limit-exceeded"),
        ("too-many-gaussians", "2^24 + 1 Gaussians", 40, struct.pack("<I", (1 << 24) + 1), "limit-exceeded"),
        ("too-many-levels", "17 levels in the file header", 44, b"\x11", "limit-exceeded"),
    )
    for name, trait, at, value, code in rows:
        told = 8 if code == "unsupported-version" else at
        yield Vector(f"invalid/{name}", trait, resealed_header(data, at, value), error=(code, told))
    damaged = flipped(data, 21, 1)
    yield Vector(
        "invalid/header-checksum",
        "a bit of the file header flipped",
        damaged,
        error=("file-header-damaged", 48),
    )


def _resealed_unit(data: bytes, type_: UnitType, at: int, value: bytes) -> tuple[bytes, int]:
    """`data` with bytes of a unit header changed and its checksum set right; where the unit stands."""
    start = _unit(data, type_).offset
    body = bytearray(data[start : start + 16])
    body[at : at + len(value)] = value
    return data[:start] + bytes(body) + struct.pack("<I", zlib.crc32(body)) + data[start + 20 :], start


def _unit_headers() -> Iterator[Vector]:
    shape, rig, data = UnitType.SHAPE, UnitType.RIG, BASES["face"]()
    rows = (
        (
            "unit-reserved",
            "the reserved byte of a unit header is 1",
            shape,
            3,
            b"\x01",
            "unit-header-reserved",
            2,
        ),
        ("unit-flags", "an undefined flag of a unit", shape, 2, b"\x02", "unit-header-reserved", 2),
        (
            "unit-too-long",
            "a length of 2^26 + 1",
            shape,
            8,
            struct.pack("<I", (1 << 26) + 1),
            "limit-exceeded",
            8,
        ),
        ("critical-shape", "a shape unit marked critical", shape, 2, b"\x01", "wrong-criticality", 2),
        ("ancillary-rig", "a rig unit not marked critical", rig, 2, b"\x00", "wrong-criticality", 2),
        ("unknown-critical", "a critical unit of type 99", rig, 0, b"\x63", "unsupported-unit", 0),
    )
    for name, trait, type_, at, value, code, told in rows:
        changed_data, start = _resealed_unit(data, type_, at, value)
        yield Vector(f"invalid/{name}", trait, changed_data, error=(code, start + told))
    start = _unit(data, shape).offset
    yield Vector(
        "invalid/unit-checksum",
        "a bit of a unit header flipped",
        flipped(data, start + 9, 1),
        error=("unit-header-damaged", start),
    )
    yield Vector(
        "invalid/payload-checksum",
        "a bit of a payload flipped",
        flipped(data, start + 25, 1),
        error=("unit-payload-damaged", start + 20),
    )
    start = _unit(data, rig).offset
    yield Vector(
        "invalid/critical-payload",
        "a bit of the rig's payload flipped",
        flipped(data, start + 25, 1),
        error=("critical-unit-damaged", start + 20),
    )
    whole = toy_file("static", 0)
    start = _unit(whole, UnitType.LEVELS).offset
    yield Vector(
        "invalid/critical-header",
        "a bit of the levels unit's header flipped; the directory says that it is critical",
        flipped(whole, start + 9, 1),
        error=("critical-unit-damaged", start),
    )


def _between_units() -> Iterator[Vector]:
    forge = Forge(BASES_WHOLE["face"]())
    again = replace(
        forge.parts[forge.where(UnitType.SHAPE, 1)], id=forge.parts[forge.where(UnitType.SHAPE)].id
    )
    forge.parts.append(again)
    data = forge.build(directory=False)
    yield Vector(
        "invalid/same-id", "two different units of one id", data, error=("duplicate-unit", _last(data) + 4)
    )
    rows = (
        ("second-levels", UnitType.LEVELS),
        ("second-metadata", UnitType.METADATA),
        ("second-shape", UnitType.SHAPE),
        ("same-gaussians", UnitType.GAUSSIANS),
        ("same-splits", UnitType.SPLITS),
    )
    for name, type_ in rows:
        forge = Forge(BASES_WHOLE["face"]())
        part = forge.parts[forge.where(type_)]
        forge.parts.append(_moved(part, len(forge.parts) + 1))
        data = forge.build(directory=False)
        yield Vector(
            f"invalid/{name}",
            "a second unit that brings the same",
            data,
            error=("overlapping-range", _last(data)),
        )
    yield from _brought_before()
    shared = external_file()
    at = _unit_start(shared, UnitType.RIG_REFERENCE) + 20
    yield Vector(
        "invalid/other-rig",
        "a rig file of another SHA-256",
        shared,
        rig="valid/face",
        error=("rig-mismatch", at),
    )


def _brought_before() -> Iterator[Vector]:
    """What a unit brings is not its alone, by other fields than its range."""
    forge = Forge(BASES_WHOLE["face"]())
    part = Part(UnitType.METADATA, False, len(forge.parts) + 1, b"\x01\x00")
    forge.parts.append(part)
    data = forge.build(directory=False)
    yield Vector(
        "invalid/second-metadata-malformed",
        "a second metadata unit whose needs are wrong: its content does not matter",
        data,
        error=("overlapping-range", len(data) - len(part.pack())),
    )
    data = _face_split_twice()
    yield Vector(
        "invalid/face-split-twice",
        "other splits of a face that another unit has split",
        data,
        error=("overlapping-range", _last(data)),
    )
    forge, shapes = Forge(external_file()), Forge(BASES_WHOLE["face"]())
    shape, own = shapes.parts[shapes.where(UnitType.SHAPE)], len(forge.parts) + 1
    reference = forge.parts[forge.where(UnitType.RIG_REFERENCE)].id
    body = payload(own, [reference], lambda writer: writer.raw(shape.payload[2:]))
    forge.parts.append(Part(UnitType.SHAPE, False, own, body))
    data = forge.build(directory=False)
    yield Vector(
        "invalid/shape-beside-reference",
        "a shape in a file that names its rig",
        data,
        rig="valid/rig-only",
        error=("bad-needs", _last(data) + UnitHeader.SIZE),
    )


def _face_split_twice() -> bytes:
    """A second unit with the parents of the first, as splits of other numbers."""
    data = BASES_WHOLE["face"]()
    levels, first = _unit(data, UnitType.LEVELS), _unit(data, UnitType.SPLITS)
    total, count = _leaf(levels, "levels.split_count", 1), _leaf(first, "count")
    data = replaced(data, levels, total, varint(total.value + count.value))
    forge, first = Forge(data), _unit(data, UnitType.SPLITS)
    other = Forge(replaced(data, first, _leaf(first, "first"), varint(total.value)))
    again = other.parts[other.where(UnitType.SPLITS)]
    forge.parts.append(_moved(again, len(forge.parts) + 1))
    return forge.build(directory=False)


def _off_its_grid() -> tuple[bytes, int]:
    """Written on a grid of a bit more, which is then taken away; and where the block's length stands."""
    data = one_opaque(Affine(0, 1, 6, 7))
    levels = _unit(data, UnitType.LEVELS)
    data = replaced(data, levels, _leaf(levels, "levels.opacities.bits"), b"\x06")
    return data, _leaf(_unit(data, UnitType.GAUSSIANS), "parts.length").offset


def _columns() -> Iterator[Vector]:
    """The first column of a shape: six values of one byte."""
    import zstandard

    level = zstandard.ZstdCompressor(level=19)
    six = bytes([2, 1, 0, 3, 0, 1])
    no_size = zstandard.ZstdCompressor(level=19, write_content_size=False).compress(six)
    rows = (
        ("column-codec", "codec 3", 3, six),
        ("column-transform", "transform 3", 48, six),
        ("column-stored-short", "a stored column of five bytes for six values", 0, six[:5]),
        ("column-stored-long", "a stored column of seven bytes for six values", 0, six + b"x"),
        ("column-constant-long", "a constant of two bytes", 2, six[:2]),
        ("column-constant-transformed", "a constant with a transform", 18, six[:1]),
        ("column-zstd-lies", "a zstd frame that states seven bytes", 1, level.compress(six + b"x")),
        (
            "column-zstd-vast",
            "a zstd frame of a few bytes that states 64 MiB",
            1,
            level.compress(bytes(1 << 26)),
        ),
        ("column-zstd-silent", "a zstd frame that does not state its size", 1, no_size),
        ("column-zstd-cut", "a zstd frame without its end", 1, level.compress(six)[:-2]),
        ("column-zstd-and-more", "a byte after the zstd frame", 1, level.compress(six) + b"x"),
        ("column-zstd-twice", "two zstd frames", 1, level.compress(six[:3]) + level.compress(six[3:])),
        ("column-no-zstd", "no zstd frame", 1, b"\x00" * 8),
    )
    for name, trait, kind, content in rows:
        data = BASES["face"]()
        unit = _unit(data, UnitType.SHAPE, 2)
        start = unit.offset + UnitHeader.SIZE
        first, last = (_leaf(unit, f"displacements.axes.column.{field}") for field in ("kind", "data"))
        column = Leaf("column", first.offset, last.offset + last.size - first.offset, None)
        written = bytes([kind]) + varint(len(content)) + content
        told = first.offset + 1 + len(varint(len(content)))
        assert start < told
        yield Vector(
            f"invalid/{name}", trait, replaced(data, unit, column, written), error=("bad-column", told)
        )


def _moved(part: Part, id_: int) -> Part:
    """The same content under another id: its needs are further away."""
    distances, at, current = [], 1, part.id
    for _ in range(part.payload[0]):
        current -= part.payload[at]
        at += 1
        distances.append(current)
    return replace(
        part, id=id_, payload=payload(id_, distances, lambda writer: writer.raw(part.payload[at:]))
    )


def _unit_start(data: bytes, type_: UnitType) -> int:
    return _unit(data, type_).offset


def _last(data: bytes) -> int:
    parsed = walk(data)
    assert parsed is not None
    return parsed.units[-1].offset


BASES_WHOLE: dict[str, Callable[[], bytes]] = {"face": lambda: toy_file("face", 0)}

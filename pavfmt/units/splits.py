"""Splits units: implicit subdivision, some faces of the level before (§6.8)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pavfmt.arrays import Float32Array, Int32Array
from pavfmt.codec.block_encoding import encode_ascending
from pavfmt.codec.fields import FieldReader, FieldWriter, UnitReader
from pavfmt.codec.quantization import BARYCENTRIC_ONE, dequantize_barycentrics, quantize_barycentrics
from pavfmt.errors import FormatError
from pavfmt.limits import EXPANSION_FLOOR, EXPANSION_PER_BYTE
from pavfmt.registry import UnitType
from pavfmt.units.levels import LevelTable
from pavfmt.units.rig import needed_rig, template_faces


@dataclass(frozen=True)
class SplitBlock:
    """Splits first … first + count − 1 that make faces 3 first … of `level`."""

    level: int
    first: int
    parents: Int32Array
    """(S,) face indices of the level before."""
    barycentrics: Float32Array
    """(S, 3)."""
    roots: Int32Array | None = None
    """(S,) the template's face that each is within; None where nobody asked."""

    def __len__(self) -> int:
        return len(self.parents)


def encode_splits(writer: FieldWriter, block: SplitBlock) -> None:
    """The body of a splits unit; its parents are ascending."""
    writer.pack("B", block.level)
    writer.varint(block.first)
    writer.varint(len(block))
    body = _encode_columns(block, padded=False)
    if len(block) > EXPANSION_FLOOR + EXPANSION_PER_BYTE * len(body):  # too good to be believed: pad
        body = _encode_columns(block, padded=True)
    writer.raw(body)


def _encode_columns(block: SplitBlock, padded: bool) -> bytes:
    writer = FieldWriter()
    encode_ascending(writer, block.parents, padded)
    for column in quantize_barycentrics(block.barycentrics).T:
        writer.column(column, 2)
    return writer.getvalue()


def decode_splits(reader: FieldReader, table: LevelTable) -> SplitBlock:
    """The inverse of `encode_splits`. Whether the parents exist is the scene's to check."""
    start = reader.offset
    level = reader.choice("level", len(table.levels))
    first, count = reader.index_range("split", reader.limits.splits, reader.limits.splits)
    total = table.levels[level].split_count
    if level == 0 or first + count > total:
        raise FormatError("index-out-of-range", f"splits {first}..{first + count} of {total}", start)
    if not 0 < count <= EXPANSION_FLOOR + EXPANSION_PER_BYTE * reader.size:
        raise FormatError("bad-field", f"{count} splits in a payload of {reader.size} bytes", start)
    parents = reader.ascending(count)
    start = reader.offset
    points = np.stack([reader.column(count, 2), reader.column(count, 2)], axis=1)
    if int(points.sum(axis=1, dtype=np.uint32).max()) > BARYCENTRIC_ONE:
        raise FormatError("bad-field", "barycentric coordinates sum to more than 1", start)
    if (np.diff(parents) == 0).any():
        raise FormatError("bad-field", "split parents must ascend", start)
    return SplitBlock(level, first, parents, dequantize_barycentrics(points))


def read_splits(reader: UnitReader) -> SplitBlock:
    """Of a splits unit: the faces it splits must be there, in the template or among its needs."""
    block = decode_splits(reader, reader.needed("levels", UnitType.LEVELS))
    core, roots = needed_rig(reader), block.parents
    if block.level > 1:
        roots = template_faces(reader, block.parents, block.level - 1)
    elif int(block.parents.max()) >= core.face_count:
        message = f"face {block.parents.max()} of {core.face_count} is split"
        raise FormatError("index-out-of-range", message, reader.start)
    return replace(block, roots=roots)

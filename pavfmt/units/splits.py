"""Splits units: implicit subdivision, some faces of the level before (FORMAT.md, "Splits unit")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pavfmt.errors import FormatError
from pavfmt.fields import FieldReader, FieldWriter
from pavfmt.limits import EXPANSION, EXPANSION_FLOOR
from pavfmt.model import Float32Array, Int32Array
from pavfmt.quantization import BARYCENTRIC_ONE, dequantize_barycentrics, quantize_barycentrics
from pavfmt.units.levels import LevelTable


@dataclass(frozen=True)
class SplitBlock:
    """Splits first … first + count − 1 that make faces 3 first … of `level`."""

    level: int
    first: int
    parents: Int32Array
    """(S,) face indices of the level before."""
    barycentrics: Float32Array
    """(S, 3)."""

    def __len__(self) -> int:
        return len(self.parents)


def encode_splits(writer: FieldWriter, block: SplitBlock) -> None:
    """The body of a splits unit; its parents are ascending."""
    writer.pack("B", block.level)
    writer.varint(block.first)
    writer.varint(len(block))
    body = _encode_columns(block, stored=False)
    if len(block) > EXPANSION_FLOOR + EXPANSION * len(body):  # too good to be believed: pad by storing
        body = _encode_columns(block, stored=True)
    writer.raw(body)


def _encode_columns(block: SplitBlock, stored: bool) -> bytes:
    writer = FieldWriter()
    writer.column(block.parents.astype(np.uint32), 4, stored)
    for column in quantize_barycentrics(block.barycentrics).T:
        writer.column(column, 2)
    return writer.getvalue()


def decode_splits(reader: FieldReader, table: LevelTable) -> SplitBlock:
    """The inverse of `encode_splits`. Whether the parents exist is the scene's to check."""
    start = reader.offset
    level = reader.choice("level", len(table.levels))
    first = reader.varint("first split", reader.limits.splits)
    count = reader.varint("split count", reader.limits.splits)
    total = table.levels[level].split_count
    if level == 0 or first + count > total:
        raise FormatError("index-out-of-range", f"splits {first}..{first + count} of {total}", start)
    if not 0 < count <= EXPANSION_FLOOR + EXPANSION * reader.size:
        raise FormatError("bad-field", f"{count} splits in a payload of {reader.size} bytes", start)
    parents = reader.column(count, 4)
    start = reader.offset
    points = np.stack([reader.column(count, 2), reader.column(count, 2)], axis=1)
    if int(points.sum(axis=1, dtype=np.uint32).max()) > BARYCENTRIC_ONE:
        raise FormatError("bad-field", "barycentric coordinates sum to more than 1", start)
    if int(parents.max()) >= 1 << 31 or (np.diff(parents.astype(np.int64)) <= 0).any():
        raise FormatError("bad-field", "split parents must ascend", start)
    return SplitBlock(level, first, parents.astype(np.int32), dequantize_barycentrics(points))

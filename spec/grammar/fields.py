"""Notation and columns (§2 and §5). Every field that stands for itself is wrapped in `Traced`."""

from __future__ import annotations

import math
from typing import Any

from construct import (
    Adapter,
    Array,
    Bytes,
    Construct,
    Enum,
    ExprValidator,
    FixedSized,
    Float32l,
    GreedyBytes,
    GreedyString,
    Int8ul,
    Int16ul,
    Int32ul,
    Int64sl,
    Int64ul,
    OneOf,
    Struct,
    Subconstruct,
    ValidationError,
    VarInt,
    this,
)

MAX_VARINT_BYTES = 9


class Traced(Subconstruct):  # type: ignore[misc]
    """Adds (path, start, size, value) of what it reads to the parameter `leaves`."""

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        start = stream.tell()
        value = self.subcon._parsereport(stream, context, path)
        context._params.leaves.append((path, start, stream.tell() - start, value))
        return value


class Canonical(Subconstruct):  # type: ignore[misc]
    """A varint of at most nine bytes without a needless last one."""

    def _parse(self, stream: Any, context: Any, path: str) -> int:
        start = stream.tell()
        value = int(self.subcon._parsereport(stream, context, path))
        size = stream.tell() - start
        if size > MAX_VARINT_BYTES or size != len(VarInt.build(value)):
            raise ValidationError(f"a varint of {size} bytes for {value}", path=path)
        return value


class IntegerOf(Adapter):  # type: ignore[misc]
    """An Enum's value as the plain integer that is in the file."""

    def _decode(self, value: Any, context: Any, path: str) -> int:
        return int(value)

    def _encode(self, value: Any, context: Any, path: str) -> Any:
        return value


def named(width: Construct, **names: int) -> Construct:
    """An integer that is one of some registered ones."""
    return Traced(IntegerOf(OneOf(Enum(width, **names), list(names))))


U8, U16, U32, U64 = Traced(Int8ul), Traced(Int16ul), Traced(Int32ul), Traced(Int64ul)
F32 = Traced(ExprValidator(Float32l, lambda value, context: math.isfinite(value)))
VARINT = Traced(Canonical(VarInt))
FLAG = Traced(OneOf(Int8ul, (0, 1)))
REST = Traced(GreedyBytes)
STRING = Struct("length" / VARINT, "text" / Traced(FixedSized(this.length, GreedyString("utf8"))))

GRID = Struct("offset" / Traced(Int64sl), "step" / U32, "shift" / U8, "bits" / U8)

STORED, ZSTD, CONSTANT = 0, 1, 2
COLUMN_KINDS = [16 * transform + codec for transform in range(3) for codec in (STORED, ZSTD)] + [CONSTANT]
COLUMN = Struct(
    "kind" / Traced(OneOf(Int8ul, COLUMN_KINDS)),
    "length" / VARINT,
    "data" / Traced(Bytes(this.length)),
)
SIGNED_COLUMN = Struct("width" / Traced(OneOf(Int8ul, (1, 2, 4))), "column" / COLUMN)

ASCENDING = Struct(
    "parameter" / Traced(OneOf(Int8ul, range(31))),
    "quotient_bytes" / VARINT,
    "quotients" / Traced(Bytes(this.quotient_bytes)),
    "remainders" / Traced(Bytes(lambda here: -(-here._root.count * here.parameter // 8))),
)
"""An ascending list of the payload's `count` values."""

NEEDS = Struct("count" / VARINT, "distances" / Array(this.count, VARINT))

"""Reading and writing payload fields: little endian, varints, strings, columns.

`FieldReader` knows where its bytes stand in the file, so that every error carries a byte offset.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.columns import DTYPES, SIGNED_DTYPES, ColumnDecompressor, compress_column
from pavfmt.codec.kernels import Kernels
from pavfmt.codec.quantization import Affine, UnsignedArray
from pavfmt.errors import FormatError, LimitError
from pavfmt.limits import Limits
from pavfmt.registry import UnitType

_AFFINE = struct.Struct("<qIBB")
MAX_VARINT = (1 << 63) - 1
"""Nine bytes."""


class FieldWriter:
    """Builds one payload."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def getvalue(self) -> bytes:
        """The bytes so far."""
        return b"".join(self._parts)

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._parts.append(data)

    def pack(self, layout: str, *values: float) -> None:
        """Fixed-size fields, little endian."""
        self._parts.append(struct.pack("<" + layout, *values))

    def varint(self, value: int) -> None:
        """LEB128: seven bits a byte, lowest first, high bit set on all but the last."""
        while value > 0x7F:
            self._parts.append(bytes([value & 0x7F | 0x80]))
            value >>= 7
        self._parts.append(bytes([value]))

    def string(self, text: str) -> None:
        """A varint byte length and UTF-8."""
        data = text.encode()
        self.varint(len(data))
        self.raw(data)

    def needs(self, own_id: int, needs: Iterable[int]) -> None:
        """§6, the start of every payload: a count, then own id − needed id, nearest first, as differences."""
        distances = sorted({own_id - need for need in needs})
        self.varint(len(distances))
        for distance, before in zip(distances, [0, *distances], strict=False):
            self.varint(distance - before)

    def affine(self, grid: Affine) -> None:
        """A quantization grid, 14 bytes."""
        self._parts.append(_AFFINE.pack(grid.offset, grid.step, grid.shift, grid.bits))

    def column(self, values: UnsignedArray, width: int, stored: bool = False) -> int:
        """A column; returns the bytes it takes."""
        kind, data = compress_column(values, width, stored)
        before = len(self._parts)
        self.pack("B", kind)
        self.varint(len(data))
        self.raw(data)
        return sum(len(part) for part in self._parts[before:])

    def signed_column(self, values: NDArray[np.integer]) -> None:
        """A width, the smallest that holds all values, and a column of them in two's complement."""
        low, high = int(values.min(initial=0)), int(values.max(initial=0))
        fitting = (w for w in SIGNED_DTYPES if -(1 << 8 * w - 1) <= low and high < 1 << 8 * w - 1)
        width = next(fitting)
        self.pack("B", width)
        self.column(values.astype(SIGNED_DTYPES[width]).view(DTYPES[width]), width)


class FieldReader:
    """Reads one payload field by field; raises FormatError with the offset of the field at fault."""

    def __init__(
        self,
        data: bytes,
        base: int,
        limits: Limits,
        columns: ColumnDecompressor,
        kernels: Kernels | None = None,
    ) -> None:
        self._data = data
        self._base = base
        self._at = 0
        self.limits = limits
        self.kernels = kernels
        self._columns = columns

    @property
    def offset(self) -> int:
        """The next field's byte offset in the file."""
        return self._base + self._at

    @property
    def size(self) -> int:
        """Bytes of the whole payload."""
        return len(self._data)

    def raw(self, length: int) -> bytes:
        """The next `length` bytes."""
        if length > len(self._data) - self._at:
            left = len(self._data) - self._at
            raise FormatError("short-payload", f"a field of {length} bytes, {left} left", self.offset)
        self._at += length
        return self._data[self._at - length : self._at]

    def rest(self) -> bytes:
        """All bytes left."""
        return self.raw(len(self._data) - self._at)

    def unpack(self, layout: str) -> tuple[int, ...]:
        """Fixed-size integer fields."""
        return struct.unpack("<" + layout, self.raw(struct.calcsize("<" + layout)))

    def u8(self) -> int:
        """One byte."""
        return self.raw(1)[0]

    def floats(self, count: int) -> tuple[float, ...]:
        """`count` finite float32."""
        start = self.offset
        values = struct.unpack(f"<{count}f", self.raw(4 * count))
        if not all(map(math.isfinite, values)):
            raise FormatError("bad-field", "a float is NaN or infinite", start)
        return values

    def choice(self, name: str, count: int) -> int:
        """A byte below `count`."""
        start = self.offset
        value = self.u8()
        if value >= count:
            raise FormatError("bad-field", f"{name} is {value}, defined are 0..{count - 1}", start)
        return value

    def varint(self, name: str, limit: int = MAX_VARINT) -> int:
        """A varint; over `limit` it is a LimitError, longer than needed or than 9 bytes a FormatError."""
        start, value, shift = self.offset, 0, 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift == 63:
                raise FormatError("bad-field", f"{name}: a varint of more than 9 bytes", start)
        if byte == 0 and shift > 7:
            raise FormatError("bad-field", f"{name}: a varint with a needless last byte", start)
        if value > limit:
            raise LimitError("limit-exceeded", f"{name} is {value}, the limit is {limit}", start)
        return value

    def string(self, name: str) -> str:
        """A UTF-8 string without control characters."""
        length = self.varint(f"{name} length", self.limits.string_bytes)
        start = self.offset
        try:
            text = self.raw(length).decode()
        except UnicodeDecodeError:
            raise FormatError("bad-string", f"{name} is not UTF-8", start) from None
        if any(character < " " and character not in "\n\t" for character in text):
            raise FormatError("bad-string", f"{name} holds control characters", start)
        return text

    def needs_of(self, own_id: int) -> tuple[int, ...]:
        """§6: ids below `own_id`, descending. Every unit's needs are earlier units, so there are no cycles."""
        count = self.varint("needs count", self.limits.needs)
        needs, current = [], own_id
        for _ in range(count):
            start = self.offset
            step = self.varint("needs distance")
            current -= step
            if step == 0 or current < 0:
                raise FormatError("bad-needs", f"unit {own_id} needs unit {current}", start)
            needs.append(current)
        return tuple(needs)

    def affine(self, name: str) -> Affine:
        """A quantization grid whose arithmetic is exact."""
        start = self.offset
        grid = Affine(*_AFFINE.unpack(self.raw(_AFFINE.size)))
        if not grid.is_exact:
            raise FormatError("bad-field", f"{name}: {grid} is not exact in binary64", start)
        return grid

    def signed_column(self, count: int) -> NDArray[np.signedinteger]:
        """A width and a column of `count` signed values of that width."""
        start = self.offset
        width = self.u8()
        if width not in SIGNED_DTYPES:
            raise FormatError("bad-field", f"a column width of {width} bytes", start)
        values: NDArray[np.signedinteger] = self.column(count, width).view(SIGNED_DTYPES[width])
        return values

    def column(self, count: int, width: int) -> UnsignedArray:
        """A column of `count` values of `width` bytes."""
        kind = self.u8()
        length = self.varint("column length", self.limits.unit_bytes)
        start = self.offset
        return self._columns.decompress(kind, self.raw(length), count, width, start)

    def grid_column(self, count: int, grid: Affine) -> UnsignedArray:
        """A column of `count` values of a quantization grid, each below 2^bits."""
        start = self.offset
        values = self.column(count, grid.width)
        if int(values.max(initial=0)) >> grid.bits:
            message = f"a quantized value of {values.max()}, at most {(1 << grid.bits) - 1}"
            raise FormatError("bad-field", message, start)
        return values

    def skip_column(self) -> int:
        """Pass over a column; returns the bytes it takes."""
        start = self._at
        self.u8()
        self.raw(self.varint("column length", self.limits.unit_bytes))
        return self._at - start

    def finish(self) -> None:
        """Nothing may be left."""
        left = len(self._data) - self._at
        if left:
            raise FormatError("long-payload", f"{left} bytes after the last field", self.offset)


class UnitReader(FieldReader):
    """The payload of a unit behind its needs, and what it is read against: what the units it needs have brought."""

    def __init__(
        self,
        payload: bytes,
        base: int,
        limits: Limits,
        columns: ColumnDecompressor,
        id_: int,
        type_: UnitType,
        kernels: Kernels | None = None,
    ) -> None:
        """Reads the needs of unit `id_`; raises FormatError where they are wrong."""
        super().__init__(payload, base, limits, columns, kernels)
        self.start, self.end = base, base + len(payload)
        """Byte offsets in the file: of the payload, and after it."""
        self.id, self.type = id_, type_
        self.critical_features = 0
        """Of the file header."""
        self.needs = self.needs_of(id_)
        self.brought: list[tuple[UnitType, Any]] = []
        """The type and content of each unit needed that is of a known type, in the order of `needs`."""

    def needed(self, what: str, *types: UnitType) -> Any:
        """The content of the one unit of `types` among the needs; FormatError if there is none."""
        for type_, content in self.brought:
            if type_ in types:
                return content
        raise FormatError("bad-needs", f"a {self.type.name} unit must need the {what} unit", self.start)

"""Reading and writing payload fields: little endian, varints, strings, columns.

`FieldReader` knows where its bytes stand in the file, so that every error carries a byte offset.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Int32Array, Int64Array, UnsignedArray
from pavfmt.codec.blocks import (
    BOUND,
    MAX_FLOOR,
    PREDICTED,
    Form,
    Model,
    ascending_values,
    bounded_quotients,
    rice_values,
)
from pavfmt.codec.columns import DTYPES, SIGNED_DTYPES, ColumnDecompressor, compress_column
from pavfmt.codec.prediction import Neighbourhood
from pavfmt.codec.quantization import MAX_MULTIPLIER, Affine
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

    def __init__(self, data: bytes, base: int, limits: Limits, columns: ColumnDecompressor) -> None:
        """`base` is where `data` stands in the file."""
        self.offset = base
        """The next field's byte offset in the file."""
        self.size = len(data)
        """Bytes of the whole payload."""
        self.end = base + len(data)
        """The byte offset after it."""
        self.limits = limits
        self._data = data
        self._columns = columns

    def raw(self, length: int) -> bytes:
        """The next `length` bytes."""
        left = self.end - self.offset
        if length > left:
            raise FormatError("short-payload", f"a field of {length} bytes, {left} left", self.offset)
        at = self.size - left
        self.offset += length
        return self._data[at : at + length]

    def rest(self) -> bytes:
        """All bytes left."""
        return self.raw(self.end - self.offset)

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

    def index_range(self, name: str, limit: int, most: int) -> tuple[int, int]:
        """The first of some consecutive things and how many they are, two varints up to `limit` and `most`."""
        return self.varint(f"first {name}", limit), self.varint(f"{name} count", most)

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

    def skip_column(self) -> None:
        """Pass over a column."""
        self.u8()
        self.raw(self.varint("column length", self.limits.unit_bytes))

    def scales(self, names: Sequence[str], tops: Sequence[Sequence[int]]) -> list[tuple[int, Int64Array]]:
        """§6.9, per attribute: a multiplier of its grids' step, and a centre of each column that has one.

        `tops` are the highest values of those columns' grids.
        """
        found = []
        for name, highest in zip(names, tops, strict=True):
            start = self.offset
            multiplier = self.varint("multiplier")
            if not 0 < multiplier <= MAX_MULTIPLIER:
                raise FormatError("bad-field", f"a multiplier of {multiplier}", start)
            centres = [self.varint("centre") for _ in highest]
            if any(centre > top for centre, top in zip(centres, highest, strict=True)):
                raise FormatError("bad-field", f"{name}: centres {centres} are not on their grids", start)
            found.append((multiplier, np.array(centres, dtype=np.int64)))
        return found

    def ascending(self, count: int) -> Int32Array:
        """§5.4: (count,) integers ≥ 0 that never fall."""
        parameter = self.choice("Rice parameter", 31)
        start = self.offset
        section = self.raw(self.varint("quotient bytes", self.limits.unit_bytes))
        quotients = bounded_quotients(section, count, start)
        remainders = self.raw(-(-count * parameter // 8))
        return ascending_values(quotients, remainders, parameter, start, self.offset)

    def block(
        self,
        count: int,
        widths: Sequence[int],
        neighbourhood: Neighbourhood,
        shifts: Int64Array | None = None,
    ) -> Int32Array:
        """§5.4: (count, C) integers in file order, below `BOUND` in size; `widths` are the columns of each attribute.

        A value is a multiple of 2^`shifts` (count, C); None: of 1.
        """
        start = self.offset
        form = Form(self.choice("block form", len(Form)))
        if form is Form.COLUMNS:
            return self._block_of_columns(count, sum(widths), start)
        models = [self._model() for _ in widths]
        sizes = self._section_sizes()
        rows = self._row_flags(count) if form is Form.RICE_ROWS else np.ones(count, dtype=bool)
        at = self.offset
        sections = self.raw(sizes[0]), self.raw(sizes[1])
        return rice_values(sections, rows, models, widths, neighbourhood, shifts, at, start)

    def skip_block(self, count: int, attributes: int) -> None:
        """Pass over a block of single-column attributes."""
        form = Form(self.choice("block form", len(Form)))
        if form is Form.COLUMNS:
            for _ in range(attributes):
                self.u8()
                self.skip_column()
            return
        for _ in range(attributes):
            self._model()
        self.raw(sum(self._section_sizes()) + (-(-count // 8) if form is Form.RICE_ROWS else 0))

    def _section_sizes(self) -> tuple[int, int]:
        limit = self.limits.unit_bytes
        return self.varint("quotient bytes", limit), self.varint("remainder bytes", limit)

    def _block_of_columns(self, count: int, columns: int, block: int) -> Int32Array:
        table = np.empty((count, columns), dtype=np.int32)
        for column in table.T:
            column[:] = self.signed_column(count)
        if table.size and max(-int(table.min()), int(table.max())) >= BOUND:
            raise FormatError("bad-column", f"values {table.min()}..{table.max()}", block)
        return table

    def _model(self) -> Model:
        first = self.choice("Rice parameter", 2 * PREDICTED)
        if first < PREDICTED:
            return Model(first)
        scale, start = self.u8(), self.offset
        floor = self.varint("Rice floor")
        if floor > MAX_FLOOR:
            raise FormatError("bad-field", f"a floor of {floor}, at most {MAX_FLOOR}", start)
        return Model(first - PREDICTED, True, scale, floor)

    def _row_flags(self, count: int) -> NDArray[np.bool_]:
        start = self.offset
        bits = np.unpackbits(np.frombuffer(self.raw(-(-count // 8)), dtype=np.uint8))
        if bits[count:].any():
            raise FormatError("bad-field", "row flags beyond the last Gaussian", start)
        return bits[:count].astype(bool)

    def finish(self) -> None:
        """Nothing may be left."""
        left = self.end - self.offset
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
    ) -> None:
        """Reads the needs of unit `id_`; raises FormatError where they are wrong."""
        super().__init__(payload, base, limits, columns)
        self.start = base
        """Byte offset of the payload."""
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

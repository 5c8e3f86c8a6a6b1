"""Binary little-endian PLY with scalar properties: all that Gaussian checkpoints use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array
from pavfmt.errors import EncodeError

MAX_HEADER_BYTES = 1 << 16
END = b"end_header\n"

SCALARS = {
    **dict.fromkeys(("char", "int8"), "<i1"),
    **dict.fromkeys(("uchar", "uint8"), "<u1"),
    **dict.fromkeys(("short", "int16"), "<i2"),
    **dict.fromkeys(("ushort", "uint16"), "<u2"),
    **dict.fromkeys(("int", "int32"), "<i4"),
    **dict.fromkeys(("uint", "uint32"), "<u4"),
    **dict.fromkeys(("float", "float32"), "<f4"),
    **dict.fromkeys(("double", "float64"), "<f8"),
}

Element = tuple[str, int, list[tuple[str, str]]]
"""Name, row count, and the properties as (name, NumPy type)."""
Table = NDArray[np.void]
"""A structured array: one row per record, one field per property."""


def read_ply(data: bytes, where: str = "PLY") -> dict[str, Table]:
    """Element name → its records. `where` names the file in error messages."""
    elements, offset = _parse_header(data, where)
    tables: dict[str, Table] = {}
    for name, count, fields in elements:
        dtype = np.dtype(fields)
        if count * dtype.itemsize > len(data) - offset:
            message = f"{where}: element {name!r} declares {count} rows of {dtype.itemsize} bytes"
            raise EncodeError("bad-ply", f"{message}, {len(data) - offset} bytes are left")
        tables[name] = np.frombuffer(data, dtype, count, offset)
        offset += count * dtype.itemsize
    return tables


def columns(table: Table, names: Sequence[str], where: str = "PLY") -> Float32Array:
    """The properties `names` as an (N, len(names)) float32 array, all present and finite."""
    present = table.dtype.names or ()
    missing = [name for name in names if name not in present]
    if missing:
        raise EncodeError("missing-property", f"{where}: no property {', '.join(map(repr, missing))}")
    values = np.empty((len(table), len(names)), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for column, name in enumerate(names):
            values[:, column] = table[name]
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        value = values[row, column]
        raise EncodeError("not-finite", f"{where}: property {names[column]!r} is {value} in row {row}")
    return values


def read_ply_header(data: bytes, where: str = "PLY") -> list[Element]:
    """The elements a file declares, as (name, row count, fields); only its beginning is needed."""
    return _parse_header(data, where)[0]


def _parse_header(data: bytes, where: str) -> tuple[list[Element], int]:
    """Elements as (name, row count, fields), and where the records start."""
    if not data.startswith((b"ply\n", b"ply\r\n")):
        raise EncodeError("bad-ply", f"{where}: does not start with 'ply'")
    head = bytes(data[:MAX_HEADER_BYTES]).replace(b"end_header\r\n", b"end_header\n\n", 1)
    end = head.find(END)
    if end < 0:
        raise EncodeError("bad-ply", f"{where}: no end_header in the first {MAX_HEADER_BYTES} bytes")
    start = end + len(END) + (data[end + len(END) - 1 : end + len(END)] == b"\r")
    elements: list[Element] = []
    try:
        lines = head[:end].decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise EncodeError("bad-ply", f"{where}: the header is not ASCII") from None
    for number, line in enumerate(lines[1:], 2):
        _parse_line(line.split(), elements, f"{where}, header line {number}")
    for name, count, fields in elements:
        if count and not fields:
            raise EncodeError("bad-ply", f"{where}: element {name!r} has rows but no properties")
    return [(name, count, fields or [("", "<u1")]) for name, count, fields in elements], start


def _parse_line(words: list[str], elements: list[Element], where: str) -> None:
    """One header line's words, added to `elements`."""
    match words:
        case [] | ["comment" | "obj_info", *_] | ["format", "binary_little_endian", "1.0"]:
            pass
        case ["format", *rest]:
            message = f"{where}: format {' '.join(rest)!r}, only binary_little_endian 1.0 is read"
            raise EncodeError("bad-ply", message)
        case ["element", name, count] if count.isdecimal() and len(count) <= 10:
            if any(name == other for other, _, _ in elements):
                raise EncodeError("bad-ply", f"{where}: element {name!r} twice")
            elements.append((name, int(count), []))
        case ["property", kind, name] if kind in SCALARS and elements:
            fields = elements[-1][2]
            if any(name == other for other, _ in fields):
                raise EncodeError("bad-ply", f"{where}: property {name!r} twice")
            fields.append((name, SCALARS[kind]))
        case _:
            raise EncodeError("bad-ply", f"{where}: cannot read {' '.join(words)[:80]!r}")

"""NumPy's `.npy` arrays from files nobody vouches for: the header is checked before anything is allocated.

Pickled (object) arrays are refused: reading one runs code of its author's choosing.
"""

from __future__ import annotations

import ast
import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import EncodeError
from pavfmt.importers.files.source import MAX_MEMBER_BYTES

MAGIC = b"\x93NUMPY"

MAX_ARRAY_BYTES = 1 << 30
"""One array's data may take this many bytes: 4 million Gaussians at SH degree 3 fit."""

MAX_HEADER_BYTES = 10_000
"""NumPy's own default; a plain array's header is 118 bytes."""

MAX_DIMENSIONS = 8

KIND_NAMES = {"f": "float", "i": "integer", "u": "unsigned", "U": "text", "b": "boolean"}


def _header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype, as the header states them."""
    start = stream.read(len(MAGIC) + 2)
    width = {MAGIC + b"\1\0": 2, MAGIC + b"\2\0": 4}.get(start)
    if width is None:
        raise EncodeError("bad-array", f"{where} is no .npy file of version 1.0 or 2.0")
    length = int.from_bytes(stream.read(width), "little")
    if length > MAX_HEADER_BYTES:
        raise EncodeError("bad-array", f"{where} has a header of {length} bytes, limit {MAX_HEADER_BYTES}")
    try:
        return _fields(ast.literal_eval(stream.read(length).decode("latin-1").strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise EncodeError("bad-array", f"{where} has a header that cannot be read: {error}") from error


def _fields(header: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype from the header's dictionary."""
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise ValueError("not the three fields of a .npy header")
    shape, fortran, descr = header["shape"], header["fortran_order"], header["descr"]
    if not isinstance(descr, str):
        raise ValueError("records are not read")
    if not isinstance(fortran, bool) or not isinstance(shape, tuple):
        raise ValueError("a field of the wrong type")
    if any(type(length) is not int or length < 0 for length in shape) or len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"the shape {shape}")
    return shape, fortran, np.dtype(descr)


def _check_dtype(where: str, dtype: np.dtype, kinds: str) -> None:
    if dtype.kind not in kinds or not dtype.itemsize:
        wanted = " or ".join(KIND_NAMES[kind] for kind in kinds)
        raise EncodeError("bad-dtype", f"{where} holds {dtype}, {wanted} is required")


Wanted = tuple[int | None, ...] | None
"""A shape to insist on; None stands for any length, or for any shape at all."""


def has_shape(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether `found` is `wanted`, None matching any length."""
    pairs = zip(found, wanted, strict=False)
    return len(found) == len(wanted) and all(want in (None, have) for have, want in pairs)


def _check_shape(where: str, shape: tuple[int, ...], wanted: Wanted) -> None:
    if wanted is not None and not has_shape(shape, wanted):
        text = ", ".join("any" if length is None else str(length) for length in wanted)
        raise EncodeError("bad-shape", f"{where} has shape {shape}, expected ({text})")


def read_npy(
    stream: IO[bytes], total_bytes: int, where: str, kinds: str, wanted: Wanted = None
) -> NDArray[np.generic]:
    """The array in `stream`, which holds `total_bytes` in all; `where` names it in errors.

    The array's dtype kind must be one of the letters `kinds` (NumPy's).
    """
    shape, fortran, dtype = _header(stream, where)
    _check_dtype(where, dtype, kinds)
    _check_shape(where, shape, wanted)
    data_bytes = math.prod(shape) * dtype.itemsize
    if data_bytes > MAX_ARRAY_BYTES:
        raise EncodeError("input-too-large", f"{where} takes {data_bytes} bytes, limit {MAX_ARRAY_BYTES}")
    if stream.tell() + data_bytes != total_bytes:
        found = total_bytes - stream.tell()
        raise EncodeError("bad-array", f"{where} holds {found} bytes of data, its header says {data_bytes}")
    return _data(stream, data_bytes, where, dtype).reshape(shape, order="F" if fortran else "C")


def _data(stream: IO[bytes], data_bytes: int, where: str, dtype: np.dtype) -> NDArray[np.generic]:
    data = stream.read(data_bytes)
    if len(data) != data_bytes:
        raise EncodeError("bad-array", f"{where} ends after {len(data)} of {data_bytes} bytes")
    return np.frombuffer(data, dtype=dtype).astype(dtype.newbyteorder("="))


def read_npy_file(path: Path, kinds: str, wanted: Wanted = None) -> NDArray[np.generic]:
    """The array in the file `path`, called by its folder's and its own name in errors."""
    where = f"{path.parent.name}/{path.name}"
    try:
        with path.open("rb") as stream:
            return read_npy(stream, path.stat().st_size, where, kinds, wanted)
    except FileNotFoundError as error:
        raise EncodeError("missing-file", f"{where} is missing") from error
    except OSError as error:
        raise EncodeError("unreadable-file", f"{path} cannot be read: {error.strerror}") from error


def read_npz_member(
    archive: zipfile.ZipFile, name: str, kinds: str, wanted: Wanted = None
) -> NDArray[np.generic]:
    """The array `name` of an open `.npz` archive."""
    where = f"array {name!r}"
    try:
        info = archive.getinfo(f"{name}.npy")
        if info.file_size > MAX_MEMBER_BYTES:
            message = f"{where} takes {info.file_size} bytes, limit {MAX_MEMBER_BYTES}"
            raise EncodeError("input-too-large", message)
        with archive.open(info) as stream:
            return read_npy(stream, info.file_size, where, kinds, wanted)
    except KeyError as error:
        raise EncodeError("missing-array", f"{where} is missing from the archive") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError) as error:
        raise EncodeError("bad-array", f"{where} cannot be unpacked: {error}") from error

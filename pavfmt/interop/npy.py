"""NumPy's `.npy` arrays from files nobody vouches for: the header is checked before anything is allocated.

Pickled (object) arrays are refused: reading one runs code of its author's choosing.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from pavfmt.errors import EncodeError

MAX_ARRAY_BYTES = 1 << 30
"""One array's data may take this many bytes: 4 million Gaussians at SH degree 3 fit."""

MAX_HEADER_BYTES = 10_000
"""NumPy's own default; a plain array's header is 118 bytes."""

MAX_DIMENSIONS = 8

KIND_NAMES = {"f": "float", "i": "integer", "u": "unsigned", "U": "text", "b": "boolean"}


def _header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype, as the header states them."""
    try:
        version = npy_format.read_magic(stream)
        readers = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
        header = readers[version](stream, max_header_size=MAX_HEADER_BYTES)
    except (ValueError, KeyError, SyntaxError, TypeError, EOFError, struct.error, RecursionError) as error:
        raise EncodeError("bad-array", f"{where} is no .npy array of version 1.0 or 2.0: {error}") from error
    shape, fortran, dtype = header
    return shape, fortran, dtype


def _check_dtype(where: str, dtype: np.dtype, kinds: str) -> None:
    if dtype.kind not in kinds or not dtype.itemsize:
        wanted = " or ".join(KIND_NAMES[kind] for kind in kinds)
        raise EncodeError("bad-dtype", f"{where} holds {dtype}, {wanted} is required")


def read_npy(stream: IO[bytes], total_bytes: int, where: str, kinds: str) -> NDArray[np.generic]:
    """The array in `stream`, which holds `total_bytes` in all; `where` names it in errors.

    The array's dtype kind must be one of the letters `kinds` (NumPy's).
    """
    shape, fortran, dtype = _header(stream, where)
    _check_dtype(where, dtype, kinds)
    if len(shape) > MAX_DIMENSIONS or any(length < 0 for length in shape):
        raise EncodeError("bad-array", f"{where} claims the shape {shape}")
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


def read_npy_file(path: Path, kinds: str) -> NDArray[np.generic]:
    """The array in the file `path`."""
    try:
        with path.open("rb") as stream:
            return read_npy(stream, path.stat().st_size, path.name, kinds)
    except FileNotFoundError as error:
        raise EncodeError("missing-file", f"{path.name} is missing from {path.parent}") from error
    except OSError as error:
        raise EncodeError("unreadable-file", f"{path} cannot be read: {error.strerror}") from error


def read_npz_member(archive: zipfile.ZipFile, name: str, kinds: str) -> NDArray[np.generic]:
    """The array `name` of an open `.npz` archive."""
    where = f"array {name!r}"
    try:
        info = archive.getinfo(f"{name}.npy")
        with archive.open(info) as stream:
            return read_npy(stream, info.file_size, where, kinds)
    except KeyError as error:
        raise EncodeError("missing-array", f"{where} is missing from the archive") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError) as error:
        raise EncodeError("bad-array", f"{where} cannot be unpacked: {error}") from error

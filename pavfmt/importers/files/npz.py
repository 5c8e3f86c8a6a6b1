"""Opening `.npz` archives and taking arrays of a required shape out of them. Pickles are never loaded."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from pavfmt.arrays import Float32Array, Float64Array
from pavfmt.errors import EncodeError
from pavfmt.importers.files.npy import read_npz_member
from pavfmt.importers.files.source import MAX_FILE_BYTES


def open_npz(path: Path) -> zipfile.ZipFile:
    """The archive at `path`, to be used in a `with`."""
    if not path.is_file():
        raise EncodeError("missing-file", f"{path.name}: no such file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise EncodeError("input-too-large", f"{path.name} is larger than {MAX_FILE_BYTES} bytes")
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise EncodeError("bad-zip", f"{path.name} is not a readable .npz archive: {error}") from error


def array_names(archive: zipfile.ZipFile) -> list[str]:
    """What the archive holds, without reading it."""
    return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def float_array(archive: zipfile.ZipFile, name: str, *shape: int | None) -> Float64Array:
    """Array `name` as float64, with the shape asked for (None: any length; nothing: any shape), finite."""
    array = read_npz_member(archive, name, "fiu", shape or None).astype(np.float64)
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(np.atleast_1d(array)))[0][0])
        raise EncodeError("not-finite", f"array {name!r} holds NaN or infinity, first in row {row}")
    return array


def float32_array(archive: zipfile.ZipFile, name: str, *shape: int | None) -> Float32Array:
    """The same as float32."""
    with np.errstate(over="ignore"):
        return float_array(archive, name, *shape).astype(np.float32)


def text_array(archive: zipfile.ZipFile, name: str, count: int | None = None) -> tuple[str, ...]:
    """A one-dimensional array of text, of `count` entries if given."""
    return tuple(str(text) for text in read_npz_member(archive, name, "U", (count,)))

"""Where importers get their bytes: one file, a folder or a zip archive, never more than the limits allow.

Nothing is ever extracted to disk, so a member's path can do no harm. Only the members asked for are read.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Protocol

from pavfmt.errors import EncodeError

MAX_FILE_BYTES = 1 << 30
"""A checkpoint or archive on disk."""
MAX_MEMBER_BYTES = 128 << 20
"""One member of a zip archive, inflated."""
MAX_TOTAL_BYTES = 256 << 20
"""All members read from one archive, inflated."""
MAX_RATIO = 200
"""Inflated against compressed size. Meshes and JSON tracks stay below 50; deflate can reach 1032."""
RATIO_FREE_BYTES = 1 << 20
"""Members no larger than this may have any ratio."""


def open_limited(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a file of at most `limit` bytes."""
    if not path.is_file():
        raise EncodeError("missing-file", f"{path.name}: no such file")
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > limit:
            raise EncodeError("input-too-large", f"{path.name} has {size} bytes, at most {limit} are read")
        return stream.read(size)


class Source(Protocol):
    """A folder or archive with named files; names are POSIX paths relative to it."""

    title: str
    """What to call it: the file's or folder's name without an ending."""

    def find(self, filename: str) -> list[str]:
        """Names of the files called `filename`, at the top or in folders, hidden ones left out."""

    def read(self, name: str) -> bytes:
        """The whole content of one file."""


class FolderSource:
    """A folder and its direct subfolders."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.title = path.resolve().name

    def find(self, filename: str) -> list[str]:
        """Names of the files called `filename` in the folder or one level below."""
        found = [*self.path.glob(filename), *sorted(self.path.glob(f"*/{filename}"))]
        names = [path.relative_to(self.path).as_posix() for path in found if path.is_file()]
        return [name for name in names if not is_hidden(name)]

    def read(self, name: str) -> bytes:
        """The whole content of one file."""
        return open_limited(self.path / name, MAX_MEMBER_BYTES)


class ZipSource:
    """A zip archive, read member by member; a context manager."""

    def __init__(self, path: Path) -> None:
        self.title = path.stem
        self.bytes_left = MAX_TOTAL_BYTES
        if path.stat().st_size > MAX_FILE_BYTES:
            raise EncodeError("input-too-large", f"{path.name} is larger than {MAX_FILE_BYTES} bytes")
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise EncodeError("bad-zip", f"{path.name} is not a readable zip archive: {error}") from error

    def __enter__(self) -> ZipSource:
        """The source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the archive."""
        self.archive.close()

    def find(self, filename: str) -> list[str]:
        """Names of the members called `filename`, wherever they lie; macOS's shadow files left out."""
        names = [name for name in self.archive.namelist() if not name.endswith("/")]  # a name may be empty
        return sorted(n for n in names if PurePosixPath(n).name == filename and not is_hidden(n))

    def read(self, name: str) -> bytes:
        """The whole content of one member, after its declared sizes passed the limits."""
        try:
            info = self.archive.getinfo(name)
        except KeyError:
            raise EncodeError("missing-file", f"the archive has no {name}") from None
        self._check_size(info)
        try:
            with self.archive.open(info) as stream:  # stops at the declared size, then compares the checksum
                data = stream.read(info.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
            raise EncodeError("bad-zip", f"{name} cannot be read from the archive: {error}") from error
        if len(data) != info.file_size:
            raise EncodeError("bad-zip", f"{name} declares {info.file_size} bytes, {len(data)} came out")
        self.bytes_left -= len(data)
        return data

    def _check_size(self, info: zipfile.ZipInfo) -> None:
        name, size, packed = info.filename, info.file_size, info.compress_size
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise EncodeError("bad-zip", f"{name} uses compression method {info.compress_type}, not 0 or 8")
        allowed = min(MAX_MEMBER_BYTES, self.bytes_left)
        if size > allowed:
            raise EncodeError("zip-bomb", f"{name} inflates to {size} bytes, {allowed} allowed")
        if size > RATIO_FREE_BYTES and size > MAX_RATIO * packed:
            message = f"{name} inflates {packed} bytes to {size}, more than {MAX_RATIO} times"
            raise EncodeError("zip-bomb", message)


def is_hidden(name: str) -> bool:
    """Whether some part of the path is a dot-file or macOS's `__MACOSX` folder."""
    parts = PurePosixPath(name).parts
    return any(part == "__MACOSX" or part.startswith(".") for part in parts)

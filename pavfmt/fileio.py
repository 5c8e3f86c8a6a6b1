"""The only module that opens `.pav` files: reading in chunks, and writing that leaves all or nothing.

A path is a string, "-" being stdin or stdout, as on the command line. A file is written under a temporary name beside
its own and then renamed, since a rename is the only step that other programs cannot see half of; several files are
renamed only once all of them are on disk.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from pavfmt.errors import EncodeError

CHUNK_BYTES = 1 << 16


def read_chunks(path: str) -> Iterator[bytes]:
    """The bytes of a file, or of stdin for "-", as they come. Raises OSError."""
    stream = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115
    try:
        # read1 gives what is there: a slow pipe is drawn from its first bytes on.
        while chunk := stream.read1(CHUNK_BYTES) if hasattr(stream, "read1") else stream.read(CHUNK_BYTES):
            yield chunk
    finally:
        if path != "-":
            stream.close()


def read_bytes(path: str) -> bytes:
    """A whole file, or all of stdin for "-"."""
    return b"".join(read_chunks(path))


def check_target(path: str, force: bool) -> None:
    """EncodeError if `path` exists and may not be replaced, or its folder is missing."""
    if path == "-":
        return
    target = Path(path)
    if target.exists() and not force:
        raise EncodeError("exists", f"{path} exists; --force replaces it")
    if not target.parent.is_dir():
        raise EncodeError("no-folder", f"the folder {target.parent} does not exist")


def write_bytes(path: str, data: bytes, force: bool = False) -> None:
    """Write under a temporary name in the same folder, then rename; "-" is stdout."""
    write_together({path: data}, force)


def write_together(files: Mapping[str, bytes], force: bool = False) -> None:
    """Several files: none gets its name before all are written. At most one may be "-"."""
    for path in files:
        check_target(path, force)
    written: list[tuple[Path, Path]] = []
    try:
        for path, data in files.items():
            if path != "-":
                written.append((_write_aside(Path(path), data), Path(path)))
        if "-" in files:
            sys.stdout.buffer.write(files["-"])
            sys.stdout.buffer.flush()
        for temporary, target in written:
            temporary.replace(target)
    except BaseException:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)
        raise


def _write_aside(target: Path, data: bytes) -> Path:
    """`data` in a temporary file beside `target`, with the permissions a new file would have."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)

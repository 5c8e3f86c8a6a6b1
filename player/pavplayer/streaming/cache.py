"""Files kept on disk, whole ones and begun ones, with what tells whether the server's is still the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pavfmt.fileio import read_bytes, write_together
from pavplayer.streaming.buffer import FileBuffer
from pavplayer.streaming.messages import Chunk, Validators

CACHE_BYTES = 1 << 30
"""Of a cache folder; the files used longest ago make room."""
RECORD = ".json"


@dataclass(frozen=True)
class CachedFile:
    """What an entry holds of a file."""

    chunks: Sequence[Chunk]
    version: Validators
    total_bytes: int | None
    """Of the file at its source; None: never known."""


class CacheEntry:
    """One file: its bytes at `path`, each at its offset, and a record beside it.

    Both are written together and renamed when done. The record has the hash of the bytes: an entry that was changed,
    cut short or half replaced is not read, since a file that draws wrongly is worse than one fetched again.
    """

    def __init__(self, path: Path, url: str, only_versioned: bool = True) -> None:
        """`only_versioned`: files whose server does not name their version are not stored."""
        self.path, self.record = path, path.with_name(path.name + RECORD)
        self._url, self._only_versioned = url, only_versioned

    def load(self) -> CachedFile | None:
        """None if there is nothing, or what there is does not fit together."""
        try:
            fields = json.loads(read_bytes(str(self.record)))
            data = read_bytes(str(self.path))
            spans = [(int(start), int(end)) for start, end in fields["spans"]]
            chunks = [Chunk(start, data[start:end]) for start, end in spans]
            whole = all(0 <= start < end <= len(data) for start, end in spans)
            if fields["url"] != self._url or not whole or _digest(chunks) != fields["sha256"]:
                return None
            total = fields["total_bytes"]
            version = Validators(str(fields["etag"]), str(fields["last_modified"]))
            return CachedFile(chunks, version, None if total is None else int(total))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, buffer: FileBuffer, version: Validators, total_bytes: int | None) -> None:
        """Store what is in the buffer, which is not empty; a disk that is full or read-only costs the entry only."""
        if self._only_versioned and version == Validators():
            return
        chunks = list(buffer.chunks())
        data = bytearray(max(chunk.offset + len(chunk.data) for chunk in chunks))
        for chunk in chunks:
            data[chunk.offset : chunk.offset + len(chunk.data)] = chunk.data
        fields = {
            "url": self._url,
            "etag": version.etag,
            "last_modified": version.last_modified,
            "total_bytes": total_bytes,
            "spans": buffer.spans(),
            "sha256": _digest(chunks),
        }
        text = json.dumps(fields, indent=1).encode()
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_together({str(self.path): bytes(data), str(self.record): text}, force=True)

    def drop(self) -> None:
        """Nothing is stored any more."""
        for path in (self.path, self.record):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def cache_entry(folder: Path, url: str) -> CacheEntry:
    """The place of a URL's file in a cache."""
    evict(folder)
    return CacheEntry(folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.pav", url)


def evict(folder: Path, limit: int = CACHE_BYTES) -> None:
    """Drop the files that were stored longest ago until the rest is within `limit` bytes."""
    files = []
    for path in folder.glob("*.pav"):
        with contextlib.suppress(OSError):
            found = path.stat()
            files.append((found.st_mtime, found.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit:
            return
        CacheEntry(path, "").drop()
        total -= size


def _digest(chunks: Sequence[Chunk]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk.data)
    return digest.hexdigest()

"""Files kept on disk, whole ones and begun ones, with what tells whether the server's is still the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pavfmt.fileio import read_bytes, write_together
from pavplayer.streaming.buffer import Holding
from pavplayer.streaming.messages import Piece
from pavplayer.streaming.origins import Validators

CACHE_BYTES = 1 << 30
"""Of a cache folder; the files used longest ago make room."""
RECORD = ".json"


@dataclass(frozen=True)
class Kept:
    """What was kept of a file."""

    pieces: Sequence[Piece]
    version: Validators
    total_bytes: int | None
    """Of the file at its source; None: never known."""


class Keeper:
    """One file: its bytes at `path`, each at its place, and a record beside it. Written together, renamed when done."""

    def __init__(self, path: Path, url: str, only_versioned: bool = True) -> None:
        """`only_versioned`: files whose server does not name their version are not kept."""
        self.path, self.record = path, path.with_name(path.name + RECORD)
        self._url, self._only_versioned = url, only_versioned

    def load(self) -> Kept | None:
        """None if there is nothing, or what there is does not fit together."""
        try:
            fields = json.loads(read_bytes(str(self.record)))
            data = read_bytes(str(self.path))
            spans = [(int(start), int(end)) for start, end in fields["spans"]]
            pieces = [Piece(start, data[start:end]) for start, end in spans]
            whole = all(0 <= start < end <= len(data) for start, end in spans)
            if fields["url"] != self._url or not whole or _digest(pieces) != fields["sha256"]:
                return None
            total = fields["total_bytes"]
            version = Validators(str(fields["etag"]), str(fields["last_modified"]))
            return Kept(pieces, version, None if total is None else int(total))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, holding: Holding, version: Validators, total_bytes: int | None) -> None:
        """Keep what is held; a disk that is full or read-only costs the keeping only."""
        if self._only_versioned and version == Validators():
            return
        pieces = list(holding.pieces())
        data = bytearray(max(piece.offset + len(piece.data) for piece in pieces))
        for piece in pieces:
            data[piece.offset : piece.offset + len(piece.data)] = piece.data
        fields = {
            "url": self._url,
            "etag": version.etag,
            "last_modified": version.last_modified,
            "total_bytes": total_bytes,
            "spans": holding.spans(),
            "sha256": _digest(pieces),
        }
        text = json.dumps(fields, indent=1).encode()
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_together({str(self.path): bytes(data), str(self.record): text}, force=True)

    def drop(self) -> None:
        """Nothing is kept of it."""
        for path in (self.path, self.record):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def cache_keeper(folder: Path, url: str) -> Keeper:
    """The place of a URL's file in a cache."""
    make_room(folder)
    return Keeper(folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.pav", url)


def make_room(folder: Path, limit: int = CACHE_BYTES) -> None:
    """Drop the files that were kept longest ago until the rest is within `limit` bytes."""
    files = []
    for path in folder.glob("*.pav"):
        with contextlib.suppress(OSError):
            found = path.stat()
            files.append((found.st_mtime, found.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit:
            return
        Keeper(path, "").drop()
        total -= size


def _digest(pieces: Sequence[Piece]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece.data)
    return digest.hexdigest()

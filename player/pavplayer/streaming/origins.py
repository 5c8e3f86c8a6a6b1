"""Where the bytes of a file come from: what a transfer asks of HTTP servers, local files and stdin alike."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from pavplayer.streaming.messages import StreamError


@dataclass(frozen=True)
class Validators:
    """What tells one version of a file from another; empty where the source does not say."""

    etag: str = ""
    last_modified: str = ""

    @property
    def for_ranges(self) -> str:
        """The value of If-Range: weak tags promise too little."""
        strong = self.etag if not self.etag.startswith("W/") else ""
        return strong or self.last_modified

    def agrees_with(self, other: Validators) -> bool:
        """Whether one of the two names is the same."""
        same_etag = bool(self.etag) and self.etag == other.etag
        return same_etag or (bool(self.last_modified) and self.last_modified == other.last_modified)

    def contradict(self, other: Validators) -> bool:
        """Whether the two are of different versions, for all they say."""
        if self.etag and other.etag:
            return self.etag != other.etag
        return bool(self.last_modified and other.last_modified and self.last_modified != other.last_modified)


@dataclass(frozen=True)
class Question:
    """Bytes [start, end) of a file; all the rest of it if `end` is None."""

    start: int = 0
    end: int | None = None
    version: Validators = Validators()
    """Of the version whose bytes are here."""
    only_if_changed: bool = False
    """All of that version is here."""


class Answer(Protocol):
    """Bytes of a file, from `start` on."""

    start: int
    """Not what was asked for, where the source gives the whole file only."""
    end: int | None
    """As announced; None: it shows when it is there."""
    total: int | None
    """Bytes of the whole file, as announced."""
    version: Validators
    unchanged: bool
    """Nothing comes, since nothing has changed."""
    announced: bool
    """The source says where its bytes end, so that an end can be told from a broken connection."""

    def read(self) -> bytes:
        """The next bytes; none at the end. Raises StreamError."""

    def close(self) -> None:
        """No more of it is wanted."""


class Origin(Protocol):
    """A file somewhere."""

    @property
    def takes_ranges(self) -> bool | None:
        """None: not known yet."""

    def ask(self, question: Question) -> Answer:
        """Raises StreamError."""

    def abort(self) -> None:
        """From any thread: what waits for an answer or for bytes fails soon."""

    def close(self) -> None:
        """Free what it holds; it can be asked again."""


class PastEndError(StreamError):
    """Bytes were asked for that begin at or after the end of the file."""

    def __init__(self, total: int | None) -> None:
        super().__init__("bad-answer", "the file ends before the bytes asked for")
        self.total = total


class FileOrigin:
    """A local file, or stdin for "-"."""

    def __init__(self, path: str, piece_bytes: int) -> None:
        self._path, self._piece_bytes = path, piece_bytes
        self.takes_ranges: bool | None = path != "-"

    def ask(self, question: Question) -> FileAnswer:
        """The file from there on."""
        if self._path == "-":
            return FileAnswer(sys.stdin.buffer, self._piece_bytes, 0, None, None)
        try:
            file = Path(self._path).open("rb")  # noqa: SIM115
            total = file.seek(0, 2)
            file.seek(question.start)
        except OSError as error:
            raise StreamError("not-found", str(error)) from None
        return FileAnswer(file, self._piece_bytes, question.start, question.end, total)

    def abort(self) -> None:
        """A local file does not keep anyone waiting; who waits at stdin waits on in a daemon thread."""

    def close(self) -> None:
        """Nothing is held."""


class FileAnswer:
    """Part of a local file."""

    version = Validators()
    unchanged = False
    announced = True

    def __init__(
        self, file: BinaryIO, piece_bytes: int, start: int, end: int | None, total: int | None
    ) -> None:
        self._file, self._piece_bytes, self._at = file, piece_bytes, start
        self.start, self.total = start, total
        self.end = total if end is None else end

    def read(self) -> bytes:
        """The next piece."""
        wanted = self._piece_bytes
        if self.end is not None:
            wanted = min(wanted, max(self.end - self._at, 0))
        try:
            data = self._file.read1(wanted) if hasattr(self._file, "read1") else self._file.read(wanted)
        except OSError as error:
            raise StreamError("cut", str(error)) from None
        self._at += len(data)
        return data

    def close(self) -> None:
        """Not stdin."""
        if self._file is not sys.stdin.buffer:
            self._file.close()

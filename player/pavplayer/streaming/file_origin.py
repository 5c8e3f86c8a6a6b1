"""Local files and stdin, as a transfer asks for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from pavplayer.streaming.messages import Request, StreamError, Validators


class FileOrigin:
    """A local file, or stdin for "-"."""

    connection_count = 1

    def __init__(self, path: str, chunk_bytes: int) -> None:
        self._path, self._chunk_bytes = path, chunk_bytes
        self.takes_ranges: bool | None = path != "-"

    def send(self, request: Request) -> FileResponse:
        """The file from there on; all of stdin, whatever was asked for. Raises StreamError "not-found"."""
        if self._path == "-":
            return FileResponse(sys.stdin.buffer, self._chunk_bytes, 0, None, None)
        try:
            file = Path(self._path).open("rb")  # noqa: SIM115
            total = file.seek(0, 2)
            file.seek(request.start)
        except OSError as error:
            raise StreamError("not-found", str(error)) from None
        return FileResponse(file, self._chunk_bytes, request.start, request.end, total)

    def abort(self) -> None:
        """A local file does not keep anyone waiting; who waits at stdin waits on in a daemon thread."""

    def close(self) -> None:
        """Nothing is held."""


class FileResponse:
    """Part of a local file."""

    version = Validators()
    unchanged = False
    announced = True

    def __init__(
        self, file: BinaryIO, chunk_bytes: int, start: int, end: int | None, total: int | None
    ) -> None:
        self._file, self._chunk_bytes, self._at = file, chunk_bytes, start
        self.start, self.total = start, total
        self.end = total if end is None else end

    def read(self) -> bytes:
        """The next bytes; none at the end. Raises StreamError "cut" where the disk fails."""
        wanted = self._chunk_bytes
        if self.end is not None:
            wanted = min(wanted, max(self.end - self._at, 0))
        try:  # read1: a pipe hands on what it has, where `read` would wait for all of it
            data = self._file.read1(wanted) if hasattr(self._file, "read1") else self._file.read(wanted)
        except OSError as error:
            raise StreamError("cut", str(error)) from None
        self._at += len(data)
        return data

    def close(self) -> None:
        """Not stdin."""
        if self._file is not sys.stdin.buffer:
            self._file.close()

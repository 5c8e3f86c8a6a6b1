"""What has come of a file, and what its head says about the rest of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pavfmt.container.framing import SparseBuffer
from pavfmt.container.headers import DirectoryEntry, FileHeader, UnitHeader
from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.events import contents
from pavfmt.errors import PavError
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.registry import UnitType
from pavfmt.units.directory import Directory
from pavplayer.streaming.messages import Chunk, Span

FIRST_PAYLOAD = FileHeader.SIZE + UnitHeader.SIZE


class FileBuffer:
    """Bytes of one file at their offsets, in memory, with gaps."""

    def __init__(self) -> None:
        self._store = SparseBuffer()
        self.byte_count = 0
        self.file_bytes: int | None = None
        """As the file's header says; None: not here yet."""
        self.directory: Sequence[DirectoryEntry] | None = None
        """Empty if the file has none; None: not here yet."""

    def add(self, offset: int, data: bytes) -> list[Chunk]:
        """Store what is new of these bytes, and return it. Raises PavError for a file header that is wrong."""
        fresh = []
        at, end = offset, offset + len(data)
        while at < end:
            here = self._store.available(at)
            if here == 0:
                stop = self.gap_end(at, end)
                fresh.append(Chunk(at, data[at - offset : stop - offset]))
                at = stop
            else:
                at += here
        for chunk in fresh:
            self._store.put(*chunk)
            self.byte_count += len(chunk.data)
        if self.directory is None:
            self._read_head()
        return fresh

    def matches(self, offset: int, data: bytes) -> bool:
        """Whether what is here of these bytes is the same."""
        for start, end in self._store.ranges():
            low, high = max(start, offset), min(end, offset + len(data))
            if low < high and self._store.read(low, high - low) != data[low - offset : high - offset]:
                return False
        return True

    def _read_head(self) -> None:
        here = self._store.available(0)
        if self.file_bytes is None and here >= FileHeader.SIZE:
            header = FileHeader.unpack(self._store.read(0, FileHeader.SIZE), FORMAT_LIMITS)
            self.file_bytes = header.file_bytes
        if here < FIRST_PAYLOAD:
            return
        try:
            unit = UnitHeader.unpack(self._store.read(FileHeader.SIZE, UnitHeader.SIZE), FileHeader.SIZE)
            if unit.type != UnitType.DIRECTORY or unit.length > FORMAT_LIMITS.unit_bytes:
                self.directory = ()
            elif here >= FIRST_PAYLOAD + unit.length:
                self.directory = _directory_in(self._store.read(0, FIRST_PAYLOAD + unit.length))
        except PavError:  # a damaged directory costs the order only; the decoder says what it thinks of it
            self.directory = ()

    def first_missing(self) -> int:
        """How many bytes are here without a gap, from the start of the file."""
        return self._store.available(0)

    def gap_end(self, start: int, end: int) -> int:
        """Where the gap that `start` lies in ends: at bytes that are here, or at `end`."""
        return min([low for low, _ in self._store.ranges() if low >= start] + [end])

    def missing_in(self, span: Span) -> Span | None:
        """The first part of a span, with an end, that is not here; None: all of it is."""
        assert span.end is not None
        start = span.start + self._store.available(span.start)
        return None if start >= span.end else Span(start, self.gap_end(start, span.end))

    def spans(self) -> list[tuple[int, int]]:
        """[start, end) of all that is here, ascending."""
        return self._store.ranges()

    def chunks(self) -> Iterator[Chunk]:
        """All that is here."""
        for start, end in self.spans():
            yield Chunk(start, self._store.read(start, end - start))

    def prefix(self) -> bytes:
        """What is here without a gap, from the start of the file."""
        return self._store.read(0, self.first_missing()) if self.first_missing() else b""


def _directory_in(data: bytes) -> Sequence[DirectoryEntry]:
    decoder = Decoder()
    decoder.feed(data)
    return next((directory.entries for directory in contents(decoder.events(), Directory)), ())

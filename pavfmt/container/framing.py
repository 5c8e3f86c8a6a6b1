"""The one walk over the bytes: file header, unit headers, checksums, and where to go on after damage (§3, §4).

Decoding, inspection, verification and cutting all find units here.

How it works. Bytes are put into a `SparseBuffer`, at any offset and in any sequence. `_starts` are the offsets at
which a unit may stand: the end of the file header, the end of every unit that was taken, and what the directory says.
The next frame is looked for from the front of what is there: at the first start in a segment, once 20 bytes are
there, the unit header is checked, and once its payload is there too, both leave the buffer and its end becomes a
start. If the payload is still arriving, the rest of that segment is passed over: it lies inside that unit, or behind
it, where no start can be trusted before the directory names one.

Three sets say what became of a start. *Taken*: the unit was intact, and bytes received again there mean nothing.
*Lost*: its header could not be believed, so nothing says where the next unit is; new bytes over those 20 make it a
start again. A unit whose payload was damaged stays in `_starts`: it was dropped from the buffer, its end is known,
and if it is fetched again it counts as if it had come whole the first time.

Why so. `feed` only stores, and limits and checksums are looked at in `next_frame`, always at the same bytes: a header
when its 20 bytes are there, a payload when all of it is. So it cannot matter how the bytes were split (§1, rule 9):
not for events, not for errors, not for limits. A unit header has a checksum of its own because a flipped bit in a
length would otherwise look like a unit that is still arriving, for ever.

Invariants. Starts are ascending and no start is taken. Segments do not touch. What is in the buffer is what has
arrived, less what was taken: its size follows from the network and the limit of a unit, never from a field of the
file. An error that would make the scene depend on the sequence (two different units with one id) is raised; one that
does not is returned, as a DamagedFrame (§4, "Contradiction" and "Damage").

Costs. Putting bytes at the end of a segment is amortised constant time, dropping from its front moves nothing. A
frame costs two searches among starts and segments, two copies of its payload and one CRC-32.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pavfmt.container.headers import DirectoryEntry, FileHeader, UnitHeader
from pavfmt.errors import FormatError, LimitError, PavError, UnsupportedError
from pavfmt.limits import FORMAT_LIMITS, Limits
from pavfmt.registry import CRITICAL_UNIT_TYPES, UnitType

CRITICAL = {int(type_): type_ in CRITICAL_UNIT_TYPES for type_ in UnitType}
"""Known unit type → what its critical flag has to be."""


@dataclass(frozen=True)
class Frame:
    """A unit whose checksums are right."""

    header: UnitHeader
    offset: int
    """Of the unit header."""
    payload: bytes
    payload_offset: int


@dataclass(frozen=True)
class DamagedFrame:
    """A unit that is lost; the play goes on."""

    error: PavError
    offset: int
    header: UnitHeader | None
    """None where not even the header can be believed."""
    entry: DirectoryEntry | None
    """What the directory says stands there."""


@dataclass(frozen=True)
class PartialUnit:
    """The unit in which a prefix ends."""

    offset: int
    header: UnitHeader | None
    """None while the unit header itself is incomplete."""
    received: int
    """Bytes of it that are there, header included."""
    expected: int | None


class SparseBuffer:
    """Bytes in any order, as segments that do not touch, ascending; memory is what was put and not dropped."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._segments: list[bytearray] = []

    def put(self, offset: int, data: bytes) -> None:
        """Keep `data`, in the place of what was held there: bytes fetched again heal."""
        if not data:
            return
        end = offset + len(data)
        # Segments first…last − 1 overlap or touch the data: they become one, its bytes in their place.
        first, last = self._from(offset - 1), bisect_right(self._starts, end)
        low, head, tail = offset, bytearray(), bytearray()
        if first < last:
            tail = self._segments[last - 1][end - self._starts[last - 1] :]
            if self._starts[first] < offset:
                low, head = self._starts[first], self._segments[first]
                del head[offset - low :]
        head += data
        head += tail
        self._starts[first:last], self._segments[first:last] = [low], [head]

    def drop(self, start: int, end: int) -> None:
        """Forget the bytes in [start, end)."""
        first, last = self._from(start), bisect_left(self._starts, end)
        if first >= last or start == end:
            return
        kept: list[tuple[int, bytearray]] = []
        low, head, final = self._starts[first], self._segments[first], self._segments[last - 1]
        surplus = self._end(last - 1) - end
        if low < start:
            tail = final[len(final) - surplus :] if surplus > 0 else bytearray()
            del head[start - low :]
            kept.append((low, head))
        else:
            tail = final
            del tail[: len(tail) - max(surplus, 0)]  # at the front: nothing is copied
        if tail:
            kept.append((end, tail))
        self._starts[first:last] = [at for at, _ in kept]
        self._segments[first:last] = [segment for _, segment in kept]

    def _end(self, index: int) -> int:
        return self._starts[index] + len(self._segments[index])

    def _from(self, offset: int) -> int:
        """Index of the first segment that ends after `offset`."""
        index = bisect_right(self._starts, offset)
        return index - 1 if index and self._end(index - 1) > offset else index

    def available(self, offset: int) -> int:
        """Contiguous bytes held from `offset` on."""
        index = bisect_right(self._starts, offset) - 1
        return max(self._end(index) - offset, 0) if index >= 0 else 0

    def read(self, offset: int, length: int) -> bytes:
        """Bytes that `available` has promised."""
        index = bisect_right(self._starts, offset) - 1
        first = offset - self._starts[index]
        return bytes(self._segments[index][first : first + length])

    def ranges(self) -> list[tuple[int, int]]:
        """(start, end) of every segment."""
        return [(start, self._end(index)) for index, start in enumerate(self._starts)]


class Framing:
    """Finds units in bytes that are fed in any way."""

    def __init__(self, limits: Limits = FORMAT_LIMITS) -> None:
        self.limits = limits
        self.header: FileHeader | None = None
        self.received_end = 0
        """The furthest byte fed, plus one."""
        self._buffer = SparseBuffer()
        self._next = 0
        self._starts: list[int] = []
        """Where a unit may stand that was not taken yet, ascending."""
        self._taken: set[int] = set()
        """Where an intact unit stood."""
        self._lost: set[int] = set()
        """Where a unit header could not be believed."""
        self._seen: dict[int, UnitHeader] = {}
        """Of the intact units, by id."""
        self._entry_at: dict[int, DirectoryEntry] = {}
        """By offset."""

    def feed(self, data: bytes) -> None:
        """The next bytes of the file."""
        self.feed_at(self._next, data)
        self._next += len(data)

    def feed_at(self, offset: int, data: bytes) -> None:
        """Bytes that stand at `offset` of the file; fetched again, they replace what was there."""
        if offset < 0:
            raise ValueError("a file has no negative offsets")
        end = offset + len(data)
        self.received_end = max(self.received_end, end)
        self._buffer.put(offset, data)
        # A header that was not believed may be right this time.
        for start in [lost for lost in self._lost if offset < lost + UnitHeader.SIZE and lost < end]:
            self._lost.remove(start)
            self._expect(start)

    def learn(self, entries: Sequence[DirectoryEntry]) -> None:
        """Take the directory's word for where units may stand; what they are, their own headers say."""
        self._entry_at = {entry.offset: entry for entry in entries}
        self._lost -= self._entry_at.keys()
        self._starts = sorted({*self._starts, *self._entry_at} - self._taken)

    def read_header(self) -> FileHeader | None:
        """The file header, once its bytes are there."""
        if self.header is None and self._buffer.available(0) >= FileHeader.SIZE:
            self.header = FileHeader.unpack(self._buffer.read(0, FileHeader.SIZE), self.limits)
            self._buffer.drop(0, FileHeader.SIZE)
            self._expect(FileHeader.SIZE)
        return self.header

    def frames(self) -> Iterator[Frame | DamagedFrame]:
        """All units that are complete now, in file order as far as they are there."""
        while (found := self.next_frame()) is not None:
            yield found

    def next_frame(self) -> Frame | DamagedFrame | None:
        """One more of them; None if there is none now. Raises what ends decoding."""
        if self.read_header() is None:
            return None
        for low, high in self._buffer.ranges():
            at = bisect_left(self._starts, low)  # a start before the segment has bytes missing
            while at < len(self._starts) and self._starts[at] + UnitHeader.SIZE <= high:
                start = self._starts[at]
                try:
                    header = self._header_at(start)
                except FormatError as error:
                    return self._give_up(start, error)
                if start + UnitHeader.SIZE + header.length <= high:
                    return self._take(start, header)
                break  # what stands inside a unit that is still arriving is no unit
        return None

    def _header_at(self, start: int) -> UnitHeader:
        """Checked before the payload is waited for."""
        header = UnitHeader.unpack(self._buffer.read(start, UnitHeader.SIZE), start)
        if header.critical and header.type not in CRITICAL:
            raise UnsupportedError("unsupported-unit", f"unknown critical unit type {header.type}", start)
        if header.length > self.limits.unit_bytes:
            message = f"a unit of {header.length} bytes, the limit is {self.limits.unit_bytes}"
            raise LimitError("limit-exceeded", message, start + 8)
        return header

    def _give_up(self, start: int, error: FormatError) -> DamagedFrame:
        """A header that cannot be believed: go on where the directory knows a unit."""
        entry = self._entry_at.get(start)
        if entry is not None and entry.critical:
            raise FormatError("critical-unit-damaged", error.message, start)
        self._starts.remove(start)
        self._lost.add(start)
        return DamagedFrame(error, start, None, entry)

    def _take(self, start: int, header: UnitHeader) -> Frame | DamagedFrame:
        end = start + UnitHeader.SIZE + header.length
        payload = self._buffer.read(start + UnitHeader.SIZE, header.length)
        self._buffer.drop(start, end)
        self._expect(end)  # the length can be believed, it has passed the header's checksum
        if zlib.crc32(payload) != header.checksum:  # `start` stays: the unit may be fetched again
            message = f"the payload checksum of unit {header.id} does not match"
            if header.critical:
                raise FormatError("critical-unit-damaged", message, start + UnitHeader.SIZE)
            error = FormatError("unit-payload-damaged", message, start + UnitHeader.SIZE)
            return DamagedFrame(error, start, header, self._entry_at.get(start))
        self._starts.remove(start)
        self._taken.add(start)
        if (wrong := self._contradiction(header, start)) is not None:
            return DamagedFrame(wrong, start, header, self._entry_at.get(start))
        return Frame(header, start, payload, start + UnitHeader.SIZE)

    def _contradiction(self, header: UnitHeader, start: int) -> FormatError | None:
        """What is wrong with an intact unit; raised where the order of arrival would decide what is shown."""
        if CRITICAL.get(header.type, header.critical) != header.critical:
            name = UnitType(header.type).name.lower()
            message = f"the critical flag of a {name} unit is {int(header.critical)}"
            return FormatError("wrong-criticality", message, start + 2)
        before = self._seen.setdefault(header.id, header)  # checksum included: equal headers are equal units
        if before is header:
            return None
        error = FormatError("duplicate-unit", f"unit {header.id} was there before", start + 4)
        if before != header:
            raise error
        return error

    def _expect(self, start: int) -> None:
        """A unit may stand at `start`."""
        at = bisect_left(self._starts, start)
        if start not in self._taken and self._starts[at : at + 1] != [start]:
            self._starts.insert(at, start)

    def partial(self) -> PartialUnit | None:
        """The unit in which the bytes fed so far end, if they end in one."""
        for low, high in self._buffer.ranges()[-1:]:
            for start in self._starts[bisect_left(self._starts, low) : bisect_left(self._starts, high)]:
                if start + UnitHeader.SIZE > high:
                    return PartialUnit(start, None, high - start, None)
                header = self._header_at(start)
                return PartialUnit(start, header, high - start, UnitHeader.SIZE + header.length)
        return None

"""The one walk over the bytes: file header, unit headers, checksums, and where to go on after damage.

Decoding, inspection, verification and cutting all read units from here. `feed` only stores; errors about
content are raised or reported by `frames`, so they do not depend on how the bytes were split.
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pavfmt.bytestore import ByteStore
from pavfmt.errors import FormatError, LimitError, PavError, UnsupportedError
from pavfmt.layout import FileHeader, UnitHeader
from pavfmt.limits import FORMAT_LIMITS, Limits
from pavfmt.registry import CRITICAL_UNIT_TYPES, UnitType
from pavfmt.units.directory import DirectoryEntry

KNOWN_TYPES = frozenset(UnitType)


@dataclass(frozen=True)
class Frame:
    """A unit whose checksums are right."""

    header: UnitHeader
    offset: int
    """Of the unit header."""
    payload: bytes

    @property
    def payload_offset(self) -> int:
        """Of the payload."""
        return self.offset + UnitHeader.SIZE


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


class Framing:
    """Finds units in bytes that are fed in any way."""

    def __init__(self, limits: Limits = FORMAT_LIMITS) -> None:
        self.limits = limits
        self.header: FileHeader | None = None
        self.received_end = 0
        """The furthest byte fed, plus one."""
        self._store = ByteStore()
        self._next = 0
        self._starts: list[int] = []
        self._headers: dict[int, UnitHeader] = {}
        self._voids: list[tuple[int, float]] = []
        self._seen: set[int] = set()
        self._entries: dict[int, DirectoryEntry] = {}
        self._entry_at: dict[int, DirectoryEntry] = {}
        self._entry_offsets: list[int] = []

    def feed(self, data: bytes) -> None:
        """The next bytes of the file."""
        self.feed_at(self._next, data)
        self._next += len(data)

    def feed_at(self, offset: int, data: bytes) -> None:
        """Bytes that stand at `offset` of the file."""
        if offset < 0:
            raise ValueError("a file has no negative offsets")
        self.received_end = max(self.received_end, offset + len(data))
        end = offset + len(data)
        for void in list(self._voids):
            if void[0] < offset < void[1]:  # the rest of a unit already given up
                data = data[int(min(void[1] - offset, len(data))) :]
                offset = end - len(data)
            elif offset <= void[0] < end:  # fetched again from its start
                self._voids.remove(void)
                insort(self._starts, void[0])
        if data:
            self._store.put(offset, data)

    def learn(self, entries: Sequence[DirectoryEntry]) -> None:
        """Take the directory's word for where units stand."""
        self._entries = {entry.id: entry for entry in entries}
        self._entry_at = {entry.offset: entry for entry in entries}
        self._entry_offsets = sorted(self._entry_at)
        self._starts = sorted({*self._starts, *self._entry_offsets})

    def frames(self) -> Iterator[Frame | DamagedFrame]:
        """All units that can be told now, in file order as far as they are there."""
        if self.header is None:
            if self._store.available(0) < FileHeader.SIZE:
                return  # also where the signature is already wrong: a prefix of 52 bytes at least decides
            self.header = FileHeader.unpack(self._store.read(0, FileHeader.SIZE), self.limits)
            self._store.drop(0, FileHeader.SIZE)
            insort(self._starts, FileHeader.SIZE)
        while (found := self._find()) is not None:
            yield found

    def _find(self) -> Frame | DamagedFrame | None:
        for low, high in self._store.ranges():
            at = bisect_left(self._starts, low)
            while at < len(self._starts) and self._starts[at] + UnitHeader.SIZE <= high:
                found = self._try(self._starts[at])
                if found is not None:
                    return found
                at += 1
        return None

    def _try(self, start: int) -> Frame | DamagedFrame | None:
        header = self._headers.get(start)
        if header is None:
            try:
                header = UnitHeader.unpack(self._store.read(start, UnitHeader.SIZE), start)
                self._check(header, start)
            except FormatError as error:
                return self._give_up(start, header, error)
            self._headers[start] = header
        if self._store.available(start) < UnitHeader.SIZE + header.length:
            return None
        return self._take(start, header)

    def _check(self, header: UnitHeader, start: int) -> None:
        """Everything a header can be wrong in, before its payload is waited for."""
        known = header.type in KNOWN_TYPES
        if not known and header.critical:
            raise UnsupportedError("unsupported-unit", f"unknown critical unit type {header.type}", start)
        if header.length > self.limits.unit_bytes:
            message = f"a unit of {header.length} bytes, the limit is {self.limits.unit_bytes}"
            raise LimitError("limit-exceeded", message, start + 8)
        if known and header.critical != (header.type in CRITICAL_UNIT_TYPES):
            name = UnitType(header.type).name.lower()
            message = f"the critical flag of a {name} unit is {int(header.critical)}"
            raise FormatError("wrong-criticality", message, start + 2)
        if header.id in self._seen:
            raise FormatError("duplicate-unit", f"unit {header.id} was there before", start + 4)
        entry = self._entries.get(header.id)
        if entry and (entry.type, entry.length) != (header.type, header.length):
            message = (
                f"type {header.type}, {header.length} bytes; the directory says {entry.type}, {entry.length}"
            )
            raise FormatError("directory-mismatch", message, start)

    def _take(self, start: int, header: UnitHeader) -> Frame | DamagedFrame:
        end = start + UnitHeader.SIZE + header.length
        payload = self._store.read(start + UnitHeader.SIZE, header.length)
        self._store.drop(start, end)
        del self._headers[start]
        insort_new(self._starts, end)
        if zlib.crc32(payload) != header.checksum:  # `start` stays: the unit may be fetched again
            message = f"the payload checksum of unit {header.id} does not match"
            if header.critical:
                raise FormatError("critical-unit-damaged", message, start + UnitHeader.SIZE)
            error = FormatError("unit-payload-damaged", message, start + UnitHeader.SIZE)
            return DamagedFrame(error, start, header, self._entry_at.get(start))
        self._starts.remove(start)
        self._seen.add(header.id)
        return Frame(header, start, payload)

    def _give_up(self, start: int, header: UnitHeader | None, error: FormatError) -> DamagedFrame:
        """Skip a unit whose header is wrong: to where it says it ends, or the directory knows the next."""
        entry = self._entry_at.get(start)
        if header is None and entry is not None and entry.critical:
            raise FormatError("critical-unit-damaged", error.message, start)
        end: float = math.inf
        if header is not None and error.code != "directory-mismatch":
            end = start + UnitHeader.SIZE + header.length
            insort_new(self._starts, int(end))
        else:
            after = bisect_left(self._entry_offsets, start + 1)
            if after < len(self._entry_offsets):
                end = self._entry_offsets[after]
        self._starts.remove(start)
        self._store.drop(start, end)
        self._voids.append((start, end))
        return DamagedFrame(error, start, header, entry)

    def partial(self) -> PartialUnit | None:
        """The unit in which the bytes fed so far end, if they end in one."""
        for low, high in self._store.ranges()[-1:]:
            at = bisect_left(self._starts, low)
            if at < len(self._starts) and self._starts[at] < high:
                start = self._starts[at]
                header = self._headers.get(start)
                expected = None if header is None else UnitHeader.SIZE + header.length
                return PartialUnit(start, header, high - start, expected)
        return None


def insort_new(values: list[int], value: int) -> None:
    """Insert into an ascending list unless it is there."""
    at = bisect_left(values, value)
    if at == len(values) or values[at] != value:
        values.insert(at, value)

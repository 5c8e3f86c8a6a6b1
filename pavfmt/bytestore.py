"""Bytes of a file that arrive in any order: what is there, what was used up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class ByteStore:
    """Non-touching segments, ascending; memory is what has arrived and was not dropped."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._segments: list[bytearray] = []

    def put(self, offset: int, data: bytes) -> None:
        """Keep `data`; where bytes are already held, the earlier ones stay."""
        at = offset
        while at < offset + len(data):
            index = bisect_right(self._starts, at) - 1
            if index >= 0 and at < self._end(index):
                at = self._end(index)
                continue
            stop = offset + len(data)
            if index + 1 < len(self._starts):
                stop = min(stop, self._starts[index + 1])
            self._insert(index, at, data[at - offset : stop - offset])
            at = stop

    def _end(self, index: int) -> int:
        return self._starts[index] + len(self._segments[index])

    def _insert(self, index: int, at: int, piece: bytes) -> None:
        if index >= 0 and self._end(index) == at:
            self._segments[index] += piece
        else:
            index += 1
            self._starts.insert(index, at)
            self._segments.insert(index, bytearray(piece))
        if index + 1 < len(self._starts) and self._end(index) == self._starts[index + 1]:
            self._segments[index] += self._segments.pop(index + 1)
            del self._starts[index + 1]

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

    def drop(self, start: int, end: float) -> None:
        """Forget the bytes in [start, end)."""
        first = bisect_left([self._end(index) for index in range(len(self._starts))], start + 1)
        while first < len(self._starts) and self._starts[first] < end:
            low, segment = self._starts[first], self._segments[first]
            high = low + len(segment)
            if low >= start and high <= end:
                del self._starts[first], self._segments[first]
            elif low >= start:
                del segment[: int(end) - low]
                self._starts[first] = int(end)
                return
            else:
                tail = segment[int(end) - low :] if high > end else None
                del segment[start - low :]
                first += 1
                if tail is not None:
                    self._starts.insert(first, int(end))
                    self._segments.insert(first, tail)
                    return

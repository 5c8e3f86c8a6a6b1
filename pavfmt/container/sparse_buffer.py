"""Bytes of a file that arrive in any order: what is there, what was used up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class ByteStore:
    """Non-touching segments, ascending; memory is what has arrived and was not dropped."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._segments: list[bytearray] = []

    def put(self, offset: int, data: bytes) -> None:
        """Keep `data`, in the place of what was held there: bytes fetched again heal."""
        if not data:
            return
        end = offset + len(data)
        first, last = self._from(offset - 1), bisect_right(self._starts, end)  # touching ones included
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

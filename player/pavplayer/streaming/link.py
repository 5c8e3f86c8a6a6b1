"""A slow network, worked out instead of waited for: when which byte of a download has arrived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SEGMENT_BYTES = 1460
INITIAL_SEGMENTS = 10


@dataclass(frozen=True)
class Link:
    """A TCP download over a link of one rate and one round-trip time, with slow start from 10 segments.

    Time 0 is when the connection is opened: one round trip sets it up and another brings the first byte (TLS
    is not counted). Then each round trip brings twice as many segments as the last, until the rate is the
    limit.
    """

    bits_per_second: float
    round_trip_seconds: float

    def __post_init__(self) -> None:
        if not (self.bits_per_second > 0 and self.round_trip_seconds >= 0):
            raise ValueError(f"a link needs a rate above 0 and a latency of 0 or more, not {self}")

    def _bursts(self) -> Iterator[tuple[float, int, int | None]]:
        """Start in seconds, first byte, and bytes of each burst; None: all the rest."""
        start, first, window = 2 * self.round_trip_seconds, 0, INITIAL_SEGMENTS * SEGMENT_BYTES
        while self._seconds(window) < self.round_trip_seconds:
            yield start, first, window
            start, first, window = start + self.round_trip_seconds, first + window, 2 * window
        yield start, first, None

    def _seconds(self, byte_count: int) -> float:
        return 8 * byte_count / self.bits_per_second

    def arrival_seconds(self, byte_count: int) -> float:
        """When the first `byte_count` bytes have arrived."""
        if byte_count <= 0:
            return 0.0
        bursts = self._bursts()
        start, first, length = next(bursts)
        while length is not None and byte_count > first + length:
            start, first, length = next(bursts)
        return start + self._seconds(byte_count - first)

    def received_at(self, seconds: float) -> int:
        """How many bytes have arrived by then."""
        received = 0
        for start, first, length in self._bursts():
            if seconds <= start:
                break
            arrived = int((seconds - start) * self.bits_per_second / 8)
            received = first + (arrived if length is None else min(arrived, length))
        return received

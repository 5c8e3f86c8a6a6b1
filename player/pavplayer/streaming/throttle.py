"""A slower network than there is: an origin whose bytes are held back until a link would have brought them."""

from __future__ import annotations

import threading
import time

from pavplayer.streaming.link import SEGMENT_BYTES, Link
from pavplayer.streaming.origins import Answer, Origin, Question


class Clock:
    """Seconds, and waiting that ends when the transfer is cancelled."""

    def __init__(self, cancelled: threading.Event) -> None:
        self._cancelled = cancelled

    def now(self) -> float:
        """Since some moment."""
        return time.monotonic()

    def wait_until(self, moment: float) -> None:
        """At once, if it has passed."""
        self._cancelled.wait(max(moment - self.now(), 0.0))


class ShapedOrigin:
    """Every new connection costs two round trips and starts slowly; another request on the same one costs one."""

    def __init__(self, inner: Origin, link: Link, clock: Clock) -> None:
        self._inner, self._link, self._clock = inner, link, clock
        self._connection: _Connection | None = None
        self._connections = 0

    @property
    def takes_ranges(self) -> bool | None:
        """As the origin behind."""
        return self._inner.takes_ranges

    @property
    def connection_count(self) -> int:
        """As the origin behind, for which local files are one connection."""
        return getattr(self._inner, "connection_count", 1)

    def ask(self, question: Question) -> Answer:
        """The answer of the origin behind, later."""
        asked = self._clock.now()
        answer = self._inner.ask(question)
        if self._connection is None or self.connection_count != self._connections:
            self._connection = _Connection(self._link, asked)
            self._connections = self.connection_count
        else:
            self._connection.asked_again(asked)
        self._clock.wait_until(self._connection.due(1))
        return _ShapedAnswer(answer, self._connection, self._clock)

    def abort(self) -> None:
        """Those who wait for the link are woken by the event."""
        self._inner.abort()

    def close(self) -> None:
        """As the origin behind."""
        self._inner.close()


class _Connection:
    """When which byte of a connection is due."""

    def __init__(self, link: Link, opened: float) -> None:
        self._link, self._begun = link, opened
        self.brought = 0

    def asked_again(self, asked: float) -> None:
        """After a round trip, the sender goes on where its window had grown to."""
        resumed = asked + self._link.round_trip_seconds
        self._begun = resumed - self._link.arrival_seconds(max(self.brought, 1))

    def due(self, byte_count: int) -> float:
        """When so many bytes more have come."""
        return self._begun + self._link.arrival_seconds(self.brought + byte_count)

    def here(self, now: float) -> int:
        """How many bytes have come that were not handed on."""
        return self._link.received_at(now - self._begun) - self.brought


class _ShapedAnswer:
    """An answer, segment by segment."""

    def __init__(self, inner: Answer, connection: _Connection, clock: Clock) -> None:
        self._inner, self._connection, self._clock = inner, connection, clock
        self.start, self.end, self.total = inner.start, inner.end, inner.total
        self.version, self.unchanged, self.announced = inner.version, inner.unchanged, inner.announced
        self._waiting = b""

    def read(self) -> bytes:
        """As much as has come by now; waits for a segment, or for what is left."""
        self._waiting = self._waiting or self._inner.read()
        if not self._waiting:
            return b""
        least = min(SEGMENT_BYTES, len(self._waiting))
        self._clock.wait_until(self._connection.due(least))
        count = min(max(self._connection.here(self._clock.now()), least), len(self._waiting))
        data, self._waiting = self._waiting[:count], self._waiting[count:]
        self._connection.brought += count
        return data

    def close(self) -> None:
        """As the answer behind."""
        self._inner.close()

"""A slower network than there is: an origin whose bytes are held back until a link would have brought them."""

from __future__ import annotations

import threading
import time

from pavplayer.streaming.link import SEGMENT_BYTES, Link
from pavplayer.streaming.messages import Origin, Request, Response


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


class ThrottledOrigin:
    """Every new connection costs two round trips and starts slowly; another request on the same one costs one."""

    def __init__(self, inner: Origin, link: Link, clock: Clock) -> None:
        self._inner, self._link, self._clock = inner, link, clock
        self._connection: _SimulatedConnection | None = None
        self._connections = 0

    @property
    def takes_ranges(self) -> bool | None:
        """As the origin behind."""
        return self._inner.takes_ranges

    @property
    def connection_count(self) -> int:
        """As the origin behind."""
        return self._inner.connection_count

    def send(self, request: Request) -> Response:
        """The response of the origin behind, later."""
        sent = self._clock.now()
        response = self._inner.send(request)
        if self._connection is None or self.connection_count != self._connections:
            self._connection = _SimulatedConnection(self._link, sent)
            self._connections = self.connection_count
        else:
            self._connection.reuse(sent)
        self._clock.wait_until(self._connection.due(1))
        return _ThrottledResponse(response, self._connection, self._clock)

    def abort(self) -> None:
        """Those who wait for the link are woken by the event."""
        self._inner.abort()

    def close(self) -> None:
        """As the origin behind."""
        self._inner.close()


class _SimulatedConnection:
    """When which byte of a connection is due, in seconds of the clock."""

    def __init__(self, link: Link, opened: float) -> None:
        self._link, self._begun = link, opened
        self.delivered = 0

    def reuse(self, sent: float) -> None:
        """After a round trip, the sender goes on where its window had grown to: the start moves, the bytes stay."""
        resumed = sent + self._link.round_trip_seconds
        self._begun = resumed - self._link.arrival_seconds(max(self.delivered, 1))

    def due(self, byte_count: int) -> float:
        """When so many bytes more have come."""
        return self._begun + self._link.arrival_seconds(self.delivered + byte_count)

    def arrived(self, now: float) -> int:
        """How many bytes have come that were not handed on."""
        return self._link.received_at(now - self._begun) - self.delivered


class _ThrottledResponse:
    """A response, segment by segment."""

    def __init__(self, inner: Response, connection: _SimulatedConnection, clock: Clock) -> None:
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
        count = min(max(self._connection.arrived(self._clock.now()), least), len(self._waiting))
        data, self._waiting = self._waiting[:count], self._waiting[count:]
        self._connection.delivered += count
        return data

    def close(self) -> None:
        """As the response behind."""
        self._inner.close()

"""A session fed from a stream, and with the rig that the avatar names."""

from __future__ import annotations

import time

from pavfmt.decoding import events as ev
from pavfmt.errors import PavError
from pavplayer.session import Session
from pavplayer.streaming.messages import StreamOptions
from pavplayer.streaming.rigs import RigSearch
from pavplayer.streaming.stream import Stream


class StreamInto:
    """Call `update` often; it returns at once but for the decoding."""

    def __init__(
        self, session: Session, stream: Stream, rig: str | None = None, options: StreamOptions | None = None
    ) -> None:
        """`rig`: where a rig in a file of its own is, as `pavfmt.tools.rig_search.find_rig` takes it; None: next to the
        avatar. `options`: cache and network of the rig's download."""
        self.session, self.stream = session, stream
        self.ended = False
        """All that came is fed, the session is closed, and its last events were returned."""
        self._rig, self._options = rig, options or StreamOptions()
        self._search: RigSearch | None = None
        self._supplied = self._unfinished = False
        self._refused: PavError | None = None

    @property
    def error(self) -> Exception | None:
        """Why something is missing: of the file, or its rig. What came is drawn."""
        search = None if self._search is None else self._search.error
        return self._refused or self.stream.status.error or search

    def update(self, seconds: float | None = None) -> list[ev.Event]:
        """Feed what came, decode it, for about `seconds` if they are given, and return the session's events.

        Raises PavError as `Session.update` does; the stream is then cancelled, and the picture stays.
        """
        if self.ended:
            return []
        for piece in self.stream.poll():
            self.session.feed_at(*piece)
        events = self._taken_in(seconds)
        self._supply_rig()
        if self.stream.ended and not self._unfinished and not self._awaits_rig():
            self.session.close()
            events += self._taken_in(seconds)
        self.ended = any(isinstance(event, ev.StreamEnded) for event in events)
        if self.ended:
            self.stream.forget()
        return events

    def _taken_in(self, seconds: float | None) -> list[ev.Event]:
        ends = None if seconds is None else time.monotonic() + seconds
        try:
            events = self.session.update(seconds)
        except PavError as error:
            self._refused, self.ended = error, True
            self.cancel()
            raise
        self._unfinished = bool(events) and ends is not None and time.monotonic() >= ends
        for event in events:
            if isinstance(event, ev.RigNamed):
                self._search = RigSearch(
                    event.reference, self._rig, self.stream.where, self._options, self.stream.wake
                )
        return events

    def _supply_rig(self) -> None:
        if self._search is not None and self._search.found is not None and not self._supplied:
            self.session.supply_rig(self._search.found)
            self._supplied = self._unfinished = True

    def _awaits_rig(self) -> bool:
        return self._search is not None and not self._supplied and self._search.error is None

    def wait(self, seconds: float) -> bool:
        """Until `update` has something to do; False if nothing came in time."""
        if self.ended or self._unfinished:
            return True
        if self.stream.ended and self._search is not None:
            self._search.wait(seconds)
            return self._search.ended
        return self.stream.wait(seconds) or (self._search is not None and self._search.ended)

    def cancel(self) -> None:
        """Stop fetching; the session keeps what came."""
        self.stream.cancel()
        if self._search is not None:
            self._search.cancel()

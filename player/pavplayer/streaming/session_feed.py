"""A session fed from a stream, and with the rig that the avatar names (§6.3)."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

from pavfmt.decoding import events as ev
from pavfmt.errors import PavError
from pavfmt.fileio import read_bytes, write_bytes
from pavfmt.tools.rig_search import MAX_RIG_BYTES, find_rig, wanted_rig
from pavfmt.units.rig import RigReference
from pavplayer.session import Session
from pavplayer.streaming.messages import StreamError, StreamOptions
from pavplayer.streaming.stream import Stream, is_url, open_stream

RIG_FOLDER = "rigs"
"""The folder of a cache that rigs are stored in, under their SHA-256."""


class SessionFeed:
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
        for chunk in self.stream.poll():
            self.session.feed_at(*chunk)
        events = self._decode(seconds)
        self._supply_rig()
        # Closing says that nothing more comes, which makes units that still wait for something damage: not before the
        # rig is there or is known not to come, and not while what was fed is not decoded.
        if self.stream.ended and not self._unfinished and not self._awaits_rig():
            self.session.close()
            events += self._decode(seconds)
        self.ended = any(isinstance(event, ev.StreamEnded) for event in events)
        if self.ended:
            self.stream.release()
        return events

    def _decode(self, seconds: float | None) -> list[ev.Event]:
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


class RigSearch:
    """Looks in the cache at once, elsewhere in a thread; `found` or `error` is set when it has ended."""

    def __init__(
        self,
        reference: RigReference,
        where: str | None,
        source: str,
        options: StreamOptions,
        notify: Callable[[], None],
    ) -> None:
        """`where`: a file, a folder or a URL template; None: next to `source`, the avatar's path or URL. `notify` is
        called from the thread, when the search has ended."""
        self.error: OSError | PavError | RuntimeError | None = None
        self._reference, self._options, self._notify = reference, options, notify
        self._where = where or rig_location_beside(source)
        self._stream: Stream | None = None
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name="pav rig", daemon=True)
        self.found: bytes | None = self._cached()
        if self.found is None:
            self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it has an outcome."""
        return self.found is not None or self.error is not None

    def wait(self, seconds: float) -> None:
        """For the outcome."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def cancel(self) -> None:
        """Stop looking."""
        self._cancelled = True
        if self._stream is not None:
            self._stream.cancel()

    def _run(self) -> None:
        try:
            self.found = self._search()
        except (OSError, PavError, RuntimeError) as error:
            self.error = error
        self._notify()

    def _cache_path(self) -> Path | None:
        cache = self._options.cache
        return None if cache is None else cache / RIG_FOLDER / f"{self._reference.sha256.hex()}.pav"

    def _cached(self) -> bytes | None:
        path = self._cache_path()
        with contextlib.suppress(OSError):
            data = b"" if path is None else read_bytes(str(path))
            return data if hashlib.sha256(data).digest() == self._reference.sha256 else None
        return None

    def _search(self) -> bytes:
        if self._where is None:
            raise RuntimeError(wanted_rig(self._reference))
        data = find_rig(self._reference, self._where, self._fetch)
        path = self._cache_path()
        if path is not None and is_url(self._where):
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(str(path), data, force=True)
        return data

    def _fetch(self, url: str, limit: int) -> bytes:
        """For `find_rig`: over the same network as the avatar, and resumed as it is, unlike `http_origin.fetch`.

        Without a cache of its own: rigs are stored by their hash, which one server or another may give.
        """
        options = replace(self._options, cache=None, max_bytes=min(limit, MAX_RIG_BYTES))
        self._stream = stream = open_stream(url, options=options)
        if self._cancelled:  # between the start of the search and this line
            stream.cancel()
        while not stream.ended:
            stream.wait(60.0)
            stream.poll()
        if (error := stream.status.error) is not None:
            raise error if isinstance(error, OSError) else StreamError("bad-answer", str(error))
        return stream.prefix()


def rig_location_beside(source: str) -> str | None:
    """Where a rig is looked for if nobody says where: next to the avatar, under the name that it gives."""
    if is_url(source):
        return urljoin(source, ".") + "{name}"
    return None if source == "-" else str(Path(source).parent)

"""The bytes of one file, from wherever they are, chunk by chunk: resumed, checked, bounded. No threads.

A loop: what is missing that is wanted (`plans`) → one request → its bytes into the buffer, until nothing is missing.
All that can go wrong between two requests is decided here:

- *Resume.* An attempt that fails is made again from the first byte that is missing, at once, then after pauses that
  double. Only attempts without progress count: a link that is cut every second still brings the file.
- *One version.* The bytes of two versions of a file must never stand in one buffer. A strong ETag in If-Range lets the
  server see to it. Where it names no version, `OVERLAP` bytes are asked for again and compared; where it gives no
  ranges, the whole beginning is. What differs ends the transfer with "changed": bytes that were handed on cannot be
  taken back.
- *Cache.* What the cache has is not handed on before the server has said, in the response to the first request, that
  its version is the same: by 304, by a range given under If-Range, or by equal validators. If it is another one, the
  cached bytes are forgotten unseen. Only a server that cannot be reached at all leaves them standing as they are.
- *End.* The end of the file is the least of what the header says (§3), what the source says, and `max_bytes`. A
  connection that closes without having said where it ends proves nothing: only twice at the same byte is an end.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import replace

from pavfmt.container.headers import FileHeader
from pavfmt.errors import PavError
from pavplayer.streaming.buffer import FileBuffer
from pavplayer.streaming.cache import CacheEntry
from pavplayer.streaming.messages import (
    Chunk,
    Origin,
    PastEndError,
    Plan,
    Request,
    Response,
    Span,
    StreamError,
    StreamOptions,
    StreamStatus,
    Validators,
)
from pavplayer.streaming.plans import FileOrder, PlannedOrder

TRANSIENT = frozenset({"unreachable", "stalled", "cut", "server-error"})
"""What may be better the next time."""
PROGRESS_BYTES = 1 << 10
"""An attempt that brings fewer before it fails counts as one that brings nothing: a byte each time is no progress."""
OVERLAP = 1 << 10
"""Bytes fetched again and compared, where the server does not say which version it gives."""


class Transfer:
    """Asks an origin for what is missing until nothing is."""

    def __init__(
        self,
        origin: Origin,
        options: StreamOptions,
        plan: Plan | None = None,
        cached: CacheEntry | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        self.buffer = FileBuffer()
        self.version = Validators()
        self.status = StreamStatus()
        self.cancelled = cancelled or threading.Event()
        self._origin, self._options, self._cached = origin, options, cached
        self._order: FileOrder | PlannedOrder = FileOrder()
        self._source_end: int | None = None
        """Where the source says that the file ends; None: not yet."""
        self._silent_end = -1
        """Where a connection ended last that had not said that it would."""
        self._cached_bytes = 0
        self._unvalidated = False
        """The buffer is filled from the cache, and the server has not yet said that it still has that version."""
        self.replan(plan)

    def replan(self, plan: Plan | None) -> None:
        """Another order, from the next request on; from any thread: the transfer reads this one attribute."""
        self._order = FileOrder() if plan is None else PlannedOrder(plan)

    def cancel(self) -> None:
        """From any thread: `chunks` ends soon, and what came is stored in the cache."""
        self.cancelled.set()
        self._origin.abort()

    def chunks(self) -> Generator[Chunk, None, None]:
        """All chunks, as they come. Raises StreamError, and PavError for a file header that is wrong."""
        try:
            self._load_cached()
            yield from self._fetch()
            if not self.cancelled.is_set():
                self._check_size()
                self._note(complete=True)
        except (StreamError, PavError) as error:
            if (
                not self.cancelled.is_set()
            ):  # else it says that the connection was torn down, which was the wish
                self._note(error=error)
                if isinstance(error, PavError) or error.code == "changed":
                    self._drop_cached()
                    self._cached = None
                raise
        finally:
            self._origin.close()
            self._store_cached()
            self._note(ended=True)

    def _fetch(self) -> Iterator[Chunk]:
        failures = 0
        while not self.cancelled.is_set() and (span := self._next_span()) is not None:
            before = self.buffer.byte_count
            try:
                yield from self._fetch_span(span)
                if self.buffer.byte_count == before and self._next_span() == span:
                    raise StreamError("cut", "an answer that brings nothing new")
            except StreamError as error:
                failures = 0 if self.buffer.byte_count >= before + PROGRESS_BYTES else failures + 1
                self._origin.close()
                if self.cancelled.is_set():
                    return
                if not self._is_retried(error, failures):
                    yield from self._fall_back(error)
                    return
                self._note(reconnections=self.status.reconnections + 1)
                if failures > 1:  # the first new attempt is made at once
                    self.cancelled.wait(self._options.retry_seconds * 2.0 ** (failures - 2))

    def _is_retried(self, error: StreamError, failures: int) -> bool:
        never_there = error.code == "unreachable" and self.status.requests == 0  # a wrong name, most likely
        return error.code in TRANSIENT and failures <= self._options.retries and not never_there

    def _fall_back(self, error: StreamError) -> Iterator[Chunk]:
        """The cached bytes, where the server does not answer; raises the error where they are not all."""
        if not self._unvalidated or error.code not in TRANSIENT:
            raise error
        yield from self._accept_cached()
        self._note(note=f"the server does not answer ({error.message}): what was kept is used")
        if self._next_span() is not None:
            raise error

    def _ends(self) -> list[int]:
        """Where header and source say that the file ends, as far as they have."""
        return [end for end in (self.buffer.file_bytes, self._source_end) if end is not None]

    def _end(self) -> int | None:
        """Where fetching ends, as far as is known."""
        known = self._ends()
        return min([*known, self._options.max_bytes]) if known else None

    def _next_span(self) -> Span | None:
        span = self._order.next_span(self.buffer, self._end())
        if span is None and self._unvalidated:
            return Span(0, None)
        return None if span is not None and span.start >= self._options.max_bytes else span

    def _fetch_span(self, span: Span) -> Iterator[Chunk]:
        """One request and what it brings."""
        request = self._request(span)
        try:
            response = self._origin.send(request)
        except PastEndError as error:
            self._note(requests=self.status.requests + 1)
            self._note_end_before(request.start, error)
            return
        self._note(requests=self.status.requests + 1, ranges=self._origin.takes_ranges)
        try:
            if self._unvalidated:
                yield from self._validate(response)
                if response.unchanged or self._next_span() is None:
                    return
            self._check_version(response)
            yield from self._receive(response)
        finally:
            response.close()

    def _request(self, span: Span) -> Request:
        whole = self._unvalidated and self._order.next_span(self.buffer, self._end()) is None
        start = span.start
        if start > 0 and not self.version.for_ranges and self._origin.takes_ranges is not False:
            back = max(start - OVERLAP, 0)
            start = back if self.buffer.missing_in(Span(back, start)) is None else start
        return Request(start, span.end, self.version, whole)

    def _validate(self, response: Response) -> Iterator[Chunk]:
        """The cached bytes are of the version that the server has, or are forgotten."""
        other_size = None not in (response.total, self._source_end) and response.total != self._source_end
        # a range is only given if the version was the one named, or its beginning is compared
        named = response.start > 0 or self.version == Validators()
        agrees = named or self.version.agrees_with(response.version)
        other = other_size or self.version.contradicts(response.version)
        if response.unchanged or (agrees and not other):
            yield from self._accept_cached()
        else:
            self._forget_cached()
            self._note(note="what was kept is of another version")

    def _accept_cached(self) -> Iterator[Chunk]:
        self._unvalidated = False
        self._note(cached_bytes=self.buffer.byte_count, total_bytes=self._end())
        yield from self.buffer.chunks()

    def _load_cached(self) -> None:
        cached = None if self._cached is None else self._cached.load()
        if cached is None:
            return
        try:
            for chunk in cached.chunks:
                self.buffer.add(*chunk)
        except PavError:
            self._forget_cached()
            return
        self.version, self._source_end = cached.version, cached.total_bytes
        self._unvalidated = self.buffer.byte_count > 0
        self._cached_bytes = self.buffer.byte_count

    def _forget_cached(self) -> None:
        """Nothing of what was cached is of use; nobody has seen it."""
        self.buffer, self.version, self._source_end = FileBuffer(), Validators(), None
        self._unvalidated, self._cached_bytes = False, 0
        self._drop_cached()

    def _drop_cached(self) -> None:
        if self._cached is not None:
            self._cached.drop()

    def _store_cached(self) -> None:
        """Once, at the end; not where nothing was added, nor what the server may have replaced."""
        news = self.buffer.byte_count > self._cached_bytes and not self._unvalidated
        if self._cached is not None and news:
            self._cached.save(self.buffer, self.version, self._source_end)

    def _note_end_before(self, start: int, error: PastEndError) -> None:
        """The server has nothing from `start` on."""
        if self.buffer.missing_in(Span(0, start)) is None and error.total in (None, start):
            self._source_end = start
        elif error.total is not None and self._source_end is None and error.total < start:
            self._source_end = error.total
        else:
            raise StreamError("changed", f"the server has no byte {start:,} any more")

    def _check_version(self, response: Response) -> None:
        if self.version.contradicts(response.version):
            raise StreamError("changed", "the server has another version of the file now")
        total, before = response.total, self._source_end
        if total is not None:
            if before not in (None, total):
                raise StreamError("changed", f"a file of {total:,} bytes, before of {before:,}")
            self._source_end = total
        self.version = Validators(
            self.version.etag or response.version.etag,
            self.version.last_modified or response.version.last_modified,
        )
        self._note(total_bytes=self._end())

    def _receive(self, response: Response) -> Iterator[Chunk]:
        at, order = response.start, self._order
        while not self.cancelled.is_set() and at < self._stop(response):
            # a response to the end of the file would outlast every new plan: it is left for the new one's ranges
            if self._order is not order and self._origin.takes_ranges:
                return
            data = response.read()
            if not data:
                self._note_silence(response, at)
                return
            if at < FileHeader.SIZE:  # first what says how many bytes are wanted
                yield from self._add(at, data[: FileHeader.SIZE - at])
            data = data[: self._stop(response) - at]
            yield from self._add(at, data)
            at += len(data)
            if (
                response.start == 0 and self._next_span() is None
            ):  # all of it came, where a range was asked for
                return

    def _stop(self, response: Response) -> int:
        """Where the response is of no more use."""
        ends = (response.end, self._end(), self._options.max_bytes)
        return min(end for end in ends if end is not None)

    def _add(self, at: int, data: bytes) -> Iterator[Chunk]:
        if not self.buffer.matches(at, data):
            count = len(data)
            raise StreamError("changed", f"the {count:,} bytes from {at:,} on are not those that came before")
        fresh = self.buffer.add(at, data)
        if fresh:
            self._note(total_bytes=self._end())
        yield from fresh

    def _note_silence(self, response: Response, at: int) -> None:
        """The source has nothing more to say."""
        if response.end is not None:
            raise StreamError("cut", f"the connection ended {response.end - at:,} bytes early")
        if response.announced or at == self._silent_end:
            self._source_end = at
            return
        self._silent_end = at
        raise StreamError("cut", f"the connection ended after {at:,} bytes, and nobody said that it would")

    def _check_size(self) -> None:
        limit = self._options.max_bytes
        if self.buffer.first_missing() >= limit and min(self._ends(), default=limit + 1) > limit:
            raise StreamError("too-large", f"{limit:,} bytes are here, and the file goes on")

    def _note(self, **changes: object) -> None:
        """A new status. It is one immutable value, so that other threads read it without a lock."""
        shown = 0 if self._unvalidated else self.buffer.byte_count
        self.status = replace(self.status, received_bytes=shown, **changes)  # type: ignore[arg-type]

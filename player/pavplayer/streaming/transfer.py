"""The bytes of one file, from wherever they are, piece by piece: resumed, checked, bounded. No threads."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import replace

from pavfmt.container.headers import FileHeader
from pavfmt.errors import PavError
from pavplayer.streaming.buffer import Holding, Span
from pavplayer.streaming.cache import Keeper
from pavplayer.streaming.messages import Piece, Plan, StreamError, StreamOptions, StreamStatus
from pavplayer.streaming.origins import Answer, Origin, PastEndError, Question, Validators
from pavplayer.streaming.plans import FileOrder, PlannedOrder

ASKED_AGAIN = frozenset({"unreachable", "stalled", "cut", "server-error"})
"""What may be better the next time."""
FRUITFUL_BYTES = 1 << 10
"""An attempt that brings fewer before it fails counts as one that brings nothing."""
OVERLAP = 1 << 10
"""Bytes fetched again and compared, where the server does not say which version it gives."""


class Transfer:
    """Asks an origin for what is missing until nothing is."""

    def __init__(
        self,
        origin: Origin,
        options: StreamOptions,
        plan: Plan | None = None,
        keeper: Keeper | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        self.holding = Holding()
        self.version = Validators()
        self.status = StreamStatus()
        self.cancelled = cancelled or threading.Event()
        self._origin, self._options, self._keeper = origin, options, keeper
        self._order: FileOrder | PlannedOrder = FileOrder()
        self._source_end: int | None = None
        self._silent_end = -1
        self._cached_bytes = 0
        self._unconfirmed = False
        self.replan(plan)

    def replan(self, plan: Plan | None) -> None:
        """Another order, from the next request on; from any thread."""
        self._order = FileOrder() if plan is None else PlannedOrder(plan)

    def cancel(self) -> None:
        """From any thread: `pieces` ends soon, and what came is kept."""
        self.cancelled.set()
        self._origin.abort()

    def pieces(self) -> Generator[Piece, None, None]:
        """All pieces, as they come. Raises StreamError, and PavError for a file header that is wrong."""
        try:
            self._open_kept()
            yield from self._brought()
            if not self.cancelled.is_set():
                self._check_size()
                self._note(complete=True)
        except (StreamError, PavError) as error:
            if not self.cancelled.is_set():
                self._note(error=error)
                if isinstance(error, PavError) or error.code == "changed":
                    self._keep_nothing()
                raise
        finally:
            self._origin.close()
            self._keep()
            self._note(ended=True)

    def _brought(self) -> Iterator[Piece]:
        fruitless = 0
        while not self.cancelled.is_set() and (span := self._next_span()) is not None:
            before = self.holding.byte_count
            try:
                yield from self._answered(span)
                if self.holding.byte_count == before and self._next_span() == span:
                    raise StreamError("cut", "an answer that brings nothing new")
            except StreamError as error:
                fruitless = 0 if self.holding.byte_count >= before + FRUITFUL_BYTES else fruitless + 1
                self._origin.close()
                if self.cancelled.is_set():
                    return
                if not self._is_asked_again(error, fruitless):
                    yield from self._despite(error)
                    return
                self._note(reconnections=self.status.reconnections + 1)
                self._pause(fruitless)

    def _is_asked_again(self, error: StreamError, fruitless: int) -> bool:
        never_there = error.code == "unreachable" and self.status.requests == 0
        return error.code in ASKED_AGAIN and fruitless <= self._options.retries and not never_there

    def _pause(self, fruitless: int) -> None:
        """The first new attempt is made at once."""
        if fruitless > 1:
            self.cancelled.wait(self._options.retry_seconds * 2.0 ** (fruitless - 2))

    def _despite(self, error: StreamError) -> Iterator[Piece]:
        """What was kept from before, where the server does not answer; raises the error where that is not all."""
        if not self._unconfirmed or error.code not in ASKED_AGAIN:
            raise error
        yield from self._confirmed()
        self._note(note=f"the server does not answer ({error.message}): what was kept is used")
        if self._next_span() is not None:
            raise error

    def _end(self) -> int | None:
        """Where the file ends, as far as is known."""
        known = [end for end in (self.holding.file_bytes, self._source_end) if end is not None]
        return min([*known, self._options.max_bytes]) if known else None

    def _next_span(self) -> Span | None:
        span = self._order.next_span(self.holding, self._end())
        if span is None and self._unconfirmed:
            return Span(0, None)
        return None if span is not None and span.start >= self._options.max_bytes else span

    def _answered(self, span: Span) -> Iterator[Piece]:
        """One request and what it brings."""
        question = self._question(span)
        try:
            answer = self._origin.ask(question)
        except PastEndError as error:
            self._note(requests=self.status.requests + 1)
            self._end_before(question.start, error)
            return
        self._note(requests=self.status.requests + 1, ranges=self._origin.takes_ranges)
        try:
            if self._unconfirmed:
                yield from self._compared(answer)
                if answer.unchanged or self._next_span() is None:
                    return
            self._check_version(answer)
            yield from self._read(answer)
        finally:
            answer.close()

    def _question(self, span: Span) -> Question:
        whole = self._unconfirmed and self._order.next_span(self.holding, self._end()) is None
        start = span.start
        if start > 0 and not self.version.for_ranges and self._origin.takes_ranges is not False:
            back = max(start - OVERLAP, 0)
            start = back if self.holding.missing_in(Span(back, start)) is None else start
        return Question(start, span.end, self.version, whole)

    def _compared(self, answer: Answer) -> Iterator[Piece]:
        """What was kept from before is of the version that the server has, or is dropped."""
        other_size = None not in (answer.total, self._source_end) and answer.total != self._source_end
        # a range is only given if the version was the one named, or its beginning is compared
        agrees = answer.start > 0 or self.version == Validators() or self.version.agrees_with(answer.version)
        if answer.unchanged or (agrees and not other_size and not self.version.contradict(answer.version)):
            yield from self._confirmed()
        else:
            self._forget()
            self._note(note="what was kept is of another version")

    def _confirmed(self) -> Iterator[Piece]:
        self._unconfirmed = False
        self._note(cached_bytes=self.holding.byte_count, total_bytes=self._end())
        yield from self.holding.pieces()

    def _forget(self) -> None:
        """Nothing of what was kept is of use."""
        self.holding, self.version, self._source_end = Holding(), Validators(), None
        self._unconfirmed, self._cached_bytes = False, 0
        if self._keeper is not None:
            self._keeper.drop()

    def _keep_nothing(self) -> None:
        """What came is of a file that is no more, or is no file; those who have it may use it."""
        if self._keeper is not None:
            self._keeper.drop()
            self._keeper = None

    def _end_before(self, start: int, error: PastEndError) -> None:
        """The server has nothing from `start` on."""
        if self.holding.missing_in(Span(0, start)) is None and error.total in (None, start):
            self._source_end = start
        elif error.total is not None and self._source_end is None and error.total < start:
            self._source_end = error.total
        else:
            raise StreamError("changed", f"the server has no byte {start:,} any more")

    def _check_version(self, answer: Answer) -> None:
        if self.version.contradict(answer.version):
            raise StreamError("changed", "the server has another version of the file now")
        if answer.total is not None:
            if self._source_end not in (None, answer.total):
                raise StreamError(
                    "changed", f"a file of {answer.total:,} bytes, before of {self._source_end:,}"
                )
            self._source_end = answer.total
        self.version = Validators(
            self.version.etag or answer.version.etag,
            self.version.last_modified or answer.version.last_modified,
        )
        self._note(total_bytes=self._end())

    def _read(self, answer: Answer) -> Iterator[Piece]:
        at, order = answer.start, self._order
        while not self.cancelled.is_set() and at < self._stop(answer):
            if self._order is not order and self._origin.takes_ranges:
                return
            data = answer.read()
            if not data:
                self._note_end(answer, at)
                return
            if at < FileHeader.SIZE:  # first what says how many bytes are wanted
                yield from self._added(at, data[: FileHeader.SIZE - at])
            data = data[: self._stop(answer) - at]
            yield from self._added(at, data)
            at += len(data)
            if answer.start == 0 and self._next_span() is None:
                return

    def _stop(self, answer: Answer) -> int:
        """Where it is of no more use."""
        ends = (answer.end, self._end(), self._options.max_bytes)
        return min(end for end in ends if end is not None)

    def _added(self, at: int, data: bytes) -> Iterator[Piece]:
        if not self.holding.agrees(at, data):
            raise StreamError(
                "changed", f"the {len(data):,} bytes from {at:,} on are not those that came before"
            )
        fresh = self.holding.add(at, data)
        if fresh:
            self._note(total_bytes=self._end())
        yield from fresh

    def _note_end(self, answer: Answer, at: int) -> None:
        """The source has nothing more to say."""
        if answer.end is not None:
            raise StreamError("cut", f"the connection ended {answer.end - at:,} bytes early")
        if answer.announced or at == self._silent_end:
            self._source_end = at
            return
        self._silent_end = at
        raise StreamError("cut", f"the connection ended after {at:,} bytes, and nobody said that it would")

    def _check_size(self) -> None:
        limit = self._options.max_bytes
        ends = [end for end in (self.holding.file_bytes, self._source_end) if end is not None]
        if self.holding.first_missing() >= limit and min(ends, default=limit + 1) > limit:
            raise StreamError("too-large", f"{limit:,} bytes are here, and the file goes on")

    def _open_kept(self) -> None:
        kept = None if self._keeper is None else self._keeper.load()
        if kept is None:
            return
        try:
            for piece in kept.pieces:
                self.holding.add(*piece)
        except PavError:
            self._forget()
            return
        self.version, self._source_end = kept.version, kept.total_bytes
        self._unconfirmed = self.holding.byte_count > 0
        self._cached_bytes = self.holding.byte_count

    def _keep(self) -> None:
        news = self.holding.byte_count > self._cached_bytes and not self._unconfirmed
        if self._keeper is not None and news:
            self._keeper.save(self.holding, self.version, self._source_end)

    def _note(self, **changes: object) -> None:
        shown = 0 if self._unconfirmed else self.holding.byte_count
        self.status = replace(self.status, received_bytes=shown, **changes)  # type: ignore[arg-type]

"""A transfer in a thread of its own, to be polled."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType

from pavfmt.errors import PavError
from pavplayer.streaming.buffer import Holding
from pavplayer.streaming.cache import Keeper, cache_keeper
from pavplayer.streaming.fetching import SCHEMES
from pavplayer.streaming.http_origin import HttpOrigin
from pavplayer.streaming.messages import Piece, Plan, StreamError, StreamOptions, StreamStatus
from pavplayer.streaming.origins import FileOrigin, Origin
from pavplayer.streaming.throttle import Clock, ShapedOrigin
from pavplayer.streaming.transfer import Transfer

CLOSING_SECONDS = 2.0
"""How long `close` waits for what came to be kept on disk."""


class Stream:
    """The bytes of a file as they come. All methods return at once, but `wait` and `close`, and none raises."""

    def __init__(self, where: str, transfer: Transfer) -> None:
        self.where = where
        """As given to `open_stream`."""
        self._transfer = transfer
        self._queue: deque[Piece] = deque()
        self._changed = threading.Condition()
        self._ended = self._woken = False
        self._thread = threading.Thread(target=self._run, name="pav stream", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for piece in self._transfer.pieces():
                with self._changed:
                    self._queue.append(piece)
                    self._changed.notify_all()
        except (StreamError, PavError):
            pass  # the status has it
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def poll(self, at_most: int | None = None) -> list[Piece]:
        """What came since the last call, in the order in which it came: about `at_most` bytes if that is given."""
        pieces: list[Piece] = []
        count = 0
        with self._changed:
            while self._queue and (at_most is None or count < at_most):
                offset, data = self._queue.popleft()
                if at_most is not None and len(data) > at_most - count:
                    kept = at_most - count
                    self._queue.appendleft(Piece(offset + kept, data[kept:]))
                    data = data[:kept]
                pieces.append(Piece(offset, data))
                count += len(data)
        return pieces

    def wait(self, seconds: float) -> bool:
        """Until there is something to poll or the stream has ended; False if neither came in time."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._queue) or self._ended or self._woken, seconds)
            self._woken = False
            return bool(self._queue) or self._ended

    def wake(self) -> None:
        """From any thread: who waits stops waiting."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Nothing more will come, and all that came was polled."""
        with self._changed:
            return self._ended and not self._queue

    @property
    def status(self) -> StreamStatus:
        """Where it stands now."""
        return self._transfer.status

    def beginning(self) -> bytes:
        """What came without a gap from the start of the file, polled or not; once it has ended, until `forget`."""
        return self._transfer.holding.beginning()

    def forget(self) -> None:
        """Let go of the bytes of a stream that has ended and was polled."""
        if self.ended:
            self._transfer.holding = Holding()

    def replan(self, plan: Plan | None) -> None:
        """Another order from the next request on, file order for None; what is here is not fetched again."""
        self._transfer.replan(plan)

    def cancel(self) -> None:
        """Stop fetching. What came can still be polled, and is kept in the cache."""
        self._transfer.cancel()

    def close(self) -> None:
        """Cancel, and see that what came is kept."""
        self.cancel()
        self._thread.join(CLOSING_SECONDS)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_url(where: str) -> bool:
    """Whether it is fetched over HTTP."""
    return where.lower().startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def open_stream(where: str, plan: Plan | None = None, options: StreamOptions | None = None) -> Stream:
    """The file at a path, at an http(s) URL, or at "-" (stdin), fetched in a thread from now on.

    Units come in file order, or as `plan` says. Raises StreamError "bad-url", and no other: what goes wrong later is
    in the stream's status.
    """
    return Stream(where, open_transfer(where, plan, options))


def open_transfer(
    where: str, plan: Plan | None = None, options: StreamOptions | None = None, keeper: Keeper | None = None
) -> Transfer:
    """As `open_stream`, for those who iterate over its pieces themselves."""
    options = options or StreamOptions()
    if not is_url(where):
        if "://" in where:
            raise StreamError("bad-url", f"only {' and '.join(SCHEMES)} URLs are fetched, not {where!r}")
        return _transfer(FileOrigin(where, options.piece_bytes), options, plan, None)
    if keeper is None and options.cache is not None:
        keeper = cache_keeper(options.cache, where)
    return _transfer(HttpOrigin(where, options), options, plan, keeper)


def _transfer(origin: Origin, options: StreamOptions, plan: Plan | None, keeper: Keeper | None) -> Transfer:
    if options.link is None:
        return Transfer(origin, options, plan, keeper)
    cancelled = threading.Event()
    shaped = ShapedOrigin(origin, options.link, Clock(cancelled))
    return Transfer(shaped, options, plan, keeper, cancelled)

"""A transfer in a thread of its own, to be polled; and the ways to open one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from contextlib import closing
from types import TracebackType

from pavfmt.container.headers import FileHeader
from pavfmt.errors import PavError
from pavfmt.fileio import read_chunks
from pavfmt.tools.cut import bytes_of_percent, complete_bytes
from pavplayer.streaming.buffer import FileBuffer
from pavplayer.streaming.cache import CacheEntry, cache_entry
from pavplayer.streaming.connections import SCHEMES
from pavplayer.streaming.file_origin import FileOrigin
from pavplayer.streaming.http_origin import HttpOrigin
from pavplayer.streaming.messages import Chunk, Origin, Plan, StreamError, StreamOptions, StreamStatus
from pavplayer.streaming.throttle import Clock, ThrottledOrigin
from pavplayer.streaming.transfer import Transfer

CLOSING_SECONDS = 2.0
"""How long `close` waits for what came to be stored on disk."""


class Stream:
    """The bytes of a file as they come. All methods return at once, but `wait` and `close`, and none raises.

    `_changed` guards the queue and the two flags, which is all that the threads share but for the transfer's status
    and its order, each a single reference. The lock is never held while bytes are fetched or stored.
    """

    def __init__(self, where: str, transfer: Transfer) -> None:
        self.where = where
        """As given to `open_stream`."""
        self._transfer = transfer
        self._queue: deque[Chunk] = deque()
        self._changed = threading.Condition()
        self._ended = self._woken = False
        # A daemon: a program must be able to exit while stdin, or a server, keeps it waiting.
        self._thread = threading.Thread(target=self._run, name="pav stream", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for chunk in self._transfer.chunks():
                with self._changed:
                    self._queue.append(chunk)
                    self._changed.notify_all()
        except (StreamError, PavError):
            pass  # the status has it
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def poll(self, at_most: int | None = None) -> list[Chunk]:
        """What came since the last call, in the order in which it came: about `at_most` bytes if that is given."""
        chunks: list[Chunk] = []
        count = 0
        with self._changed:
            while self._queue and (at_most is None or count < at_most):
                offset, data = self._queue.popleft()
                if at_most is not None and len(data) > at_most - count:
                    taken = at_most - count
                    self._queue.appendleft(Chunk(offset + taken, data[taken:]))
                    data = data[:taken]
                chunks.append(Chunk(offset, data))
                count += len(data)
        return chunks

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

    def prefix(self) -> bytes:
        """What came without a gap from the start of the file; for a stream that has ended, until `release`."""
        return self._transfer.buffer.prefix()

    def release(self) -> None:
        """Free the bytes of a stream that has ended and was polled."""
        if self.ended:
            self._transfer.buffer = FileBuffer()

    def replan(self, plan: Plan | None) -> None:
        """Another order from the next request on, file order for None; what is here is not fetched again."""
        self._transfer.replan(plan)

    def cancel(self) -> None:
        """Stop fetching. What came can still be polled, and is stored in the cache."""
        self._transfer.cancel()

    def close(self) -> None:
        """Cancel, and see that what came is stored."""
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
    where: str,
    plan: Plan | None = None,
    options: StreamOptions | None = None,
    cached: CacheEntry | None = None,
) -> Transfer:
    """As `open_stream`, for those who iterate over its chunks themselves; `cached` in place of the cache's entry."""
    options = options or StreamOptions()
    origin: Origin
    if is_url(where):
        origin = HttpOrigin(where, options)
        if cached is None and options.cache is not None:
            cached = cache_entry(options.cache, where)
    elif "://" in where:
        raise StreamError("bad-url", f"only {' and '.join(SCHEMES)} URLs are fetched, not {where!r}")
    else:
        origin, cached = FileOrigin(where, options.chunk_bytes), None
    cancelled = threading.Event()
    if options.link is not None:
        origin = ThrottledOrigin(origin, options.link, Clock(cancelled))
    return Transfer(origin, options, plan, cached, cancelled)


def read_prefix(
    where: str, options: StreamOptions | None = None, count: int | None = None, percent: float | None = None
) -> bytes:
    """The first `count` bytes, or `percent` of the complete avatar, or all there is; no more is fetched.

    Raises OSError, StreamError among them, and PavError for a file header that is wrong.
    """
    data = bytearray()
    with closing(_bytes_in_order(where, options)) as chunks:
        while count is None or len(data) < count:
            if percent is not None and count is None and len(data) >= FileHeader.SIZE:
                count = bytes_of_percent(complete_bytes(bytes(data[: FileHeader.SIZE])), percent)
            elif (chunk := next(chunks, None)) is not None:
                data += chunk
            else:
                break
    return bytes(data[:count])


def _bytes_in_order(where: str, options: StreamOptions | None) -> Generator[bytes, None, None]:
    """In file order and without gaps."""
    if not is_url(where):
        yield from read_chunks(where)
        return
    with closing(open_transfer(where, options=options).chunks()) as chunks:
        for chunk in chunks:
            yield chunk.data

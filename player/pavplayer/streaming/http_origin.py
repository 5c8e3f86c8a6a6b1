"""A file on an HTTP server: requests for ranges, redirects, and what servers may answer.

It is the only client of the player: `fetch` takes small files over it, a transfer large ones. Nothing that a server
says is taken on trust: not the range that it claims to send (it must begin where it was asked to), not the length
(an end before it is a cut), not the encoding (packed bytes are unpacked, never more than a chunk at a time), and not
that it is alive (`LEAST_RATE`).
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urljoin

from pavplayer.streaming.connections import Connection, split_url
from pavplayer.streaming.messages import PastEndError, Request, StreamError, StreamOptions, Validators

MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
NOT_MODIFIED, PARTIAL, PAST_END = 304, 206, 416
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)$")
LEAST_RATE = 100
"""Bytes a second: a server that gives fewer for `stall_seconds` has stalled."""
DRAIN_BYTES = 1 << 16
"""The rest of a response is read to keep the connection if it is no longer than this."""
SILENCE_SECONDS = 20.0
"""Of `fetch`: for a connection, and between two parts of the response."""
TOTAL_SECONDS = 120.0
"""Of `fetch`, in all."""


class HttpOrigin:
    """One connection at a time, kept alive between requests."""

    def __init__(self, url: str, options: StreamOptions) -> None:
        split_url(url)
        self._url, self._options = url, options
        self._connection: Connection | None = None
        self._aborted = False
        self._last: HttpBody | None = None
        self.takes_ranges: bool | None = None
        self.connection_count = 0

    def send(self, request: Request) -> HttpBody:
        """The response, after redirects. Raises StreamError; PastEndError where the range begins beyond the end."""
        if self._last is not None:
            self._last.close()
        try:
            self._last = self._send(request)
        except StreamError:
            self.close()
            raise
        return self._last

    def _send(self, request: Request) -> HttpBody:
        ranged = (request.start > 0 or request.end is not None) and self.takes_ranges is not False
        headers = self._headers(request, ranged)
        url = self._url  # every time: where it was redirected to may be good for minutes only
        for _ in range(MAX_REDIRECTS + 1):
            connection, head = self._head(url, headers)
            if head.status in REDIRECTS:
                url = redirect_target(url, head.headers.get("Location") or "")
                HttpBody(connection, head, self._options).close()
                continue
            if ranged and head.status == PARTIAL and head.headers.get("Content-Encoding"):
                self.takes_ranges = False  # they are ranges of the packed bytes: of no use
                self.close()
                return self._send(request)
            body = HttpBody(connection, head, self._options)
            body.check(request)
            self._note_ranges(head, ranged)
            return body
        raise StreamError("bad-url", f"more than {MAX_REDIRECTS} redirects")

    def _note_ranges(self, head: HTTPResponse, ranged: bool) -> None:
        accepted = (head.headers.get("Accept-Ranges") or "").lower()
        if ranged:  # a 200 may also mean that the file is another one now
            self.takes_ranges = head.status == PARTIAL or (accepted == "bytes" and self.takes_ranges)
        elif self.takes_ranges is None and accepted in ("bytes", "none"):
            self.takes_ranges = accepted == "bytes"

    def _headers(self, request: Request, ranged: bool) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "User-Agent": "pavplayer"}
        version = request.version
        if request.only_if_changed and version.etag:
            headers["If-None-Match"] = version.etag
        elif request.only_if_changed and version.last_modified:
            headers["If-Modified-Since"] = version.last_modified
        if ranged:
            last = "" if request.end is None else request.end - 1
            headers["Range"] = f"bytes={request.start}-{last}"
            # With If-Range, a file that is another one by now comes whole, instead of a range that does not fit.
            if request.start > 0 and version.for_ranges:
                headers["If-Range"] = version.for_ranges
        return headers

    def _head(self, url: str, headers: Mapping[str, str]) -> tuple[Connection, HTTPResponse]:
        """The head of a response, and the connection that its body comes by."""
        before = self._connection
        connection = self._connected(url)
        try:
            return connection, connection.get(url, headers)
        except StreamError as error:
            if connection is not before or error.code != "cut" or self._aborted:
                raise
        self.close()  # servers drop connections that were idle; that says nothing about the file
        connection = self._connected(url)
        return connection, connection.get(url, headers)

    def _connected(self, url: str) -> Connection:
        parts = split_url(url)
        connection = self._connection
        if connection is None or connection.server != (parts.scheme, parts.netloc) or connection.used_up:
            self.close()
            self._connection = connection = Connection(url, self._options.stall_seconds)
            self.connection_count += 1
        if self._aborted:  # `abort` came while it was being made, and did not see it
            connection.abort()
        return connection

    def abort(self) -> None:
        """From any thread."""
        self._aborted = True
        if self._connection is not None:
            self._connection.abort()

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._last = None


class HttpBody:
    """The body of one response, as `messages.Response` has it."""

    def __init__(self, connection: Connection, head: HTTPResponse, options: StreamOptions) -> None:
        self._connection, self._response = connection, head
        self._chunk_bytes, self._stall_seconds = options.chunk_bytes, options.stall_seconds
        self._waited, self._dripped = 0.0, 0
        self.start = 0
        self.end: int | None = None
        self.total: int | None = None
        self.unchanged = False
        self.version = Validators(head.headers.get("ETag") or "", head.headers.get("Last-Modified") or "")
        self._packed = _unpacker(head.headers.get("Content-Encoding") or "identity")
        self._left = head.length
        """Bytes of the body that are still to come, as announced; None: not announced."""
        self.announced = self._packed is not None or head.chunked or self._left is not None

    def check(self, request: Request) -> None:
        """Understand status and headers. Raises StreamError."""
        status, reason = self._response.status, self._response.reason
        content_range = self._response.headers.get("Content-Range") or ""
        if status == NOT_MODIFIED and request.only_if_changed:
            self.unchanged = True
        elif status == PARTIAL:
            self._check_range(request.start, content_range)
        elif status == 200:  # the length of packed bytes says nothing about the file
            self.end = self.total = None if self._packed else self._left
        elif status == PAST_END:
            found = CONTENT_RANGE.match(content_range)
            raise PastEndError(int(found[3]) if found and found[3] != "*" else None)
        elif status in TRANSIENT or status >= 500:
            raise StreamError("server-error", f"{status} {reason}")
        else:
            raise StreamError("not-found" if 400 <= status < 500 else "bad-answer", f"{status} {reason}")

    def _check_range(self, start: int, content_range: str) -> None:
        found = CONTENT_RANGE.match(content_range)
        if found is None or found[1] is None or int(found[1]) != start or int(found[2]) < start:
            raise StreamError("bad-answer", f"asked for bytes from {start} on, got {content_range!r}")
        self.start, self.end = start, int(found[2]) + 1
        self.total = None if found[3] == "*" else int(found[3])
        if self.total is not None and self.end > self.total:
            raise StreamError("bad-answer", f"a range that ends after the end: {content_range!r}")

    def read(self) -> bytes:
        """The next bytes, unpacked. StreamError "cut" where fewer come than were announced."""
        if self._packed is not None:
            return self._read_packed()
        data = self._next()
        if self._left is not None:
            self._left -= len(data)
            if not data and self._left > 0:
                raise StreamError("cut", f"the connection ended {self._left:,} bytes early")
        return data

    def _next(self) -> bytes:
        """StreamError "stalled" also where they drip: a byte now and then keeps any timeout of a socket from ending.

        Only the time spent in reading counts: whoever is slow to take the bytes does not make the server slow.
        """
        before = time.monotonic()
        data = self._connection.read(self._response, self._chunk_bytes)
        self._waited += time.monotonic() - before
        self._dripped += len(data)
        if self._waited > self._stall_seconds:
            if self._dripped < LEAST_RATE * self._waited:
                raise StreamError("stalled", f"{self._dripped:,} bytes in {self._waited:.1f} s")
            self._waited, self._dripped = 0.0, 0
        return data

    def _read_packed(self) -> bytes:
        """Never more than a chunk, however well it was packed."""
        packed = self._packed
        assert packed is not None
        while not packed.eof:
            source = packed.unconsumed_tail or self._next()
            try:
                data = packed.decompress(source, self._chunk_bytes)
            except zlib.error as error:
                raise StreamError("bad-answer", f"not gzip: {error}") from None
            if data:
                return bytes(data)
            if not source:
                raise StreamError("cut", "the packed bytes end early")
        return b""

    def close(self) -> None:
        """Read what little is left, so that the connection can be used again; else give it up."""
        if self._response.isclosed():
            return
        left = self._response.length
        self._connection.finish(self._response, left is not None and left <= DRAIN_BYTES)


def _unpacker(encoding: str) -> Any:
    """A decompressor, whose type zlib does not name; None where the bytes come as they are."""
    if encoding.lower() == "identity":
        return None
    if encoding.lower() in ("gzip", "x-gzip"):
        return zlib.decompressobj(31)
    raise StreamError("bad-answer", f"the encoding {encoding!r}, though none was asked for")


def redirect_target(url: str, location: str) -> str:
    """Where a redirect leads. StreamError "bad-url" where that is not HTTP, or leaves HTTPS."""
    try:
        target = urljoin(url, location)
    except ValueError:
        raise StreamError("bad-url", f"redirected to {location!r}") from None
    before, after = split_url(url), split_url(target)
    if before.scheme == "https" and after.scheme == "http":
        raise StreamError("bad-url", f"redirected to {target}, which is not followed")
    return target


def fetch(url: str, limit: int) -> bytes:
    """All that an http(s) URL holds, at one go, if it is at most `limit` bytes: for small files, such as rigs.

    Raises StreamError: "too-large", "stalled" after `SILENCE_SECONDS` without a byte and `TOTAL_SECONDS` in all, and
    whatever else keeps a file from coming.
    """
    deadline = time.monotonic() + TOTAL_SECONDS
    with closing(HttpOrigin(url, StreamOptions(stall_seconds=SILENCE_SECONDS))) as origin:
        response, data = origin.send(Request()), bytearray()
        if response.total is not None and response.total > limit:
            raise StreamError("too-large", f"{response.total:,} bytes, more than {limit:,}")
        while chunk := response.read():
            data += chunk
            if len(data) > limit:
                raise StreamError("too-large", f"more than {limit:,} bytes")
            if time.monotonic() > deadline:
                raise StreamError("stalled", f"not complete after {TOTAL_SECONDS:g} s")
    return bytes(data)

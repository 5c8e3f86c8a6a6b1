"""A file behind an http(s) URL: requests for ranges, redirects, and what servers may answer."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urljoin

from pavplayer.streaming.connections import Connection, checked
from pavplayer.streaming.messages import StreamError, StreamOptions
from pavplayer.streaming.origins import PastEndError, Question, Validators

MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
NOT_MODIFIED, PARTIAL, PAST_END = 304, 206, 416
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)$")
LEAST_RATE = 100
"""Bytes a second: a server that gives fewer for `stall_seconds` has stalled."""
DRAINED = 1 << 16
"""The rest of an answer is read to keep the connection if it is no longer than this."""


class HttpOrigin:
    """One connection at a time, kept alive between requests."""

    def __init__(self, url: str, options: StreamOptions) -> None:
        checked(url)
        self._url, self._options = url, options
        self._connection: Connection | None = None
        self._aborted = False
        self._last: HttpAnswer | None = None
        self.takes_ranges: bool | None = None
        self.connection_count = 0

    def ask(self, question: Question) -> HttpAnswer:
        """An answer, after redirects. Raises StreamError; PastEndError where the range begins at or after the end."""
        if self._last is not None:
            self._last.close()
        try:
            self._last = self._asked(question)
        except StreamError:
            self.close()
            raise
        return self._last

    def _asked(self, question: Question) -> HttpAnswer:
        ranged = (question.start > 0 or question.end is not None) and self.takes_ranges is not False
        headers = self._headers(question, ranged)
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            connection, response = self._got(url, headers)
            if response.status in REDIRECTS:
                url = _redirected(url, response)
                HttpAnswer(connection, response, self._options).close()
                continue
            if ranged and response.status == PARTIAL and response.headers.get("Content-Encoding"):
                self.takes_ranges = False  # of the packed bytes: of no use
                self.close()
                return self._asked(question)
            answer = HttpAnswer(connection, response, self._options)
            answer.understand(question)
            self._note_ranges(response, ranged)
            return answer
        raise StreamError("bad-url", f"more than {MAX_REDIRECTS} redirects")

    def _note_ranges(self, response: HTTPResponse, ranged: bool) -> None:
        told = (response.headers.get("Accept-Ranges") or "").lower()
        if ranged:  # a 200 may also mean that the file is another one now
            self.takes_ranges = response.status == PARTIAL or (told == "bytes" and self.takes_ranges)
        elif self.takes_ranges is None and told in ("bytes", "none"):
            self.takes_ranges = told == "bytes"

    def _headers(self, question: Question, ranged: bool) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "User-Agent": "pavplayer"}
        version = question.version
        if question.only_if_changed and version.etag:
            headers["If-None-Match"] = version.etag
        elif question.only_if_changed and version.last_modified:
            headers["If-Modified-Since"] = version.last_modified
        if ranged:
            last = "" if question.end is None else question.end - 1
            headers["Range"] = f"bytes={question.start}-{last}"
            if question.start > 0 and version.for_ranges:
                headers["If-Range"] = version.for_ranges
        return headers

    def _got(self, url: str, headers: Mapping[str, str]) -> tuple[Connection, HTTPResponse]:
        """The head of an answer, and the connection that its body comes by."""
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
        parts = checked(url)
        connection = self._connection
        if connection is None or connection.server != (parts.scheme, parts.netloc) or connection.used_up:
            self.close()
            self._connection = connection = Connection(url, self._options.stall_seconds)
            self.connection_count += 1
        if self._aborted:
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


class HttpAnswer:
    """The body of one answer."""

    def __init__(self, connection: Connection, response: HTTPResponse, options: StreamOptions) -> None:
        self._connection, self._response = connection, response
        self._piece_bytes, self._stall_seconds = options.piece_bytes, options.stall_seconds
        self._waited, self._dripped = 0.0, 0
        self.start = 0
        self.end: int | None = None
        self.total: int | None = None
        self.unchanged = False
        headers = response.headers
        self.version = Validators(headers.get("ETag") or "", headers.get("Last-Modified") or "")
        self._packed = _unpacker(headers.get("Content-Encoding") or "identity")
        self._left = response.length
        """Bytes of the body that are still to come, as announced; None: not announced."""
        self.announced = self._packed is not None or response.chunked or self._left is not None

    def understand(self, question: Question) -> None:
        """Status and headers. Raises StreamError."""
        status, total = self._response.status, None if self._packed else self._left
        if status == NOT_MODIFIED and question.only_if_changed:
            self.unchanged = True
        elif status == PARTIAL:
            self._understand_range(question)
        elif status == 200:
            self.end = self.total = total
        elif status == PAST_END:
            found = CONTENT_RANGE.match(self._response.headers.get("Content-Range") or "")
            raise PastEndError(int(found[3]) if found and found[3] != "*" else None)
        elif status in TRANSIENT or status >= 500:
            raise StreamError("server-error", f"{status} {self._response.reason}")
        elif 400 <= status < 500:
            raise StreamError("not-found", f"{status} {self._response.reason}")
        else:
            raise StreamError("bad-answer", f"{status} {self._response.reason}")

    def _understand_range(self, question: Question) -> None:
        told = self._response.headers.get("Content-Range") or ""
        found = CONTENT_RANGE.match(told)
        if (
            found is None
            or found[1] is None
            or int(found[1]) != question.start
            or int(found[2]) < question.start
        ):
            raise StreamError("bad-answer", f"asked for bytes from {question.start} on, got {told!r}")
        self.start, self.end = question.start, int(found[2]) + 1
        self.total = None if found[3] == "*" else int(found[3])
        if self.total is not None and self.end > self.total:
            raise StreamError("bad-answer", f"a range that ends after the end: {told!r}")

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
        """StreamError "stalled" also where they drip."""
        before = time.monotonic()
        data = self._connection.read(self._response, self._piece_bytes)
        self._waited += time.monotonic() - before
        self._dripped += len(data)
        if self._waited > self._stall_seconds:
            if self._dripped < LEAST_RATE * self._waited:
                raise StreamError("stalled", f"{self._dripped:,} bytes in {self._waited:.1f} s")
            self._waited, self._dripped = 0.0, 0
        return data

    def _read_packed(self) -> bytes:
        """Never more than a piece, however well it was packed."""
        packed = self._packed
        assert packed is not None
        while not packed.eof:
            source = packed.unconsumed_tail or self._next()
            try:
                data = packed.decompress(source, self._piece_bytes)
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
        self._connection.finish(self._response, left is not None and left <= DRAINED)


def _unpacker(encoding: str) -> Any:
    """A decompressor, whose type zlib does not name; None where the bytes come as they are."""
    if encoding.lower() == "identity":
        return None
    if encoding.lower() in ("gzip", "x-gzip"):
        return zlib.decompressobj(31)
    raise StreamError("bad-answer", f"the encoding {encoding!r}, though none was asked for")


def _redirected(url: str, response: HTTPResponse) -> str:
    location = response.headers.get("Location") or ""
    try:
        target = urljoin(url, location)
    except ValueError:
        raise StreamError("bad-url", f"redirected to {location!r}") from None
    before, after = checked(url), checked(target)
    if before.scheme == "https" and after.scheme == "http":
        raise StreamError("bad-url", f"redirected to {target}, which is not followed")
    return target

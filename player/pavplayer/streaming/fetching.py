"""Small files over HTTP: what a rig at a URL is fetched with."""

from __future__ import annotations

import time
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

SCHEMES = ("http", "https")
SILENCE_SECONDS = 20.0
"""For a connection, and between two pieces of the answer."""
TOTAL_SECONDS = 120.0
PIECE = 1 << 16


class FetchError(OSError):
    """Nothing usable came from a URL."""


class HttpRedirects(HTTPRedirectHandler):
    """Redirects stay with HTTP, and do not leave HTTPS."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The next request."""
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in SCHEMES or (before == "https" and after == "http"):
            fp.close()
            raise FetchError(f"redirected to {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str, limit: int) -> bytes:
    """What a URL holds, at most `limit` bytes; http and https only. Raises FetchError."""
    if urlsplit(url).scheme not in SCHEMES:
        raise FetchError(f"only {' and '.join(SCHEMES)} are fetched")
    deadline = time.monotonic() + TOTAL_SECONDS
    try:
        with _opener().open(url, timeout=SILENCE_SECONDS) as answer:
            announced = int(answer.headers.get("Content-Length") or 0)
            if announced > limit:
                raise FetchError(f"{announced:,} bytes, more than {limit:,}")
            data = _read(answer, limit, deadline)
    except FetchError:
        raise
    except HTTPError as error:
        error.close()
        raise FetchError(str(error)) from None
    except (URLError, HTTPException, ValueError, OSError) as error:
        raise FetchError(str(error)) from None
    if len(data) < announced:
        raise FetchError(f"ended after {len(data):,} of {announced:,} bytes")
    return data


def _opener() -> OpenerDirector:
    """Without the handlers of other schemes, such as file and ftp."""
    opener = OpenerDirector()
    handlers = (
        ProxyHandler,
        HTTPHandler,
        HTTPSHandler,
        HTTPDefaultErrorHandler,
        HttpRedirects,
        HTTPErrorProcessor,
    )
    for handler in handlers:
        opener.add_handler(handler())
    return opener


def _read(answer: IO[bytes], limit: int, deadline: float) -> bytes:
    pieces, count = [], 0
    while piece := answer.read1(PIECE) if hasattr(answer, "read1") else answer.read(PIECE):
        pieces.append(piece)
        count += len(piece)
        if count > limit:
            raise FetchError(f"more than {limit:,} bytes")
        if time.monotonic() > deadline:
            raise FetchError(f"not complete after {TOTAL_SECONDS:g} s")
    return b"".join(pieces)

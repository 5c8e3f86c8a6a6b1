"""One HTTP connection that is kept alive, and can be torn down from another thread.

The standard library's client is all it takes: a library with pools would save the proxies' few lines, and hide the
socket that has to be shut when a server stalls or nobody wants the file any more.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from pavplayer.streaming.fetching import SCHEMES
from pavplayer.streaming.messages import StreamError


class Connection:
    """To one server, directly or by the proxy that the environment names."""

    def __init__(self, url: str, seconds: float) -> None:
        """`seconds`: for the connection, and for each silence after it. Raises StreamError."""
        parts = checked(url)
        self.server = (parts.scheme, parts.netloc)
        self._seconds = seconds
        self._stalled = self._aborted = False
        self._by_proxy = False
        with self.reported("unreachable"):
            self._client = self._made(parts)
            self._client.connect()
        self._socket: socket.socket = self._client.sock

    def _made(self, parts: SplitResult) -> http.client.HTTPConnection:
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
        if proxy is None:
            return self._client_of(parts.scheme, host, port)
        by = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        client = self._client_of(parts.scheme, by.hostname or "", by.port or 8080)
        if parts.scheme == "https":
            client.set_tunnel(host, port)
        self._by_proxy = parts.scheme == "http"
        return client

    def _client_of(self, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
        if scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._seconds, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._seconds)

    def get(self, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """The head of the answer. Raises StreamError."""
        parts = urlsplit(url)
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        with self.reported("cut"), self._watched():
            self._client.request("GET", parts.geturl() if self._by_proxy else path, headers=dict(headers))
            return self._client.getresponse()

    def read(self, response: http.client.HTTPResponse, count: int) -> bytes:
        """At most `count` bytes of the body, as soon as there are any. Raises StreamError."""
        with self.reported("cut"):
            if not response.chunked:
                return response.read1(count)
            with self._watched():  # the sizes of chunks may come byte by byte
                return response.read1(count)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Within, the connection is shut after the longest silence that is borne, bytes or not."""
        timer = threading.Timer(self._seconds, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        if self._stalled:
            raise TimeoutError

    def _give_up(self) -> None:
        self._stalled = True
        self._shut()

    @contextmanager
    def reported(self, otherwise: str) -> Iterator[None]:
        """What goes wrong within, as a StreamError; connection errors get the code `otherwise`."""
        try:
            yield
        except StreamError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._told(error, otherwise) from None

    def _told(self, error: Exception, otherwise: str) -> StreamError:
        if self._stalled or isinstance(error, TimeoutError):
            code = otherwise if otherwise == "unreachable" else "stalled"
            return StreamError(code, f"nothing came for {self._seconds:g} s")
        broken = (http.client.RemoteDisconnected, http.client.IncompleteRead)
        if isinstance(error, (OSError, *broken)) or self._aborted:
            return StreamError(otherwise, str(error) or type(error).__name__)
        return StreamError("bad-answer", f"not HTTP: {error or type(error).__name__}")

    def finish(self, response: http.client.HTTPResponse, drain: bool) -> None:
        """No more of an answer is wanted: read the rest if `drain`, else the connection is used up."""
        try:
            if drain:
                with self._watched():
                    response.read()
            elif response.length != 0:
                self._client.close()
        except (OSError, http.client.HTTPException):
            self._client.close()
        response.close()

    @property
    def used_up(self) -> bool:
        """No other request can be made."""
        return self._stalled or self._aborted or self._client.sock is None

    def abort(self) -> None:
        """From any thread: what waits for this server fails at once."""
        self._aborted = True
        self._shut()

    def _shut(self) -> None:
        with suppress(
            OSError
        ):  # not the method of TLS sockets, which takes their state from under the reader
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Free it."""
        self._client.close()


def checked(url: str) -> SplitResult:
    """The parts of an http(s) URL; StreamError "bad-url" for anything else."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine or not url.isascii() or any(mark <= " " for mark in url):
        raise StreamError(
            "bad-url", f"{url!r} is no {' or '.join(SCHEMES)} URL (escape blanks and non-ASCII)"
        )
    if "@" in parts.netloc:
        raise StreamError("bad-url", "names and passwords in URLs are not sent")
    return parts

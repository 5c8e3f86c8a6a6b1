"""One HTTP connection that is kept alive, and can be torn down from another thread.

The standard library's client is all it takes: a library with pools would save the proxies' few lines, and hide the
socket that has to be shut when a server stalls or nobody wants the file any more.

Three silences, three guards. Opening, and each read of the socket, has the socket's timeout. That timeout begins
anew with every byte, so a head of a response that drips, or the size of a chunk that does, would never end: there a
timer shuts the socket down. A body that drips is the business of `http_origin`, which counts its bytes.
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

from pavplayer.streaming.messages import StreamError

SCHEMES = ("http", "https")


class Connection:
    """To one server, directly or by the proxy that the environment names."""

    def __init__(self, url: str, seconds: float) -> None:
        """`seconds`: for the connection, and for each silence after it. Raises StreamError."""
        parts = split_url(url)
        self.server = (parts.scheme, parts.netloc)
        self._seconds = seconds
        self._stalled = self._aborted = False
        self._response: http.client.HTTPResponse | None = None
        proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
        # An http proxy is asked for whole URLs; through an https one a tunnel goes to the server itself.
        self._asks_by_url = proxy is not None and parts.scheme == "http"
        with self._translated("unreachable"):
            self._client = self._client_for(parts, proxy)
            self._client.connect()
        # http.client lets go of its socket when it has read a response that closes the connection: `abort` may come
        # later than that, and must still reach whoever reads.
        self._socket: socket.socket = self._client.sock

    def _client_for(self, parts: SplitResult, proxy: str | None) -> http.client.HTTPConnection:
        secure = parts.scheme == "https"
        server = (parts.hostname or "", parts.port or (443 if secure else 80))
        via = urlsplit(proxy if "//" in proxy else f"//{proxy}") if proxy else None
        host, port = (via.hostname or "", via.port or 8080) if via else server
        if not secure:
            return http.client.HTTPConnection(host, port, timeout=self._seconds)
        context = ssl.create_default_context()
        client = http.client.HTTPSConnection(host, port, timeout=self._seconds, context=context)
        if via:
            client.set_tunnel(*server)
        return client

    def get(self, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """The head of the response. Raises StreamError."""
        parts = urlsplit(url)
        target = parts if self._asks_by_url else parts._replace(scheme="", netloc="", fragment="")
        with self._translated("cut"), self._watched():
            self._client.request("GET", target.geturl() or "/", headers=dict(headers))
            self._response = self._client.getresponse()
            return self._response

    def read(self, response: http.client.HTTPResponse, count: int) -> bytes:
        """At most `count` bytes of the body, as soon as there are any. Raises StreamError."""
        with self._translated("cut"):
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
        if (
            self._stalled
        ):  # a socket that is shut reads as the end of the stream: what was read is not to be believed
            raise TimeoutError

    def _give_up(self) -> None:
        self._stalled = True
        self._shut_down()

    @contextmanager
    def _translated(self, code: str) -> Iterator[None]:
        """What goes wrong within, as a StreamError; connection errors get `code`."""
        try:
            yield
        except StreamError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._stream_error(error, code) from None

    def _stream_error(self, error: Exception, code: str) -> StreamError:
        if self._stalled or isinstance(error, TimeoutError):
            stalled = code if code == "unreachable" else "stalled"
            return StreamError(stalled, f"nothing came for {self._seconds:g} s")
        broken = (OSError, http.client.RemoteDisconnected, http.client.IncompleteRead)
        # After an abort, http.client may trip over anything: the half of a head, a socket that is gone.
        if isinstance(error, broken) or self._aborted:
            return StreamError(code, str(error) or type(error).__name__)
        return StreamError("bad-answer", f"not HTTP: {error or type(error).__name__}")

    def finish(self, response: http.client.HTTPResponse, drain: bool) -> None:
        """No more of a response is wanted: read the rest if `drain`, else the connection is used up."""
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
        self._shut_down()

    def _shut_down(self) -> None:
        """Wake whoever reads. Closing would not, and would free a descriptor that they still use.

        The method of plain sockets also for TLS: that of `SSLSocket` takes the TLS state from under the reader.
        """
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Free it, and the response: where the server closes after it, http.client no longer knows of it."""
        self._client.close()
        if self._response is not None:
            self._response.close()


def split_url(url: str) -> SplitResult:
    """The parts of an http(s) URL; StreamError "bad-url" for anything else."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine or not url.isascii() or any(mark <= " " for mark in url):
        schemes = " or ".join(SCHEMES)
        raise StreamError("bad-url", f"{url!r} is no {schemes} URL (escape blanks and non-ASCII)")
    if "@" in parts.netloc:
        raise StreamError("bad-url", "names and passwords in URLs are not sent")
    return parts

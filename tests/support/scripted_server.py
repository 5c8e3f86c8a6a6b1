"""An HTTP server on loopback that answers each request as its script says: well, badly, or not at all."""

from __future__ import annotations

import gzip
import re
import socket
import threading
import time
from contextlib import contextmanager

ETAG = '"one"'


class Request:
    """The head of one request."""

    def __init__(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.path = first.split(" ")[1]
        pairs = (line.split(": ", 1) for line in lines if ": " in line)
        self.headers = {name.lower(): value for name, value in pairs}

    @property
    def range(self):
        found = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("range", ""))
        return None if found is None else (int(found[1]), int(found[2]) + 1 if found[2] else None)


class ScriptedServer:
    """`script`: one behaviour for each request, the last for all that follow. A behaviour writes to a socket; it
    returns True to keep the connection."""

    def __init__(self, *script, tls=None) -> None:
        self.script, self.requests, self.connection_count, self._tls = script, [], 0, tls
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.01)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/dir/head.pav"

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                link, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connection_count += 1
            self._threads.append(threading.Thread(target=self._serve, args=(link,)))
            self._threads[-1].start()

    def _serve(self, link: socket.socket) -> None:
        link.settimeout(5.0 if self._tls else 0.01)
        if self._tls is not None:
            try:
                link = self._tls.wrap_socket(link, server_side=True)
            except OSError:
                return
        with link:
            try:
                while (head := self._head(link)) is not None:
                    self.requests.append(Request(head))
                    behave = self.script[min(len(self.requests), len(self.script)) - 1]
                    link.settimeout(5.0)
                    if not behave(link, self.requests[-1], self._closing):
                        return
                    link.settimeout(0.01)
            except OSError:
                return

    def _head(self, link: socket.socket) -> bytes | None:
        head = b""
        while not head.endswith(b"\r\n\r\n") and not self._closing.is_set():
            try:
                byte = link.recv(1)
            except TimeoutError:
                continue
            if not byte:
                return None
            head += byte
        return None if self._closing.is_set() else head

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(5.0)
        self._listener.close()


@contextmanager
def serving(*script, tls=None):
    server = ScriptedServer(*script, tls=tls)
    try:
        yield server
    finally:
        server.close()


def _head(status: str, headers: dict[str, object]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode()


def _body(data, request, with_ranges, etag):
    """Status, headers and bytes that a good server gives."""
    headers = {"ETag": etag} if etag else {}
    span = request.range
    changed = request.headers.get("if-range", etag) != etag
    if etag and request.headers.get("if-none-match") == etag:
        return "304 Not Modified", headers, b""
    if not with_ranges or span is None or changed:
        return "200 OK", headers, data
    start, end = span
    if start >= len(data):
        return "416 Range Not Satisfiable", headers | {"Content-Range": f"bytes */{len(data)}"}, b""
    end = min(end or len(data), len(data))
    return (
        "206 Partial Content",
        headers | {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"},
        data[start:end],
    )


def good(data, with_ranges=True, etag=ETAG, announce=0, sends=None, then="close", piece=None, pause=0.0):
    """A server that gives `data`.

    `announce`: added to Content-Length, None: no such header. `sends`: only so many bytes of the body. `then`: what
    follows them, "close", "stay" (a server that keeps the connection) or "stall". `piece`, `pause`: how it drips.
    """

    def behave(link, request, closing):
        status, headers, body = _body(data, request, with_ranges, etag)
        if announce is not None:
            headers["Content-Length"] = max(len(body) + announce, 0)
        link.sendall(_head(status, headers))
        sent = body if sends is None else body[:sends]
        for at in range(0, len(sent), piece or max(len(sent), 1)):
            link.sendall(sent[at : at + (piece or len(sent))])
            if pause and closing.wait(pause):
                return False
        if then == "stall":
            closing.wait(5.0)
        return then == "stay"

    return behave


def raw(content, drip=0.0, first=b""):
    """These bytes and no others; after the `first`, byte by byte if `drip` seconds are between them."""

    def behave(link, request, closing):
        link.sendall(first)
        for at in range(0, len(content), 1 if drip else max(len(content), 1)):
            link.sendall(content[at : at + 1] if drip else content)
            if drip and closing.wait(drip):
                return False
        return False

    return behave


def answering(status, headers=None, body=b""):
    return raw(_head(status, {"Content-Length": len(body)} | (headers or {})) + body)


def packed(data, encoding="gzip", sends=None):
    """Content-Encoding, though none was asked for."""
    return answering("200 OK", {"Content-Encoding": encoding, "ETag": ETAG}, gzip.compress(data)[:sends])


def chunked(data, size=100, ends=True):
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    body = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    return raw(
        _head("200 OK", {"Transfer-Encoding": "chunked", "ETag": ETAG})
        + body
        + (b"0\r\n\r\n" if ends else b"")
    )


def silent():
    def behave(link, request, closing):
        closing.wait(5.0)
        return False

    return behave


def wait_for(condition, seconds=5.0):
    """Until it holds; fails if it never does."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.005)

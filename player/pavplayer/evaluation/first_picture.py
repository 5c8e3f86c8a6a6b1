"""How long someone waits for the first picture: worked out by the model of a link, and by the clock over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from urllib.request import ProxyHandler, build_opener

from pavplayer.evaluation.figures import FirstPicture
from pavplayer.session import Session
from pavplayer.streaming.link import Link

MEGABITS = (1, 10, 50)
LATENCIES_MS = (20, 100)
"""Round trips."""
LINKS = tuple(Link(rate * 1e6, latency / 1e3) for rate in MEGABITS for latency in LATENCIES_MS)
REPEATS = 5
CHUNK_BYTES = 1 << 14
TICK_SECONDS = 0.001
SILENCE_SECONDS = 20.0

Download = Callable[[str], Iterator[bytes]]
"""A URL → what it holds, chunk by chunk as it comes."""
NewSession = Callable[[], Session]


def first_pictures(
    data: bytes, first_bytes: int, new_session: NewSession, links: Sequence[Link] = LINKS
) -> list[FirstPicture]:
    """One for each link; the first picture needs `first_bytes` of the file."""
    drawing = handling_seconds(data[:first_bytes], new_session)
    found = []
    for link in links:
        with served(data, link) as url:
            real = seconds_until_picture(url, new_session())
        simulated = link.arrival_seconds(first_bytes) + drawing
        found.append(FirstPicture(link.bits_per_second / 1e6, 1e3 * link.round_trip_seconds, simulated, real))
    return found


def handling_seconds(data: bytes, new_session: NewSession) -> float:
    """To decode, pose and draw what is there: the median of some fresh sessions."""
    times = []
    for _ in range(REPEATS):
        session = new_session()
        start = time.perf_counter()
        session.feed(data)
        session.update()
        session.frame()
        times.append(time.perf_counter() - start)
    return median(times)


def seconds_until_picture(url: str, session: Session, download: Download | None = None) -> float:
    """From the request to the first drawn picture; RuntimeError if all that came draws nothing."""
    start = time.perf_counter()
    with closing(iter((download or http_chunks)(url))) as chunks:  # type: ignore[type-var]
        for chunk in chunks:
            session.feed(chunk)
            session.update()
            if session.scene.is_visible:
                session.frame()
                return time.perf_counter() - start
    raise RuntimeError(f"{url}: {session.received_bytes:,} bytes hold nothing to draw")


def http_chunks(url: str) -> Iterator[bytes]:
    """A plain GET, without a proxy, and without what `pavplayer.streaming` adds: the waiting alone is measured."""
    with build_opener(ProxyHandler({})).open(url, timeout=SILENCE_SECONDS) as answer:
        while chunk := answer.read1(CHUNK_BYTES):
            yield chunk


@contextmanager
def served(data: bytes, link: Link) -> Iterator[str]:
    """The URL of `data` on an HTTP server on this machine that sends at the link's pace, while the block runs.

    The link's time begins when a request has been read.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            start = time.monotonic()
            time.sleep(link.arrival_seconds(1))
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            sent = 0
            try:
                while sent < len(data):
                    here = min(link.received_at(time.monotonic() - start), len(data))
                    self.wfile.write(data[sent:here])
                    sent = max(sent, here)
                    time.sleep(TICK_SECONDS)
            except ConnectionError:
                pass  # whoever asked has seen enough

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/avatar.pav"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A real HTTP server on this machine that sends one file as a slow link would bring it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pavplayer.streaming.link import Link

TICK_SECONDS = 0.001


@contextmanager
def served(data: bytes, link: Link) -> Iterator[str]:
    """The URL of `data`, while the block runs. The link's time begins when a request has been read."""

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

"""Frames a second of `pav play` at the sender, a Chromium on the same machine watching.

`python -m tests.benchmarks.bench_play FILE.pav [--seconds 10]`: the avatar performs the built-in demonstration, so
every picture is posed, drawn, packed as JPEG and sent anew, at the size that the player chooses. Counted are the
pictures sent, and the messages that Chromium's socket received meanwhile. The ratio is to 20 frames a second.
"""

from __future__ import annotations

import argparse
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Page, sync_playwright

from pavplayer.avatar import Avatar
from pavplayer.demonstration import demonstration
from pavplayer.viewer.content.avatar_view import AvatarView
from pavplayer.viewer.content.scene import AvatarScene
from pavplayer.viewer.frame_statistics import FrameStatistics
from pavplayer.viewer.player import Player
from pavplayer.viewer.server import ViewerServer

TARGET = 20.0
"""Frames a second."""
FLAGS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
WARMING_SECONDS = 4.0


@dataclass(frozen=True)
class Measured:
    """One run."""

    sent_per_second: float
    received_per_second: float
    own_seconds: float
    """Of processor time per picture, of the player's own process: two cores have two a second to give, to
    Chromium too."""
    drawn: list[FrameStatistics]
    """Looked at now and then."""

    def typical(self, name: str) -> float:
        """The median of one of the times, in milliseconds."""
        return 1000 * median(getattr(one, name) for one in self.drawn)


@contextmanager
def playing(path: str, port: int) -> Iterator[ViewerServer]:
    """`pav play` in a thread of this process."""
    stop = threading.Event()
    with Avatar(path, device="cpu") as avatar:
        player = Player(AvatarScene(AvatarView(avatar)))
        with ViewerServer(player, "localhost", port, {}) as server:
            thread = threading.Thread(target=server.run, args=(stop.is_set,))
            thread.start()
            try:
                yield server
            finally:
                stop.set()
                thread.join()


@contextmanager
def watching(chromium: str, width: int, height: int) -> Iterator[Page]:
    """An empty page."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()


def measure(path: str, seconds: float, chromium: str, size: tuple[int, int], port: int) -> Measured:
    """Play, watch, count."""
    received = [0]

    def count(_: object) -> None:
        received[0] += 1

    with playing(path, port) as server, watching(chromium, *size) as page:
        page.on("websocket", lambda socket: socket.on("framereceived", count))
        page.goto(f"{server.url}/?fixedDpr=1")
        page.locator("canvas").first.wait_for()
        player = server.player
        while not (player.clients and player.controlled.avatar.has_ended and player.frame_rate.count):
            page.wait_for_timeout(50)
        player.playback.load(demonstration(player.controlled.avatar.scene))
        player.playback.play()
        player.controls.change()
        page.wait_for_timeout(1000 * WARMING_SECONDS)
        start, sent, got, drawn = time.monotonic(), player.frame_rate.count, received[0], []
        worked = time.process_time()
        while time.monotonic() - start < seconds:
            page.wait_for_timeout(200)
            drawn.append(player.last_frame)
        passed, count_sent = time.monotonic() - start, player.frame_rate.count - sent
        own = (time.process_time() - worked) / max(1, count_sent)
        return Measured(count_sent / passed, (received[0] - got) / passed, own, drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    parser.add_argument("--window", type=int, nargs=2, default=(1280, 720), metavar=("W", "H"))
    parser.add_argument("--port", type=int, default=8790)
    options = parser.parse_args()
    one = measure(options.file, options.seconds, options.chromium, tuple(options.window), options.port)
    widths = sorted(drawn.size for drawn in one.drawn)
    print(f"sent      {one.sent_per_second:6.1f} a second {one.sent_per_second / TARGET:6.2f}")
    print(f"received  {one.received_per_second:6.1f} messages a second, those of the panel among them")
    print(f"own       {1000 * one.own_seconds:6.1f} ms of processor time a picture")
    print(f"pictures  {widths[0][0]}x{widths[0][1]} to {widths[-1][0]}x{widths[-1][1]}")
    for name in ("posing_seconds", "drawing_seconds", "sending_seconds"):
        print(f"{name.removesuffix('_seconds'):9} {one.typical(name):6.1f} ms")


if __name__ == "__main__":
    main()

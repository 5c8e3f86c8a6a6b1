"""The server: viser's around a player, and the loop that keeps both going."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

from pavfmt.model import Track
from pavplayer.viewer.browser import Browsers
from pavplayer.viewer.panels.panel import Panel

if TYPE_CHECKING:
    from pavplayer.viewer.player import Player

MAX_PICTURES_PER_SECOND = 60
IDLE_SECONDS = 0.02
"""Between looks at what has arrived, while nothing moves."""


def check_host(host: str) -> None:
    """OSError if nothing can listen there: viser would wait for ever."""
    family, *_, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    with socket.socket(family) as probe:
        probe.bind(address)


class ViewerServer:
    """Serves from construction on; `run` draws. Use it as a context manager, or `stop` it."""

    def __init__(
        self, player: Player, host: str, port: int, tracks: Mapping[str, Track], name: str = "pav play"
    ) -> None:
        import viser

        check_host(host)
        with redirect_stdout(StringIO()):  # viser announces itself; the command says where it is
            self.server = viser.ViserServer(host=host, port=port, verbose=False)
        self.player = player
        self._browsers = Browsers(self.server, player)
        self._panel = Panel(self.server, player, self._browsers, dict(tracks), name)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = self.server.get_host()
        return f"http://{'localhost' if host in ('0.0.0.0', '::') else host}:{self.server.get_port()}"

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Draw until told to stop. Raises PavError where the avatar is none."""
        player = self.player
        while not until():
            start = time.monotonic()
            player.controls.changed.clear()  # before the tick: what is set during it wakes the wait below at once
            worked = player.tick()
            self._browsers.update()
            self._panel.update()
            left = 1 / MAX_PICTURES_PER_SECOND - (time.monotonic() - start)
            if not worked:
                player.controls.changed.wait(IDLE_SECONDS)
            elif left > 0:
                time.sleep(left)

    def stop(self) -> None:
        """Let the browsers go."""
        with redirect_stdout(StringIO()):  # and takes its leave
            self.server.stop()

    def __enter__(self) -> ViewerServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

"""An avatar arriving over a simulated link, and the pictures taken on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pavfmt.model import Pose
from pavplayer.camera import Camera
from pavplayer.evaluation.prefixes import PrefixPictures, draw_expressions, draw_prefixes, spread_lengths
from pavplayer.evaluation.views import Pictures, basic_expressions
from pavplayer.session import Session
from pavplayer.streaming.link import Link

TICK_SECONDS = 0.05
"""Simulated time between two looks at what has arrived."""
STOPS = 28
"""Aim for the number of prefixes that are drawn."""

Progress = Callable[[int, int, float], None]
"""Called with bytes and Gaussians received, and the simulated seconds since the start."""


@dataclass(frozen=True)
class Reception:
    """What came of it."""

    session: Session
    """With the whole file."""
    data: bytes
    camera: Camera
    expressions: Mapping[str, Pose]
    cuts: list[PrefixPictures]
    """Of rising length; the first is the first picture, the last the whole file."""

    @property
    def whole(self) -> Pictures:
        """The complete file's pictures."""
        return self.cuts[-1].pictures


def receive(
    data: bytes, link: Link, new_session: Callable[[], Session], progress: Progress | None = None
) -> Reception:
    """Play the download through, in simulated time. Raises PavError, or RuntimeError if nothing is drawn."""
    whole = new_session()
    whole.feed(data)
    whole.update()
    if whole.bytes_until_visible is None:
        raise RuntimeError(f"the avatar's {len(data):,} bytes hold nothing to draw yet")
    camera, expressions = whole.camera(), basic_expressions(whole.scene)
    draw_expressions(whole, expressions, camera)  # compiles the rasterizer before the clock starts
    chosen = spread_lengths(whole.growth, STOPS)
    lengths = sorted({*chosen, whole.bytes_until_animatable or len(data), len(data)})
    download = Download(link, progress)
    cuts = list(draw_prefixes(new_session(), data, lengths, expressions, camera, download.receive))
    return Reception(whole, data, camera, expressions, cuts)


class Download:
    """Feeds a session what a link has brought, tick after simulated tick."""

    def __init__(self, link: Link, progress: Progress | None = None) -> None:
        self.link = link
        self.seconds = 0.0
        self._progress = progress

    def receive(self, session: Session, data: bytes) -> None:
        """The next bytes of the file, until all of `data` has arrived."""
        start, fed = session.received_bytes, 0
        done = self.link.arrival_seconds(start + len(data))
        while fed < len(data):
            self.seconds = min(self.seconds + TICK_SECONDS, done)
            here = len(data) if self.seconds >= done else self.link.received_at(self.seconds) - start
            session.feed(data[fed : max(here, fed)])
            fed = max(here, fed)
            session.update()
            if self._progress is not None:
                self._progress(session.received_bytes, session.scene.gaussian_count, self.seconds)

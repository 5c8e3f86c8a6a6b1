"""What a stream hands on, what it is asked for, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pavfmt.container.headers import DirectoryEntry
from pavfmt.errors import PavError
from pavplayer.streaming.link import Link


class Piece(NamedTuple):
    """Bytes that stand at `offset` of the file. A stream hands no byte on twice."""

    offset: int
    data: bytes


Plan = Callable[[Sequence[DirectoryEntry]], Iterable[int]]
"""The file's directory → ids of the units to fetch, in this order, what they need included. Units that it does not
name are not fetched. It may be a generator: it is read on only as far as the next request."""


class StreamError(OSError):
    """A file did not come whole, for a reason that lies with the network, the server or the disk.

    `code` is a short kebab-case string:

    `bad-url`         no http(s) URL, or a redirect to one that is not followed
    `not-found`       the server has no such file, or does not give it away (4xx); a local file is missing
    `server-error`    it cannot answer now (5xx), and could not when asked again
    `unreachable`     no connection
    `stalled`         nothing came for `stall_seconds`, again and again
    `cut`             the connection ended early, again and again
    `changed`         the file is another one than the one whose beginning is here
    `bad-answer`      what the server says makes no sense: not HTTP, wrong ranges, an unknown encoding
    `too-large`       `max_bytes` are here, and the file goes on
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class StreamOptions:
    """How a file is fetched."""

    link: Link | None = None
    """A slower network than there is: what comes is held back until it would have come over this one."""
    cache: Path | None = None
    """A folder for files from URLs, whole ones and begun ones; it is made if missing."""
    stall_seconds: float = 10.0
    """Without a byte for so long, the connection is given up and another one tried."""
    retries: int = 4
    """Attempts in a row that bring no byte, before it is given up."""
    retry_seconds: float = 0.25
    """Before the first of them; doubled for each of the others."""
    max_bytes: int = 256 << 20
    """No more than this is fetched, whatever the file and the server say."""
    piece_bytes: int = 1 << 16
    """At most so many at once."""


@dataclass(frozen=True)
class StreamStatus:
    """Where a stream stands."""

    received_bytes: int = 0
    """Of the file, those from the cache included."""
    cached_bytes: int = 0
    """Of these, from the cache."""
    total_bytes: int | None = None
    """Of the file as it is at the source; None: not known yet."""
    requests: int = 0
    reconnections: int = 0
    """Requests that take up what another one dropped."""
    ranges: bool | None = None
    """Whether the source gives ranges; None: not tried. Without, units come in file order, whatever the plan."""
    ended: bool = False
    """Nothing more will come."""
    complete: bool = False
    """It ended with all that was planned."""
    error: StreamError | PavError | None = None
    """Why it ended early. What has come stays good."""
    note: str = ""
    """What a person might want to know, such as that the cached file is used since the server cannot be reached."""

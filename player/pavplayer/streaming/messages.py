"""What the parts of a stream say to each other: requests and responses, chunks of bytes, options, status, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from pavfmt.container.headers import DirectoryEntry
from pavfmt.errors import PavError
from pavplayer.streaming.link import Link


class Chunk(NamedTuple):
    """Bytes that stand at `offset` (bytes) of the file. A stream hands no byte on twice."""

    offset: int
    data: bytes


class Span(NamedTuple):
    """Bytes [start, end) of a file; None: to its end, wherever that is."""

    start: int
    end: int | None


Plan = Callable[[Sequence[DirectoryEntry]], Iterable[int]]
"""The file's directory (§6.1) → ids of the units to fetch, in this order, what they need included. Units that it does
not name are not fetched. It may be a generator: it is read on only as far as the next request."""


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


class PastEndError(StreamError):
    """Bytes were asked for that begin at or after the end of the file, which has `total` bytes (None: not said)."""

    def __init__(self, total: int | None) -> None:
        super().__init__("bad-answer", "the file ends before the bytes asked for")
        self.total = total


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
    """Before the second of them (the first is made at once); doubled for each of the others."""
    max_bytes: int = 256 << 20
    """No more than this is fetched, whatever the file and the server say."""
    chunk_bytes: int = 1 << 16
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


@dataclass(frozen=True)
class Validators:
    """What tells one version of a file from another (section 8.8 of RFC 9110); empty where the source does not say."""

    etag: str = ""
    last_modified: str = ""

    @property
    def for_ranges(self) -> str:
        """The value of If-Range. A weak tag promises the same meaning, not the same bytes: it joins no ranges."""
        strong = self.etag if not self.etag.startswith("W/") else ""
        return strong or self.last_modified

    def agrees_with(self, other: Validators) -> bool:
        """Whether one of the two names is the same."""
        same_etag = bool(self.etag) and self.etag == other.etag
        return same_etag or (bool(self.last_modified) and self.last_modified == other.last_modified)

    def contradicts(self, other: Validators) -> bool:
        """Whether the two are of different versions, for all they say: with two tags, dates do not matter."""
        if self.etag and other.etag:
            return self.etag != other.etag
        return bool(self.last_modified and other.last_modified and self.last_modified != other.last_modified)


@dataclass(frozen=True)
class Request:
    """Bytes [start, end) of a file; all the rest of it if `end` is None."""

    start: int = 0
    end: int | None = None
    version: Validators = Validators()
    """Of the version whose bytes are here."""
    only_if_changed: bool = False
    """All of that version is here."""


class Response(Protocol):
    """Bytes of a file, from `start` on."""

    start: int
    """Not what was asked for, where the source gives the whole file only."""
    end: int | None
    """As announced; None: it shows when it is there."""
    total: int | None
    """Bytes of the whole file, as announced."""
    version: Validators
    unchanged: bool
    """Nothing comes, since nothing has changed."""
    announced: bool
    """The source says where its bytes end, so that an end can be told from a broken connection."""

    def read(self) -> bytes:
        """The next bytes; none at the end. Raises StreamError."""

    def close(self) -> None:
        """No more of it is wanted."""


class Origin(Protocol):
    """A file somewhere."""

    @property
    def takes_ranges(self) -> bool | None:
        """None: not known yet."""

    @property
    def connection_count(self) -> int:
        """Connections opened so far; a local file is one."""

    def send(self, request: Request) -> Response:
        """Raises StreamError; PastEndError where the range begins at or after the end."""

    def abort(self) -> None:
        """From any thread: what waits for a response or for bytes fails soon."""

    def close(self) -> None:
        """Free what it holds; it can be asked again."""

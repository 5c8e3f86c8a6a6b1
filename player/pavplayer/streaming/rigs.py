"""The rig that an arriving avatar names: looked for in a thread, kept by its hash."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

from pavfmt.errors import PavError
from pavfmt.fileio import read_bytes, write_bytes
from pavfmt.tools.rig_search import MAX_RIG_BYTES, find_rig, wanted_rig
from pavfmt.units.rig import RigReference
from pavplayer.streaming.messages import StreamError, StreamOptions
from pavplayer.streaming.stream import Stream, is_url, open_stream

RIGS = "rigs"
"""The folder of a cache that rigs are kept in, under their SHA-256."""


class RigSearch:
    """Looks in the cache at once, elsewhere in a thread; `found` or `error` is set when it has ended."""

    def __init__(
        self,
        reference: RigReference,
        where: str | None,
        source: str,
        options: StreamOptions,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        """`where`: a file, a folder or a URL template; None: next to `source`, the avatar's path or URL. `tell` is
        called from the thread, when the search has ended."""
        self.error: OSError | PavError | RuntimeError | None = None
        self._reference, self._options, self._tell = reference, options, tell
        self._where = where or beside(source)
        self._stream: Stream | None = None
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name="pav rig", daemon=True)
        self.found: bytes | None = self._kept()
        if self.found is None:
            self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it has an outcome."""
        return self.found is not None or self.error is not None

    def wait(self, seconds: float) -> None:
        """For the outcome."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def cancel(self) -> None:
        """Stop looking."""
        self._cancelled = True
        if self._stream is not None:
            self._stream.cancel()

    def _run(self) -> None:
        try:
            self.found = self._searched()
        except (OSError, PavError, RuntimeError) as error:
            self.error = error
        self._tell()

    def _kept_at(self) -> Path | None:
        cache = self._options.cache
        return None if cache is None else cache / RIGS / f"{self._reference.sha256.hex()}.pav"

    def _kept(self) -> bytes | None:
        path = self._kept_at()
        with contextlib.suppress(OSError):
            data = b"" if path is None else read_bytes(str(path))
            return data if hashlib.sha256(data).digest() == self._reference.sha256 else None
        return None

    def _searched(self) -> bytes:
        if self._where is None:
            raise RuntimeError(wanted_rig(self._reference))
        data = find_rig(self._reference, self._where, self._fetched)
        path = self._kept_at()
        if path is not None and is_url(self._where):
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(str(path), data, force=True)
        return data

    def _fetched(self, url: str, limit: int) -> bytes:
        """For `find_rig`, over the same network as the avatar."""
        options = StreamOptions(
            link=self._options.link,
            stall_seconds=self._options.stall_seconds,
            retries=self._options.retries,
            retry_seconds=self._options.retry_seconds,
            max_bytes=min(limit, MAX_RIG_BYTES),
        )
        self._stream = stream = open_stream(url, options=options)
        if self._cancelled:
            stream.cancel()
        while not stream.ended:
            stream.wait(60.0)
            stream.poll()
        if (error := stream.status.error) is not None:
            raise error if isinstance(error, OSError) else StreamError("bad-answer", str(error))
        return stream.beginning()


def beside(source: str) -> str | None:
    """Where a rig is looked for if nobody says where: next to the avatar, under the name that it gives."""
    if is_url(source):
        return urljoin(source, ".") + "{name}"
    return None if source == "-" else str(Path(source).parent)

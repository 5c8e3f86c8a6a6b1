"""The beginning of a file, wherever it is, for those who need it at once."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from pavfmt.container.headers import FileHeader
from pavfmt.fileio import read_pieces
from pavfmt.tools.cut import bytes_of_percent, complete_bytes
from pavplayer.streaming.messages import StreamOptions
from pavplayer.streaming.stream import is_url, open_transfer


def read_beginning(
    where: str, options: StreamOptions | None = None, count: int | None = None, percent: float | None = None
) -> bytes:
    """The first `count` bytes, or `percent` of the complete avatar, or all there is; no more is fetched.

    Raises OSError, StreamError among them, and PavError for a file header that is wrong.
    """
    data = bytearray()
    with closing(_pieces(where, options)) as pieces:
        while count is None or len(data) < count:
            if percent is not None and count is None and len(data) >= FileHeader.SIZE:
                count = bytes_of_percent(complete_bytes(bytes(data[: FileHeader.SIZE])), percent)
            elif (piece := next(pieces, None)) is not None:
                data += piece
            else:
                break
    return bytes(data[:count])


def _pieces(where: str, options: StreamOptions | None) -> Generator[bytes, None, None]:
    """In file order and without gaps."""
    if not is_url(where):
        yield from read_pieces(where)
        return
    with closing(open_transfer(where, options=options).pieces()) as pieces:
        for piece in pieces:
            yield piece.data

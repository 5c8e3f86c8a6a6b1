"""Files as they come, from a path, a URL or stdin, into a session that draws meanwhile.

with open_stream("https://example.org/head.pav", options=StreamOptions(cache=folder)) as stream:
    arriving = StreamInto(session, stream)
    while not arriving.ended:
        arriving.wait(0.02)
        arriving.update()
        picture = session.frame()
"""

from __future__ import annotations

from pavplayer.streaming.messages import Piece, Plan, StreamError, StreamOptions, StreamStatus
from pavplayer.streaming.session_feed import StreamInto
from pavplayer.streaming.stream import Stream, is_url, open_stream

__all__ = [
    "Piece",
    "Plan",
    "Stream",
    "StreamError",
    "StreamInto",
    "StreamOptions",
    "StreamStatus",
    "is_url",
    "open_stream",
]

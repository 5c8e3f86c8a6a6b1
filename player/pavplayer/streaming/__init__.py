"""Files as they come, from a path, a URL or stdin, into a session that draws meanwhile.

    with open_stream("https://example.org/head.pav", options=StreamOptions(cache=folder)) as stream:
        feed = SessionFeed(session, stream)
        while not feed.ended:
            feed.wait(0.02)
            feed.update()
            picture = session.frame()

Theory of operation
===================

Bytes are pulled from the left and pushed to the right; a queue between two threads is the only place where they wait.

     server, disk, stdin            the stream's thread                 :          the caller's thread
                                                                        :
    HttpOrigin ─ Connection ┐                     Request               :
                            ├─ (ThrottledOrigin) ◄───────── Transfer ── : ──► Stream ───► SessionFeed ───► Session
    FileOrigin ─────────────┘    as over a Link  ─────────►  │ ▲    Chunk      queue       │        feed_at
                                                  Response   ▼ │        :                  │ names a rig (§6.3)
                                                 FileBuffer  plans ◄─── : ─── replan       ▼
                                                   │   ▲                :              RigSearch, in a thread
                                                   ▼   │ load, save     :              with a stream of its own
                                                 CacheEntry             :

An *origin* answers requests for a range of bytes. `http_origin` is the one HTTP client of the player, `connections` its
sockets, `file_origin` disk and stdin; `throttle` puts a slow `link` in front of any of them. A *transfer* asks its
origin for the range that is missing and wanted next, puts what comes into a *buffer* and yields what is new of it, as
chunks: offset and bytes. No byte is yielded twice, and none of another version of the file. A *stream* runs a transfer
in a thread and queues its chunks. A *session feed* takes them from there into the decoder, in whatever order they
came, and finds the rig that the avatar names.

Plans and focus. Without a plan the file comes in order, by one request. With one, the head of the file is asked for
until its directory (§6.1) is there; then the plan maps the directory to unit ids in the order in which they are
wanted, and `plans` to ranges, neighbours merged, about 64 KiB at a time. A plan is read on only as far as the next
request, so that `replan` (somebody looks elsewhere: `pavplayer.focus`) takes effect with the next request; a response
to the end of the file is broken off for it. A source without ranges gives file order, whatever the plan.

Cache and resume. An entry holds the bytes, with gaps, their hash, and the ETag and date by which the server named
the version. Cached bytes are shown when the first response has confirmed that version, and asked about even where all
are there; if the server cannot be reached they are shown with a note. What came is saved once, when the transfer ends,
however it ends. How a broken transfer goes on, and how two versions are kept apart, is told in `transfer`.

Bounds. A file: `max_bytes` (256 MiB), whatever header and server say; the queue and the buffer hold no more than the
file. One read: `chunk_bytes`, also of gzip, however well it is packed. Redirects: 5. A silence: `stall_seconds`, and a
drip below 100 bytes a second is one. Failures: `retries` in a row without progress, with pauses that double. A cache
folder: 1 GiB, the oldest files go. A rig: 64 MiB. A plan costs no memory, being a generator.

Threads and locks. Each stream has one thread, each rig that is searched for another, all daemons. They share with the
caller the queue, under the stream's condition, and three things that need no lock: the status, an immutable value that
is replaced; the plan, one reference; and the event of a cancel. `cancel` also shuts the socket down, from the caller's
thread, which wakes whoever reads from it. The buffer belongs to the stream's thread; `Stream.prefix` is for when that
has ended. The session is touched by the caller's thread alone.

Errors. What the network, the server or the disk does is a `StreamError` with a code; a wrong file header is a PavError
and ends the transfer, since whatever follows it is no avatar. Neither is raised at the caller of a stream: they stand
in `status.error`, what came before stays good, and can be drawn. Errors of the content beyond the header are the
decoder's, raised by `SessionFeed.update`, which then cancels the stream. A cancel is no error.
"""

from __future__ import annotations

from pavplayer.streaming.messages import Chunk, Plan, StreamError, StreamOptions, StreamStatus
from pavplayer.streaming.session_feed import SessionFeed
from pavplayer.streaming.stream import Stream, is_url, open_stream

__all__ = [
    "Chunk",
    "Plan",
    "SessionFeed",
    "Stream",
    "StreamError",
    "StreamOptions",
    "StreamStatus",
    "is_url",
    "open_stream",
]

"""Cutting is slicing: `file[:n]` is a valid file for every n (§1, rule 7)."""

from __future__ import annotations

from pavfmt.container.framing import Frame, Framing
from pavfmt.container.headers import FileHeader
from pavfmt.errors import EncodeError
from pavfmt.limits import FORMAT_LIMITS


def bytes_of_percent(total: int, percent: float) -> int:
    """How many of `total` bytes are `percent` of them, rounded to the nearest: where to cut.

        half = data[: pavfmt.bytes_of_percent(len(data), 50)]

    EncodeError "bad-percent" outside 0..100.
    """
    if not 0 <= percent <= 100:
        raise EncodeError("bad-percent", f"{percent} % is not within 0..100")
    return round(total * percent / 100)


def complete_bytes(data: bytes) -> int:
    """The size of the complete avatar that `data` is, or is a prefix of, by its header; its own length without."""
    if len(data) < FileHeader.SIZE:
        return len(data)
    return FileHeader.unpack(data[: FileHeader.SIZE], FORMAT_LIMITS).file_bytes or len(data)


def unit_ends(data: bytes) -> list[int]:
    """The cuts at which something is gained, ascending, in bytes: the end of the file header and of every intact unit.

        sizes_of_scene = [pavfmt.decode(data[:end]).gaussian_count for end in pavfmt.unit_ends(data)]

    Empty where not even the file header is there. Units after a damaged unit header are not found. Raises PavError
    where the file header is refused.
    """
    framing = Framing()
    framing.feed(data)
    ends = [FileHeader.SIZE] if framing.read_header() else []
    for frame in framing.frames():
        if isinstance(frame, Frame):
            ends.append(frame.payload_offset + len(frame.payload))
    return ends

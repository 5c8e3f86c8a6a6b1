"""Files with one thing wrong, and every checksum right.

A fault behind a wrong checksum is never looked at. So a file is taken apart into its units, one of them is changed,
and all of it is sealed again: directory, lengths, checksums and totals agree, and the one fault is what a reader meets.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pavfmt.codec.columns import ColumnDecompressor
from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.container.framing import Frame, Framing
from pavfmt.container.headers import DirectoryEntry, FileHeader, UnitHeader
from pavfmt.limits import FORMAT_LIMITS, Limits
from pavfmt.registry import UnitType
from pavfmt.units.directory import decode_directory, encode_directory


@dataclass(frozen=True)
class Part:
    """One unit, and what its header is to say (§4)."""

    type: int
    critical: bool
    id: int
    payload: bytes
    flags: int | None = None
    """The whole byte; None: what `critical` says."""
    reserved: int = 0

    def pack(self) -> bytes:
        """Header and payload, with right checksums."""
        flags = int(self.critical) if self.flags is None else self.flags
        length, checksum = len(self.payload), zlib.crc32(self.payload)
        body = struct.pack("<HBBIII", self.type, flags, self.reserved, self.id, length, checksum)
        return body + struct.pack("<I", zlib.crc32(body)) + self.payload


def frames_of(data: bytes) -> list[Frame]:
    """The units of a whole file, in file order, the directory first."""
    framing = Framing()
    framing.feed(data)
    return [frame for frame in framing.frames() if isinstance(frame, Frame)]


def header_of(data: bytes) -> FileHeader:
    """The file header."""
    return FileHeader.unpack(data, FORMAT_LIMITS)


def reader_of(payload: bytes, base: int = 0, limits: Limits = FORMAT_LIMITS) -> FieldReader:
    """A reader of one payload; `base` is its offset in the file."""
    return FieldReader(payload, base, limits, ColumnDecompressor())


def entries_of(data: bytes) -> Sequence[DirectoryEntry]:
    """What the directory says of the units after it (§6.1)."""
    frame = frames_of(data)[0]
    reader = reader_of(frame.payload)
    reader.needs_of(0)
    return decode_directory(reader, frame.payload_offset + len(frame.payload))


class Forge:
    """A file taken apart. `parts` are the units after the directory; change them, then `build`."""

    def __init__(self, data: bytes) -> None:
        self.header = header_of(data)
        frames = frames_of(data)
        self.parts = [Part(f.header.type, f.header.critical, f.header.id, f.payload) for f in frames[1:]]
        self.entries = {entry.id: entry for entry in entries_of(data)}

    def where(self, type_: int, nth: int = 0) -> int:
        """Index in `parts` of the nth unit of a type."""
        return [index for index, part in enumerate(self.parts) if part.type == type_][nth]

    def change(
        self,
        type_: int,
        payload: bytes | Callable[[bytes], bytes] | None = None,
        nth: int = 0,
        **fields: Any,
    ) -> Forge:
        """Replace one unit's payload (or a function of it) and other fields of its `Part`."""
        index = self.where(type_, nth)
        part = self.parts[index]
        if payload is not None:
            fields["payload"] = payload(part.payload) if callable(payload) else payload
        self.parts[index] = replace(part, **fields)
        return self

    def directory(self) -> Part:
        """A directory of the parts as they are now; hints are those of the file taken apart."""
        entries = []
        for part in self.parts:
            entry = self.entries.get(part.id) or DirectoryEntry(part.id, part.type, part.critical, 0, 0)
            entry = replace(entry, type=part.type, critical=part.critical, length=len(part.payload))
            entries.append(entry)
        writer = FieldWriter()
        writer.needs(0, ())
        encode_directory(writer, entries)
        return Part(UnitType.DIRECTORY, False, 0, writer.getvalue())

    def build(self, directory: bool = True, **header: Any) -> bytes:
        """The file; with `directory` a fresh one stands first. Header fields may be overridden."""
        parts = [self.directory(), *self.parts] if directory else self.parts
        body = b"".join(part.pack() for part in parts)
        totals = {"unit_count": len(parts), "file_bytes": FileHeader.SIZE + len(body)}
        return replace(self.header, **{**totals, **header}).pack() + body


def payload(own_id: int, needs: Sequence[int], write: Callable[[FieldWriter], object]) -> bytes:
    """A payload made by hand: its needs, then what `write(writer)` adds."""
    writer = FieldWriter()
    writer.needs(own_id, needs)
    write(writer)
    return writer.getvalue()


def resealed_header(data: bytes, position: int, value: bytes) -> bytes:
    """`data` with bytes of its file header replaced and the header's checksum set right."""
    body = bytearray(data[: FileHeader.SIZE - 4])
    body[position : position + len(value)] = value
    return bytes(body) + struct.pack("<I", zlib.crc32(body)) + data[FileHeader.SIZE :]


def flipped(data: bytes, position: int, mask: int = 0xFF) -> bytes:
    """`data` with some bits of one byte turned; checksums stay as they were."""
    changed = bytearray(data)
    changed[position] ^= mask
    return bytes(changed)


def unit_spans(data: bytes) -> list[tuple[int, int]]:
    """(start, end) of every unit, the directory first."""
    return [(frame.offset, frame.offset + UnitHeader.SIZE + frame.header.length) for frame in frames_of(data)]

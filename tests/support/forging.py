"""Files with one thing wrong, and every checksum right."""

import struct
import zlib
from dataclasses import dataclass, replace

from pavfmt.codec.columns import ColumnDecompressor
from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.container.framing import Frame, Framing
from pavfmt.container.headers import DirectoryEntry, FileHeader, UnitHeader
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.registry import UnitType
from pavfmt.units.directory import decode_directory, encode_directory
from pavfmt.units.needs import decode_needs, encode_needs


@dataclass(frozen=True)
class Part:
    """One unit, and what its header is to say."""

    type: int
    critical: bool
    id: int
    payload: bytes
    flags: int | None = None
    reserved: int = 0

    def pack(self):
        flags = int(self.critical) if self.flags is None else self.flags
        length, checksum = len(self.payload), zlib.crc32(self.payload)
        body = struct.pack("<HBBIII", self.type, flags, self.reserved, self.id, length, checksum)
        return body + struct.pack("<I", zlib.crc32(body)) + self.payload


def frames_of(data):
    framing = Framing()
    framing.feed(data)
    return [frame for frame in framing.frames() if isinstance(frame, Frame)]


def header_of(data):
    return FileHeader.unpack(data, FORMAT_LIMITS)


def reader_of(payload, base=0, limits=FORMAT_LIMITS):
    return FieldReader(payload, base, limits, ColumnDecompressor())


def entries_of(data):
    frame = frames_of(data)[0]
    reader = reader_of(frame.payload)
    decode_needs(reader, 0)
    return decode_directory(reader, frame.payload_offset + len(frame.payload))


class Forge:
    """A file taken apart. `parts` are the units after the directory; change them, then `build`."""

    def __init__(self, data):
        self.header = header_of(data)
        frames = frames_of(data)
        self.parts = [Part(f.header.type, f.header.critical, f.header.id, f.payload) for f in frames[1:]]
        self.entries = {entry.id: entry for entry in entries_of(data)}

    def where(self, type_, nth=0):
        """Index in `parts` of the nth unit of a type."""
        return [index for index, part in enumerate(self.parts) if part.type == type_][nth]

    def change(self, type_, payload=None, nth=0, **fields):
        """Replace one unit's payload (or a function of it) and other fields."""
        index = self.where(type_, nth)
        part = self.parts[index]
        if payload is not None:
            fields["payload"] = payload(part.payload) if callable(payload) else payload
        self.parts[index] = replace(part, **fields)
        return self

    def directory(self):
        entries = []
        for part in self.parts:
            entry = self.entries.get(part.id) or DirectoryEntry(part.id, part.type, part.critical, 0, 0)
            entry = replace(entry, type=part.type, critical=part.critical, length=len(part.payload))
            entries.append(entry)
        writer = FieldWriter()
        encode_needs(writer, 0, ())
        encode_directory(writer, entries)
        return Part(UnitType.DIRECTORY, False, 0, writer.getvalue())

    def build(self, directory=True, **header):
        """The file; with `directory` a fresh one stands first. Header fields may be overridden."""
        parts = [self.directory(), *self.parts] if directory else self.parts
        body = b"".join(part.pack() for part in parts)
        totals = {"unit_count": len(parts), "file_bytes": FileHeader.SIZE + len(body)}
        return replace(self.header, **{**totals, **header}).pack() + body


def payload(own_id, needs, write):
    """A payload made by hand: its needs, then what `write(writer)` adds."""
    writer = FieldWriter()
    encode_needs(writer, own_id, needs)
    write(writer)
    return writer.getvalue()


def resealed_header(data, position, value):
    """`data` with bytes of its file header replaced and the header's checksum set right."""
    body = bytearray(data[: FileHeader.SIZE - 4])
    body[position : position + len(value)] = value
    return bytes(body) + struct.pack("<I", zlib.crc32(body)) + data[FileHeader.SIZE :]


def flipped(data, position, mask=0xFF):
    changed = bytearray(data)
    changed[position] ^= mask
    return bytes(changed)


def unit_spans(data):
    """(start, end) of every unit, the directory first."""
    return [(frame.offset, frame.offset + UnitHeader.SIZE + frame.header.length) for frame in frames_of(data)]

"""The directory: what stands where, near the front of the file (§6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pavfmt.codec.fields import FieldReader, FieldWriter, UnitReader
from pavfmt.container.headers import DirectoryEntry, UnitHeader
from pavfmt.errors import FormatError
from pavfmt.limits import ENTRIES_PER_BYTE

NO_LEVEL = 255


@dataclass(frozen=True)
class Directory:
    """What stands where after it."""

    entries: tuple[DirectoryEntry, ...]
    """Entry k is unit 1 + k."""


def encode_directory(writer: FieldWriter, entries: Sequence[DirectoryEntry]) -> None:
    """The body of a directory unit. Entry k is unit 1 + k; offsets follow from the lengths."""
    count = len(entries)
    spheres = np.array([entry.sphere for entry in entries], dtype=np.float64).reshape(count, 4)
    drawn = spheres[spheres[:, 3] > 0]
    low = drawn[:, :3].min(axis=0) if len(drawn) else np.zeros(3)
    size = float(max((drawn[:, :3] - low).max(), drawn[:, 3].max(), 1e-6)) if len(drawn) else 1.0
    low, size = low.astype(np.float32), float(np.float32(size))
    grid = np.concatenate([(spheres[:, :3] - low), spheres[:, 3:]], axis=1) / size * 65535
    grid[:, 3] = np.ceil(grid[:, 3]) + (grid[:, 3] > 0)  # never smaller than the truth
    writer.varint(count)
    writer.pack("4f", *low.tolist(), size)
    critical = [0x8000_0000 * entry.critical + entry.type for entry in entries]
    writer.column(np.array(critical, dtype=np.uint32), 4)
    writer.column(np.array([entry.length for entry in entries], dtype=np.uint32), 4)
    levels = [NO_LEVEL if entry.level is None else entry.level for entry in entries]
    writer.column(np.array(levels, dtype=np.uint8), 1)
    writer.column(np.array([entry.gaussian_count for entry in entries], dtype=np.uint32), 4)
    importance = np.array([entry.importance for entry in entries], dtype=np.float32)
    writer.column(importance.view(np.uint32), 4)
    writer.column(np.array([entry.regions for entry in entries], dtype=np.uint16), 2)
    for column in np.clip(np.rint(grid), 0, 65535).astype(np.uint16).T:
        writer.column(column, 2)
    writer.column(np.array([len(entry.needs) for entry in entries], dtype=np.uint32), 4)
    distances = [entry.id - need for entry in entries for need in sorted(entry.needs, reverse=True)]
    writer.varint(len(distances))
    writer.column(np.array(distances, dtype=np.uint32), 4)


def read_directory(reader: UnitReader) -> Directory:
    """Of a directory unit: offsets are counted from its end."""
    return Directory(decode_directory(reader, reader.end))


def decode_directory(reader: FieldReader, unit_end: int) -> tuple[DirectoryEntry, ...]:
    """The entries; `unit_end` is the byte offset after the directory, where unit 1 stands."""
    start = reader.offset
    count = reader.varint("entry count", reader.limits.units)
    if count > ENTRIES_PER_BYTE * reader.size:
        raise FormatError("bad-field", f"{count} entries in a payload of {reader.size} bytes", start)
    x, y, z, size = reader.floats(4)
    at = reader.offset
    types = reader.column(count, 4)
    if (types & 0x7FFF_0000).any():
        raise FormatError("bad-field", "bits 16 to 30 of an entry's type are zero", at)
    lengths = reader.column(count, 4).astype(np.int64)
    levels, counts = reader.column(count, 1), reader.column(count, 4)
    at = reader.offset
    importance = reader.column(count, 4).view(np.float32)
    if not np.isfinite(importance).all():
        raise FormatError("bad-field", "an importance is NaN or infinite", at)
    regions = reader.column(count, 2)
    grid = np.stack([reader.column(count, 2) for _ in range(4)], axis=1).astype(np.float64)
    spheres = grid / 65535 * size + np.array([x, y, z, 0.0])
    needs = _decode_needs(reader, count)
    offsets = unit_end + np.concatenate([[0], np.cumsum(lengths + UnitHeader.SIZE)[:-1]])
    return tuple(
        DirectoryEntry(
            id=index + 1,
            type=int(types[index]) & 0xFFFF,
            critical=bool(types[index] >> 31),
            offset=int(offsets[index]),
            length=int(lengths[index]),
            needs=needs[index],
            level=None if levels[index] == NO_LEVEL else int(levels[index]),
            gaussian_count=int(counts[index]),
            importance=float(importance[index]),
            regions=int(regions[index]),
            sphere=(*map(float, spheres[index]),),  # type: ignore[arg-type]
        )
        for index in range(count)
    )


def _decode_needs(reader: FieldReader, count: int) -> list[tuple[int, ...]]:
    counts = reader.column(count, 4).astype(np.int64)
    start = reader.offset
    total = reader.varint("needs in all")
    if total != int(counts.sum()) or total > ENTRIES_PER_BYTE * reader.size:
        raise FormatError("bad-field", f"{total} needs, the entries count {counts.sum()}", start)
    ids = np.repeat(np.arange(1, count + 1), counts) - reader.column(total, 4).astype(np.int64)
    if ids.size and int(ids.min()) < 0:
        raise FormatError("bad-needs", "an entry needs a unit before the first", start)
    ends = np.cumsum(counts)
    return [tuple(ids[end - size : end].tolist()) for end, size in zip(ends, counts, strict=True)]

"""The start of every payload: which earlier units it needs (FORMAT.md, "Needs")."""

from __future__ import annotations

from collections.abc import Iterable

from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.errors import FormatError


def encode_needs(writer: FieldWriter, own_id: int, needs: Iterable[int]) -> None:
    """A count, then own id − needed id, nearest first."""
    distances = sorted({own_id - need for need in needs})
    writer.varint(len(distances))
    for distance, before in zip(distances, [0, *distances], strict=False):
        writer.varint(distance - before)


def decode_needs(reader: FieldReader, own_id: int) -> tuple[int, ...]:
    """Ids below `own_id`, descending. Every unit's needs are earlier units, so there are no cycles."""
    count = reader.varint("needs count", reader.limits.needs)
    needs, current = [], own_id
    for _ in range(count):
        start = reader.offset
        step = reader.varint("needs distance")
        current -= step
        if step == 0 or current < 0:
            raise FormatError("bad-needs", f"unit {own_id} needs unit {current}", start)
        needs.append(current)
    return tuple(needs)

"""A file with its rig inside, taken apart into an avatar that names its rig and the rig's own file."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from pavfmt.codec.fields import FieldWriter
from pavfmt.registry import RigSource, UnitType
from pavfmt.units.rig import RigReference, encode_reference
from spec.builders.forging import Forge, Part, reader_of

OF_A_RIG = (UnitType.RIG, UnitType.SHAPE, UnitType.CORRECTIVES)


def separated(data: bytes, name: str) -> tuple[bytes, bytes]:
    """The avatar that names its rig, and the rig file; the Gaussians stay as they are."""
    forge = Forge(data)
    rig_file = _of(forge, [part for part in forge.parts if part.type in OF_A_RIG], totals=False)
    reference = RigReference(hashlib.sha256(rig_file).digest(), name)
    kept = []
    for part in forge.parts:
        if part.type == UnitType.RIG:
            kept.append(replace(part, type=UnitType.RIG_REFERENCE, payload=_reference(reference)))
        elif part.type == UnitType.LEVELS:
            kept.append(replace(part, payload=_named(part)))
        elif part.type not in OF_A_RIG:
            kept.append(part)
    return _of(forge, kept, totals=True), rig_file


def _of(forge: Forge, parts: list[Part], totals: bool) -> bytes:
    """A file of some units, numbered anew."""
    numbers = {0: 0} | {part.id: index + 1 for index, part in enumerate(parts)}
    cut = Forge.__new__(Forge)
    cut.parts = [_renumbered(part, numbers) for part in parts]
    cut.entries = {
        numbers[part.id]: replace(
            forge.entries[part.id], id=numbers[part.id], needs=_mapped(forge.entries[part.id].needs, numbers)
        )
        for part in parts
    }
    cut.header = forge.header
    totals_of_gaussians = ("gaussian_bytes", "gaussian_count", "level_count", "sh_degree")
    nothing = dict.fromkeys((*totals_of_gaussians, "critical_features"), 0)
    return cut.build(**({} if totals else nothing))


def _mapped(needs: tuple[int, ...], numbers: dict[int, int]) -> tuple[int, ...]:
    return tuple(sorted(numbers[need] for need in needs))


def _renumbered(part: Part, numbers: dict[int, int]) -> Part:
    reader = reader_of(part.payload)
    needs, writer = reader.needs_of(part.id), FieldWriter()
    writer.needs(numbers[part.id], _mapped(needs, numbers))
    if part.type == UnitType.HAND_OVER:  # which names the units that take over
        writer.raw(reader.raw(1))
        count = reader.varint("successor count", 1 << 12)
        writer.varint(count)
        for _ in range(count):
            writer.varint(numbers[reader.varint("successor")])
    writer.raw(reader.rest())
    return replace(part, id=numbers[part.id], payload=writer.getvalue())


def _reference(reference: RigReference) -> bytes:
    writer = FieldWriter()
    writer.needs(0, ())
    encode_reference(writer, reference)
    return writer.getvalue()


def _named(levels: Part) -> bytes:
    """The level table, its rig source being a reference."""
    reader, writer = reader_of(levels.payload), FieldWriter()
    writer.needs(levels.id, reader.needs_of(levels.id))
    body = reader.rest()
    writer.raw(bytes([RigSource.EXTERNAL]) + body[1:])
    return writer.getvalue()

"""Mutations of `.pav` files that know their structure, and set the checksums right again."""

import struct
import zlib
from dataclasses import dataclass, replace
from functools import cache

import zstandard

from spec.grammar import walk
from tests.fuzz.seeds import pav_seeds

HEADER, UNIT_HEADER = 52, 20
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
NUMBERS = (0, 1, 2, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 4096, 65535, 65536, 1 << 20, (1 << 24) + 1)
NUMBERS += ((1 << 26) + 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 53) - 1, (1 << 63) - 1)
SEALED = 0.97
"""Share of inputs whose checksums are set right."""


@dataclass(frozen=True)
class Unit:
    type: int
    flags: int
    id: int
    payload: bytes
    length: int | None = None
    """What the header states, where it lies."""

    def pack(self):
        length = len(self.payload) if self.length is None else self.length
        head = struct.pack("<HBBIII", self.type, self.flags, 0, self.id, length, zlib.crc32(self.payload))
        return head + struct.pack("<I", zlib.crc32(head)) + self.payload


def taken_apart(data):
    """(file header, units) by the lengths that stand there; what is left over is the last unit's."""
    units, at = [], HEADER
    while at + UNIT_HEADER <= len(data):
        type_, flags, _, id_, length = struct.unpack_from("<HBBII", data, at)
        units.append(Unit(type_, flags & 1, id_, data[at + UNIT_HEADER : at + UNIT_HEADER + length]))
        at += UNIT_HEADER + length
    return data[:HEADER], units


def put_together(header, units):
    """The file, every checksum right."""
    if len(header) == HEADER:
        header = header[:-4] + struct.pack("<I", zlib.crc32(header[:-4]))
    return header + b"".join(unit.pack() for unit in units)


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@cache
def known_fields():
    """Payload → (start, size, value, path) of its fields, by the grammar, of every seed."""
    fields = {}
    for data in pav_seeds().values():
        try:
            parsed = walk(data)
        except Exception:  # damaged ones among the unusual
            continue
        for unit in parsed.units:
            start = unit.offset + UNIT_HEADER
            leaves = [leaf for leaf in unit.leaves if leaf.offset >= start and leaf.size]
            told = [(leaf.offset - start, leaf.size, leaf.value, leaf.path) for leaf in leaves]
            fields[data[start : start + unit.header.length]] = told
    return fields


def _changed(units, random, change):
    at = random.randrange(len(units))
    units[at] = change(units[at], random)


def truncate(units, random):
    del units[random.randrange(len(units)) + 1 :]


def drop(units, random):
    del units[random.randrange(len(units))]


def duplicate(units, random):
    units.insert(random.randrange(len(units) + 1), random.choice(units))


def swap(units, random):
    one, two = random.randrange(len(units)), random.randrange(len(units))
    units[one], units[two] = units[two], units[one]


def shuffle(units, random):
    random.shuffle(units)


def impossible_length(units, random):
    _changed(units, random, lambda unit, _: replace(unit, length=random.choice(NUMBERS) & 0xFFFF_FFFF))


def other_id(units, random):
    _changed(
        units, random, lambda unit, _: replace(unit, id=random.choice([*range(20), *NUMBERS]) & 0xFFFF_FFFF)
    )


def other_type(units, random):
    _changed(units, random, lambda unit, _: replace(unit, type=random.choice([*range(15), 40, 0x8000])))


def other_flag(units, random):
    _changed(units, random, lambda unit, _: replace(unit, flags=1 - unit.flags))


def splice(units, random):
    """A unit of another seed, in the place of one of its type if there is one."""
    _, others = taken_apart(random.choice(list(pav_seeds().values())))
    if others:
        other = random.choice(others)
        same = [at for at, unit in enumerate(units) if unit.type == other.type]
        at = random.choice(same) if same else random.randrange(len(units))
        units[at] = replace(other, id=units[at].id)


def forge_field(unit, random):
    """A field that the grammar knows becomes another number: counts, lengths, indices, grids."""
    fields = known_fields().get(unit.payload)
    if not fields:
        return edit_bytes(unit, random)
    start, size, value, path = random.choice(fields)
    if isinstance(value, bytes | str):
        if path.endswith("data") and random.random() < 0.5:
            return lying_frame(unit, random, start, size)
        at = start + random.randrange(size)
        new, start, size = bytes([random.randrange(256)]), at, 1
    elif isinstance(value, float):
        new = struct.pack("<f", random.choice((0.0, -1.0, 1e38, -1e38, 1e-40, float("nan"), float("inf"))))
    else:
        number = random.choice([*NUMBERS, max(value - 1, 0), value + 1])
        is_varint = size == len(varint(max(value, 0))) and random.random() < 0.7
        new = varint(number) if is_varint else (number % (1 << 8 * size)).to_bytes(size, "little")
    return replace(unit, payload=unit.payload[:start] + new + unit.payload[start + size :])


def lying_frame(unit, random, start, size):
    """A column's bytes become a zstd frame of another size than is right, its length stated truly."""
    frame = zstandard.ZstdCompressor(level=1).compress(bytes(random.choice((0, 1, size, 2 * size, 1 << 16))))
    if random.random() < 0.5:  # the frame itself lies
        frame = bytearray(frame)
        frame[random.randrange(4, min(len(frame), 9))] = random.choice((0, 1, 0x20, 0x60, 0xA0, 0xFF))
    kind = bytes([random.choice((1, 17, 33))])
    before = len(varint(size)) + 1
    changed = (
        unit.payload[: start - before]
        + kind
        + varint(len(frame))
        + bytes(frame)
        + unit.payload[start + size :]
    )
    return replace(unit, payload=changed)


def edit_bytes(unit, random):
    changed = bytearray(unit.payload)
    for _ in range(random.choice((1, 1, 2, 8))):
        if changed:
            changed[random.randrange(len(changed))] = random.choice(
                (0, 1, 2, 0x7F, 0x80, 0xFF, random.randrange(256))
            )
    return replace(unit, payload=bytes(changed))


def shorten(unit, random):
    return replace(unit, payload=unit.payload[: random.randrange(len(unit.payload) + 1)])


def lengthen(unit, random):
    at = random.randrange(len(unit.payload) + 1)
    return replace(
        unit, payload=unit.payload[:at] + random.randbytes(random.choice((1, 2, 40))) + unit.payload[at:]
    )


def cut_out(unit, random):
    at = random.randrange(len(unit.payload) + 1)
    return replace(unit, payload=unit.payload[:at] + unit.payload[at + random.choice((1, 2, 9)) :])


OF_UNITS = (
    truncate,
    drop,
    duplicate,
    swap,
    shuffle,
    impossible_length,
    other_id,
    other_type,
    other_flag,
    splice,
)
OF_PAYLOADS = (forge_field, forge_field, forge_field, edit_bytes, shorten, lengthen, cut_out)


def forge_header(header, random):
    """Another total, version or feature."""
    layout = ((10, 2), (12, 4), (16, 4), (20, 4), (24, 8), (32, 8), (40, 4), (44, 1), (45, 1))
    at, size = random.choice(layout)
    number = random.choice(NUMBERS) % (1 << 8 * size)
    return header[:at] + number.to_bytes(size, "little") + header[at + size :]


def mutated(data, random):
    """One to three changes of a `.pav` file; nearly always with right checksums."""
    header, units = taken_apart(data)
    if len(header) < HEADER or not units:
        return random.choice(list(pav_seeds().values()))
    for _ in range(random.choice((1, 1, 2, 3))):
        draw = random.random()
        if not units:
            break
        if draw < 0.05:
            header = forge_header(header, random)
        elif draw < 0.3:
            random.choice(OF_UNITS)(units, random)
        else:
            _changed(units, random, random.choice(OF_PAYLOADS))
    whole = put_together(header, units)
    if random.random() > SEALED:
        whole = bytearray(whole)
        whole[random.randrange(len(whole))] ^= 1 << random.randrange(8)
        whole = bytes(whole[: random.randrange(len(whole) + 1)] if random.random() < 0.5 else whole)
    return whole

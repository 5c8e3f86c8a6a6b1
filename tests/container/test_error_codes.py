"""Every registered code is met, by a file with one thing wrong, at the byte that is wrong; and no other is used."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pavfmt
from pavfmt import Decoder, PavError
from pavfmt.codec.fields import FieldWriter
from pavfmt.decoding.events import UnitDamaged
from pavfmt.decoding.scene import Scene
from pavfmt.registry import ERROR_CODES, UnitType
from pavfmt.units.metadata import encode_metadata
from pavfmt.units.splits import SplitBlock
from spec.builders.avatars import external_file, toy_file
from spec.builders.forging import Forge, flipped, frames_of, payload, resealed_header

CODE = re.compile(r'(?:Format|Limit|Unsupported)Error\(\s*"([a-z-]+)"')


def found_in(data, rig=None):
    """All (code, offset) of a file: damage, then the error that ends it."""
    decoder, found = Decoder(), []
    if rig is not None:
        decoder.supply_rig(rig)
    decoder.feed(data)
    decoder.close()
    try:
        for event in decoder.events():
            if isinstance(event, UnitDamaged):
                found.append((event.code, event.error_offset))
    except PavError as error:
        found.append((error.code, error.offset))
    return found


def start_of(data, type_, nth=0):
    return [f.offset for f in frames_of(data) if f.header.type == type_][nth]


def body_at(data, type_, nth=0):
    """(the payload, where in it the body starts after the needs)."""
    frame = [f for f in frames_of(data) if f.header.type == type_][nth]
    count = frame.payload[0]
    return frame.payload, 1 + count


def edited(data, type_, change, nth=0):
    """The file with one payload changed by `change(bytes, body start) -> bytes`."""
    part, body = body_at(data, type_, nth)
    return Forge(data).change(type_, change(part, body), nth).build()


def poke(at, value):
    """An edit: bytes `at` after the body's start."""
    return lambda part, body: part[: body + at] + value + part[body + at + len(value) :]


def payload_offset(data, type_, nth=0):
    return start_of(data, type_, nth) + 20


def _header(position, value):
    return lambda: (resealed_header(toy_file(), position, value), position)


def _signature():
    return flipped(toy_file(), 1), 0


def _header_damaged():
    return flipped(toy_file(), 21), 48


def _critical_damaged():
    data = toy_file()
    at = payload_offset(data, UnitType.RIG)
    return flipped(data, at + 4), at


def _unit_header():
    at = start_of(toy_file(), UnitType.SHAPE)
    return flipped(toy_file(), at), at


def _unit_payload():
    at = payload_offset(toy_file(), UnitType.SHAPE)
    return flipped(toy_file(), at), at


def _unit_reserved():
    data = Forge(toy_file()).change(UnitType.SHAPE, reserved=1).build()
    return data, next(at for at in unit_starts(data) if data[at] == UnitType.SHAPE) + 2


def _criticality():
    data = Forge(toy_file()).change(UnitType.SHAPE, flags=1).build()
    return data, next(at for at in unit_starts(data) if data[at] == UnitType.SHAPE) + 2


def unit_starts(data):
    """Offsets of all units, by their lengths alone."""
    at, found = 52, []
    while at < len(data):
        found.append(at)
        at += 20 + int.from_bytes(data[at + 8 : at + 12], "little")
    return found


def _unsupported_unit():
    data = Forge(toy_file()).change(UnitType.TRACK, type=99, flags=1).build()
    return data, unit_starts(data)[-1]


def _duplicate():
    forge = Forge(toy_file())
    forge.parts.append(forge.parts[forge.where(UnitType.SHAPE)])
    data = forge.build(directory=False)
    return data, unit_starts(data)[-1] + 4


def _overlap():
    forge = Forge(toy_file())
    forge.parts.append(replace(forge.parts[forge.where(UnitType.LEVELS)], id=len(forge.parts) + 1))
    data = forge.build()
    return data, unit_starts(data)[-1]


def _bad_needs():
    data = edited(toy_file(), UnitType.TRACK, lambda part, body: b"\x01\x00" + part[body:])
    return data, payload_offset(data, UnitType.TRACK) + 1


def _short():
    """The last column, five stored 16-bit values, lacks a byte."""
    data = edited(toy_file(), UnitType.TRACK, lambda part, body: part[:-1])
    return data, len(data) - 9


def _long():
    data = edited(toy_file(), UnitType.TRACK, lambda part, body: part + b"x")
    return data, payload_offset(data, UnitType.TRACK) + len(frames_of(data)[-1].payload) - 1


def _field():
    data = edited(toy_file(), UnitType.TRACK, poke(4, bytes(4)))
    return data, payload_offset(data, UnitType.TRACK) + 5


def _string():
    data = edited(toy_file(), UnitType.TRACK, poke(1, b"\xff"))
    return data, payload_offset(data, UnitType.TRACK) + 2


def _index():
    data = edited(toy_file(), UnitType.SHAPE, poke(0, b"\x63"))
    return data, payload_offset(data, UnitType.SHAPE) + 2


def _column():
    def write(writer):
        writer.varint(0)
        writer.pack("B", 0)
        writer.pack("IB", 1, 0)
        writer.raw(b"\x01\x0f\x00")

    part = frames_of(toy_file())[2]
    assert part.header.type == UnitType.RIG
    forge = Forge(toy_file())
    own = forge.parts[forge.where(UnitType.SHAPE)].id
    data = forge.change(UnitType.SHAPE, payload(own, [part.header.id], write)).build()
    return data, payload_offset(data, UnitType.SHAPE) + 2 + 2 + 5 + 3


def _limit():
    return resealed_header(toy_file(), 40, b"\xff\xff\xff\xff"), 40


def _rig_mismatch():
    data = external_file()
    return data, payload_offset(data, UnitType.RIG_REFERENCE)


FORGED = {
    "bad-signature": _signature,
    "unsupported-version": _header(8, b"\x01\x00"),
    "unsupported-feature": _header(12, b"\x80\x00\x00\x00"),
    "unsupported-unit": _unsupported_unit,
    "file-header-damaged": _header_damaged,
    "file-header-reserved": _header(46, b"\x01\x00"),
    "critical-unit-damaged": _critical_damaged,
    "limit-exceeded": _limit,
    "rig-mismatch": _rig_mismatch,
    "unit-header-damaged": _unit_header,
    "unit-payload-damaged": _unit_payload,
    "unit-header-reserved": _unit_reserved,
    "wrong-criticality": _criticality,
    "duplicate-unit": _duplicate,
    "bad-needs": _bad_needs,
    "short-payload": _short,
    "long-payload": _long,
    "bad-field": _field,
    "bad-string": _string,
    "bad-column": _column,
    "index-out-of-range": _index,
    "overlapping-range": _overlap,
}


def test_every_registered_code_has_a_forged_file():
    assert FORGED.keys() == ERROR_CODES.keys()


@pytest.mark.parametrize("code", sorted(FORGED))
def test_a_forged_file_gives_its_code_at_its_byte(code):
    data, offset = FORGED[code]()
    rig = b"another rig" if code == "rig-mismatch" else None
    assert found_in(data, rig) == [(code, offset)]


def test_every_code_in_the_source_is_registered_and_the_other_way_round():
    sources = sorted(Path(pavfmt.__path__[0]).rglob("*.py"))
    used = {code for source in sources for code in CODE.findall(source.read_text())}
    assert used == ERROR_CODES.keys()


def test_a_fatal_code_ends_the_play_and_damage_does_not():
    for code, (severity, _) in ERROR_CODES.items():
        data, _ = FORGED[code]()
        decoder = Decoder()
        decoder.supply_rig(b"another rig")
        decoder.feed(data)
        try:
            list(decoder.events())
            ended = False
        except PavError:
            ended = True
        assert ended == (severity == "fatal"), code


def test_an_error_says_where_and_what():
    error = pavfmt.FormatError("bad-field", "a level is 9, defined are 0..2", 77)
    assert str(error) == "bad-field at byte 77: a level is 9, defined are 0..2"
    assert (error.code, error.offset) == ("bad-field", 77)


def forged_payload(data, type_, write, nth=0):
    """The file with one unit's body written by hand, its needs kept."""
    part, body = body_at(data, type_, nth)
    writer = FieldWriter()
    writer.raw(part[:body])
    write(writer)
    return Forge(data).change(type_, writer.getvalue(), nth).build()


def test_displacements_too_large_to_be_exact_are_refused():
    def write(writer):
        writer.varint(0)
        writer.pack("B", 0)
        writer.pack("IB", (1 << 32) - 1, 0)
        for _ in range(3):
            writer.pack("B", 4)
            writer.column(np.full(6, 0x80000000, dtype=np.uint32), 4)

    data = forged_payload(toy_file(), UnitType.SHAPE, write)
    assert [code for code, _ in found_in(data)] == ["bad-field"]


@pytest.mark.parametrize("joint", [2, 200])
def test_a_corrective_joint_that_is_not_there_is_no_question_of_limits(joint):
    rig = next(frame for frame in frames_of(toy_file()) if frame.header.type == UnitType.RIG).payload
    names = rig.index(b"\x05still") + 7  # the last shape's name and flag; then the corrective joints
    assert rig[names : names + 2] == b"\x01\x01"
    spelled = bytes([joint]) if joint < 128 else bytes([joint & 127 | 128, joint >> 7])
    changed = rig[: names + 1] + spelled + rig[names + 2 :]
    data = Forge(toy_file()).change(UnitType.RIG, changed).build()
    assert [code for code, _ in found_in(data)] == ["index-out-of-range"]


def test_a_face_split_twice_is_refused():
    def block(first, parents):
        points = np.full((len(parents), 3), 1 / 3, dtype=np.float32)
        return SplitBlock(1, first, np.array(parents, dtype=np.int32), points)

    scene = Scene()
    assert scene.add_splits(0, block(0, [2, 5]))
    assert not scene.add_splits(0, block(2, [4, 5]))
    assert scene.add_splits(0, block(2, [4, 6]))


def test_a_second_unit_of_a_kind_a_file_has_one_of_ends_the_play_in_either_order():
    forge = Forge(toy_file())
    part = forge.parts[forge.where(UnitType.METADATA)]
    other = payload(99, [], lambda writer: encode_metadata(writer, {"title": "another"}))
    for at in (0, len(forge.parts)):
        twins = list(forge.parts)
        twins.insert(at, replace(part, id=99, payload=other))
        both = Forge(toy_file())
        both.parts = twins
        assert [code for code, _ in found_in(both.build(directory=False))] == ["overlapping-range"]

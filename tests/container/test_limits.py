"""Ceilings hold before anything is made: memory follows what has arrived, not what a file claims."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from strategies import around

from pavfmt import Decoder, LimitError, PavError, decode
from pavfmt.container.headers import UnitHeader
from pavfmt.decoding.events import UnitDamaged
from pavfmt.limits import (
    ENTRIES_PER_BYTE,
    EXPANSION_FLOOR,
    EXPANSION_PER_BYTE,
    FORMAT_LIMITS,
    VALUES_FLOOR,
    VALUES_PER_BYTE,
    Limits,
)
from pavfmt.registry import ColumnCodec, UnitType
from spec.builders.avatars import toy_file
from spec.builders.forging import Forge, frames_of, payload, resealed_header
from spec.tools.registry.source import read_registry

REGISTRY = read_registry()
HUGE = (1 << 32) - 1
MEGABYTE = 1 << 20


def test_the_ceilings_are_those_of_the_registry():
    assert {name: limit["ceiling"] for name, limit in REGISTRY["limits"].items()} == vars(FORMAT_LIMITS)


def test_the_bounds_of_payloads_are_those_of_the_registry():
    bounds = {name: (bound["floor"], bound["per_byte"]) for name, bound in REGISTRY["payload_bounds"].items()}
    expansion, values = (EXPANSION_FLOOR, EXPANSION_PER_BYTE), (VALUES_FLOOR, VALUES_PER_BYTE)
    assert bounds == {"entries": (0, ENTRIES_PER_BYTE), "expansion": expansion, "values": values}


def codes_of(data, limits=FORMAT_LIMITS):
    decoder, codes = Decoder(limits), []
    decoder.feed(data)
    decoder.close()
    try:
        codes += [event.code for event in decoder.events() if isinstance(event, UnitDamaged)]
    except PavError as error:
        codes.append(error.code)
    return codes


def peak_of(data):
    """Most memory in use at once while decoding, in bytes."""
    decode(toy_file())  # so that what is made once is there
    tracemalloc.start()
    try:
        codes = codes_of(data)
        return codes, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def forged(type_, write):
    """The toy with one unit's body written by hand."""
    old = next(frame for frame in frames_of(toy_file()) if frame.header.type == type_)
    needs, at = [], old.header.id
    for step in old.payload[1 : 1 + old.payload[0]]:
        at -= step
        needs.append(at)
    return Forge(toy_file()).change(type_, payload(old.header.id, needs, write)).build()


def constant(writer, width, value=0):
    writer.pack("BB", ColumnCodec.CONSTANT, width)
    writer.raw(value.to_bytes(width, "little"))


def bomb(size):
    return zstandard.ZstdCompressor().compress(bytes(size))


def huge_gaussians(writer):
    writer.pack("B", 0)
    writer.varint(0)
    writer.varint(1 << 16)
    for _ in range(40):
        constant(writer, 4)


def huge_splits(writer):
    writer.pack("B", 1)
    writer.varint(0)
    writer.varint(1 << 24)
    constant(writer, 4)


def huge_rig(vertices=3, faces=0, joints=1, shapes=0, correctives=0):
    def write(writer):
        writer.string("custom")
        writer.varint(vertices)
        writer.varint(faces)
        writer.pack("B", 0)
        writer.varint(joints)
        for joint in range(min(joints, 500)):
            writer.string("")
            writer.pack("H3f", 0xFFFF if joint == 0 else 0, 0, 0, 0)
        if joints > 500:
            return
        writer.varint(shapes)
        if shapes:
            return
        writer.varint(correctives)
        if correctives:
            return
        writer.varint(0)
        for _ in range(3):
            constant(writer, 4)
        for _ in range(3):
            writer.raw(b"\0" * 8 + b"\1\0\0\0" + b"\0\x08")
        for _ in range(3):
            constant(writer, 1)
        for joint in range(joints):
            constant(writer, 2, 65535 if joint == 0 else 0)

    return write


def huge_track(frames, shapes):
    def write(writer):
        writer.string("t")
        writer.pack("f", 30.0)
        writer.varint(frames)
        writer.varint(shapes)
        for _ in range(min(shapes, 300)):
            writer.string("")
        writer.varint(0)
        writer.pack("B", 0)
        writer.raw(b"\0" * 8 + b"\1\0\0\0" + b"\0\x08")
        for _ in range(shapes):
            constant(writer, 1)

    return write


def huge_directory(writer):
    writer.varint(1 << 20)
    writer.pack("4f", 0, 0, 0, 1)
    for width in (4, 4, 1, 4, 4, 2, 2, 2, 2, 2, 4):
        constant(writer, width)


def huge_hand_over(writer):
    writer.pack("B", 0)
    writer.varint(1)
    writer.varint(1 << 20)
    writer.varint(1 << 16)
    constant(writer, 4)


def lying_frame(writer):
    """A column whose frame opens to 64 MB."""
    writer.pack("B", 0)
    writer.varint(0)
    writer.varint(2)
    frame = bomb(64 * MEGABYTE)
    writer.pack("B", ColumnCodec.ZSTD)
    writer.varint(len(frame))
    writer.raw(frame)


FORGED = {
    "gaussians": (UnitType.GAUSSIANS, huge_gaussians),
    "splits": (UnitType.SPLITS, huge_splits),
    "vertices": (UnitType.RIG, huge_rig(vertices=1 << 20)),
    "faces": (UnitType.RIG, huge_rig(faces=1 << 21)),
    "weights": (UnitType.RIG, huge_rig(vertices=1 << 15, joints=200)),
    "joints": (UnitType.RIG, huge_rig(joints=HUGE)),
    "shapes": (UnitType.RIG, huge_rig(shapes=HUGE)),
    "shape values": (UnitType.RIG, huge_rig(vertices=1 << 17, shapes=4096)),
    "corrective joints": (UnitType.RIG, huge_rig(correctives=HUGE)),
    "track frames": (UnitType.TRACK, huge_track(1 << 20, 1)),
    "track values": (UnitType.TRACK, huge_track(1 << 17, 300)),
    "track shapes": (UnitType.TRACK, huge_track(1, HUGE % 4097 + 5000)),
    "frames of nothing": (UnitType.TRACK, huge_track(1 << 20, 0)),
    "zstd frame": (UnitType.GAUSSIANS, lying_frame),
}


@pytest.mark.parametrize("name", sorted(FORGED))
def test_a_forged_count_is_refused_and_costs_no_memory(name):
    data = forged(*FORGED[name])
    codes, peak = peak_of(data)
    assert codes and codes[0] in ("limit-exceeded", "bad-field", "bad-column", "index-out-of-range")
    assert peak < 2 * MEGABYTE + 30 * len(data)


def test_a_forged_directory_is_refused_and_costs_no_memory():
    forge = Forge(toy_file())
    directory = replace(forge.directory(), payload=payload(0, (), huge_directory))
    forge.parts.insert(0, directory)
    codes, peak = peak_of(forge.build(directory=False))
    assert codes == ["bad-field"]
    assert peak < 2 * MEGABYTE


@pytest.mark.parametrize("write", [huge_hand_over])
def test_a_forged_hand_over_is_refused_and_costs_no_memory(write):
    forge = Forge(toy_file())
    own = len(forge.parts) + 1
    levels = forge.parts[forge.where(UnitType.LEVELS)].id
    track = forge.parts[forge.where(UnitType.TRACK)]
    forge.parts.append(replace(track, type=UnitType.HAND_OVER, id=own, payload=payload(own, [levels], write)))
    codes, peak = peak_of(forge.build(critical_features=1))
    assert codes in (["bad-field"], ["index-out-of-range"])
    assert peak < 2 * MEGABYTE


def test_a_needs_count_beyond_its_bytes_is_refused():
    data = Forge(toy_file()).change(UnitType.TRACK, b"\xff\xff\x7f").build()
    assert codes_of(data) == ["limit-exceeded"]
    data = Forge(toy_file()).change(UnitType.TRACK, b"\xff\x1f\x01").build()
    assert codes_of(data) == ["short-payload"]


@pytest.mark.parametrize("position, size", [(20, 4), (40, 4), (44, 1)])
def test_a_header_that_claims_too_much_is_refused(position, size):
    with pytest.raises(LimitError) as caught:
        decode(resealed_header(toy_file(), position, b"\xff" * size))
    assert (caught.value.code, caught.value.offset) == ("limit-exceeded", position)


def test_a_header_may_claim_any_number_of_bytes():
    data = resealed_header(toy_file(), 24, b"\xff" * 16)
    assert decode(data).gaussian_count == 21


@given(around(FORMAT_LIMITS.gaussians))
def test_the_header_limit_is_the_first_value_refused_plus_one(count):
    data = resealed_header(toy_file(), 40, count.to_bytes(4, "little"))
    assert (codes_of(data) == []) == (count <= FORMAT_LIMITS.gaussians)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_unit_too_long_is_refused_before_it_is_waited_for(more):
    limits = Limits(unit_bytes=1 << 20)
    header = UnitHeader(UnitType.TRACK, False, 99, limits.unit_bytes + more, 0).pack()
    data = toy_file() + header
    assert codes_of(data, limits) == (["limit-exceeded"] if more > 0 else [])


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize(
    "name, value",
    [
        ("vertices", 6),
        ("faces", 8),
        ("joints", 2),
        ("shapes", 3),
        ("rig_values", 9 * 6 * 3),
        ("gaussians", 21),
        ("gaussians_per_unit", max(0, 9)),
        ("splits", 5),
        ("levels", 3),
        ("track_frames", 5),
        ("track_values", 5 * (2 + 3 + 3)),
        ("needs", 5),
    ],
)
def test_every_limit_a_reader_lowers_holds_at_its_threshold(name, value, more):
    """`value` is what the toy needs: that much and more is accepted, less is refused."""
    needed = what_the_toy_needs().get(name, value)
    codes = codes_of(toy_file(), replace(FORMAT_LIMITS, **{name: needed + more}))
    assert bool(codes) == (more < 0)


def what_the_toy_needs():
    """Largest unit and most needs of the toy as it is encoded."""
    blocks = decode(toy_file()).gaussians.blocks
    most_needs = max(frame.payload[0] for frame in frames_of(toy_file()))
    return {"gaussians_per_unit": max(map(len, blocks)), "needs": most_needs}


@given(around(EXPANSION_FLOOR))
def test_the_expansion_rule_of_gaussian_units_is_a_threshold(extra):
    """A unit of constant columns may bring just 64 + 4 × its payload's bytes."""

    def write(count):
        def fields_of(writer):
            writer.pack("B", 0)
            writer.varint(0)
            writer.varint(count)
            constant(writer, 4)

        return fields_of

    size = len(payload(9, [5, 4, 3], write(100)))
    count = EXPANSION_PER_BYTE * size + extra
    refused = codes_of(forged_alone(write(count)))
    assert (refused == ["bad-field"]) == (count > EXPANSION_FLOOR + EXPANSION_PER_BYTE * size)


def forged_alone(write):
    """A toy whose level table allows many Gaussians, with the first unit's body written by hand."""
    from pavfmt.codec.fields import FieldWriter
    from pavfmt.units.levels import LevelTable, encode_levels

    table = decode(toy_file()).table
    levels = tuple(replace(entry, gaussian_count=1 << 20) for entry in table.levels)
    writer = FieldWriter()
    encode_levels(writer, LevelTable(table.rig_source, levels))
    forge = Forge(toy_file())
    forge.change(UnitType.LEVELS, b"\0" + writer.getvalue())
    forge.change(UnitType.GAUSSIANS, payload(9, [], lambda w: None))
    index = forge.where(UnitType.GAUSSIANS)
    own = forge.parts[index].id
    rig, identity, levels_id = (
        forge.parts[forge.where(kind)].id for kind in (UnitType.RIG, UnitType.IDENTITY, UnitType.LEVELS)
    )
    forge.parts[index] = replace(forge.parts[index], payload=payload(own, [rig, identity, levels_id], write))
    forge.parts = forge.parts[: index + 1]
    return forge.build()


def test_a_far_offset_costs_no_memory():
    tracemalloc.start()
    decoder = Decoder()
    decoder.feed_at(1 << 50, b"far")
    list(decoder.events())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEGABYTE


def test_consumed_bytes_are_let_go():
    decoder = Decoder()
    decoder.feed(toy_file())
    list(decoder.events())
    assert decoder._framing._buffer.ranges() == []


@given(st.integers(0, 64))
def test_metadata_and_strings_have_their_own_limits(size):
    data = forged(
        UnitType.METADATA, lambda writer: (writer.varint(1), writer.string("k"), writer.string("x" * size))
    )
    assert (codes_of(data, replace(FORMAT_LIMITS, string_bytes=32)) == []) == (size <= 32)
    assert (codes_of(data, replace(FORMAT_LIMITS, metadata_bytes=32)) == []) == (size + 5 <= 32)


def test_a_thumbnail_has_a_limit():
    data = toy_file("face", picture=True)
    assert codes_of(data, replace(FORMAT_LIMITS, thumbnail_bytes=20)) == ["limit-exceeded"]
    assert np.array(codes_of(data)).size == 0

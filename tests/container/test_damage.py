"""Damage: whatever bytes come, a result or a PavError; a damaged unit is named and costs only what needs it."""

import contextlib

import pytest
from comparing import frozen_scene
from hypothesis import given
from hypothesis import strategies as st

from pavfmt import Decoder, FormatError, PavError, decode
from pavfmt.decoding.events import StreamEnded, UnitDamaged
from pavfmt.registry import CRITICAL_UNIT_TYPES, UnitType
from pavfmt.tools.inspect import inspect
from pavfmt.tools.verify import verify
from spec.builders.avatars import toy_file
from spec.builders.forging import Forge, flipped, frames_of, unit_spans


def play(data):
    decoder = Decoder()
    decoder.feed(data)
    decoder.close()
    return list(decoder.events()), decoder.scene


def span_of(data, type_, nth=0):
    found = [
        span
        for frame, span in zip(frames_of(data), unit_spans(data), strict=True)
        if frame.header.type == type_
    ]
    return found[nth]


def must_be_told(data):
    """Decodes or raises a PavError; never anything else."""
    with contextlib.suppress(PavError):
        decode(data).snapshot()


@pytest.mark.parametrize(
    "mask", [0x01, *(pytest.param(mask, marks=pytest.mark.slow) for mask in (0x80, 0xFF))]
)
def test_every_one_byte_change_gives_a_result_or_a_pav_error(mask):
    data = toy_file("static")
    for place in range(len(data)):
        must_be_told(flipped(data, place, mask))


@pytest.mark.parametrize(
    "kind, stride",
    [("mixed", 11), pytest.param("mixed", 1, marks=pytest.mark.slow), ("face", 7), ("surface", 7)],
)
def test_a_one_byte_change_of_a_rigged_toy_is_noticed(kind, stride):
    data = toy_file(kind)
    for place in range(0, len(data), stride):
        try:
            events, _ = play(flipped(data, place, 0x10))
        except PavError:
            continue
        assert any(isinstance(event, UnitDamaged) for event in events)


@given(st.data())
def test_a_changed_payload_with_a_right_checksum_gives_a_result_or_a_pav_error(drawn):
    forge = Forge(toy_file(drawn.draw(st.sampled_from(["face", "surface", "mixed"])), picture=True))
    index = drawn.draw(st.integers(0, len(forge.parts) - 1))
    part = forge.parts[index]
    place = drawn.draw(st.integers(0, len(part.payload) - 1))
    changed = bytearray(part.payload)
    changed[place] = drawn.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, changed[place] ^ 1]))
    data = forge.change(
        part.type, bytes(changed), [p.type for p in forge.parts[:index]].count(part.type)
    ).build()
    must_be_told(data)
    try:
        inspect(data)
    except PavError:
        return
    verify(data)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_result_or_a_pav_error(data):
    must_be_told(data)
    must_be_told(toy_file()[:200] + data)


@pytest.mark.parametrize("place, code, at", [(5, "unit-header-damaged", 0), (40, "unit-payload-damaged", 20)])
def test_a_damaged_gaussian_unit_is_named_and_the_rest_plays(place, code, at):
    data = toy_file("surface")
    start, _ = span_of(data, UnitType.GAUSSIANS, 1)
    events, scene = play(flipped(data, start + place))
    damage = [event for event in events if isinstance(event, UnitDamaged)]
    assert [(event.code, event.offset, event.error_offset) for event in damage] == [(code, start, start + at)]
    assert damage[0].type == UnitType.GAUSSIANS
    (lost,) = [frame for frame in frames_of(data) if frame.offset == start]
    assert damage[0].unit == lost.header.id
    whole = decode(data)
    gone = whole.gaussians.blocks[1]
    kept = [k for k in range(whole.gaussian_count) if not gone.first <= k < gone.first + len(gone)]
    assert scene.arrays().indices.tolist() == kept


def test_a_damaged_splits_unit_costs_itself_and_what_needs_it():
    data = toy_file("face")
    start, end = span_of(data, UnitType.SPLITS)
    lost = next(frame.header.id for frame in frames_of(data) if frame.offset == start)
    events, scene = play(flipped(data, end - 1))
    waiting = events[-1].waiting
    assert isinstance(events[-1], StreamEnded) and waiting
    assert all(lost in missing for missing in waiting.values())
    ids = {frame.header.id for frame in frames_of(data)}
    assert scene.active_units == ids - waiting.keys() - {lost}
    assert scene.is_visible and not events[-1].complete


@pytest.mark.parametrize("place", range(52))
def test_a_flip_in_the_file_header_ends_the_play(place):
    with pytest.raises(PavError) as caught:
        decode(flipped(toy_file(), place))
    assert caught.value.code in ("bad-signature", "unsupported-version", "file-header-damaged")


@pytest.mark.parametrize("type_", sorted(CRITICAL_UNIT_TYPES - {UnitType.RIG_REFERENCE}))
@pytest.mark.parametrize("place, at", [(0, 0), (25, 20)])
def test_a_flip_in_a_critical_unit_ends_the_play(type_, place, at):
    data = toy_file()
    start, _ = span_of(data, type_)
    with pytest.raises(FormatError) as caught:
        decode(flipped(data, start + place))
    assert (caught.value.code, caught.value.offset) == ("critical-unit-damaged", start + at)


@pytest.mark.parametrize("place", [0, 300])
def test_an_error_stays_whatever_comes_after(place):
    """At the signature, and in the rig, whose bytes are used up when it is found damaged."""
    decoder = Decoder()
    decoder.feed(flipped(toy_file(), place + span_of(toy_file(), UnitType.RIG)[0] if place else 0))
    with pytest.raises(FormatError) as first:
        list(decoder.events())
    decoder.feed(toy_file())
    decoder.close()
    for _ in range(2):
        with pytest.raises(FormatError) as again:
            list(decoder.events())
        assert again.value is first.value


def ways_to_lose_a_shape():
    """Name → (a file whose first shape is lost, whether the walk still knows what it was, code, error offset)."""
    data = toy_file()
    start, end = span_of(data, UnitType.SHAPE)
    bare = Forge(data).build(directory=False)
    bare_start, _ = span_of(bare, UnitType.SHAPE)
    part = Forge(data).parts[Forge(data).where(UnitType.SHAPE)].payload
    longer = Forge(data).change(UnitType.SHAPE, part + b"!").build()
    return {
        "its payload": (flipped(data, end - 1), start, True, "unit-payload-damaged", start + 20),
        "its header, with a directory": (flipped(data, start), start, True, "unit-header-damaged", start),
        "its header, without": (
            flipped(bare, bare_start),
            bare_start,
            False,
            "unit-header-damaged",
            bare_start,
        ),
        "its content": (longer, start, True, "long-payload", end),
    }


@pytest.mark.parametrize(
    "way", ["its payload", "its header, with a directory", "its header, without", "its content"]
)
def test_damage_says_which_unit_and_of_what_type_as_far_as_it_is_known(way):
    data, start, known, code, at = ways_to_lose_a_shape()[way]
    own = next(frame.header.id for frame in frames_of(toy_file()) if frame.header.type == UnitType.SHAPE)
    (found,) = [event for event in play(data)[0] if isinstance(event, UnitDamaged)]
    assert (found.code, found.offset, found.error_offset) == (code, start, at)
    assert (found.unit, found.type) == ((own, UnitType.SHAPE) if known else (None, None))


def test_a_zeroed_stretch_costs_the_units_it_touches():
    data = toy_file("surface")
    first, last = span_of(data, UnitType.GAUSSIANS, 1)[0], span_of(data, UnitType.GAUSSIANS, 2)[1]
    zeroed = data[:first] + bytes(last - first) + data[last:]
    events, scene = play(zeroed)
    touched = sum(first <= start < last for start, _ in unit_spans(data))
    assert sum(isinstance(event, UnitDamaged) for event in events) == touched > 1
    assert len(frames_of(data)) - len(scene.active_units) == len(events[-1].waiting) + touched


def test_after_a_damaged_header_without_a_directory_the_rest_is_lost_but_defined():
    data = Forge(toy_file()).build(directory=False)
    start = next(frame.offset for frame in frames_of(data) if frame.header.type == UnitType.GAUSSIANS)
    events, scene = play(flipped(data, start))
    assert [event.code for event in events if isinstance(event, UnitDamaged)] == ["unit-header-damaged"]
    assert frozen_scene(scene)[3] == frozen_scene(decode(data[:start]))[3]


def test_a_missing_unit_costs_itself_and_what_needs_it():
    forge = Forge(toy_file())
    gone = forge.parts.pop(forge.where(UnitType.GAUSSIANS))
    _events, scene = play(forge.build())
    assert gone.id not in scene.active_units
    assert len(scene.active_units) == len(forge.parts) + 1


def test_a_repeated_unit_is_told_and_changes_nothing():
    forge = Forge(toy_file())
    forge.parts.append(forge.parts[forge.where(UnitType.GAUSSIANS)])
    data = forge.build(directory=False)
    events, scene = play(data)
    assert [event.code for event in events if isinstance(event, UnitDamaged)] == ["duplicate-unit"]
    assert scene.gaussian_count == 21


def test_swapped_units_give_the_same_scene():
    forge = Forge(toy_file())
    one, two = forge.where(UnitType.GAUSSIANS, 0), forge.where(UnitType.GAUSSIANS, 1)
    forge.parts[one], forge.parts[two] = forge.parts[two], forge.parts[one]
    swapped, plain = decode(forge.build(directory=False)), decode(toy_file())
    assert frozen_scene(swapped)[3] == frozen_scene(plain)[3]


def test_a_damaged_directory_costs_nothing_but_itself():
    data = toy_file()
    scene = decode(flipped(data, 52 + 25))
    assert frozen_scene(scene)[3] == frozen_scene(decode(data))[3]
    assert 0 not in scene.active_units

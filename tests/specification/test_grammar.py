"""The grammar in spec/grammar and `pavfmt` agree on every boundary and every field."""

import pytest
from construct import ConstructError, Struct
from grammar_agreement import assert_agreement, assert_no_gaps
from hypothesis import given
from hypothesis import strategies as st
from strategies import many

from pavfmt import encode
from pavfmt.container.headers import FileHeader
from pavfmt.registry import UnitType
from pavfmt.tools.synthetic import toy_avatar
from spec.builders.avatars import KINDS, SMALL_UNITS, external_file, head_file, rig_file, toy_file
from spec.builders.forging import Forge, Part, flipped, frames_of, unit_spans
from spec.builders.hand_over import hand_over_file
from spec.grammar import walk
from spec.grammar.container import FILE_HEADER, UNIT_HEADER
from spec.grammar.fields import NEEDS, REST, U8
from spec.grammar.units import PAYLOADS


@pytest.mark.parametrize("degree", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_toy(kind, degree):
    data = toy_file(kind, degree, subdivided=degree == 2, picture=True)
    assert_no_gaps(assert_agreement(data), data)


def test_every_field_of_a_head():
    assert_no_gaps(assert_agreement(head_file()), head_file())


@pytest.mark.parametrize("second_values", [False, True])
def test_every_field_of_a_hand_over(second_values):
    data = hand_over_file(second_values)
    assert_no_gaps(assert_agreement(data), data)


def test_every_field_of_a_file_that_names_its_rig():
    assert_agreement(external_file(), rig_file())
    assert_agreement(rig_file())


@many(12)
@given(st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 2**32), st.booleans())
def test_every_field_of_generated_files(kind, degree, seed, subdivided):
    avatar = toy_avatar(kind, sh_degree=degree, seed=seed, subdivided=subdivided)
    data = encode(avatar, SMALL_UNITS)
    assert_no_gaps(assert_agreement(data), data)


def test_every_prefix_has_the_same_units():
    data = toy_file("static")
    assert walk(data[: FileHeader.SIZE - 1]) is None
    ends = [end for _, end in unit_spans(data)]
    cuts = {FileHeader.SIZE, *range(FileHeader.SIZE, len(data), 61), *ends, *(end - 1 for end in ends)}
    for n in cuts:
        assert len(walk(data[:n]).units) == len(frames_of(data[:n]))


def test_units_of_unknown_types_are_passed_over():
    forge = Forge(toy_file("static"))
    forge.parts.append(Part(40, False, 77, b"anything"))
    assert walk(forge.build()).units[-1].payload.bytes == b"anything"


def test_the_grammar_has_the_registered_types():
    assert PAYLOADS.keys() == {int(type_) for type_ in UnitType}


def test_headers_are_built_again_to_the_same_bytes():
    data = toy_file()
    parsed = FILE_HEADER.parse(data[:52], leaves=[])
    assert FILE_HEADER.build({"fields": {"value": parsed.fields.value}}, leaves=[]) == data[:52]
    unit = UNIT_HEADER.parse(data[52:72], leaves=[])
    assert UNIT_HEADER.build({"fields": {"value": unit.fields.value}}, leaves=[]) == data[52:72]


@pytest.mark.parametrize("place", [3, 20, 49, 52, 70, 75])
def test_a_flipped_bit_in_what_a_checksum_covers_is_refused(place):
    with pytest.raises(ConstructError):
        walk(flipped(toy_file(), place, 0x10))


@pytest.mark.parametrize("left", [-1, 1])
def test_a_payload_too_short_or_too_long_is_refused(left):
    track = frames_of(toy_file())[-1].payload
    changed = track[:-1] if left < 0 else track + b"x"
    with pytest.raises(ConstructError):
        walk(Forge(toy_file()).change(UnitType.TRACK, changed).build())


def test_a_grammar_with_another_boundary_would_be_noticed(monkeypatch):
    wrong = Struct("needs" / NEEDS, "first" / U8, "picture" / REST)
    monkeypatch.setitem(PAYLOADS, UnitType.THUMBNAIL, wrong)
    with pytest.raises(AssertionError):
        assert_agreement(toy_file("static", picture=True))

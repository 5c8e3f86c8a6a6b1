"""The container: reserved bits, unknown units, features and versions; what is skipped, what is refused."""

import pytest
from comparing import frozen_scene, history

from pavfmt import Decoder, FormatError, UnsupportedError, decode
from pavfmt.container.headers import FileHeader, UnitHeader
from pavfmt.decoding.events import HeaderArrived, UnitDamaged, UnknownSkipped
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.registry import FORMAT_VERSION, UnitType
from pavfmt.tools.verify import WARNING, verify
from spec.builders.avatars import toy_file
from spec.builders.forging import Forge, Part, flipped, frames_of, resealed_header, unit_spans

PRIVATE = 0x8001


def play(data):
    decoder = Decoder()
    decoder.feed(data)
    decoder.close()
    return list(decoder.events()), decoder.scene


def shown(data):
    return frozen_scene(decode(data))[3]


def with_unknown(critical, type_=PRIVATE, front=False):
    forge = Forge(toy_file())
    unknown = Part(type_, critical, len(forge.parts) + 1, b"of a later version")
    forge.parts.insert(0 if front else len(forge.parts), unknown)
    return forge.build(directory=not front)


def test_the_header_is_52_bytes_and_a_unit_header_20():
    assert (FileHeader.SIZE, UnitHeader.SIZE) == (52, 20)


def test_the_file_header_round_trips():
    header = FileHeader(0, 7, 1, 9, 3, 1 << 40, 1 << 35, 5, 2, 3)
    assert FileHeader.unpack(header.pack(), FORMAT_LIMITS) == header


def test_the_signature_survives_no_text_conversion():
    data = toy_file()
    assert data[:8] == b"\x89PAV\r\n\x1a\n"
    with pytest.raises(FormatError, match="bad-signature"):
        decode(data.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("type_", [14, 999, PRIVATE, 0xFFFF])
@pytest.mark.parametrize("front", [False, True])
def test_an_unknown_ancillary_unit_is_skipped_and_the_file_plays(type_, front):
    data = with_unknown(False, type_, front)
    events, _ = play(data)
    (skipped,) = (event for event in events if isinstance(event, UnknownSkipped))
    (frame,) = (frame for frame in frames_of(data) if frame.header.type == type_)
    assert (skipped.type, skipped.unit, skipped.offset) == (type_, frame.header.id, frame.offset)
    assert (type(events[0]), events[0].unit, events[0].offset) == (HeaderArrived, None, 0)
    assert not [event for event in events if isinstance(event, UnitDamaged)]
    assert shown(data) == shown(toy_file())


@pytest.mark.parametrize("type_", [14, PRIVATE])
def test_an_unknown_critical_unit_is_refused_by_name(type_):
    with pytest.raises(UnsupportedError, match=str(type_)) as caught:
        decode(with_unknown(True, type_))
    assert caught.value.code == "unsupported-unit"


def test_what_comes_before_an_unknown_critical_unit_is_told_however_the_bytes_come():
    data = with_unknown(True, front=True)
    whole = history([data])[0]
    assert [event[0] for event in whole] == ["HeaderArrived", "UnsupportedError"]
    assert history(data[n : n + 1] for n in range(len(data)))[0] == whole


@pytest.mark.parametrize("bit", [1, 7, 31])
def test_an_unknown_critical_feature_is_refused_by_name(bit):
    data = resealed_header(toy_file(), 12, (1 << bit).to_bytes(4, "little"))
    with pytest.raises(UnsupportedError, match=rf"\[{bit}\]") as caught:
        decode(data)
    assert (caught.value.code, caught.value.offset) == ("unsupported-feature", 12)


def test_unknown_ancillary_features_play():
    data = resealed_header(toy_file(), 16, b"\xff\xff\xff\xff")
    assert shown(data) == shown(toy_file())


@pytest.mark.parametrize("minor", [FORMAT_VERSION[1] + 1, 0xFFFF])
def test_any_later_minor_version_plays(minor):
    data = resealed_header(toy_file(), 10, minor.to_bytes(2, "little"))
    assert shown(data) == shown(toy_file())


@pytest.mark.parametrize("minor", range(FORMAT_VERSION[1]))
def test_an_earlier_minor_version_is_refused_while_the_major_one_is_0(minor):
    with pytest.raises(UnsupportedError, match=f"0.{minor}") as caught:
        decode(resealed_header(toy_file(), 10, minor.to_bytes(2, "little")))
    assert (caught.value.code, caught.value.offset) == ("unsupported-version", 8)


@pytest.mark.parametrize("major", [1, 0xFFFF])
def test_another_major_version_is_refused(major):
    with pytest.raises(UnsupportedError, match=f"{major}.{FORMAT_VERSION[1]}") as caught:
        decode(resealed_header(toy_file(), 8, major.to_bytes(2, "little")))
    assert (caught.value.code, caught.value.offset) == ("unsupported-version", 8)


@pytest.mark.parametrize("value", [b"\x01\x00", b"\x00\x80"])
def test_the_reserved_field_of_the_file_header_must_be_zero(value):
    with pytest.raises(FormatError) as caught:
        decode(resealed_header(toy_file(), 46, value))
    assert (caught.value.code, caught.value.offset) == ("file-header-reserved", 46)


@pytest.mark.parametrize("field", [{"flags": 2}, {"flags": 0x80}, {"reserved": 1}, {"reserved": 255}])
def test_reserved_bits_of_a_unit_header_cost_the_unit(field):
    forge = Forge(toy_file())
    forge.change(UnitType.GAUSSIANS, **field)
    events, scene = play(forge.build())
    (damage,) = [event for event in events if isinstance(event, UnitDamaged)]
    assert (damage.code, damage.error_offset) == ("unit-header-reserved", damage.offset + 2)
    assert 0 < scene.gaussian_count < 21


@pytest.mark.parametrize(
    "type_, flag", [(UnitType.GAUSSIANS, 1), (UnitType.SHAPE, 1), (UnitType.IDENTITY, 0)]
)
def test_a_known_type_with_the_wrong_critical_flag_is_damage(type_, flag):
    events, _ = play(Forge(toy_file()).change(type_, flags=flag).build())
    (damage,) = [event for event in events if isinstance(event, UnitDamaged)]
    assert (damage.code, damage.error_offset) == ("wrong-criticality", damage.offset + 2)


@pytest.mark.parametrize("more", [b"more", bytes(500)])
def test_bytes_after_the_last_unit_change_nothing_and_are_told_of(more):
    data = toy_file()
    assert shown(data + more) == shown(data)
    (found,) = [found for found in verify(data + more) if found.code == "trailing-bytes"]
    assert (found.severity, found.offset) == (WARNING, len(data))


def test_a_flipped_length_is_damage_and_no_cut():
    """It would pass for a legal cut, were it not covered by the unit header's own checksum."""
    data = toy_file()
    start, _ = unit_spans(data)[-1]
    events, _ = play(flipped(data, start + 9))
    (damage,) = [event for event in events if isinstance(event, UnitDamaged)]
    assert (damage.code, damage.offset) == ("unit-header-damaged", start)


def test_a_file_without_a_directory_plays():
    assert shown(Forge(toy_file()).build(directory=False)) == shown(toy_file())

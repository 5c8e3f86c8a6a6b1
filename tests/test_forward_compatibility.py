"""A reader of 0.2 and the files of later versions: what it skips, what it refuses, what it keeps."""

import pytest

from avatars import PICTURE, toy_file
from comparing import frozen_scene
from forging import Forge, Part, payload, resealed_header
from pavfmt import UnsupportedError, decode
from pavfmt.inspection import inspect
from pavfmt.registry import PRIVATE_UNIT_TYPES, UnitType
from pavfmt.verification import verify


def of_version_0_3(**changed):
    """A file of a later minor with a new ancillary unit type before, between and after those known."""
    forge = Forge(toy_file("mixed"))
    for at in (0, 6, len(forge.parts) + 2):
        forge.parts.insert(at, Part(40, False, 1000 + at, b"\xff" * 30))
    return resealed_header(forge.build(**changed), 10, b"\x03\x00")


def test_a_later_minor_with_new_units_plays_the_same():
    assert frozen_scene(decode(of_version_0_3()))[3] == frozen_scene(decode(toy_file("mixed")))[3]


def test_every_prefix_of_it_plays():
    data = of_version_0_3()
    for n in range(0, len(data), 11):
        decode(data[:n])


def test_a_unit_of_a_new_type_may_be_needed():
    forge = Forge(toy_file("static"))
    own = len(forge.parts) + 1
    needs_new = payload(own + 1, [own], lambda w: w.raw(PICTURE))
    forge.parts += [Part(40, False, own, b"new"), Part(UnitType.THUMBNAIL, False, own + 1, needs_new)]
    assert decode(forge.build()).thumbnail.data == PICTURE


def test_inspection_and_verification_name_what_they_do_not_know():
    forge = Forge(toy_file("mixed"))
    forge.parts.append(Part(40, False, len(forge.parts) + 1, b"new"))
    data = resealed_header(forge.build(), 10, b"\x03\x00")
    report = inspect(data)
    assert report.version == "0.3"
    assert [unit.state for unit in report.units if unit.type == "unknown-40"] == ["unknown-type"]
    assert verify(data) == []


def test_private_types_are_named_as_such():
    forge = Forge(toy_file("static"))
    forge.parts.append(Part(PRIVATE_UNIT_TYPES.start, False, 77, b""))
    assert "private-0x8000" in [unit.type for unit in inspect(forge.build()).units]


def test_an_empty_unknown_unit_is_skipped():
    forge = Forge(toy_file("static"))
    forge.parts.append(Part(40, False, 77, b""))
    assert decode(forge.build()).gaussian_count == 21


@pytest.mark.parametrize("bits, plays", [(0, True), (1, True), (2, False), (3, False), (1 << 31, False)])
def test_critical_features_are_known_or_refused(bits, plays):
    data = Forge(toy_file("static")).build(critical_features=bits)
    if plays:
        assert decode(data).gaussian_count == 21
        return
    with pytest.raises(UnsupportedError, match="unsupported-feature"):
        decode(data)

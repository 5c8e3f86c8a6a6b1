"""A reader and the files of the next minor version: what it skips, what it refuses, what it keeps."""

import pytest
from comparing import frozen, frozen_scene

from pavfmt import UnsupportedError, decode
from pavfmt.registry import FORMAT_VERSION, PRIVATE_UNIT_TYPES, UnitType
from pavfmt.tools.inspect import inspect
from pavfmt.tools.verify import verify
from pavfmt.units.metadata import encode_metadata
from spec.builders.avatars import PICTURE, toy_file
from spec.builders.forging import Forge, Part, payload, resealed_header

NEXT_MINOR = (FORMAT_VERSION[1] + 1).to_bytes(2, "little")


def of_the_next_minor(**changed):
    """A file of a later minor with a new ancillary unit type before, between and after those known."""
    forge = Forge(toy_file("mixed"))
    for at in (0, 6, len(forge.parts) + 2):
        forge.parts.insert(at, Part(40, False, 1000 + at, b"\xff" * 30))
    return resealed_header(forge.build(**changed), 10, NEXT_MINOR)


def test_a_later_minor_with_new_units_plays_the_same():
    assert frozen_scene(decode(of_the_next_minor()))[3] == frozen_scene(decode(toy_file("mixed")))[3]


def test_every_prefix_of_it_plays():
    data = of_the_next_minor()
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
    data = resealed_header(forge.build(), 10, NEXT_MINOR)
    report = inspect(data)
    assert report.version == f"{FORMAT_VERSION[0]}.{FORMAT_VERSION[1] + 1}"
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


def test_a_file_of_the_next_minor_with_news_of_every_kind_plays_as_before():
    """A new unit, a new attribute of Gaussians in a unit of its own, a new metadata key, a new ancillary feature."""
    forge = Forge(toy_file("mixed"))
    gaussians = forge.parts[forge.where(UnitType.GAUSSIANS)].id
    own = len(forge.parts) + 1
    metadata = {
        "title": "toy mixed",
        "license": "CC0-1.0",
        "generator": "pavfmt",
        "key-of-the-next-minor": "x",
    }
    forge.change(UnitType.METADATA, payload(1, [], lambda writer: encode_metadata(writer, metadata)))
    roughness = payload(own, [gaussians], lambda writer: writer.raw(b"roughness of each Gaussian"))
    forge.parts += [Part(41, False, own, roughness), Part(40, False, own + 1, b"\xff")]
    data = resealed_header(forge.build(ancillary_features=1 << 7), 10, NEXT_MINOR)
    scene, today = decode(data), decode(toy_file("mixed"))
    assert frozen(scene.arrays()) == frozen(today.arrays())
    assert frozen(scene.snapshot().avatar.levels) == frozen(today.snapshot().avatar.levels)
    assert scene.metadata == metadata
    assert verify(data) == []


@pytest.mark.parametrize("type_", [40, 99, 0x8000, 0xFFFF])
def test_a_new_critical_unit_is_refused_by_its_number(type_):
    forge = Forge(toy_file("mixed"))
    forge.parts.insert(3, Part(type_, True, 1000, b"new"))
    data = resealed_header(forge.build(directory=False), 10, NEXT_MINOR)
    with pytest.raises(UnsupportedError, match=f"unsupported-unit at byte .*type {type_}"):
        decode(data)


@pytest.mark.parametrize("bit", [1, 7, 31])
def test_a_new_critical_feature_is_refused_by_its_bit(bit):
    data = resealed_header(Forge(toy_file("static")).build(critical_features=1 << bit), 10, NEXT_MINOR)
    with pytest.raises(UnsupportedError, match=rf"unsupported-feature.*\[{bit}\]"):
        decode(data)

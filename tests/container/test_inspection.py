"""Inspection: where the bytes go, what is there, and when a head can be seen and moved."""

import json

import pytest

from pavfmt import decode, inspect, unit_ends
from pavfmt.registry import UnitType
from pavfmt.tools.inspect import gaussian_bytes_of
from spec.builders.avatars import KINDS, head_file, toy_file
from spec.builders.forging import Forge, flipped, frames_of, unit_spans


@pytest.mark.parametrize("kind", KINDS)
def test_sections_sum_to_the_bytes_received_for_every_prefix(kind):
    data = toy_file(kind)
    for n in range(0, len(data) + 1, 13):
        report = inspect(data[:n])
        assert sum(report.bytes_by_section.values()) == report.received_bytes == n
        assert min(report.bytes_by_section.values(), default=0) >= 0


@pytest.mark.parametrize("at", [3, 40])
@pytest.mark.parametrize("cut", [0, 5])
def test_sections_of_damaged_files_sum_up_too(at, cut):
    data = toy_file()
    start, _ = unit_spans(data)[-1]
    report = inspect(flipped(data, start + at)[: len(data) - cut])
    assert sum(report.bytes_by_section.values()) == len(data) - cut
    assert min(report.bytes_by_section.values()) >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_milestones_are_the_prefix_lengths_that_decoding_finds(kind):
    data = toy_file(kind)
    scenes = {end: decode(data[:end]) for end in unit_ends(data)}
    report = inspect(data)
    assert report.bytes_until_visible == min(end for end, scene in scenes.items() if scene.is_visible)
    assert report.bytes_until_animatable == min(end for end, scene in scenes.items() if scene.is_animatable)


def test_milestones_of_a_head():
    report = inspect(head_file())
    assert 0 < report.bytes_until_visible < report.bytes_until_animatable < len(head_file())
    assert inspect(head_file()[: report.bytes_until_visible - 1]).bytes_until_visible is None
    assert inspect(head_file()[: report.bytes_until_animatable]).bytes_until_animatable is not None


def test_gaussian_bytes_are_those_the_header_states():
    data = toy_file("mixed")
    report = inspect(data)
    assert gaussian_bytes_of(report) == report.complete_gaussian_bytes
    counted = {UnitType.SPLITS, UnitType.GAUSSIANS, UnitType.HAND_OVER}
    spans = zip(frames_of(data), unit_spans(data), strict=True)
    assert report.complete_gaussian_bytes == sum(
        end - start for frame, (start, end) in spans if frame.header.type in counted
    )


def test_attribute_bytes_sum_to_the_payloads_less_their_heads():
    data = toy_file("mixed")
    columns = sum(sum(level.bytes_by_attribute.values()) for level in inspect(data).levels)
    frames = [frame for frame in frames_of(data) if frame.header.type == UnitType.GAUSSIANS]
    heads = sum(1 + frame.payload[0] + 3 for frame in frames)  # needs; level, first, count
    assert columns == sum(len(frame.payload) for frame in frames) - heads


def test_levels_tell_what_is_here_and_what_is_whole():
    data = toy_file("mixed")
    levels = inspect(data[: unit_ends(data)[-6]]).levels
    assert [level.gaussian_count for level in levels] == [9, 7, 5]
    assert sum(level.gaussians_here for level in levels) < 21
    assert [(level.binding, level.site, level.sh_frame) for level in levels] == [
        ("surface-point", "vertex", "world"),
        ("face-frame", "face", "world"),
        ("surface-point", "face", "local"),
    ]


def test_every_unit_is_listed_where_it_stands():
    data = toy_file()
    units = inspect(data).units
    assert [(unit.offset, unit.offset + unit.bytes) for unit in units] == unit_spans(data)
    assert {unit.state for unit in units} == {"active"}
    importance = [unit.importance for unit in units if unit.type == "gaussians"]
    assert sum(importance) == pytest.approx(1, abs=1e-5)
    assert any(unit.regions for unit in units if unit.type == "gaussians")


def test_states_tell_damaged_waiting_and_malformed_units():
    data = toy_file("face")
    splits = next(frame for frame in frames_of(data) if frame.header.type == UnitType.SPLITS)
    states = {unit.id: unit.state for unit in inspect(flipped(data, splits.payload_offset + 5)).units}
    assert states[splits.header.id] == "damaged"
    assert "waiting" in states.values()
    malformed = Forge(data).change(UnitType.TRACK, lambda old: old + b"x").build()
    assert inspect(malformed).units[-1].state == "damaged"


def test_a_prefix_of_nothing_is_inspected():
    report = inspect(b"")
    assert (report.version, report.received_bytes, report.units, report.levels) == ("unknown", 0, [], [])


def test_the_rig_is_described():
    rig = inspect(toy_file("face")).rig
    assert (rig["vertices"], rig["faces"], rig["joints"]) == (6, 8, ["root", "jaw"])
    assert rig["essential_shapes"] == ["eyeBlinkLeft", "jawOpen"]
    assert rig["regions"] == ["top", "bottom"] and rig["personal_neutral"]
    assert inspect(toy_file("static")).rig is None


def test_it_is_plain_json():
    assert json.loads(json.dumps(inspect(toy_file()).to_json()))["complete_unit_count"] == len(
        unit_spans(toy_file())
    )

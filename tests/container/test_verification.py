"""Verification: silent on what is sound, cut or not; every broken promise has a code and a byte."""

from dataclasses import replace

import pytest

from pavfmt import Limits, unit_ends, verify
from pavfmt.registry import UnitType
from pavfmt.tools.verify import DAMAGE, ERROR, NOTE, WARNING
from spec.builders.avatars import KINDS, head_file, toy_file
from spec.builders.forging import Forge, flipped, frames_of, payload, unit_spans


def told(data, **options):
    return [(found.severity, found.code, found.offset) for found in verify(data, **options)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_is_clean(kind):
    assert verify(toy_file(kind)) == []
    assert verify(head_file()) == []


@pytest.mark.parametrize("kind", [pytest.param("mixed", marks=pytest.mark.slow), "static"])
def test_a_prefix_is_silent_at_unit_ends_and_has_one_note_elsewhere(kind):
    data = toy_file(kind)
    ends = set(unit_ends(data))
    starts = sorted(ends)
    for n in range(len(data)):
        wanted = [] if n in ends else [(NOTE, "prefix", max((s for s in starts if s <= n), default=n))]
        assert told(data[:n]) == wanted


def test_a_note_on_a_prefix_says_how_much_of_its_last_unit_is_there():
    data = toy_file()
    start, end = unit_spans(data)[4]
    (found,) = verify(data[: start + 30])
    assert f"30 of {end - start} bytes" in found.message
    (found,) = verify(data[: start + 7])
    assert "7 of an unknown number" in found.message
    (found,) = verify(data[:7])
    assert "7 of the 52 bytes" in found.message


def test_an_error_that_ends_decoding_is_the_last_finding():
    data = toy_file()
    start, _ = unit_spans(data)[2]
    assert told(flipped(data, start + 30)) == [(ERROR, "critical-unit-damaged", start + 20)]
    assert told(b"nonsense" * 20) == [(ERROR, "bad-signature", 0)]


def test_damage_names_the_unit_and_those_that_need_it():
    data = toy_file("face")
    (start, end) = next(
        span
        for frame, span in zip(frames_of(data), unit_spans(data), strict=True)
        if frame.header.type == UnitType.SPLITS
    )
    findings = told(flipped(data, end - 1))
    assert findings[0] == (DAMAGE, "unit-payload-damaged", start + 20)
    assert {code for _, code, _ in findings[1:]} == {"needs-missing"}
    assert len(findings) > 1


def test_root_causes_are_named_not_the_units_between():
    """Level 2 needs level 1's splits: where those are lost, they are what is missing."""
    data = toy_file("face")
    frame = next(frame for frame in frames_of(data) if frame.header.type == UnitType.SPLITS)
    messages = [found.message for found in verify(flipped(data, frame.payload_offset + 5))][1:]
    assert messages and all(f"units [{frame.header.id}]" in message for message in messages)


@pytest.mark.parametrize(
    "field, offset", [("unit_count", 20), ("gaussian_bytes", 32), ("gaussian_count", 40)]
)
def test_a_wrong_total_is_a_warning(field, offset):
    forge = Forge(toy_file())
    data = forge.build(**{field: getattr(forge.header, field) + 1})
    assert told(data) == [(WARNING, "wrong-total", offset)]


def test_more_bytes_than_stated_is_a_warning():
    forge = Forge(toy_file())
    assert told(forge.build(file_bytes=len(toy_file()) - 5)) == [
        (WARNING, "trailing-bytes", len(toy_file()) - 5)
    ]


@pytest.mark.parametrize("change", [{"level": 1}, {"gaussian_count": 1}])
def test_a_wrong_hint_of_the_directory_is_a_warning(change):
    forge = Forge(toy_file())
    part = forge.parts[forge.where(UnitType.GAUSSIANS)]
    forge.entries[part.id] = replace(forge.entries[part.id], **change)
    data = forge.build()
    at = next(frame.offset for frame in frames_of(data) if frame.header.id == part.id)
    findings = told(data)
    assert (WARNING, "wrong-hint", at) in findings
    assert {severity for severity, _, _ in findings} == {WARNING}


def test_a_unit_that_is_not_what_the_directory_says_is_a_warning():
    forge = Forge(toy_file())
    honest = list(forge.parts)
    forge.parts[-1] = replace(forge.parts[-1], payload=forge.parts[-1].payload + b"x")
    forge.parts = [forge.directory(), *honest]
    data = forge.build(directory=False)
    assert told(data) == [(WARNING, "directory-mismatch", frames_of(data)[-1].offset)]


def test_limits_can_be_lowered():
    assert told(toy_file(), limits=Limits(gaussians=20)) == [(ERROR, "limit-exceeded", 40)]


def test_a_unit_that_needs_what_is_not_there_is_damage():
    forge = Forge(toy_file("static"))
    own = len(forge.parts) + 5
    track = payload(own, [own - 1], lambda w: w.raw(b""))
    part = forge.parts[forge.where(UnitType.METADATA)]
    forge.parts.append(replace(part, type=UnitType.TRACK, id=own, payload=track))
    codes = [code for _, code, _ in told(forge.build(directory=False))]
    assert codes[0] == "needs-missing"

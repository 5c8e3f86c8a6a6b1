"""The table in spec/damage.md: made by command, and what it says holds for a small file unit by unit."""

import pytest

from pavfmt import decode
from pavfmt.registry import CRITICAL_UNIT_TYPES
from spec.builders.avatars import head_file, toy_file
from spec.builders.forging import flipped, frames_of
from spec.tools.damage import (
    SUBJECT,
    TABLE,
    WAYS,
    Flips,
    Section,
    flips_of,
    is_silent,
    is_told,
    main,
    missing,
    outcome_of,
    rows_of,
    sections_of,
)
from spec.tools.decoded import decoded


def all_sections(data):
    """Every unit."""
    return [
        Section("unit", frame.offset, frame.payload_offset + frame.header.length, frame.header.id)
        for frame in frames_of(data)
    ]


def dependants(data, unit):
    """A unit and all that need it, directly or not, by the directory of the sound file."""
    from spec.builders.forging import entries_of

    lost = {unit}
    for entry in entries_of(data):
        if lost & set(entry.needs):
            lost.add(entry.id)
    return lost


@pytest.mark.parametrize("kind", ["face", "mixed"])
def test_a_unit_lost_costs_itself_and_its_dependants(kind):
    data = toy_file(kind)
    sound = decode(data)
    for section in all_sections(data):
        for way in ("missing", "a bit of its payload flipped"):
            outcome = outcome_of(WAYS[way](data, section), sound)
            if outcome.refused:
                assert outcome.refused == "critical-unit-damaged" and way != "missing"
                continue
            assert sound.active_units - outcome.scene.active_units == dependants(data, section.unit)


def test_a_flipped_header_bit_costs_no_more_where_there_is_a_directory():
    data = toy_file("face")
    sound = decode(data)
    for section in all_sections(data)[1:]:
        outcome = outcome_of(WAYS["a bit of its header flipped"](data, section), sound)
        critical = (
            next(f.header for f in frames_of(data) if f.header.id == section.unit).type in CRITICAL_UNIT_TYPES
        )
        assert bool(outcome.refused) == critical
        if not critical:
            assert sound.active_units - outcome.scene.active_units == dependants(data, section.unit)


def test_a_repeated_unit_costs_nothing_and_is_told():
    data = toy_file("surface")
    sound = decode(data)
    for section in all_sections(data):
        outcome = outcome_of(WAYS["repeated"](data, section), sound)
        assert outcome.lost == 0 and "duplicate-unit" in outcome.codes


def test_every_section_is_in_the_table_in_every_way():
    table = TABLE.read_text()
    data = SUBJECT.read_bytes()
    sections = sections_of(data)
    for section in sections:
        for way in WAYS:
            assert f"| {section.name} | {way} |" in table
    assert f"{len(data)} bytes, {len(frames_of(data))} units" in table, "run python -m spec.tools.damage"
    some = [section for section in sections if section.name in ("metadata", "levels")]
    assert len(some) == 2
    for row in rows_of(data, some):
        assert row in table, "run python -m spec.tools.damage"


def test_no_bit_flip_is_accepted_in_silence(tmp_path, capsys):
    assert flips_of(head_file(), 300) == Flips(300, 0, 0)
    assert not is_told(head_file())
    other = tmp_path / "toy.pav"
    other.write_bytes(toy_file("surface"))
    assert main(["--flips", "101", str(SUBJECT), str(other)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "avatar.pav: 51 bits flipped, 0 unseen, 0 accepted in silence",
        "toy.pav: 50 bits flipped, 0 unseen, 0 accepted in silence",
        "101 bits flipped (seed 20), 0 accepted in silence",
    ]


def test_a_damaged_file_that_no_checksum_covers_would_be_counted():
    data = toy_file("face")
    last = all_sections(data)[-1]
    cut = missing(data, last)
    assert not is_told(cut)
    assert is_silent(cut, decoded(data))
    assert not is_silent(cut, decoded(cut))
    assert not is_silent(flipped(data, last.middle), decoded(data))

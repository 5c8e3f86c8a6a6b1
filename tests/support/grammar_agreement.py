"""Whether the grammar and the decoder read the same fields at the same offsets."""

from dataclasses import astuple

from reading_along import fields_read

from pavfmt.registry import SIGNATURE
from spec.builders.forging import frames_of
from spec.grammar import walk
from spec.grammar.units import PAYLOADS


def noted(value):
    return value.encode() if isinstance(value, str) else value


def leaves_of(parsed, active):
    """(offset, size, value) of the payload fields of active units of known types; fields of no bytes say nothing."""
    payload_leaves = [
        leaf
        for unit in parsed.units
        if unit.header.id in active and unit.header.type in PAYLOADS
        for leaf in unit.leaves
        if leaf.offset >= unit.offset + 20
    ]
    return [(leaf.offset, leaf.size, noted(leaf.value)) for leaf in payload_leaves if leaf.size]


def assert_agreement(data, rig=None):
    parsed = walk(data, rig)
    fields, scene = fields_read(data, rig)
    assert leaves_of(parsed, scene.active_units) == [astuple(field) for field in fields if field.size]
    header = [leaf.value for leaf in parsed.header_leaves]
    assert header[0] == SIGNATURE and header[1:11] == list(astuple(scene.header))
    frames = frames_of(data)
    assert [unit.offset for unit in parsed.units] == [frame.offset for frame in frames]
    for unit, frame in zip(parsed.units, frames, strict=True):
        told = (unit.header.type, bool(unit.header.flags), unit.header.id, unit.header.length)
        assert (*told, unit.header.payload_checksum) == astuple(frame.header)
    return parsed


def assert_no_gaps(parsed, data):
    at = 0
    for leaf in parsed.leaves:
        assert leaf.offset == at
        at += leaf.size
    assert at == len(data)

"""Bounds of fields hold to the last value, and what is wrong is told at the field where reading meets it."""

import struct
from dataclasses import replace

import pytest

from pavfmt.codec.fields import FieldWriter
from pavfmt.codec.quantization import Affine
from pavfmt.errors import FormatError
from pavfmt.registry import Binding, RigSource, ShFrame, Site
from pavfmt.units.levels import LevelEntry, LevelTable, decode_levels, encode_levels
from pavfmt.units.metadata import decode_metadata
from spec.builders.avatars import toy
from spec.builders.forging import reader_of
from spec.builders.handmade import grids_over


def test_the_largest_float_is_finite_and_what_is_not_is_refused():
    most = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
    assert reader_of(struct.pack("<2f", most, -most)).floats(2) == (most, -most)
    for bits in (b"\x00\x00\x80\x7f", b"\x00\x00\x80\xff", b"\x00\x00\xc0\x7f"):
        with pytest.raises(FormatError, match="bad-field"):
            reader_of(bits).floats(1)


def test_metadata_of_very_many_entries_end_where_the_payload_does():
    writer = FieldWriter()
    writer.varint(1 << 40)
    writer.string("title")
    writer.string("one")
    with pytest.raises(FormatError, match=f"short-payload at byte {len(writer.getvalue())}"):
        decode_metadata(reader_of(writer.getvalue()))


@pytest.mark.parametrize("top, fine", [(64, True), (65, False)])
def test_log_scales_reach_to_64_with_their_highest_value(top, fine):
    grid = Affine(top - 3, 1, 0, 2)
    some = toy("static", 0).levels[0].gaussians
    entry = LevelEntry(
        Binding.SURFACE_POINT, Site.JOINT, ShFrame.WORLD, 0, 9, replace(grids_over(some), log_scales=grid)
    )
    writer = FieldWriter()
    encode_levels(writer, LevelTable(RigSource.NONE, (entry,)))
    if fine:
        assert decode_levels(reader_of(writer.getvalue())).levels[0].grids.log_scales == grid
    else:
        with pytest.raises(FormatError, match="bad-field"):
            decode_levels(reader_of(writer.getvalue()))

"""Payload fields: what is written is read again, and what is wrong is refused at its first byte."""

import struct

import numpy as np
import pytest

from pavfmt import FormatError, LimitError
from pavfmt.codec.fields import FieldWriter
from pavfmt.codec.quantization import Affine
from pavfmt.limits import FORMAT_LIMITS, Limits
from spec.builders.forging import reader_of

BASE = 1000
LARGEST = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
"""The largest float32."""


def written(*calls):
    writer = FieldWriter()
    for name, *given in calls:
        getattr(writer, name)(*given)
    return writer.getvalue()


def refused(data, read, error=FormatError, skipped=0):
    """(code, offset in the payload, message) of what `read(reader)` raises after `skipped` bytes."""
    reader = reader_of(bytes(skipped) + data, BASE)
    reader.raw(skipped)
    with pytest.raises(error) as caught:
        read(reader)
    return caught.value.code, caught.value.offset - BASE, caught.value.message


VARINTS = {
    0: "00", 1: "01", 127: "7f", 128: "8001", 16383: "ff7f", 16384: "808001", (1 << 63) - 1: "ffffffffffffffff7f",
}  # fmt: skip


@pytest.mark.parametrize("value", VARINTS)
def test_varints(value):
    data = bytes.fromhex(VARINTS[value])
    assert written(("varint", value)) == data
    reader = reader_of(data, BASE)
    assert reader.varint("count", value) == value
    assert reader.offset == BASE + len(data)
    assert reader_of(data).varint("count") == value, "of itself it has no limit but its nine bytes"


@pytest.mark.parametrize("data", [b"\x80\x00", b"\x81\x00", b"\xff\xff\x00", bytes([0x80] * 8) + b"\x00"])
def test_a_varint_has_no_needless_last_byte(data):
    code, at, message = refused(data, lambda reader: reader.varint("count", 1 << 63), skipped=2)
    assert (code, at) == ("bad-field", 2) and "count" in message


@pytest.mark.parametrize("more", [b"\x00", b"\x01", b"\x80\x01"])
def test_a_varint_has_at_most_nine_bytes(more):
    code, at, message = refused(b"\xff" * 9 + more, lambda reader: reader.varint("count", 1 << 80), skipped=1)
    assert (code, at) == ("bad-field", 1) and "count" in message


def test_a_varint_keeps_to_its_limit():
    assert reader_of(b"\x05").varint("count", 5) == 5
    code, at, message = refused(b"\x06", lambda reader: reader.varint("count", 5), LimitError, skipped=3)
    assert (code, at, message) == ("limit-exceeded", 3, "count is 6, the limit is 5")


def test_a_varint_that_is_cut_misses_its_next_byte():
    assert refused(b"\x80\x80", lambda reader: reader.varint("count", 9))[:2] == ("short-payload", 2)


@pytest.mark.parametrize("text", ["", "a", "Gruß", "two\nlines\tand a tab", " ~", "\x7f\x80", "x" * 200])
def test_strings(text):
    data = written(("string", text))
    reader = reader_of(data + b"!", BASE)
    assert reader.string("name") == text
    assert reader.offset == BASE + len(data)


@pytest.mark.parametrize("character", ["\0", "\x08", "\x0b", "\r", "\x1f"])
def test_a_string_holds_no_control_characters(character):
    data = written(("string", f"a{character}b"))
    code, at, message = refused(data, lambda reader: reader.string("name"), skipped=1)
    assert (code, at) == ("bad-string", 2) and "name" in message


def test_a_string_is_utf_8():
    code, at, message = refused(b"\x02a\xff", lambda reader: reader.string("name"))
    assert (code, at) == ("bad-string", 1) and "name" in message


def test_a_string_keeps_to_its_limit():
    data, limits = written(("string", "abcd")), Limits(string_bytes=4)
    assert reader_of(data, limits=limits).string("name") == "abcd"
    with pytest.raises(LimitError, match="name length is 4, the limit is 3"):
        reader_of(data, limits=Limits(string_bytes=3)).string("name")


@pytest.mark.parametrize("values", [(), (0.0,), (-0.0, LARGEST, -LARGEST), (1.5, -(2.0**-149))])
def test_every_finite_float_is_read(values):
    assert reader_of(written(("pack", f"{len(values)}f", *values))).floats(len(values)) == values


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("place", range(3))
def test_a_float_that_is_not_finite_is_refused_where_its_row_begins(value, place):
    row = [1.0, 2.0, 3.0]
    row[place] = value
    data = written(("pack", "3f", *row))
    assert refused(data, lambda reader: reader.floats(3), skipped=2)[:2] == ("bad-field", 2)


def test_a_choice_is_below_its_count():
    assert reader_of(b"\x02").choice("kind", 3) == 2
    code, at, message = refused(b"\x03", lambda reader: reader.choice("kind", 3), skipped=4)
    assert (code, at, message) == ("bad-field", 4, "kind is 3, defined are 0..2")


def test_bytes_are_taken_while_they_are_there():
    reader = reader_of(b"abcde", BASE)
    assert (reader.size, reader.raw(2), reader.u8(), reader.rest(), reader.rest()) == (
        5,
        b"ab",
        99,
        b"de",
        b"",
    )
    assert reader.size == 5 and reader.offset == BASE + 5
    reader.finish()
    code, at, message = refused(b"abc", lambda reader: reader.raw(4), skipped=2)
    assert (code, at, message) == ("short-payload", 2, "a field of 4 bytes, 3 left")


def test_nothing_is_left_at_the_end():
    code, at, message = refused(b"abc", lambda reader: reader.finish(), skipped=1)
    assert (code, at, message) == ("long-payload", 1, "3 bytes after the last field")


def test_fixed_fields_are_little_endian_and_unpadded():
    data = written(("pack", "BHI", 1, 2, 3))
    assert data == b"\x01\x02\x00\x03\x00\x00\x00"
    assert reader_of(data).unpack("BHI") == (1, 2, 3)


@pytest.mark.parametrize(
    "grid",
    [
        Affine(-5, 7, 3, 8),
        Affine((1 << 53) - 2, 0, 52, 16),
        Affine(0, 1, 0, 1),
        Affine(-1, (1 << 32) - 1, 0, 8),
    ],
)
def test_grids(grid):
    data = written(("affine", grid))
    assert data == struct.pack("<qIBB", grid.offset, grid.step, grid.shift, grid.bits)
    assert reader_of(data).affine("grid") == grid


def test_a_grid_that_is_not_exact_is_refused():
    data = written(("affine", Affine(1 << 53, 1, 0, 8)))
    code, at, message = refused(data, lambda reader: reader.affine("depth"), skipped=1)
    assert (code, at) == ("bad-field", 1) and "depth" in message


EDGES = [0, 1, -1, 127, 128, -128, -129, 32767, 32768, -32768, -32769, (1 << 31) - 1, -(1 << 31)]


def fitting_width(values):
    """The first of 1, 2 and 4 bytes whose type holds all values."""
    for width, dtype in ((1, np.int8), (2, np.int16), (4, np.int32)):
        if all(np.iinfo(dtype).min <= value <= np.iinfo(dtype).max for value in values):
            return width
    raise AssertionError


@pytest.mark.parametrize("low", EDGES)
@pytest.mark.parametrize("high", EDGES)
def test_signed_columns_take_the_smallest_width_that_holds_them(low, high):
    data = written(("signed_column", np.array([low, high, low], dtype=np.int64)))
    assert data[0] == fitting_width([low, high])
    reader = reader_of(data)
    values = reader.signed_column(3)
    reader.finish()
    assert values.tolist() == [low, high, low]
    assert values.dtype == np.dtype(f"i{data[0]}")


def test_a_signed_column_of_nothing_is_a_byte_wide():
    assert written(("signed_column", np.zeros(0, dtype=np.int64)))[0] == 1


@pytest.mark.parametrize("width", [0, 3, 5, 8, 255])
def test_a_signed_column_of_another_width_is_refused(width):
    code, at, message = refused(bytes([width, 0, 0]), lambda reader: reader.signed_column(1), skipped=1)
    assert (code, at, message) == ("bad-field", 1, f"a column width of {width} bytes")


@pytest.mark.parametrize("stored", [False, True])
def test_a_column_tells_its_bytes_and_can_be_passed_over(stored):
    values = np.arange(300, dtype=np.uint16)
    writer = FieldWriter()
    writer.string("before")
    before = len(writer.getvalue())
    taken = writer.column(values, 2, stored)
    data = writer.getvalue()
    assert taken == len(data) - before
    assert (data[before] == 0) == stored
    reader = reader_of(data + b"!")
    reader.raw(before)
    assert reader.column(300, 2).tolist() == values.tolist()
    passing = reader_of(data + b"!")
    passing.raw(before)
    passing.skip_column()
    assert passing.rest() == reader.rest() == b"!"


def test_a_column_is_compressed_unless_asked():
    assert len(written(("column", np.zeros(300, dtype=np.uint16), 2))) < 10


@pytest.mark.parametrize("read", [lambda reader: reader.column(1, 1), lambda reader: reader.skip_column()])
def test_a_column_is_no_longer_than_a_unit(read):
    data = b"\x00" + written(("varint", FORMAT_LIMITS.unit_bytes + 1))
    code, at, message = refused(data, read, LimitError)
    assert (code, at) == ("limit-exceeded", 1) and message.startswith("column length is ")
    assert refused(b"\x00" + written(("varint", FORMAT_LIMITS.unit_bytes)), read)[0] == "short-payload"


def test_a_column_at_fault_is_named_by_its_first_byte():
    column = b"\x00\x03abc"
    assert refused(column, lambda reader: reader.column(2, 1), skipped=2)[:2] == ("bad-column", 4)


def test_values_beyond_their_grid_are_refused_where_the_column_begins():
    grid = Affine(0, 1, 0, 5)
    data = written(("column", np.array([3, 31], dtype=np.uint8), 1))
    assert reader_of(data).grid_column(2, grid).tolist() == [3, 31]
    data = written(("column", np.array([32, 3], dtype=np.uint8), 1))
    code, at, message = refused(data, lambda reader: reader.grid_column(2, grid), skipped=3)
    assert (code, at, message) == ("bad-field", 3, "a quantized value of 32, at most 31")
    assert reader_of(written(("column", np.zeros(0, dtype=np.uint8), 1))).grid_column(0, grid).size == 0

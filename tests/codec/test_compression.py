"""Columns: every width, transform and codec comes back; wrong ones are refused before anything is made."""

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.codec.columns import (
    DTYPES,
    ColumnDecompressor,
    _delta,
    _planes,
    compress_column,
    unzigzag,
    zigzag,
)
from pavfmt.codec.fields import FieldWriter
from pavfmt.errors import FormatError
from pavfmt.registry import ColumnCodec, ColumnTransform
from spec.builders.forging import reader_of

widths = st.sampled_from([1, 2, 4])


def open_column(kind, data, count, width, offset=0):
    return ColumnDecompressor().decompress(int(kind), data, count, width, offset)


def column(drawn, width):
    top = (1 << 8 * width) - 1
    value = st.one_of(st.integers(0, top), st.sampled_from([0, 1, top - 1, top, (top + 1) // 2]))
    return np.array(drawn.draw(st.lists(value, max_size=300)), dtype=DTYPES[width])


@given(widths, st.booleans(), st.data())
def test_a_column_comes_back(width, stored, drawn):
    values = column(drawn, width)
    kind, data = compress_column(values, width, stored)
    found = open_column(kind, data, len(values), width)
    assert found.dtype == values.dtype and found.tolist() == values.tolist()


@given(widths, st.data())
def test_every_transform_and_codec_comes_back(width, drawn):
    values = column(drawn, width)
    for transform in ColumnTransform:
        told = {
            ColumnTransform.NONE: values,
            ColumnTransform.DELTA: _delta(values, width),
            ColumnTransform.ZIGZAG: zigzag(values, width),
        }[transform]
        plain = _planes(told, width)
        for codec, data in (
            (ColumnCodec.STORED, plain),
            (ColumnCodec.ZSTD, zstandard.ZstdCompressor().compress(plain)),
        ):
            if codec is ColumnCodec.ZSTD and not plain:
                continue
            found = open_column(16 * transform + codec, data, len(values), width)
            assert found.tolist() == values.tolist()


@given(widths, st.data())
def test_delta_is_the_difference_modulo_the_width_in_zigzag(width, drawn):
    values, size = column(drawn, width), 1 << 8 * width
    wanted, before = [], 0
    for value in values.tolist():
        step = (value - before) % size
        step = step - size if step >= size // 2 else step
        wanted.append(2 * step if step >= 0 else -2 * step - 1)
        before = value
    assert _delta(values, width).tolist() == wanted


@pytest.mark.parametrize("width", [1, 2, 4])
def test_zigzag_orders_by_size(width):
    signed = np.array([0, -1, 1, -2, 2, -(1 << 8 * width - 1), (1 << 8 * width - 1) - 1])
    top = (1 << 8 * width) - 1
    codes = zigzag(signed.astype(np.int64).astype(DTYPES[width]), width)
    assert codes.tolist() == [0, 1, 2, 3, 4, top, top - 1]
    assert unzigzag(codes, width).tolist() == [value % (1 << 8 * width) for value in signed.tolist()]


def test_wide_values_are_byte_planes_lowest_first():
    assert _planes(np.array([0x0102, 0x0304], dtype=np.uint16), 2) == bytes([2, 4, 1, 3])


def test_a_constant_column_is_one_value():
    assert compress_column(np.full(1000, 513, np.uint16), 2) == (ColumnCodec.CONSTANT, bytes([1, 2]))


FRAME = zstandard.ZstdCompressor().compress(bytes(range(100)))
UNSIZED = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(range(100)))


@pytest.mark.parametrize(
    "kind, data, count, width",
    [
        (3, bytes(4), 4, 1),
        (15, bytes(4), 4, 1),
        (48, bytes(4), 4, 1),
        (0xFF, bytes(4), 4, 1),
        (ColumnCodec.STORED, bytes(3), 4, 1),
        (ColumnCodec.STORED, bytes(5), 4, 1),
        (ColumnCodec.STORED, bytes(4), 4, 2),
        (ColumnCodec.CONSTANT, bytes(2), 4, 1),
        (ColumnCodec.CONSTANT, b"", 4, 1),
        (ColumnCodec.CONSTANT, bytes(1), 0, 1),
        (16 + ColumnCodec.CONSTANT, bytes(1), 4, 1),
        (ColumnCodec.ZSTD, b"", 4, 1),
        (ColumnCodec.ZSTD, b"not a frame", 4, 1),
        (ColumnCodec.ZSTD, FRAME, 99, 1),
        (ColumnCodec.ZSTD, FRAME, 101, 1),
        (ColumnCodec.ZSTD, FRAME[:-1], 100, 1),
        (ColumnCodec.ZSTD, FRAME + b"x", 100, 1),
        (ColumnCodec.ZSTD, FRAME + FRAME, 100, 1),
        (ColumnCodec.ZSTD, UNSIZED, 100, 1),
    ],
)
def test_a_wrong_column_is_refused_where_it_stands(kind, data, count, width):
    with pytest.raises(FormatError) as caught:
        open_column(kind, data, count, width, offset=1234)
    assert (caught.value.code, caught.value.offset) == ("bad-column", 1234)


def test_a_right_frame_is_accepted():
    assert open_column(ColumnCodec.ZSTD, FRAME, 100, 1).tolist() == list(range(100))


@given(st.integers(0, (1 << 63) - 1))
def test_varints_come_back(value):
    writer = FieldWriter()
    writer.varint(value)
    reader = reader_of(writer.getvalue())
    assert reader.varint("number", (1 << 63) - 1) == value
    reader.finish()


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xff\x80\x00", b"\xff" * 9 + b"\x01"])
def test_a_varint_has_one_spelling(data):
    with pytest.raises(FormatError, match="bad-field"):
        reader_of(data).varint("number", 1 << 63)


def test_a_varint_that_does_not_end_is_short():
    with pytest.raises(FormatError, match="short-payload"):
        reader_of(b"\x80").varint("number", 1 << 63)

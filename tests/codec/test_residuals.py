"""Blocks: integers come back in every form, as Python's big integers read them; wrong ones are refused."""

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.codec import compiled
from pavfmt.codec.block_encoding import encode_ascending, encode_block
from pavfmt.codec.blocks import BOUND, MAX_ASCENDING, MAX_FLOOR, MAX_QUOTIENT, PREDICTED, Form, zigzag
from pavfmt.codec.fields import FieldWriter
from pavfmt.codec.prediction import neighbourhood
from pavfmt.errors import FormatError, PavError
from spec.builders.forging import reader_of

TOP = BOUND - 1
value = st.one_of(
    st.integers(-3, 3), st.integers(-200, 200), st.sampled_from([-TOP, -TOP + 1, 0, TOP - 1, TOP])
)


@st.composite
def blocks(draw):
    """(values (n, C), widths, places, shifts or None): values are multiples of 2^shift."""
    count = draw(st.one_of(st.integers(1, 20), st.integers(1, 70)))
    widths = draw(st.sampled_from([[1], [2], [1, 3], [3, 3, 1], [2, 1, 1]]))
    columns = sum(widths)
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    kind = draw(st.sampled_from(["any", "constant", "smooth", "sparse"]))
    if kind == "any":
        row = st.lists(value, min_size=columns, max_size=columns)
        values = np.array(draw(st.lists(row, min_size=count, max_size=count)), dtype=np.int64)
    else:
        values = np.full((count, columns), draw(value), dtype=np.int64)
    if kind == "smooth":
        values = np.clip(values + random.integers(-6, 7, values.shape), -TOP, TOP)
    if kind == "sparse":
        values[random.random(count) < 0.1] += np.sign(-values[0] - 1) * 5
    places = random.integers(0, draw(st.sampled_from([1, 2, 683])), (count, 3))
    if not draw(st.booleans()):
        return values, widths, places, None
    shifts = random.integers(0, 8, (count, 1)) * np.repeat(random.integers(0, 2, len(widths)), widths)
    return np.sign(values) * (np.abs(values) >> shifts << shifts), widths, places, shifts


def written(values, widths, near, shifts=None):
    writer = FieldWriter()
    encode_block(writer, values, widths, near, shifts)
    return writer.getvalue()


def read(data, count, widths, near, with_twins=False, shifts=None):
    reader = reader_of(data)
    with compiled.switched(with_twins):
        values = reader.block(count, widths, near, shifts)
    reader.finish()
    return values


def read_by_twins_alone(data, count, widths, near, shifts=None):
    """What is right: where the twins refuse that, decoding would only be slow."""
    refused = AssertionError("the twins refuse")
    with mock.patch("pavfmt.codec.blocks._rice_values", side_effect=refused):
        return read(data, count, widths, near, True, shifts)


class Bits:
    """Bits of a section, the highest of a byte first."""

    def __init__(self, data):
        self.bits = "".join(f"{byte:08b}" for byte in data)
        self.at = 0

    def unary(self):
        end = self.bits.index("1", self.at)
        zeros, self.at = end - self.at, end + 1
        return zeros

    def take(self, width):
        self.at += width
        return int(self.bits[self.at - width : self.at] or "0", 2)


def read_by_integers(data, count, widths, near, shifts=None):
    """A Rice block by the text alone, in Python's integers, turn by turn."""
    reader = reader_of(data)
    form = reader.u8()
    models = []
    for width in widths:
        first = reader.u8()
        predicted = first >= PREDICTED
        scale, floor = (reader.u8(), reader.varint("floor", MAX_FLOOR)) if predicted else (0, 0)
        models += [(first % PREDICTED, predicted, scale, floor)] * width
    sizes = [reader.varint("size", 1 << 26) for _ in range(2)]
    flags = Bits(reader.raw(-(-count // 8)) if form == Form.RICE_ROWS else b"\xff" * count)
    quotients, remainders = (Bits(reader.raw(size)) for size in sizes)
    told = []
    for turn in range(count):
        has_residuals, row = flags.take(1), []
        for column, (first, predicted, scale, floor) in enumerate(models):
            shift = 0 if shifts is None else int(shifts[near.order[turn], column])
            mean, parameter = 0, max(first - shift, 0)
            if predicted and turn >= near.passes[0]:
                around = near.neighbours[turn - near.passes[0]].tolist()
                weights = near.weights[turn - near.passes[0]].tolist()
                values = [told[other][column] for other in around]
                total = sum(weights)
                mean = (2 * sum(w * v for w, v in zip(weights, values, strict=True)) + total) // (2 * total)
                far = sum(w * abs(v - mean) for w, v in zip(weights, values, strict=True))
                bits = ((scale * (8 * far // total) + floor) >> 5).bit_length()
                parameter = min(max(bits - shift, 0), 15)
                mean = (mean + ((1 << shift) >> 1)) >> shift
            code = quotients.unary() << parameter | remainders.take(parameter) if has_residuals else 0
            row.append((mean + (code >> 1 if code % 2 == 0 else -(code + 1 >> 1))) << shift)
        told.append(row)
    values = [None] * count
    for turn, one in enumerate(near.order.tolist()):
        values[one] = told[turn]
    return values


@given(blocks())
def test_integers_come_back_and_are_what_the_text_says(block):
    values, widths, places, shifts = block
    near = neighbourhood(places)
    data = written(values, widths, near, shifts)
    assert read(data, len(values), widths, near, None, shifts).tolist() == values.tolist()
    assert read_by_twins_alone(data, len(values), widths, near, shifts).tolist() == values.tolist()
    if data[0] != Form.COLUMNS:
        assert read_by_integers(data, len(values), widths, near, shifts) == values.tolist()


def test_every_form_is_used_where_it_is_smallest():
    near = neighbourhood(np.random.default_rng(0).integers(0, 683, (600, 3)))
    random = np.random.default_rng(1)
    far_apart = random.choice([-TOP, 0, TOP], (600, 1))
    noisy = random.integers(-9, 9, (600, 2))
    sparse = np.where(random.random((600, 1)) < 0.02, 5, 0).repeat(3, axis=1)
    cases = {Form.COLUMNS: (far_apart, [1]), Form.RICE: (noisy, [2]), Form.RICE_ROWS: (sparse, [2, 1])}
    for form, (values, widths) in cases.items():
        data = written(values, widths, near)
        assert data[0] == form
        assert read(data, 600, widths, near).tolist() == values.tolist()
        assert read(data, 600, widths, near, True).tolist() == values.tolist()


def test_what_neighbours_have_in_common_costs_next_to_nothing():
    """A smooth field, told by prediction, against the same values in no order."""
    places = np.random.default_rng(0).integers(0, 683, (2000, 3))
    smooth = (places.sum(axis=1, keepdims=True) // 4).astype(np.int64)
    near = neighbourhood(places)
    mixed = np.random.default_rng(1).permutation(smooth)
    assert len(written(smooth, [1], near)) < 0.75 * len(written(mixed, [1], near))


NEAR = neighbourhood(np.random.default_rng(7).integers(0, 683, (40, 3)))
NO_SHARED_PLACE = np.random.default_rng(8).integers(-50, 50, (40, 3))
models = st.one_of(
    st.integers(0, 15).map(lambda first: bytes([first])),
    st.builds(
        lambda first, scale, floor: bytes([PREDICTED + first, scale]) + varint(floor),
        st.integers(0, 15),
        st.sampled_from([0, 1, 16, 255]),
        st.sampled_from([0, 31, 32, 4000, MAX_FLOOR]),
    ),
)


def varint(number):
    writer = FieldWriter()
    writer.varint(number)
    return writer.getvalue()


def outcome(data, with_twins=False, count=40, widths=(1, 2)):
    try:
        return read(data, count, list(widths), NEAR, with_twins).tolist()
    except PavError as error:
        return error.code, error.offset


@given(
    st.sampled_from([Form.RICE, Form.RICE_ROWS]),
    models,
    models,
    st.binary(min_size=5, max_size=5),
    st.binary(max_size=60),
    st.binary(max_size=120),
)
def test_any_sections_give_the_same_values_or_the_same_refusal_compiled_and_not(
    form, one, two, rows, quotients, remainders
):
    sections = varint(len(quotients)) + varint(len(remainders))
    flags = rows if form is Form.RICE_ROWS else b""
    data = bytes([form]) + one + two + sections + flags + quotients + remainders
    found = outcome(data)
    assert outcome(data, True) == found
    if isinstance(found, list):
        assert read_by_integers(data, 40, [1, 2], NEAR) == found


@pytest.mark.parametrize("at", range(0, 90))
def test_every_one_byte_change_gives_values_in_bounds_or_a_refusal(at):
    data = written(NO_SHARED_PLACE, [1, 2], NEAR)
    for mask in (0x01, 0x10, 0x80, 0xFF):
        changed = bytearray(data)
        changed[at % len(data)] ^= mask
        found = outcome(bytes(changed))
        assert outcome(bytes(changed), True) == found
        if isinstance(found, list):
            assert abs(np.array(found)).max() < BOUND


def rice_block(quotients, remainders=b"", model=b"\x00", count=1):
    return (
        bytes([Form.RICE]) + model + varint(len(quotients)) + varint(len(remainders)) + quotients + remainders
    )


@pytest.mark.parametrize(
    "data, code",
    [
        (b"\x03", "bad-field"),  # no such form
        (bytes([Form.RICE, 32]), "bad-field"),  # no such model
        (bytes([Form.RICE, 16, 1]) + varint(MAX_FLOOR + 1), "bad-field"),
        (rice_block(b"\x80\x00"), "bad-column"),
        (rice_block(b""), "bad-column"),
        (rice_block(b"\x00"), "bad-column"),
        (rice_block(b"\x80", b"\x00"), "bad-column"),
        (rice_block(b"\x80", b"", b"\x01"), "bad-column"),
        (rice_block(bytes(8) + b"\x80"), "bad-column"),  # 65 bits for one
        (bytes([Form.RICE_ROWS, 0]) + varint(1) + varint(0) + b"\xc0\x80", "bad-field"),  # flag of the second
        (bytes([Form.RICE_ROWS, 0]) + varint(1) + varint(0) + b"\x00\x80", "bad-column"),
        (rice_block(b"\x80")[:-1], "short-payload"),
        (rice_block(b"\x80") + b"\x00", "long-payload"),
    ],
)
@pytest.mark.parametrize("with_twins", [False, True], ids=["plain", "compiled"])
def test_a_wrong_block_of_one_is_refused(data, code, with_twins):
    near = neighbourhood(np.zeros((1, 3), dtype=np.int64))
    with pytest.raises(PavError) as caught:
        read(data, 1, [1], near, with_twins)
    assert caught.value.code == code


@pytest.mark.parametrize("with_twins", [False, True], ids=["plain", "compiled"])
def test_values_stay_below_the_bound(with_twins):
    """15 bits of remainder and a quotient of 3: the last code below the bound, and the first beyond it."""
    near = neighbourhood(np.zeros((1, 3), dtype=np.int64))
    codes = {2 * TOP: TOP, 2 * TOP - 1: -TOP, 2 * BOUND: None, 2 * BOUND - 1: None}
    for code, wanted in codes.items():
        quotients = bytes([0x80 >> (code >> 15)])
        data = rice_block(quotients, (code % (1 << 15) << 1).to_bytes(2, "big"), b"\x0f")
        if wanted is None:
            with pytest.raises(FormatError, match="bad-column"):
                read(data, 1, [1], near, with_twins)
        else:
            assert read(data, 1, [1], near, with_twins).tolist() == [[wanted]]


def test_columns_out_of_bounds_are_refused():
    near = neighbourhood(np.zeros((2, 3), dtype=np.int64))
    for values, fine in (
        ([TOP, -TOP], True),
        ([BOUND, 0], False),
        ([0, -BOUND], False),
        ([0, -(1 << 31)], False),
    ):
        writer = FieldWriter()
        writer.pack("B", Form.COLUMNS)
        writer.signed_column(np.array(values))
        if fine:
            assert read(writer.getvalue(), 2, [1], near)[:, 0].tolist() == values
        else:
            with pytest.raises(FormatError, match="bad-column"):
                read(writer.getvalue(), 2, [1], near)


@pytest.mark.parametrize("before", range(34))
@pytest.mark.parametrize("zeros", [30, 31, 32, 33, 62, 63, 64, 65, 96, 97, 129])
def test_long_quotients_wherever_they_begin_are_read_compiled(before, zeros):
    codes = [*[0] * before, zeros, *[0] * 60]
    near = neighbourhood(np.zeros((len(codes), 3), dtype=np.int64))
    bits = np.array([int(bit) for code in codes for bit in "0" * code + "1"], dtype=np.uint8)
    data = rice_block(np.packbits(bits).tobytes())
    found = read_by_twins_alone(data, len(codes), [1], near)[near.order, 0]
    assert zigzag(found.astype(np.int64)).tolist() == codes


@pytest.mark.parametrize("quotient, fine", [(MAX_QUOTIENT - 1, True), (MAX_QUOTIENT, False)])
def test_a_quotient_has_a_limit(quotient, fine):
    """In a list of ascending integers, long enough for its size to be worth something."""
    count = 10_000
    gaps = np.zeros(count, dtype=np.int64)
    gaps[5] = quotient
    bits = np.zeros(int((gaps + 1).sum()), dtype=np.uint8)
    bits[np.cumsum(gaps + 1) - 1] = 1
    section = np.packbits(bits).tobytes()
    reader = reader_of(b"\x00" + varint(len(section)) + section)
    if fine:
        assert int(reader.ascending(count)[-1]) == quotient
    else:
        with pytest.raises(FormatError, match="bad-column"):
            reader.ascending(count)


ascending = st.lists(
    st.one_of(st.integers(0, 5), st.sampled_from([0, 1000, (1 << 20) - 1, MAX_ASCENDING - 1])),
    min_size=1,
    max_size=60,
)


@given(ascending, st.booleans())
def test_ascending_integers_come_back(values, padded):
    values = np.sort(np.array(values)).astype(np.int32)
    writer = FieldWriter()
    encode_ascending(writer, values, padded)
    reader = reader_of(writer.getvalue())
    found = reader.ascending(len(values))
    reader.finish()
    assert found.dtype == np.int32 and found.tolist() == values.tolist()
    assert not padded or 8 * len(writer.getvalue()) >= 2 * len(values)


def test_ascending_integers_have_a_ceiling():
    section = b"\x40"  # a quotient of 1
    rest = ((1 << 30) - 1 << 2).to_bytes(4, "big")
    found = reader_of(bytes([30]) + varint(1) + section + rest).ascending(1)
    assert found.tolist() == [MAX_ASCENDING - 1]
    with pytest.raises(FormatError, match="index-out-of-range"):
        reader_of(bytes([30]) + varint(1) + b"\x20" + bytes(4)).ascending(1)
    with pytest.raises(FormatError, match="bad-field"):
        reader_of(bytes([31]) + varint(1) + section + bytes(4)).ascending(1)


def test_neighbourhoods_of_another_order_read_other_values():
    """The order of telling is no detail: the same bytes over other places are other values."""
    data = written(NO_SHARED_PLACE, [1, 2], NEAR)
    other = replace(NEAR, order=NEAR.order[::-1].copy())
    assert read(data, 40, [1, 2], other).tolist() != NO_SHARED_PLACE.tolist()

"""Rice codes: two sections of bits that Python's strings spell the same way; wrong sections are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.codec.block_encoding import bits_of, encode_quotients, encode_remainders
from pavfmt.codec.blocks import Remainders, decode_quotients, unzigzag, zigzag
from pavfmt.errors import FormatError

AT = 1234
numbers = st.one_of(st.integers(0, 40), st.sampled_from([0, 1, 255, 256, (1 << 15) - 1, 1 << 15, 70_000]))
codes = st.lists(st.tuples(numbers, st.integers(0, 30)), max_size=80)


def packed(bits):
    """A string of 0 and 1 as bytes, highest bit first, filled up with zeros."""
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def spelled(pairs):
    """Both sections of (value, parameter) pairs, written out."""
    quotients = "".join("0" * (value >> k) + "1" for value, k in pairs)
    remainders = "".join(format(value & ((1 << k) - 1), f"0{k}b") if k else "" for value, k in pairs)
    return packed(quotients), packed(remainders)


def arrays(pairs):
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@given(codes)
def test_both_sections_are_as_spelled_out(pairs):
    values, parameters = arrays(pairs)
    wanted = spelled(pairs)
    assert (encode_quotients(values, parameters), encode_remainders(values, parameters)) == wanted
    assert bits_of(values, parameters) == sum((value >> k) + 1 + k for value, k in pairs)


@given(codes)
def test_values_come_back(pairs):
    values, parameters = arrays(pairs)
    first, second = spelled(pairs)
    quotients = decode_quotients(first, len(pairs), AT)
    remainders = Remainders(second, AT)
    found = (quotients << parameters) + remainders.take(parameters)
    remainders.finish()
    assert found.tolist() == values.tolist()


@given(codes, st.data())
def test_remainders_may_be_taken_in_any_pieces(pairs, drawn):
    _, parameters = arrays(pairs)
    remainders, found = Remainders(spelled(pairs)[1], AT), []
    cuts = sorted(drawn.draw(st.lists(st.integers(0, len(pairs)), max_size=5)))
    for low, high in zip([0, *cuts], [*cuts, len(pairs)], strict=True):
        found += remainders.take(parameters[low:high]).tolist()
    remainders.finish()
    assert found == [value & ((1 << k) - 1) for value, k in pairs]


def test_remainders_keep_the_shape_they_are_asked_in():
    widths = np.array([[1, 2], [3, 2]])
    found = Remainders(packed("1" + "10" + "101" + "01"), AT).take(widths)
    assert found.tolist() == [[1, 2], [5, 1]]


def refusal(read):
    with pytest.raises(FormatError) as caught:
        read()
    return caught.value.code, caught.value.offset


@pytest.mark.parametrize(
    "data, count",
    [
        (b"", 1),  # nothing
        (b"\x00", 1),  # no end
        (b"\x80", 2),  # one too few
        (b"\xc0", 1),  # one too many
        (b"\x80\x00", 1),  # a byte too many
        (b"\x00", 0),
        (b"\x80", 0),
    ],
)
def test_a_wrong_section_of_quotients_is_refused_where_it_stands(data, count):
    assert refusal(lambda: decode_quotients(data, count, AT)) == ("bad-column", AT)


def test_no_quotients_are_no_bytes():
    assert decode_quotients(b"", 0, AT).tolist() == []


@given(codes.filter(bool))
def test_a_section_of_quotients_has_one_length(pairs):
    data = spelled(pairs)[0]
    assert refusal(lambda: decode_quotients(data + b"\0", len(pairs), AT)) == ("bad-column", AT)
    assert refusal(lambda: decode_quotients(data[:-1], len(pairs), AT)) == ("bad-column", AT)
    for other in (len(pairs) - 1, len(pairs) + 1):
        assert refusal(lambda count=other: decode_quotients(data, count, AT)) == ("bad-column", AT)


@given(st.lists(st.integers(1, 15), min_size=1, max_size=40))
def test_a_short_section_of_remainders_is_refused_where_it_stands(widths):
    parameters = np.array(widths)
    data = encode_remainders(np.zeros(len(widths), dtype=np.int64), parameters)
    assert refusal(lambda: Remainders(data[:-1], AT).take(parameters)) == ("bad-column", AT)


@given(st.lists(st.integers(0, 15), max_size=40))
def test_only_zeros_that_fill_the_last_byte_may_be_left(widths):
    parameters = np.array(widths, dtype=np.int64)
    data = encode_remainders(np.zeros(len(widths), dtype=np.int64), parameters)
    longer = Remainders(data + b"\0", AT)
    longer.take(parameters)
    assert refusal(longer.finish) == ("bad-column", AT)
    spare = 8 * len(data) - sum(widths)
    if spare:
        other = Remainders(data[:-1] + bytes([data[-1] | 1]), AT)
        other.take(parameters)
        assert refusal(other.finish) == ("bad-column", AT)


@given(st.lists(st.integers(-(1 << 40), 1 << 40), max_size=40))
def test_zigzag_is_its_inverse_and_orders_by_size(values):
    given_ = np.array(values, dtype=np.int64)
    folded = zigzag(given_)
    assert folded.tolist() == [2 * value if value >= 0 else -2 * value - 1 for value in values]
    assert unzigzag(folded).tolist() == values

"""A cut is a slice: what can be cut where, and what a prefix knows of the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt import EncodeError, FormatError, bytes_of_percent, unit_ends
from pavfmt.tools.cut import complete_bytes
from spec.builders.avatars import toy_file
from spec.builders.forging import flipped, unit_spans


def test_unit_ends_are_the_header_and_every_unit():
    data = toy_file()
    assert unit_ends(data) == [52, *(end for _, end in unit_spans(data))]
    assert unit_ends(data)[-1] == len(data)


@pytest.mark.parametrize("length, ends", [(0, []), (51, []), (52, [52]), (53, [52])])
def test_unit_ends_of_a_short_prefix(length, ends):
    assert unit_ends(toy_file()[:length]) == ends


@given(st.integers(0, 4000))
def test_unit_ends_of_a_prefix_are_those_within_it(length):
    data = toy_file()
    assert unit_ends(data[:length]) == [end for end in unit_ends(data) if end <= length]


def test_a_damaged_unit_is_no_gain():
    data = toy_file()
    start, end = unit_spans(data)[3]
    with pytest.raises(FormatError):
        unit_ends(flipped(data, start + 30))
    start, end = unit_spans(data)[-1]
    assert end not in unit_ends(flipped(data, end - 1))


@pytest.mark.parametrize("length", [52, 100, 2000])
def test_a_prefix_knows_how_large_the_whole_is(length):
    assert complete_bytes(toy_file()[:length]) == len(toy_file())


def test_less_than_a_header_knows_only_itself():
    assert complete_bytes(toy_file()[:51]) == 51


@pytest.mark.parametrize(
    "total, percent, wanted",
    [(1000, 0, 0), (1000, 100, 1000), (999, 50, 500), (1000, 0.05, 0), (1000, 0.15, 2)],
)
def test_percent_of_bytes(total, percent, wanted):
    assert bytes_of_percent(total, percent) == wanted


@pytest.mark.parametrize("percent", [-0.1, 100.1, float("nan"), float("inf")])
def test_a_percentage_is_within_0_and_100(percent):
    with pytest.raises(EncodeError, match="bad-percent"):
        bytes_of_percent(1000, percent)

"""Hypothesis strategies: sizes at thresholds, ways to split and to order bytes."""

from hypothesis import settings
from hypothesis import strategies as st


def many(examples):
    """Settings for a test of so many examples in a full run; fewer or more by the profile."""
    in_full = settings.get_profile("ci").max_examples
    return settings(max_examples=max(1, examples * settings().max_examples // in_full))


def around(limit):
    """0, 1, and what lies just below, at and above a limit."""
    return st.sampled_from(sorted({0, 1, max(limit - 1, 0), limit, limit + 1}))


@st.composite
def splits_of(draw, data, most=12):
    """`data` in pieces, in order."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=most)))
    return [data[low:high] for low, high in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@st.composite
def scattered(draw, data, most=12):
    """`data` as (offset, bytes) pieces in any order, some sent twice or overlapping."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=most)))
    pieces = list(zip([0, *cuts], [*cuts, len(data)], strict=True))
    starts = st.integers(0, len(data) - 1)
    again = draw(st.lists(st.tuples(starts, st.integers(0, 400)), max_size=4))
    pieces += [(start, min(start + size, len(data))) for start, size in again]
    return [(low, data[low:high]) for low, high in draw(st.permutations(pieces))]


@st.composite
def damaged(draw, data, first=0, most=3):
    """`data` with a few bytes changed from `first` on."""
    changed = bytearray(data)
    places = draw(st.lists(st.integers(first, len(data) - 1), min_size=1, max_size=most, unique=True))
    for place in places:
        changed[place] ^= draw(st.integers(1, 255))
    return bytes(changed)

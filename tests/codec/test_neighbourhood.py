"""Neighbourhoods: what the text says, done slowly, finds the same; each Gaussian comes once, from earlier ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.codec import compiled
from pavfmt.codec.prediction import FIRST_PASS, GRID, NEIGHBOURS, SHIFTS, morton_codes, neighbourhood

coordinate = st.one_of(
    st.integers(0, GRID), st.integers(0, 3), st.sampled_from([0, GRID // 2, GRID - 1, GRID])
)
clouds = st.integers(1, 90).flatmap(
    lambda count: st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=count, max_size=count)
)


def interleaved(x, y, z):
    """Bit b of x, y, z becomes bits 3b + 2, 3b + 1, 3b."""
    bits = range(10)
    return sum(((x >> b & 1) << 2 | (y >> b & 1) << 1 | (z >> b & 1)) << 3 * b for b in bits)


def slowly(places):
    """(order, passes, neighbours, weights) by plain Python: sorted lists and searches."""
    count = len(places)
    curves = [
        sorted(range(count), key=lambda i, s=shift: (interleaved(*(v + s for v in places[i])), i))
        for shift in SHIFTS
    ]
    stride = 1
    while count // stride >= 2 * FIRST_PASS:
        stride *= 2
    order, passes = [curves[0][rank] for rank in range(0, count, stride)], []
    passes.append(len(order))
    while stride > 1:
        order += [curves[0][rank] for rank in range(stride // 2, count, stride)]
        stride //= 2
        passes.append(len(order))
    neighbours, weights = [], []
    known = set(order[: passes[0]])
    for start, end in itertools.pairwise(passes):
        for one in order[start:end]:
            near = [other for curve in curves for other in both_sides(curve, one, known)]
            neighbours.append([order.index(other) for other in near])
            squares = [sum((a - b) ** 2 for a, b in zip(places[one], places[o], strict=True)) for o in near]
            weights.append([1 + (1 << 20) // (square + 2) for square in squares])
        known |= set(order[start:end])
    return order, tuple(passes), neighbours, weights


def both_sides(curve, one, known):
    """The known ones next before and after on a curve; at its ends the one there is counts twice."""
    at = curve.index(one)
    before = next((other for other in reversed(curve[:at]) if other in known), None)
    after = next((other for other in curve[at + 1 :] if other in known), None)
    return (after if before is None else before), (before if after is None else after)


def listed(found):
    return found.order.tolist(), found.passes, found.neighbours.tolist(), found.weights.tolist()


@given(clouds)
def test_the_text_done_slowly_finds_the_same(places):
    assert listed(neighbourhood(np.array(places, dtype=np.int64))) == slowly(places)


@given(clouds)
def test_compiled_it_finds_the_same(places):
    given_ = np.array(places, dtype=np.int64)
    with compiled.switched(True):
        found = neighbourhood(given_)
    with compiled.switched(False):
        assert listed(found) == listed(neighbourhood(given_))


@pytest.mark.parametrize("kind", ["spread", "one place", "two places"])
@pytest.mark.parametrize("count", range(1, 41))
def test_tiny_counts_and_ties(count, kind):
    places = np.random.default_rng(count).integers(0, GRID + 1, (count, 3))
    if kind != "spread":
        places = places[:1].repeat(count, axis=0)
    if kind == "two places":
        places[::2] = 5
    assert listed(neighbourhood(places)) == slowly([tuple(row) for row in places.tolist()])


@pytest.mark.parametrize("count", [1, 7, 8, 15, 16, 17, 31, 32, 1000, 4097])
def test_everyone_is_told_once_and_from_earlier_turns(count):
    places = np.random.default_rng(count).integers(0, GRID + 1, (count, 3))
    found = neighbourhood(places)
    assert sorted(found.order.tolist()) == list(range(count))
    assert found.passes[-1] == count and list(found.passes) == sorted(set(found.passes))
    assert min(count, FIRST_PASS) <= found.passes[0] <= 2 * FIRST_PASS
    assert found.neighbours.shape == found.weights.shape == (count - found.passes[0], NEIGHBOURS)
    starts = np.repeat(found.passes[:-1], np.diff(found.passes))
    assert (found.neighbours >= 0).all() and (found.neighbours < starts[:, None]).all()
    assert (found.weights >= 1).all()


def test_passes_double():
    """Each pass has about as many as all before it together."""
    passes = neighbourhood(np.zeros((1000, 3), dtype=np.int64)).passes
    assert all(0.9 < (later - one) / one < 1.1 for one, later in itertools.pairwise(passes))


def test_all_places_and_shifts_fit_the_code():
    assert GRID + max(SHIFTS) < 1 << 10
    corners = np.array([[x, y, z] for x in (0, 1023) for y in (0, 1023) for z in (0, 1023)])
    assert morton_codes(corners).tolist() == [interleaved(*corner) for corner in corners.tolist()]
    random = np.random.default_rng(0).integers(0, 1024, (50, 3))
    assert morton_codes(random).tolist() == [interleaved(*point) for point in random.tolist()]

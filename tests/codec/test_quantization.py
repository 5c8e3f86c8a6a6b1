"""Dequantization is integer arithmetic with one stated rounding: bit-exact against Python's integers."""

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.codec.quantization import (
    BARYCENTRIC_ONE,
    QUATERNION_SHIFT,
    Affine,
    dequantize_barycentrics,
    dequantize_quaternions,
    quantize_barycentrics,
    stereographic,
    stereographic_grid,
)
from pavfmt.errors import EncodeError


def nearest_float32(value):
    """A Fraction rounded once to binary32, ties to even, by integers only."""
    if value == 0:
        return 0.0
    sign, size = (-1 if value < 0 else 1), abs(value)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if size < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** max(exponent - 23, -149)
    whole, rest = divmod(size, unit)
    if rest * 2 > unit or (rest * 2 == unit and whole % 2):
        whole += 1
    return float(sign * whole * unit)


exact_grids = st.builds(
    Affine,
    offset=st.one_of(st.integers(-(1 << 52), 1 << 52), st.integers(-(1 << 30), 1 << 30)),
    step=st.one_of(st.integers(0, 1 << 31), st.integers(1 << 14, 1 << 17)),
    shift=st.sampled_from([0, 1, 23, 24, 29, 51, 52]),
    bits=st.integers(1, 16),
).filter(lambda grid: grid.is_exact)


@given(exact_grids, st.randoms(use_true_random=False))
def test_a_grid_value_is_the_exact_fraction_rounded_once(grid, random):
    top = (1 << grid.bits) - 1
    q = [0, top, *(random.randint(0, top) for _ in range(30))]
    found = grid.dequantize(np.array(q, dtype=np.uint16))
    wanted = [nearest_float32(Fraction(grid.offset + grid.step * one, 1 << grid.shift)) for one in q]
    assert found.tobytes() == struct.pack(f"={len(q)}f", *wanted)


@pytest.mark.parametrize(
    "grid, exact",
    [
        (Affine(0, 1, 0, 1), True),
        (Affine(0, 1, 0, 0), False),
        (Affine(0, 1, 0, 16), True),
        (Affine(0, 1, 0, 17), False),
        (Affine(0, 1, 52, 8), True),
        (Affine(0, 1, 53, 8), False),
        (Affine(0, 1 << 32, 0, 8), False),
        (Affine((1 << 53) - 3, 1, 0, 1), True),
        (Affine((1 << 53) - 2, 1, 0, 1), False),
        (Affine(-(1 << 53) + 3, 1, 0, 1), True),
        (Affine(-(1 << 53) + 2, 1, 0, 1), False),
    ],
)
def test_what_is_exact_in_binary64(grid, exact):
    assert grid.is_exact is exact


@given(
    st.floats(-1e4, 1e4, width=32),
    st.one_of(st.just(0.0), st.floats(0, 1e4, width=32), st.floats(0, 2.0**-20, width=32)),
    st.integers(1, 16),
)
def test_a_spanning_grid_is_exact_has_its_bits_and_reaches_both_ends(low, span, bits):
    high = low + span
    grid = Affine.spanning(low, high, bits)
    assert grid.is_exact
    assert grid.bits <= bits
    step = grid.step * 2.0**-grid.shift
    found = grid.dequantize(grid.quantize(np.array([low, high])))
    assert np.abs(found - [low, high]).max() <= step * 0.51 + np.spacing(np.float32(max(abs(low), abs(high))))


@given(
    st.floats(-1e4, 1e4, width=32),
    st.one_of(st.just(0.0), st.floats(0, 1e4, width=32), st.floats(0, 2.0**-20, width=32)),
    st.floats(1e-9, 1e3),
)
def test_a_stepping_grid_is_exact_reaches_both_ends_and_holds_zero(low, span, step):
    high = low + span
    grid = Affine.stepping(low, high, step)
    assert grid.is_exact
    assert grid.unit <= 1.001 * max(step, span / ((1 << 16) - 2), abs(low) * 2.0**-29, abs(high) * 2.0**-29)
    assert grid.offset % grid.step == 0
    found = grid.dequantize(grid.quantize(np.array([low, high])))
    assert np.abs(found - [low, high]).max() <= grid.unit * 0.51 + np.spacing(
        np.float32(max(abs(low), abs(high)))
    )
    if low <= 0 <= high:
        assert grid.dequantize(grid.quantize(np.zeros(1)))[0] == 0


@given(exact_grids, st.randoms(use_true_random=False))
def test_few_values_and_many_come_to_the_same(grid, random):
    top = (1 << grid.bits) - 1
    q = np.array([0, top, random.randint(0, top)], dtype=np.uint16)[: max(1, top // 2)]
    many = grid.dequantize(np.arange(1 << grid.bits, dtype=np.uint16))
    assert grid.dequantize(q).tobytes() == many[q].tobytes()


@pytest.mark.parametrize("value", [3.0, -5.0, 1e4, -1e-3])
def test_a_column_of_one_value_far_from_zero_can_be_written(value):
    grid = Affine.spanning(value, value, 8)
    assert grid.is_exact
    assert grid.dequantize(grid.quantize(np.array([value])))[0] == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("value", [1e17, 3e38])
def test_values_too_large_for_any_grid_are_refused(value):
    with pytest.raises(EncodeError, match="out-of-range"):
        Affine.spanning(0.0, value, 12)


@given(exact_grids.filter(lambda grid: grid.step > 0), st.integers(0, 65535))
def test_quantizing_a_grid_value_gives_it_back(grid, q):
    q %= 1 << grid.bits
    value = (grid.offset + grid.step * q) * 2.0**-grid.shift
    assert grid.quantize(np.array([value]))[0] == q


def quaternion_by_integers(points):
    """FORMAT.md's recipe with Python's integers; each division is rounded to binary64, then to binary32."""
    one, square = 1 << 2 * QUATERNION_SHIFT, sum(point * point for point in points)
    above = [one - square, *(point << (QUATERNION_SHIFT + 1) for point in points)]
    assert max(abs(value) for value in (*above, one + square)) < 1 << 53
    return [nearest_float32(Fraction(value / (one + square))) for value in above]


quaternion_grids = st.one_of(
    st.sampled_from([2.0, 1.0, 0.5, 1e-2, 1e-4, 1e-9]).map(stereographic_grid),
    st.builds(
        lambda low, high, bits: Affine(low, max((high - low) >> bits, 1), QUATERNION_SHIFT, bits),
        st.integers(-(2 << 24), 2 << 24),
        st.integers(-(2 << 24), 2 << 24),
        st.integers(1, 16),
    ),
)


@given(quaternion_grids, st.data())
def test_a_quaternion_is_the_integer_recipe(grid, drawn):
    top = (1 << grid.bits) - 1
    edges = st.sampled_from([0, 1, top // 2, top // 2 + 1, top])
    q = drawn.draw(st.lists(st.one_of(st.integers(0, top), edges), min_size=3, max_size=3))
    found = dequantize_quaternions(np.array([q], np.int32), grid)
    assert found[0].tolist() == quaternion_by_integers([grid.offset + grid.step * one for one in q])
    assert np.linalg.norm(found[0].astype(np.float64)) == pytest.approx(1, abs=1e-6)


quaternions = st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4).filter(
    lambda q: sum(v * v for v in q) > 1e-3
)


@given(quaternions, st.floats(1e-4, 0.3))
def test_a_rotation_comes_back_within_a_step(quaternion, step):
    """The chord of two unit quaternions is 2 |p − p'| / √((1 + |p|²) (1 + |p'|²))."""
    grid = stereographic_grid(step)
    assert grid.unit <= step
    given_ = np.array([quaternion], dtype=np.float64)
    points = stereographic(given_)
    assert np.abs(points).max() <= 1
    quantized = np.stack([grid.quantize(axis) for axis in points.T], axis=1)
    found = dequantize_quaternions(quantized, grid)[0].astype(np.float64)
    unit = given_[0] / np.linalg.norm(given_[0])
    chord = 2 * 3**0.5 * grid.unit / 2
    assert 1 - abs(found @ unit) <= chord**2 / 2 + 1e-6


@given(quaternions)
def test_stereographic_coordinates_are_those_of_either_sign(quaternion):
    given_ = np.array([quaternion], dtype=np.float64)
    positive = given_ if given_[0, 0] >= 0 else -given_
    w, *rest = (positive / np.linalg.norm(positive))[0].tolist()
    assert stereographic(given_)[0].tolist() == pytest.approx([one / (1 + w) for one in rest], abs=1e-12)
    if given_[0, 0]:
        assert stereographic(-given_).tolist() == stereographic(given_).tolist()


def test_no_rotation_is_zero_on_every_stereographic_grid():
    for step in (1.0, 0.3, 1e-2, 1e-4):
        grid = stereographic_grid(step)
        zero = grid.quantize(stereographic(np.array([[1.0, 0, 0, 0]])))
        assert dequantize_quaternions(zero, grid).tolist() == [[1, 0, 0, 0]]


@pytest.mark.parametrize("step", [2.0, 1.0, 0.3, 1e-2, 1e-4, 1e-9])
def test_a_stereographic_grid_spans_all_rotations(step):
    grid = stereographic_grid(step)
    assert grid.is_exact and grid.shift == QUATERNION_SHIFT
    assert grid.unit <= max(step, 1.01 * 2.0**-15)
    assert grid.table[0] <= -1 and grid.table[-1] >= 1


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_barycentrics_are_exact_multiples_that_sum_to_one(pairs):
    first = np.array([min(a, b) for a, b in pairs])
    second = np.array([abs(a - b) for a, b in pairs])
    points = np.stack([first, second, 1 - first - second], axis=1)
    quantized = quantize_barycentrics(points)
    assert (quantized.astype(int).sum(axis=1) <= BARYCENTRIC_ONE).all()
    found = dequantize_barycentrics(quantized)
    assert (found >= 0).all() and (found.sum(axis=1) == 1).all()
    assert np.abs(found - points).max() <= 1.01 / BARYCENTRIC_ONE
    for row, (q0, q1) in zip(found.tolist(), quantized.tolist(), strict=True):
        assert row == [q / BARYCENTRIC_ONE for q in (q0, q1, BARYCENTRIC_ONE - q0 - q1)]

"""Dequantization is integer arithmetic with one stated rounding: bit-exact against Python's integers."""

import math
import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.errors import EncodeError
from pavfmt.quantization import (
    BARYCENTRIC_ONE,
    QUATERNION_SHIFT,
    Affine,
    dequantize_barycentrics,
    dequantize_quaternions,
    quantize_barycentrics,
    quantize_quaternions,
)


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


def quaternion_by_integers(largest, small):
    """FORMAT.md's recipe, with Python's integers."""
    rest = max((1 << 2 * QUATERNION_SHIFT) - sum(s * s for s in small), 0)
    values = list(small)
    values.insert(largest, math.isqrt(rest))
    return [nearest_float32(Fraction(value, 1 << QUATERNION_SHIFT)) for value in values]


@given(st.integers(2, 16), st.integers(0, 3), st.data())
def test_a_quaternion_is_the_integer_recipe(bits, largest, drawn):
    grid = Affine.quaternion(bits)
    edges = st.sampled_from([0, 1, (1 << bits) // 2, (1 << bits) - 1])
    q = drawn.draw(st.lists(st.one_of(st.integers(0, (1 << bits) - 1), edges), min_size=3, max_size=3))
    small = [grid.offset + grid.step * one for one in q]
    found = dequantize_quaternions(np.array([largest], np.uint8), np.array([q], np.uint16), grid)
    assert found[0].tolist() == quaternion_by_integers(largest, small)


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4).filter(
        lambda q: sum(v * v for v in q) > 1e-3
    )
)
def test_a_rotation_comes_back_within_a_step(quaternion):
    grid = Affine.quaternion(12)
    given_ = np.array([quaternion], dtype=np.float64)
    found = dequantize_quaternions(*quantize_quaternions(given_, grid), grid)[0].astype(np.float64)
    unit = given_[0] / np.linalg.norm(given_[0])
    assert 1 - abs(found @ unit) < 2e-6
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)


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

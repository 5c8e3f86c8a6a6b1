"""Neighbours found compiled: the same integers as `pavfmt.codec.prediction`, an order faster."""

from __future__ import annotations

import numba as nb
import numpy as np

from pavfmt.arrays import Int64Array
from pavfmt.codec.prediction import (
    NEIGHBOURS,
    SHIFTS,
    WEIGHT_NEAR,
    WEIGHT_ONE,
)

RADIX_BITS = 10
"""Three digits of a curve's 30 bits."""


@nb.njit(cache=True, nogil=True)
def _spread_bits(value: int) -> int:
    value = (value | value << 16) & 0x030000FF
    value = (value | value << 8) & 0x0300F00F
    value = (value | value << 4) & 0x030C30C3
    return (value | value << 2) & 0x09249249


@nb.njit(cache=True, nogil=True)
def _along_curve(coordinates: Int64Array, shift: int) -> Int64Array:
    """The points by their Morton codes, ties by index: a radix sort."""
    count, buckets = len(coordinates), 1 << RADIX_BITS
    codes = np.empty(count, np.int64)
    for i in range(count):
        x, y, z = coordinates[i, 0] + shift, coordinates[i, 1] + shift, coordinates[i, 2] + shift
        codes[i] = _spread_bits(x) << 2 | _spread_bits(y) << 1 | _spread_bits(z)
    order, other = np.arange(count), np.empty(count, np.int64)
    for digit in range(3):
        starts = np.zeros(buckets + 1, np.int64)
        for i in range(count):
            starts[((codes[i] >> (digit * RADIX_BITS)) & (buckets - 1)) + 1] += 1
        for bucket in range(buckets):
            starts[bucket + 1] += starts[bucket]
        for i in range(count):
            bucket = (codes[order[i]] >> (digit * RADIX_BITS)) & (buckets - 1)
            other[starts[bucket]] = order[i]
            starts[bucket] += 1
        order, other = other, order
    return order


@nb.njit(cache=True, nogil=True)
def _link(sequence: Int64Array, ends: Int64Array, near: Int64Array, slot: int) -> None:
    """Both neighbours of every turn on one curve; `sequence` is the turns in its order and is used up."""
    length = len(sequence)
    for step in range(len(ends) - 1, 0, -1):
        start, base = ends[step - 1], ends[0]
        known = -1
        for i in range(length):
            turn = sequence[i]
            if turn < start:
                known = turn
            else:
                near[turn - base, slot] = known
        known = -1
        for i in range(length - 1, -1, -1):
            turn = sequence[i]
            if turn < start:
                known = turn
                continue
            near[turn - base, slot + 1] = known if known >= 0 else near[turn - base, slot]
            if near[turn - base, slot] < 0:
                near[turn - base, slot] = known
        kept = 0
        for i in range(length):
            if sequence[i] < start:
                sequence[kept] = sequence[i]
                kept += 1
        length = kept


@nb.njit(cache=True, nogil=True)
def neighbours(
    coordinates: Int64Array, turns: Int64Array, ends: Int64Array
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """As `pavfmt.codec.prediction`: order, neighbours and weights; `ends` are the turns at which passes end."""
    count, first = len(coordinates), ends[0]
    near = np.empty((count - first, NEIGHBOURS), np.int64)
    turn_of, order = np.empty(count, np.int64), np.empty(count, np.int64)
    for number in range(len(SHIFTS)):
        curve = _along_curve(coordinates, SHIFTS[number])
        if number == 0:
            for turn in range(count):
                order[turn] = curve[turns[turn]]
                turn_of[order[turn]] = turn
        sequence = np.empty(count, np.int64)
        for i in range(count):
            sequence[i] = turn_of[curve[i]]
        _link(sequence, ends, near, 2 * number)
    moved = np.empty((count, 3), np.float64)
    for turn in range(count):
        for axis in range(3):
            moved[turn, axis] = coordinates[order[turn], axis]
    weights = np.empty((count - first, NEIGHBOURS), np.int64)
    for row in range(count - first):
        x, y, z = moved[first + row]
        for k in range(NEIGHBOURS):
            there = moved[near[row, k]]
            distance = (there[0] - x) ** 2 + (there[1] - y) ** 2 + (there[2] - z) ** 2
            weights[row, k] = 1 + int(WEIGHT_ONE / (distance + WEIGHT_NEAR))
    return order, near, weights

"""Decoding compiled: the same integers as `pavfmt` gives without it, an order faster."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from pavfmt.connectivity import Connectivity, Heard
from pavfmt.model import Int32Array
from pavfmt.neighbourhood import (
    NEIGHBOURS,
    SHIFTS,
    WEIGHT_NEAR,
    WEIGHT_ONE,
    Neighbourhood,
    turns_of_passes,
)
from pavfmt.residuals import BOUND, MAX_QUOTIENT, MODEL_SHIFT, SPREAD_ONE
from pavfmt.rice import MAX_PARAMETER
from pavplayer import mesh_decoding

Int64Array = NDArray[np.int64]

RADIX_BITS = 10
"""Three digits of a curve's 30 bits."""
BIT_LENGTHS_END = 1 << 12
BIT_LENGTHS = np.array([n.bit_length() for n in range(BIT_LENGTHS_END)], dtype=np.int64)


class CompiledKernels:
    """`pavfmt.kernels.Kernels` by numba."""

    def heard(self, connectivity: Connectivity, face_count: int, vertex_count: int) -> Heard | None:
        """As `pavfmt.connectivity.hear`; None where that one refuses."""
        return mesh_decoding.heard(connectivity, face_count, vertex_count)

    def predicted(self, left: NDArray[np.uint16], guides: Int32Array) -> NDArray[np.uint16]:
        """As `pavfmt.connectivity.predicted`."""
        found: NDArray[np.uint16] = mesh_decoding.predicted(left, guides)
        return found

    def neighbourhood(self, places: Int64Array) -> Neighbourhood:
        """As `pavfmt.neighbourhood.neighbourhood`."""
        turns = turns_of_passes(len(places))
        ends = tuple(np.cumsum([len(turn) for turn in turns]).tolist())
        bounds = np.array(ends, dtype=np.int64)
        order, near, weights = _neighbourhood(np.ascontiguousarray(places), np.concatenate(turns), bounds)
        return Neighbourhood(order, ends, near, weights)

    def rice_values(
        self,
        quotients: bytes,
        remainders: bytes,
        rows: NDArray[np.bool_],
        models: Int64Array,
        neighbourhood: Neighbourhood,
        shifts: Int64Array | None,
    ) -> NDArray[np.int32] | None:
        """As `pavfmt.residuals.rice_values`; None where that one refuses."""
        told = np.zeros((len(rows), len(models)))
        none = np.zeros((0, 0), dtype=np.int64)
        fine = _rice_values(
            np.frombuffer(quotients, dtype=np.uint8),
            np.frombuffer(remainders, dtype=np.uint8),
            rows,
            np.ascontiguousarray(models.T.astype(np.float64)),
            neighbourhood.passes[0],
            neighbourhood.neighbours,
            neighbourhood.weights,
            none if shifts is None else np.ascontiguousarray(shifts[neighbourhood.order]),
            told,
        )
        return _in_file_order(told, neighbourhood.order) if fine else None


@nb.njit(cache=True, nogil=True)
def _spread_bits(value: int) -> int:
    value = (value | value << 16) & 0x030000FF
    value = (value | value << 8) & 0x0300F00F
    value = (value | value << 4) & 0x030C30C3
    return (value | value << 2) & 0x09249249


@nb.njit(cache=True, nogil=True)
def _along_curve(places: Int64Array, shift: int) -> Int64Array:
    """The points by their Morton codes, ties by index: a radix sort."""
    count, buckets = len(places), 1 << RADIX_BITS
    codes = np.empty(count, np.int64)
    for i in range(count):
        x, y, z = places[i, 0] + shift, places[i, 1] + shift, places[i, 2] + shift
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
def _neighbourhood(
    places: Int64Array, turns: Int64Array, ends: Int64Array
) -> tuple[Int64Array, Int64Array, Int64Array]:
    count, first = len(places), ends[0]
    near = np.empty((count - first, NEIGHBOURS), np.int64)
    turn_of, order = np.empty(count, np.int64), np.empty(count, np.int64)
    for number in range(len(SHIFTS)):
        curve = _along_curve(places, SHIFTS[number])
        if number == 0:
            for turn in range(count):
                order[turn] = curve[turns[turn]]
                turn_of[order[turn]] = turn
        sequence = np.empty(count, np.int64)
        for i in range(count):
            sequence[i] = turn_of[curve[i]]
        _link(sequence, ends, near, 2 * number)
    weights = np.empty((count - first, NEIGHBOURS), np.int64)
    for row in range(count - first):
        here = order[first + row]
        for k in range(NEIGHBOURS):
            there = order[near[row, k]]
            distance = 0
            for axis in range(3):
                difference = places[here, axis] - places[there, axis]
                distance += difference * difference
            weights[row, k] = 1 + int(WEIGHT_ONE / (distance + WEIGHT_NEAR))
    return order, near, weights


@nb.njit(cache=True, nogil=True)
def _bit_length(value: int) -> int:
    bits = 0
    while value:
        value >>= 1
        bits += 1
    return bits


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _rice_values(
    quotients: NDArray[np.uint8],
    remainders: NDArray[np.uint8],
    rows: NDArray[np.bool_],
    models: NDArray[np.float64],
    first: int,
    near: Int64Array,
    weights: Int64Array,
    shifts: Int64Array,
    told: NDArray[np.float64],
) -> bool:
    """Fill `told` (n, C), turn by turn; False where a section is wrong. `shifts` (n, C) by turn, or empty."""
    count, columns = told.shape
    mean, spread = np.empty(columns), np.empty(columns)
    q_bits, r_bits = 8 * len(quotients), 8 * len(remainders)
    q_at, r_at = 0, 0
    any_predicted = models[1].any()
    for turn in range(count):
        predicted = turn >= first and any_predicted
        if predicted:
            _predict(told, near[turn - first], weights[turn - first], mean, spread)
        for column in range(columns):
            shift = shifts[turn, column] if len(shifts) else 0
            value, parameter = 0, max(int(models[0, column]) - shift, 0)
            if predicted and models[1, column] > 0:
                value = (int(mean[column]) + ((1 << shift) >> 1)) >> shift
                level = (models[2, column] * spread[column] + models[3, column]) * (1.0 / (1 << MODEL_SHIFT))
                bits = int(BIT_LENGTHS[int(level)]) if level < BIT_LENGTHS_END else _bit_length(int(level))
                parameter = min(max(bits - shift, 0), MAX_PARAMETER)
            if rows[turn]:
                start = q_at
                while q_at < q_bits:  # the next one; whole bytes of zeros are passed over
                    rest = (int(quotients[q_at >> 3]) << (q_at & 7)) & 0xFF
                    if rest:
                        while rest < 0x80:
                            rest <<= 1
                            q_at += 1
                        break
                    q_at = ((q_at >> 3) + 1) << 3
                quotient = q_at - start
                q_at += 1
                if q_at > q_bits or quotient >= MAX_QUOTIENT or r_at + parameter > r_bits:
                    return False
                code = quotient << parameter | _bits(remainders, r_at, parameter)
                r_at += parameter
                value += (code >> 1) ^ -(code & 1)
            value <<= shift
            if abs(value) >= BOUND:
                return False
            told[turn, column] = value
    return _is_used_up(quotients, q_at) and _is_used_up(remainders, r_at)


@nb.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _predict(
    told: NDArray[np.float64],
    near: Int64Array,
    weights: Int64Array,
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> None:
    """As `pavfmt.residuals.predictions`, one row: integers in binary64, so exact in any order."""
    columns, total = len(mean), 0.0
    mean[:] = 0
    spread[:] = 0
    for k in range(NEIGHBOURS):
        weight = np.float64(weights[k])
        total += weight
        for column in range(columns):
            mean[column] += weight * told[near[k], column]
    for column in range(columns):
        mean[column] = np.floor((2 * mean[column] + total) / (2 * total))
    for k in range(NEIGHBOURS):
        weight = np.float64(weights[k])
        for column in range(columns):
            spread[column] += weight * abs(told[near[k], column] - mean[column])
    for column in range(columns):
        spread[column] = np.floor(SPREAD_ONE * spread[column] / total)


@nb.njit(cache=True, nogil=True, inline="always")
def _bits(data: NDArray[np.uint8], at: int, width: int) -> int:
    """`width` ≤ 15 bits from bit `at` on."""
    value, byte = 0, at >> 3
    for step in range(3):
        value = value << 8 | (int(data[byte + step]) if byte + step < len(data) else 0)
    return (value >> (24 - (at & 7) - width)) & ((1 << width) - 1)


@nb.njit(cache=True, nogil=True)
def _is_used_up(data: NDArray[np.uint8], at: int) -> bool:
    """Whether only zeros that fill the last byte are left."""
    spare = 8 * len(data) - at
    return spare == 0 or (spare < 8 and (data[-1] & ((1 << spare) - 1)) == 0)


@nb.njit(cache=True, nogil=True)
def _in_file_order(told: NDArray[np.float64], order: Int64Array) -> NDArray[np.int32]:
    values = np.empty(told.shape, np.int32)
    for turn in range(len(order)):
        for column in range(told.shape[1]):
            values[order[turn], column] = np.int32(told[turn, column])
    return values

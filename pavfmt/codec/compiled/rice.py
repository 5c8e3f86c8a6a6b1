"""Rice blocks read compiled: the same integers as `pavfmt.codec.blocks`, an order faster."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array, Int32Array, Int64Array
from pavfmt.codec.blocks import BOUND, MAX_PARAMETER, MAX_QUOTIENT, MODEL_SHIFT, SPREAD_ONE

BIT_LENGTHS_END = 1 << 12
BIT_LENGTHS = np.array([n.bit_length() for n in range(BIT_LENGTHS_END)], dtype=np.int64)
LANES = 8
"""Rows are padded to multiples of this, so that their sums are vectors."""
WORD = 32
ONE = np.uint64(1)


def _count_leading_zeros(typing: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], context.get_constant(types.boolean, 0))

    return types.uint64(types.uint64), generate


_leading_zeros: Any = intrinsic(_count_leading_zeros)
"""Of 64 bits; 64 for 0."""


@nb.njit(cache=True, nogil=True)
def _bit_length(value: int) -> int:
    bits = 0
    while value:
        value >>= 1
        bits += 1
    return bits


@nb.njit(cache=True, nogil=True, error_model="numpy")
def rice_values(
    quotients: NDArray[np.uint64],
    remainders: NDArray[np.uint64],
    rows: NDArray[np.bool_],
    models: Float64Array,
    order: NDArray[np.intp],
    first: int,
    near: Int64Array,
    weights: Int64Array,
    shifts: Int64Array,
    values: Int32Array,
) -> tuple[int, int]:
    """Fill `values` (n, C), turn by turn; returns the bits used of both sections, (−1, −1) where one is wrong.

    `shifts` (n, C) by turn, or empty. Of each section, the next `have` bits stand at the top of a register `next`.
    """
    count, columns = values.shape
    decoded = np.zeros((count, -(-columns // LANES) * LANES))
    mean, spread = np.zeros(decoded.shape[1]), np.zeros(decoded.shape[1])
    q_next, q_have, q_word = np.uint64(0), 0, 0
    r_next, r_have, r_word = np.uint64(0), 0, 0
    any_predicted = models[1].any()
    for turn in range(count):
        predicted = turn >= first and any_predicted
        if predicted:
            _predict(decoded, near[turn - first], weights[turn - first], mean, spread)
        for column in range(columns):
            shift = shifts[turn, column] if len(shifts) else 0
            value, parameter = 0, max(int(models[0, column]) - shift, 0)
            if predicted and models[1, column] > 0:
                value = (int(mean[column]) + ((1 << shift) >> 1)) >> shift
                level = (models[2, column] * spread[column] + models[3, column]) * (1.0 / (1 << MODEL_SHIFT))
                bits = BIT_LENGTHS[int(level)] if level < BIT_LENGTHS_END else _bit_length(int(level))
                parameter = min(max(bits - shift, 0), MAX_PARAMETER)
            if rows[turn]:
                quotient = 0
                while True:
                    if q_have <= WORD and q_word < len(quotients):
                        q_next |= quotients[q_word] << np.uint64(WORD - q_have)
                        q_have += WORD
                        q_word += 1
                    elif q_next == 0 and q_word == len(quotients):
                        return -1, -1
                    zeros = int(_leading_zeros(q_next))
                    if zeros < q_have:
                        break
                    quotient += q_have
                    q_next, q_have = np.uint64(0), 0
                quotient += zeros
                q_next = q_next << np.uint64(zeros) << ONE
                q_have -= zeros + 1
                if r_have < MAX_PARAMETER and r_word < len(remainders):
                    r_next |= remainders[r_word] << np.uint64(WORD - r_have)
                    r_have += WORD
                    r_word += 1
                if r_have < parameter or quotient >= MAX_QUOTIENT:
                    return -1, -1
                code = quotient << parameter | int(r_next >> ONE >> np.uint64(63 - parameter))
                r_next <<= np.uint64(parameter)
                r_have -= parameter
                value += (code >> 1) ^ -(code & 1)
            value <<= shift
            if abs(value) >= BOUND:
                return -1, -1
            decoded[turn, column] = value
            values[order[turn], column] = value
    return WORD * q_word - q_have, WORD * r_word - r_have


@nb.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _predict(
    decoded: Float64Array, near: Int64Array, weights: Int64Array, mean: Float64Array, spread: Float64Array
) -> None:
    """As `pavfmt.codec.blocks.predictions`, one row: integers in binary64, so exact in any order.

    All six neighbours in one expression, so that nothing is stored between them.
    """
    a, b, c, d, e, f = (
        decoded[near[0]],
        decoded[near[1]],
        decoded[near[2]],
        decoded[near[3]],
        decoded[near[4]],
        decoded[near[5]],
    )
    p, q, r, s, t, u = weights[0], weights[1], weights[2], weights[3], weights[4], weights[5]
    total = float(p + q + r + s + t + u)
    for i in range(len(mean)):
        value = p * a[i] + q * b[i] + r * c[i] + s * d[i] + t * e[i] + u * f[i]
        value = np.floor((2 * value + total) / (2 * total))
        apart = p * abs(a[i] - value) + q * abs(b[i] - value) + r * abs(c[i] - value)
        apart += s * abs(d[i] - value) + t * abs(e[i] - value) + u * abs(f[i] - value)
        mean[i] = value
        spread[i] = np.floor(SPREAD_ONE * apart / total)

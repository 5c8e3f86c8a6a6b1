"""Steps to float32 compiled: the same bits as `pavfmt.codec.quantization` gives, in one pass.

All integers stay below 2^53, so they are exact in binary64; each value is then rounded as there.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from pavfmt.arrays import Float32Array, Float64Array, Int32Array
from pavfmt.codec.quantization import BARYCENTRIC_ONE, QUATERNION_SHIFT, ValueKind

OFFSET, UNIT, SCALE, TOP, CENTRE = range(5)
"""Rows of a table with a column for each grid: its value at q is (OFFSET + UNIT · q) · SCALE, q being CENTRE +
multiplier · step and within 0..TOP."""


@nb.njit(cache=True, nogil=True)
def _plain(
    steps: Int32Array, first: int, grids: Float64Array, multiplier: float, values: Float32Array, to: int
) -> bool:
    outside = False
    for row in range(len(steps)):
        for column in range(grids.shape[1]):
            at = grids[CENTRE, column] + multiplier * steps[row, first + column]
            outside |= (at < 0) | (at > grids[TOP, column])
            values[row, to + column] = (grids[OFFSET, column] + grids[UNIT, column] * at) * grids[
                SCALE, column
            ]
    return not outside


@nb.njit(cache=True, nogil=True)
def _colours(
    steps: Int32Array, first: int, grids: Float64Array, multiplier: float, values: Float32Array, to: int
) -> bool:
    """All columns are of one grid."""
    outside = False
    offset, unit, scale, top = grids[OFFSET, 0], grids[UNIT, 0], grids[SCALE, 0], grids[TOP, 0]
    centres = grids[CENTRE]
    for row in range(len(steps)):
        for column in range(0, len(centres), 3):
            green = centres[column] + multiplier * steps[row, first + column]
            red = green + (centres[column + 1] + multiplier * steps[row, first + column + 1])
            blue = green + (centres[column + 2] + multiplier * steps[row, first + column + 2])
            outside |= (min(red, green, blue) < 0) | (max(red, green, blue) > top)
            values[row, to + column] = (offset + unit * red) * scale
            values[row, to + column + 1] = (offset + unit * green) * scale
            values[row, to + column + 2] = (offset + unit * blue) * scale
    return not outside


@nb.njit(cache=True, nogil=True)
def _quaternions(
    steps: Int32Array, first: int, grids: Float64Array, multiplier: float, values: Float32Array, to: int
) -> bool:
    outside = False
    one, point = 2.0 ** (2 * QUATERNION_SHIFT), np.empty(3)
    for row in range(len(steps)):
        square = 0.0
        for axis in range(3):
            at = grids[CENTRE, axis] + multiplier * steps[row, first + axis]
            outside |= (at < 0) | (at > grids[TOP, axis])
            point[axis] = grids[OFFSET, axis] + grids[UNIT, axis] * at
            square += point[axis] * point[axis]
        values[row, to] = (one - square) / (one + square)
        for axis in range(3):
            values[row, to + 1 + axis] = point[axis] * 2.0 ** (QUATERNION_SHIFT + 1) / (one + square)
    return not outside


@nb.njit(cache=True, nogil=True)
def _barycentrics(
    steps: Int32Array, first: int, grids: Float64Array, multiplier: float, values: Float32Array, to: int
) -> bool:
    outside = False
    for row in range(len(steps)):
        left = float(BARYCENTRIC_ONE)
        for column in range(2):
            at = grids[CENTRE, column] + multiplier * steps[row, first + column]
            outside |= (at < 0) | (at > grids[TOP, column])
            values[row, to + column] = at / BARYCENTRIC_ONE
            left -= at
        outside |= left < 0
        values[row, to + 2] = left / BARYCENTRIC_ONE
    return not outside


KERNELS = {
    ValueKind.PLAIN: _plain,
    ValueKind.COLOUR: _colours,
    ValueKind.QUATERNION: _quaternions,
    ValueKind.BARYCENTRIC: _barycentrics,
}

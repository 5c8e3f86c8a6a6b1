"""Steps to float32 compiled: the same bits as `pavfmt.units.gaussians` and `pavfmt.quantization` give, in one pass.

All integers stay below 2^53, so they are exact in binary64; each value is then rounded as there.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Float32Array, Int32Array
from pavfmt.quantization import BARYCENTRIC_ONE, QUATERNION_SHIFT, StepGrids, ValueKind

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]


def show(grids: StepGrids, steps: Int32Array, first: int, values: Float32Array, first_value: int) -> bool:
    """As `pavfmt.kernels.Kernels.show`."""
    table = np.array([(one.offset, one.step, 2.0**-one.shift, (1 << one.bits) - 1) for one in grids.grids])
    offsets, units, scales, tops = np.ascontiguousarray(table.T)
    centres = grids.centres.astype(np.float64)
    shown = _KERNELS[grids.kind](
        steps, first, float(grids.multiplier), centres, offsets, units, scales, tops, values, first_value
    )
    return bool(shown)


@nb.njit(cache=True, nogil=True)
def _plain(
    steps: Int32Array,
    first: int,
    multiplier: float,
    centres: Float64Array,
    offsets: Float64Array,
    units: Float64Array,
    scales: Float64Array,
    tops: Float64Array,
    values: Float32Array,
    to: int,
) -> bool:
    outside = False
    for row in range(len(steps)):
        for column in range(len(tops)):
            at = centres[column] + multiplier * steps[row, first + column]
            outside |= (at < 0) | (at > tops[column])
            values[row, to + column] = (offsets[column] + units[column] * at) * scales[column]
    return not outside


@nb.njit(cache=True, nogil=True)
def _colours(
    steps: Int32Array,
    first: int,
    multiplier: float,
    centres: Float64Array,
    offsets: Float64Array,
    units: Float64Array,
    scales: Float64Array,
    tops: Float64Array,
    values: Float32Array,
    to: int,
) -> bool:
    outside = False
    offset, unit, scale, top = offsets[0], units[0], scales[0], tops[0]
    for row in range(len(steps)):
        for column in range(0, len(tops), 3):
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
    steps: Int32Array,
    first: int,
    multiplier: float,
    centres: Float64Array,
    offsets: Float64Array,
    units: Float64Array,
    scales: Float64Array,
    tops: Float64Array,
    values: Float32Array,
    to: int,
) -> bool:
    outside = False
    one = 2.0 ** (2 * QUATERNION_SHIFT)
    for row in range(len(steps)):
        square = 0.0
        for axis in range(3):
            at = centres[axis] + multiplier * steps[row, first + axis]
            outside |= (at < 0) | (at > tops[axis])
            point = offsets[axis] + units[axis] * at
            square += point * point
        values[row, to] = (one - square) / (one + square)
        for axis in range(3):
            at = centres[axis] + multiplier * steps[row, first + axis]
            point = offsets[axis] + units[axis] * at
            values[row, to + 1 + axis] = point * 2.0 ** (QUATERNION_SHIFT + 1) / (one + square)
    return not outside


@nb.njit(cache=True, nogil=True)
def _barycentrics(
    steps: Int32Array,
    first: int,
    multiplier: float,
    centres: Float64Array,
    offsets: Float64Array,
    units: Float64Array,
    scales: Float64Array,
    tops: Float64Array,
    values: Float32Array,
    to: int,
) -> bool:
    outside = False
    for row in range(len(steps)):
        left = float(BARYCENTRIC_ONE)
        for column in range(2):
            at = centres[column] + multiplier * steps[row, first + column]
            outside |= (at < 0) | (at > tops[column])
            values[row, to + column] = at / BARYCENTRIC_ONE
            left -= at
        outside |= left < 0
        values[row, to + 2] = left / BARYCENTRIC_ONE
    return not outside


_KERNELS = {
    ValueKind.PLAIN: _plain,
    ValueKind.COLOUR: _colours,
    ValueKind.QUATERNION: _quaternions,
    ValueKind.BARYCENTRIC: _barycentrics,
}

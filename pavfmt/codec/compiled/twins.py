"""The twins as the codec calls them: arrays are laid out for the compiled loops, and where those refuse it is None.

Every number in the loops is an integer that is exact in its type (int64, or binary64 below 2^53), or one rounding of
such a number to binary32, as in the NumPy code. So the order of sums does not matter and results agree to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Int32Array, Int64Array
from pavfmt.codec.compiled import attributes, mesh, prediction, rice
from pavfmt.codec.mesh import NONE, Connectivity
from pavfmt.codec.prediction import Neighbourhood
from pavfmt.codec.quantization import Slot, StepGrids


def decode_walk(
    streams: Connectivity, face_count: int, vertex_count: int
) -> tuple[Int32Array, Int32Array] | None:
    """(F, 3) faces and (V, 3) parallelograms, as `pavfmt.codec.mesh.decode_mesh` finds them."""
    faces = np.empty((face_count, 3), np.int32)
    parallelograms = np.full((vertex_count, 3), NONE, np.int32)
    numbers = streams.numbers.astype(np.int64)
    fine = mesh.decode_walk(streams.symbols, streams.rotations, numbers, faces, parallelograms)
    return (faces, parallelograms) if fine else None


def add_parallelograms(residuals: NDArray[np.uint16], parallelograms: Int32Array) -> NDArray[np.uint16]:
    """As `pavfmt.codec.mesh.add_parallelograms`."""
    found: NDArray[np.uint16] = mesh.add_parallelograms(residuals, parallelograms)
    return found


def neighbours(
    coordinates: Int64Array, turns: NDArray[np.intp], ends: Sequence[int]
) -> tuple[NDArray[np.intp], Int64Array, Int64Array]:
    """Order, neighbours and weights, as `pavfmt.codec.prediction.neighbourhood` finds them."""
    found: tuple[NDArray[np.intp], Int64Array, Int64Array] = prediction.neighbours(
        np.ascontiguousarray(coordinates), turns, np.array(ends, dtype=np.int64)
    )
    return found


def rice_values(
    quotients: bytes,
    remainders: bytes,
    rows: NDArray[np.bool_],
    models: Int64Array,
    neighbourhood: Neighbourhood,
    shifts: Int64Array | None,
) -> Int32Array | None:
    """As `pavfmt.codec.blocks.rice_values`; `models` (C, 4) are first, predicted, scale and floor per column."""
    values = np.empty((len(rows), len(models)), np.int32)
    none = np.zeros((0, 0), dtype=np.int64)
    q_used, r_used = rice.rice_values(
        _words(quotients),
        _words(remainders),
        rows,
        np.ascontiguousarray(models.T.astype(np.float64)),
        neighbourhood.order,
        neighbourhood.passes[0],
        neighbourhood.neighbours,
        neighbourhood.weights,
        none if shifts is None else np.ascontiguousarray(shifts[neighbourhood.order]),
        values,
    )
    fine = q_used >= 0 and _is_used_up(quotients, q_used) and _is_used_up(remainders, r_used)
    return values if fine else None


def _words(data: bytes) -> NDArray[np.uint64]:
    """Big-endian words of 32 bits, the last filled up with zeros."""
    return np.frombuffer(data + bytes(-len(data) % 4), dtype=">u4").astype(np.uint64)


def _is_used_up(data: bytes, at: int) -> bool:
    """Whether only zeros that fill the last byte are left."""
    spare = 8 * len(data) - at
    return spare == 0 or (0 < spare < 8 and data[-1] & ((1 << spare) - 1) == 0)


def show(block: Sequence[StepGrids], steps: Int32Array, slots: Sequence[Slot]) -> bool:
    """As `pavfmt.codec.quantization.show`; False where that one refuses, and then some values may be filled in."""
    first = 0
    for grids, (table, at) in zip(block, slots, strict=True):
        rows = [(one.offset, one.step, 2.0**-one.shift, (1 << one.bits) - 1) for one in grids.grids]
        kernel = attributes.KERNELS[grids.kind]
        by_column = np.vstack([np.array(rows).T, grids.centres])
        if not kernel(steps, first, by_column, float(grids.multiplier), table, at):
            return False
        first += len(grids.grids)
    return True

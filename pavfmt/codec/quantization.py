"""Numbers as integers: the exact arithmetic of §5.

A quantized value q stands for (offset + step · q) · 2^−shift. The bracket is below 2^53, so that the product
is exact in binary64; it is rounded once, to binary32, ties to even. Every language with IEEE doubles gets the
same bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Float64Array, UnsignedArray
from pavfmt.errors import EncodeError, FormatError

MAX_BITS = 16
MAX_MULTIPLIER = (1 << 16) - 1
WIDE_MULTIPLIER = 1 << 14
"""From here on multiplier · step may not fit 31 bits: steps are below 2^16."""
MAX_SHIFT = 52
QUATERNION_SHIFT = 24
"""Stereographic coordinates are integers in units of 2^−24, so that their squares sum exactly in 2^53."""
FINEST = 2.0**-30
"""No grid is finer than this share of its largest value: finer than float32, and exact in binary64."""
BARYCENTRIC_ONE = 1 << 15
"""Barycentric coordinates are integers that sum to this."""


class ValueKind(Enum):
    """What the columns of an attribute are together."""

    PLAIN = "plain"
    COLOUR = "colour"
    """Triples (G, R − G, B − G)."""
    QUATERNION = "quaternion"
    """Stereographic coordinates."""
    BARYCENTRIC = "barycentric"
    """The first two of three that sum to one."""


@dataclass(frozen=True)
class Affine:
    """One quantization grid: value = (offset + step · q) · 2^−shift, 0 ≤ q < 2^bits."""

    offset: int
    step: int
    shift: int
    bits: int

    @property
    def is_exact(self) -> bool:
        """Whether the fields are in range and the bracket stays below 2^53 for every q."""
        in_range = 0 < self.bits <= MAX_BITS and 0 <= self.shift <= MAX_SHIFT and 0 <= self.step < 1 << 32
        return in_range and abs(self.offset) + (self.step << self.bits) < 1 << 53

    @property
    def width(self) -> int:
        """Bytes of one quantized value in memory."""
        return 1 if self.bits <= 8 else 2

    @cached_property
    def table(self) -> Float32Array:
        """(2^bits,) the value of every q."""
        return self._values(np.arange(1 << self.bits, dtype=np.int64))

    def _values(self, quantized: NDArray[np.int64]) -> Float32Array:
        brackets = self.offset + self.step * quantized
        return (brackets.astype(np.float64) * 2.0**-self.shift).astype(np.float32)

    def dequantize(self, quantized: NDArray[np.integer]) -> Float32Array:
        """float32 values of the same shape; `quantized` must be below 2^bits. A few values make no table."""
        if quantized.size < 1 << self.bits:
            return self._values(quantized.astype(np.int64))
        return self.table.take(quantized, mode="clip")

    @property
    def unit(self) -> float:
        """The distance between neighbouring values."""
        return self.step * 2.0**-self.shift

    def quantize(self, values: Float64Array | Float32Array) -> UnsignedArray:
        """The nearest q of each value, clipped to the grid."""
        scaled = np.asarray(values, dtype=np.float64) * 2.0**self.shift
        nearest = np.rint((scaled - self.offset) / max(self.step, 1))
        dtype = np.uint8 if self.width == 1 else np.uint16
        return np.clip(nearest, 0, (1 << self.bits) - 1).astype(dtype)

    @classmethod
    def spanning(cls, low: float, high: float, bits: int) -> Affine:
        """The grid of 2^bits values over [low, high]."""
        span = max(high - low, 1e-9)
        grid = cls._over(low, high, span / ((1 << bits) - 1), aligned=False)
        return grid if grid.bits <= bits else cls(grid.offset, grid.step + 1, grid.shift, bits)

    @classmethod
    def stepping(cls, low: float, high: float, step: float) -> Affine:
        """The grid over [low, high] with about the given step, coarser if it needs more than 16 bits.

        0, if it is within, is on the grid.
        """
        return cls._over(low, high, max(step, (high - low) / ((1 << MAX_BITS) - 2)), aligned=True)

    @classmethod
    def _over(cls, low: float, high: float, step: float, aligned: bool) -> Affine:
        """`aligned` moves the lowest value down to a multiple of the step."""
        finest = max(abs(low), abs(high)) * FINEST
        step = max(step, finest, 1e-12)
        shift = min(max(15 - math.floor(math.log2(step)), 0), MAX_SHIFT)
        int_step = max(math.ceil(step * 2.0**shift), 1)
        unit = int_step if aligned else 1
        offset = unit * math.floor(low * 2.0**shift / unit)
        count = math.ceil((high * 2.0**shift - offset) / int_step) + 1
        grid = cls(offset, int_step, shift, min(max((count - 1).bit_length(), 1), MAX_BITS))
        if not grid.is_exact:
            raise EncodeError("out-of-range", f"values from {low} to {high} are too large to be written")
        return grid


@dataclass(frozen=True)
class StepGrids:
    """What the steps of an attribute mean (§6.9): column c's grid value is centres[c] + multiplier · step.

    Of a colour's triples that is G, and what R and B are more than G.
    """

    name: str
    kind: ValueKind
    grids: tuple[Affine, ...]
    """One per column."""
    multiplier: int
    centres: NDArray[np.int64]
    """(columns,), 0 where a column has no centre."""

    def values(self, steps: NDArray[np.signedinteger]) -> NDArray[np.signedinteger]:
        """(N, columns) grid values, colours as (R, G, B); of 64 bits where 32 might not do."""
        dtype = np.int64 if self.multiplier >= WIDE_MULTIPLIER else steps.dtype
        values: NDArray[np.signedinteger] = self.multiplier * steps.astype(dtype, copy=False)
        values += self.centres.astype(dtype)
        if self.kind is ValueKind.COLOUR:
            channels = values.reshape(len(values), -1, 3)
            green = channels[:, :, 0].copy()
            np.add(channels[:, :, 1], green, out=channels[:, :, 0])
            channels[:, :, 1] = green
            channels[:, :, 2] += green
        return values

    def shown(self, steps: NDArray[np.signedinteger], offset: int) -> Float32Array:
        """What (N, columns) steps show; FormatError at `offset` where something is not on its grid."""
        values = self.values(steps)
        for bits in {grid.bits for grid in self.grids}:
            columns = [grid.bits == bits for grid in self.grids]
            part = values if all(columns) else values[:, columns]
            low, high = int(part.min()), int(part.max())
            if low < 0 or high >> bits:
                top = (1 << bits) - 1
                message = f"{self.name}: quantized values {low}..{high}, allowed are 0..{top}"
                raise FormatError("bad-field", message, offset)
        if self.kind is ValueKind.BARYCENTRIC and int(values.sum(axis=1).max()) > BARYCENTRIC_ONE:
            raise FormatError("bad-field", "barycentric coordinates sum to more than 1", offset)
        return dequantize(self.kind, self.grids, values)


Slot = tuple[Float32Array, int]
"""A table (N, V) of values, and the column at which an attribute's begin."""


def show(block: Sequence[StepGrids], steps: NDArray[np.int32], slots: Sequence[Slot], offset: int) -> None:
    """Fill in the values of the attributes of a block from its steps (N, C), one attribute's columns after the other.

    FormatError at `offset` where something is not on its grid.
    """
    first = 0
    for grids, (table, at) in zip(block, slots, strict=True):
        shown = grids.shown(steps[:, first : first + len(grids.grids)], offset)
        table[:, at : at + shown.shape[1]] = shown
        first += len(grids.grids)


def dequantize(kind: ValueKind, grids: tuple[Affine, ...], values: NDArray[np.signedinteger]) -> Float32Array:
    """What (N, columns) grid values show: quaternions (N, 4), barycentrics (N, 3), else (N, columns)."""
    if kind is ValueKind.QUATERNION:
        return dequantize_quaternions(values, grids[0])
    if kind is ValueKind.BARYCENTRIC:
        return dequantize_barycentrics(values)
    if len(set(grids)) == 1:
        return grids[0].dequantize(values)
    return np.stack([grid.dequantize(column) for grid, column in zip(grids, values.T, strict=True)], axis=1)


def stereographic_grid(step: float) -> Affine:
    """The grid over −1…1 with at most the given step (if 16 bits allow it), 0 on it."""
    bits = min(max(math.ceil(math.log2(2 / step + 2)), 2), MAX_BITS)
    half = 1 << (bits - 1)
    int_step = -(-(1 << QUATERNION_SHIFT) // (half - 1))
    return Affine(-int_step * half, int_step, QUATERNION_SHIFT, bits)


BARYCENTRIC_GRID = Affine(0, 1, 15, 16)
"""Barycentric coordinates as grid values: multiples of 1 / BARYCENTRIC_ONE."""


def stereographic(quats: Float64Array) -> Float64Array:
    """(N, 4) quaternions, any length and sign → (N, 3) stereographic coordinates (x, y, z) / (1 + w), |·| ≤ 1."""
    unit = quats / np.linalg.norm(quats, axis=1, keepdims=True)
    unit = np.where(unit[:, :1] < 0, -unit, unit)
    points: Float64Array = unit[:, 1:] / (1 + unit[:, :1])
    return points


def dequantize_quaternions(quantized: NDArray[np.integer], grid: Affine) -> Float32Array:
    """(N, 3) integers of stereographic coordinates → (N, 4) unit quaternions (w, x, y, z).

    p → (1 − |p|², 2p) / (1 + |p|²). The integers stay below 2^53, each division is rounded once to binary64.
    """
    points = grid.offset + grid.step * quantized.astype(np.int64)
    square = np.sum(points * points, axis=1)
    one = 1 << (2 * QUATERNION_SHIFT)
    above = np.concatenate([(one - square)[:, None], points << (QUATERNION_SHIFT + 1)], axis=1)
    quats: Float64Array = above.astype(np.float64) / (one + square).astype(np.float64)[:, None]
    return quats.astype(np.float32)


def quantize_barycentrics(points: Float64Array | Float32Array, bits: int = 15) -> UnsignedArray:
    """(N, 3) → (N, 2) integers q0, q1, multiples of 2^(15 − bits); q2 = 2^15 − q0 − q1 is never negative."""
    one = 1 << bits
    scaled = np.asarray(points, dtype=np.float64) * one
    first = np.clip(np.rint(scaled[:, 0]), 0, one)
    second = np.clip(np.rint(scaled[:, 1]), 0, one - first)
    return (np.stack([first, second], axis=1) * (BARYCENTRIC_ONE >> bits)).astype(np.uint16)


def dequantize_barycentrics(quantized: NDArray[np.integer]) -> Float32Array:
    """(N, 2) integers → (N, 3) coordinates, exact in float32 (multiples of 2^−15)."""
    pair = quantized.astype(np.int32)
    triple = np.concatenate([pair, BARYCENTRIC_ONE - pair.sum(axis=1, keepdims=True)], axis=1)
    return triple.astype(np.float32) / np.float32(BARYCENTRIC_ONE)

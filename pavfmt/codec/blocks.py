"""Blocks: integers of n Gaussians, predicted from neighbours, the rest Rice coded (§5.1, §5.4): how they are decoded.

How it works. The Gaussians of a unit are decoded pass by pass (`pavfmt.codec.prediction`), each pass about as many as
all before it together. From the second pass on, a value is expected to be the weighted mean of those of its six
neighbours, all of earlier passes; what is left, its residual, is stored as a Rice code: a quotient in unary in one
section, a remainder of k bits in another. The parameter k is not sent. It follows from the *spread*, how much the
neighbours differ among themselves: where the surface is smooth, residuals are small, and k is. Two numbers per
attribute, scale and floor, adapt that rule to the attribute, so a block costs a few bytes besides its codes.

Why so. A decoder knows the neighbours before it needs k, so nothing has to be sent that it can find out, and a unit
of a thousand Gaussians is worth its own statistics without paying for a table of them. Quotients and remainders are
apart so that NumPy can unpack all quotients at once: where each ends is where its one is. Remainders cannot be: their
widths depend on values decoded before. So the loop runs over passes, about log2(n / 8) of them, and not over values.

Invariants. Everything is an integer in a float64 and below 2^53, so every sum is exact in any order and every reader
finds the same parameter: one bit of difference would desynchronise all that follows. `BOUND` makes it so: a weight is
at most 2^19 + 1, and six of them times a value below 2^16 and twice SPREAD_ONE stay below 2^43. A division is rounded
down (`np.floor`) after it was rounded to binary64; as its operands are that small, the nearest binary64 is never on
the other side of an integer.

Costs. Memory is some eight arrays of n × C float64 or int64; a section is checked against what it can be worth
(`MAX_BITS_PER_QUOTIENT`) before it is unpacked, so a small section of zeros cannot ask for gigabytes. With numba the
same is done turn by turn in one pass over the bits (`pavfmt.codec.compiled`), five times faster or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array, Int32Array, Int64Array
from pavfmt.codec import compiled
from pavfmt.codec.prediction import Neighbourhood
from pavfmt.errors import FormatError

MAX_PARAMETER = 15
PREDICTED = 16
"""Added to a model's first byte."""
WINDOW = 5
"""Bytes that a remainder of up to 30 bits can touch."""
BOUND = 1 << 16
"""Values lie in −BOUND < v < BOUND: no sum below leaves binary64's exact integers."""
MAX_QUOTIENT = 1 << 19
MAX_BITS_PER_QUOTIENT = 64
MAX_ASCENDING = 1 << 31
SPREAD_ONE = 8
MODEL_SHIFT = 5
MAX_FLOOR = 1 << 22


class Form(IntEnum):
    """How a block is written."""

    COLUMNS = 0
    """A signed column for each."""
    RICE = 1
    RICE_ROWS = 2
    """Rice codes of the Gaussians that have any residual at all."""


@dataclass(frozen=True)
class Model:
    """How the residuals of one attribute are coded."""

    first: int
    """The Rice parameter of the first pass, or of all where nothing is predicted."""
    predicted: bool = False
    scale: int = 0
    """Times the neighbours' spread."""
    floor: int = 0

    def parameters(self, spread: Float64Array, shifts: Int64Array) -> Int64Array:
        """Rice parameters for spreads in units of 1 / SPREAD_ONE."""
        return rice_parameters(spread, self.scale, self.floor, shifts)


def predictions(
    decoded: Float64Array, near: Int64Array, weights: Int64Array
) -> tuple[Float64Array, Float64Array]:
    """(m, C) predictions, and spreads in units of 1 / SPREAD_ONE, from rows `near` (m, k) of `decoded` (·, C).

    Exact: all are integers below 2^53, and a quotient that is no integer is further from one than it is rounded.
    """
    values, weight = decoded[near], weights.astype(np.float64)[:, None, :]
    total = weight.sum(axis=2)
    mean = np.floor((2 * (weight @ values)[:, 0] + total) / (2 * total))
    spread = np.floor(SPREAD_ONE * (weight @ np.abs(values - mean[:, None]))[:, 0] / total)
    return mean, spread


def first_parameters(first: Int64Array | int, shifts: Int64Array) -> Int64Array:
    """Rice parameters where nothing is predicted."""
    return np.maximum(first - shifts, 0)


def shifted_down(mean: Float64Array, shifts: Int64Array) -> Int64Array:
    """Predictions in units of 2^shift, halves up."""
    whole: Int64Array = (mean.astype(np.int64) + ((1 << shifts) >> 1)) >> shifts
    return whole


def rice_values(
    sections: tuple[bytes, bytes],
    rows: NDArray[np.bool_],
    models: Sequence[Model],
    widths: Sequence[int],
    neighbourhood: Neighbourhood,
    shifts: Int64Array | None = None,
    offset: int = 0,
    block: int = 0,
) -> Int32Array:
    """The values (n, C) of a Rice block in file order; FormatError as §5.4 says.

    `sections` are those of quotients and remainders; `rows` (n,) says which turns have residuals; `widths` are the
    columns of each model; values are multiples of 2^`shifts` (n, C), in file order, None: of 1. `offset` and `block`
    are where the sections and the block begin in the file.
    """
    quotients, remainders = sections
    _check_quotient_bytes(quotients, int(rows.sum()) * sum(widths), offset)
    table = [[model.first, model.predicted, model.scale, model.floor] for model in models]
    columns = np.repeat(np.array(table, dtype=np.int64), widths, axis=0)
    if compiled.twins is not None:
        found: Int32Array | None
        found = compiled.twins.rice_values(quotients, remainders, rows, columns, neighbourhood, shifts)
        if found is not None:
            return found
    return _rice_values(sections, rows, columns, neighbourhood, shifts, offset, block)


def _rice_values(
    sections: tuple[bytes, bytes],
    rows: NDArray[np.bool_],
    models: Int64Array,
    neighbourhood: Neighbourhood,
    shifts: Int64Array | None,
    offset: int,
    block: int,
) -> Int32Array:
    """Pass by pass. `models` is (C, 4): first, predicted, scale and floor of each column."""
    columns, flagged = len(models), np.flatnonzero(rows)
    coded = np.zeros((len(rows), columns), dtype=np.int64)
    # All quotients at once: a row without residuals has none, and its codes stay 0.
    quotients = bounded_quotients(sections[0], len(flagged) * columns, offset)
    coded[flagged] = quotients.reshape(-1, columns)
    remainders = Remainders(sections[1], block)
    decoded = np.empty((len(rows), columns))  # by turn, float64 for the products; integers all the same
    by_turn = np.zeros_like(coded) if shifts is None else shifts[neighbourhood.order]
    for at, end in zip((0, *neighbourhood.passes[:-1]), neighbourhood.passes, strict=True):
        here, values, shift = rows[at:end], coded[at:end], by_turn[at:end]
        mean, parameters = _expected(models, decoded, neighbourhood, at, end, shift)
        values[here] = (values[here] << parameters[here]) + remainders.take(parameters[here])
        decoded[at:end] = (mean + unzigzag(values)) << shift
        # Within the pass, or the sums of the next would be wrong before anybody looked.
        if float(np.abs(decoded[at:end]).max(initial=0)) >= BOUND:
            raise FormatError("bad-column", f"a value of {np.abs(decoded[at:end]).max():.0f}", block)
    remainders.finish()
    result = np.empty((len(rows), columns), dtype=np.int32)
    result[neighbourhood.order] = decoded
    return result


def _expected(
    models: Int64Array,
    decoded: Float64Array,
    neighbourhood: Neighbourhood,
    at: int,
    end: int,
    shifts: Int64Array,
) -> tuple[Int64Array, Int64Array]:
    """Predictions, in units of 2^`shifts`, and Rice parameters (end − at, C) of the turns at…end − 1."""
    first, predicted, scale, floor = models.T
    mean, parameters = np.zeros_like(shifts), first_parameters(first, shifts)
    used = np.flatnonzero(predicted)
    if not at or not len(used):
        return mean, parameters
    part = slice(at - neighbourhood.passes[0], end - neighbourhood.passes[0])
    decoded = decoded if len(used) == len(models) else decoded[:, used]
    found, spread = predictions(decoded, neighbourhood.neighbours[part], neighbourhood.weights[part])
    mean[:, used] = shifted_down(found, shifts[:, used])
    parameters[:, used] = rice_parameters(spread, scale[used], floor[used], shifts[:, used])
    return mean, parameters


def rice_parameters(
    spread: Float64Array, scale: Int64Array | int, floor: Int64Array | int, shifts: Int64Array
) -> Int64Array:
    """For spreads in units of 1 / SPREAD_ONE.

    The bits of ⌊(scale · spread + floor) / 2^MODEL_SHIFT⌋, less `shifts`: 0 at least, 15 at most.
    """
    level = np.floor((scale * spread + floor) * 2.0**-MODEL_SHIFT)
    bits: Int64Array = np.frexp(level)[1].astype(np.int64)
    parameters: Int64Array = np.clip(bits - shifts, 0, MAX_PARAMETER)
    return parameters


def _check_quotient_bytes(section: bytes, count: int, offset: int) -> None:
    """A section of quotients is bounded by what it can be worth, before it is unpacked."""
    if 8 * len(section) > MAX_BITS_PER_QUOTIENT * count + 7:
        raise FormatError("bad-column", f"{len(section)} bytes for {count} Rice quotients", offset)


def bounded_quotients(section: bytes, count: int, offset: int) -> Int64Array:
    """`decode_quotients` of a section whose size is checked before it is unpacked; each below MAX_QUOTIENT."""
    _check_quotient_bytes(section, count, offset)
    quotients = decode_quotients(section, count, offset)
    if int(quotients.max(initial=0)) >= MAX_QUOTIENT:
        raise FormatError("bad-column", f"a Rice quotient of {quotients.max()}", offset)
    return quotients


def decode_quotients(section: bytes, count: int, offset: int) -> Int64Array:
    """`count` quotients, the whole of a section; `offset` is where it stands in the file."""
    ends = np.flatnonzero(np.unpackbits(np.frombuffer(section, dtype=np.uint8)))
    last = int(ends[count - 1]) if 0 < count <= len(ends) else -1
    if len(ends) != count or last >> 3 != len(section) - 1:
        message = f"{len(ends)} Rice quotients in {len(section)} bytes, not {count}"
        raise FormatError("bad-column", message, offset)
    return np.diff(ends, prepend=-1) - 1


def zigzag(values: NDArray[np.integer]) -> Int64Array:
    """0, 1, 2, … for 0, −1, 1, …"""
    wide = values.astype(np.int64)
    folded: Int64Array = (wide << 1) ^ (wide >> 63)
    return folded


def unzigzag(values: Int64Array) -> Int64Array:
    """The inverse of `zigzag`."""
    plain: Int64Array = (values >> 1) ^ -(values & 1)
    return plain


class Remainders:
    """Reads the section of remainders, front to back."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._size = len(data)
        self._offset = offset
        self._at = 0
        padded = np.frombuffer(data + bytes(WINDOW), dtype=np.uint8).astype(np.int64)
        self._words = padded[: len(data) + 1]
        for step in range(1, WINDOW):
            self._words = self._words << 8 | padded[step : len(data) + 1 + step]
        """The 40 bits from each byte on."""

    def take(self, parameters: Int64Array) -> Int64Array:
        """The next values, of `parameters` bits each, in the shape of `parameters`."""
        ends = self._at + np.cumsum(parameters.reshape(-1))
        end = int(ends[-1]) if len(ends) else self._at
        if end > 8 * self._size:
            raise FormatError(
                "bad-column", f"Rice remainders need {end} bits of {8 * self._size}", self._offset
            )
        self._at = end
        starts = ends.reshape(parameters.shape) - parameters
        shifted = self._words[starts >> 3] >> (8 * WINDOW - (starts & 7) - parameters)
        values: Int64Array = shifted & ((1 << parameters) - 1)
        return values

    def finish(self) -> None:
        """Nothing but zeros that fill the last byte may be left."""
        spare = 8 * self._size - self._at
        last = int(self._words[self._size - 1] >> (8 * (WINDOW - 1))) if self._size else 0
        if spare >= 8 or last & ((1 << spare) - 1):
            raise FormatError("bad-column", f"{spare} bits are left after the Rice remainders", self._offset)


def ascending_values(
    quotients: Int64Array, remainders: bytes, parameter: int, offset: int, end: int
) -> Int32Array:
    """Integers that never fall, below MAX_ASCENDING, from the Rice codes of their differences.

    `offset` is where the quotients begin in the file, `end` where the remainders end.
    """
    rest = Remainders(remainders, end)
    values = np.cumsum((quotients << parameter) + rest.take(np.full(len(quotients), parameter)))
    rest.finish()
    if int(values[-1]) >= MAX_ASCENDING:
        raise FormatError("index-out-of-range", f"an index of {values[-1]}", offset)
    return values.astype(np.int32)

"""Blocks: integers of n Gaussians, predicted from neighbours, the rest Rice coded (§5.4).

The parameter of each code follows from how much the neighbours differ among themselves, so nothing but two small
numbers per attribute is sent besides the codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.codec.prediction import Neighbourhood
from pavfmt.codec.rice import (
    MAX_PARAMETER,
    Remainders,
    bits_of,
    decode_quotients,
    encode_quotients,
    encode_remainders,
    unzigzag,
    zigzag,
)
from pavfmt.errors import FormatError
from pavfmt.model import Int32Array

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]

BOUND = 1 << 16
"""Values lie in −BOUND < v < BOUND: no sum below leaves binary64's exact integers."""
MAX_QUOTIENT = 1 << 19
MAX_BITS_PER_QUOTIENT = 64
MAX_ASCENDING = 1 << 31
SPREAD_ONE = 8
MODEL_SHIFT = 5
PREDICTED = 16
MAX_FLOOR = 1 << 22
SCALES = (0, 1, 2, 3, 4, 6, 8, 11, 16)
MODEL_BITS = 24
SAMPLE = 512
FLOORS = tuple(int(32 * 2.0 ** (half / 2)) for half in range(-4, 27))


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
    told: Float64Array, near: Int64Array, weights: Int64Array
) -> tuple[Float64Array, Float64Array]:
    """(m, C) predictions, and spreads in units of 1 / SPREAD_ONE, from rows `near` (m, k) of `told` (·, C).

    Exact: all are integers below 2^53, and a quotient that is no integer is further from one than it is rounded.
    """
    values, weight = told[near], weights.astype(np.float64)[:, None, :]
    total = weight.sum(axis=2)
    mean = np.floor((2 * (weight @ values)[:, 0] + total) / (2 * total))
    spread = np.floor(SPREAD_ONE * (weight @ np.abs(values - mean[:, None]))[:, 0] / total)
    return mean, spread


def encode_block(
    writer: FieldWriter,
    values: Int64Array,
    widths: Sequence[int],
    neighbourhood: Neighbourhood,
    shifts: Int64Array | None = None,
) -> None:
    """(n, C) integers in file order, in the smallest of the forms; `widths` are the columns of each attribute.

    `shifts` (n, C): a value is a multiple of 2^shift. Columns are only tried where there is one attribute: only then
    do they ever win, and they take long.
    """
    forms = _rice_forms(values, widths, neighbourhood, np.zeros_like(values) if shifts is None else shifts)
    if len(widths) == 1:
        columns = FieldWriter()
        columns.pack("B", Form.COLUMNS)
        for column in values.T:
            columns.signed_column(column)
        forms.append(columns.getvalue())
    writer.raw(min(forms, key=len))


def _rice_forms(
    values: Int64Array, widths: Sequence[int], neighbourhood: Neighbourhood, shifts: Int64Array
) -> list[bytes]:
    """The block in both Rice forms."""
    told, first = values[neighbourhood.order], neighbourhood.passes[0]
    shifts = shifts[neighbourhood.order]
    mean, spread = predictions(told.astype(np.float64), neighbourhood.neighbours, neighbourhood.weights)
    residuals, parameters, models = told >> shifts, np.zeros_like(told), []
    at = 0
    for width in widths:
        part = slice(at, at + width)
        rest = residuals[first:, part] - shifted_down(mean[:, part], shifts[first:, part])
        model = _best_model(residuals[:, part], rest, spread[:, part], shifts[:, part], first)
        parameters[:, part] = first_parameters(model.first, shifts[:, part])
        if model.predicted:
            residuals[first:, part] = rest
            parameters[first:, part] = model.parameters(spread[:, part], shifts[first:, part])
        models.append(model)
        at += width
    coded = zigzag(residuals)
    rows: NDArray[np.bool_] = np.any(coded, axis=1)
    return [
        _rice_bytes(Form.RICE, models, coded, parameters, None),
        _rice_bytes(Form.RICE_ROWS, models, coded[rows], parameters[rows], rows),
    ]


def _rice_bytes(
    form: Form,
    models: list[Model],
    coded: Int64Array,
    parameters: Int64Array,
    rows: NDArray[np.bool_] | None,
) -> bytes:
    writer = FieldWriter()
    writer.pack("B", form)
    for model in models:
        writer.pack("B", model.first + PREDICTED * model.predicted)
        if model.predicted:
            writer.pack("B", model.scale)
            writer.varint(model.floor)
    quotients = encode_quotients(coded.reshape(-1), parameters.reshape(-1))
    remainders = encode_remainders(coded.reshape(-1), parameters.reshape(-1))
    writer.varint(len(quotients))
    writer.varint(len(remainders))
    if rows is not None:
        writer.raw(np.packbits(rows).tobytes())
    writer.raw(quotients)
    writer.raw(remainders)
    return writer.getvalue()


def _best_model(
    values: Int64Array, residuals: Int64Array, spread: Float64Array, shifts: Int64Array, first: int
) -> Model:
    """The model of fewest bits: unpredicted, or with the best scale and floor (chosen on a sample).

    `values` and `shifts` are of all turns, `residuals` and `spread` of those after the `first`.
    """
    plain, fewest = _best_first(zigzag(values), shifts)
    if not residuals.size:
        return Model(plain)
    start, bits = _best_first(zigzag(values[:first]), shifts[:first])
    coded, stride, later = zigzag(residuals), -(-len(residuals) // SAMPLE), shifts[first:]
    sample = coded[::stride], spread[::stride], later[::stride]
    found = min(
        (Model(start, True, scale, floor) for scale in SCALES for floor in FLOORS),
        key=lambda model: bits_of(sample[0], model.parameters(sample[1], sample[2])),
    )
    bits += bits_of(coded, found.parameters(spread, later))
    return found if bits + MODEL_BITS < fewest else Model(plain)


def _best_first(values: Int64Array, shifts: Int64Array) -> tuple[int, int]:
    """The first parameter of fewest bits, and how many."""
    bits = [bits_of(values, first_parameters(first, shifts)) for first in range(MAX_PARAMETER + 1)]
    best = int(np.argmin(bits))
    return best, bits[best]


def first_parameters(first: Int64Array | int, shifts: Int64Array) -> Int64Array:
    """Rice parameters where nothing is predicted."""
    return np.maximum(first - shifts, 0)


def shifted_down(mean: Float64Array, shifts: Int64Array) -> Int64Array:
    """Predictions in units of 2^shift, halves up."""
    whole: Int64Array = (mean.astype(np.int64) + ((1 << shifts) >> 1)) >> shifts
    return whole


def decode_block(
    reader: FieldReader,
    count: int,
    widths: Sequence[int],
    neighbourhood: Neighbourhood,
    shifts: Int64Array | None = None,
) -> Int32Array:
    """The inverse of `encode_block`: (count, C) integers in file order."""
    block = reader.offset
    form = Form(reader.choice("block form", len(Form)))
    if form is Form.COLUMNS:
        table = np.empty((count, sum(widths)), dtype=np.int32)
        for column in table.T:
            column[:] = reader.signed_column(count)
        if table.size and max(-int(table.min()), int(table.max())) >= BOUND:
            raise FormatError("bad-column", f"values {table.min()}..{table.max()}", block)
        return table
    models = [_decode_model(reader) for _ in widths]
    quotient_bytes = reader.varint("quotient bytes", reader.limits.unit_bytes)
    remainder_bytes = reader.varint("remainder bytes", reader.limits.unit_bytes)
    rows = _decode_rows(reader, count) if form is Form.RICE_ROWS else np.ones(count, dtype=bool)
    start = reader.offset
    quotients, remainders = reader.raw(quotient_bytes), reader.raw(remainder_bytes)
    _check_length(quotients, int(rows.sum()) * sum(widths), start)
    by_column = _model_table(models, widths)
    if reader.kernels is not None:
        found = reader.kernels.rice_values(quotients, remainders, rows, by_column, neighbourhood, shifts)
        if found is not None:
            return found
    return rice_values(quotients, remainders, rows, by_column, neighbourhood, shifts, start, block)


def skip_block(reader: FieldReader, count: int, attributes: int) -> None:
    """Pass over a block of single-column attributes."""
    form = Form(reader.choice("block form", len(Form)))
    if form is Form.COLUMNS:
        for _ in range(attributes):
            reader.u8()
            reader.skip_column()
        return
    for _ in range(attributes):
        _decode_model(reader)
    sections = [reader.varint("section bytes", reader.limits.unit_bytes) for _ in range(2)]
    reader.raw(sum(sections) + (-(-count // 8) if form is Form.RICE_ROWS else 0))


def _decode_model(reader: FieldReader) -> Model:
    first = reader.choice("Rice parameter", 2 * PREDICTED)
    if first < PREDICTED:
        return Model(first)
    return Model(first - PREDICTED, True, reader.u8(), _decode_floor(reader))


def _decode_floor(reader: FieldReader) -> int:
    start = reader.offset
    floor = reader.varint("Rice floor")
    if floor > MAX_FLOOR:
        raise FormatError("bad-field", f"a floor of {floor}, at most {MAX_FLOOR}", start)
    return floor


def _decode_rows(reader: FieldReader, count: int) -> NDArray[np.bool_]:
    start = reader.offset
    bits = np.unpackbits(np.frombuffer(reader.raw(-(-count // 8)), dtype=np.uint8))
    if bits[count:].any():
        raise FormatError("bad-field", "row flags beyond the last Gaussian", start)
    return bits[:count].astype(bool)


def _model_table(models: list[Model], widths: Sequence[int]) -> Int64Array:
    """(C, 4): first, predicted, scale and floor of each column."""
    rows = [[model.first, model.predicted, model.scale, model.floor] for model in models]
    return np.repeat(np.array(rows, dtype=np.int64), widths, axis=0)


def rice_values(
    quotient_bytes: bytes,
    remainder_bytes: bytes,
    rows: NDArray[np.bool_],
    models: Int64Array,
    neighbourhood: Neighbourhood,
    shifts: Int64Array | None = None,
    offset: int = 0,
    block: int = 0,
) -> Int32Array:
    """The values (n, C) of a Rice block in file order, pass by pass; FormatError as the text says.

    `models` is (C, 4): first, predicted, scale and floor; `rows` (n,) says which turns have residuals; values are
    multiples of 2^`shifts` (n, C), in file order; `offset` and `block` are where the sections and the block begin.
    """
    columns, flagged = len(models), np.flatnonzero(rows)
    coded = np.zeros((len(rows), columns), dtype=np.int64)
    coded[flagged] = _bounded_quotients(quotient_bytes, len(flagged) * columns, offset).reshape(-1, columns)
    remainders = Remainders(remainder_bytes, block)
    told = np.empty((len(rows), columns))
    by_turn = np.zeros_like(coded) if shifts is None else shifts[neighbourhood.order]
    for at, end in zip((0, *neighbourhood.passes[:-1]), neighbourhood.passes, strict=True):
        here, values, shift = rows[at:end], coded[at:end], by_turn[at:end]
        mean, parameters = _expected(models, told, neighbourhood, at, end, shift)
        values[here] = (values[here] << parameters[here]) + remainders.take(parameters[here])
        told[at:end] = (mean + unzigzag(values)) << shift
        if float(np.abs(told[at:end]).max(initial=0)) >= BOUND:
            raise FormatError("bad-column", f"a value of {np.abs(told[at:end]).max():.0f}", block)
    remainders.finish()
    result = np.empty((len(rows), columns), dtype=np.int32)
    result[neighbourhood.order] = told
    return result


def _expected(
    models: Int64Array,
    told: Float64Array,
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
    told = told if len(used) == len(models) else told[:, used]
    found, spread = predictions(told, neighbourhood.neighbours[part], neighbourhood.weights[part])
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


def _check_length(section: bytes, count: int, offset: int) -> None:
    """A section of quotients is bounded by what it can be worth, before it is unpacked."""
    if 8 * len(section) > MAX_BITS_PER_QUOTIENT * count + 7:
        raise FormatError("bad-column", f"{len(section)} bytes for {count} Rice quotients", offset)


def _bounded_quotients(section: bytes, count: int, offset: int) -> Int64Array:
    quotients = decode_quotients(section, count, offset)
    if int(quotients.max(initial=0)) >= MAX_QUOTIENT:
        raise FormatError("bad-column", f"a Rice quotient of {quotients.max()}", offset)
    return quotients


def encode_ascending(writer: FieldWriter, values: Int32Array, padded: bool = False) -> None:
    """Integers ≥ 0 that never fall, as Rice codes of their differences; `padded` spends two bits or more on each."""
    gaps = values.astype(np.int64)
    gaps[1:] -= gaps[:-1].copy()
    parameter = min(range(int(padded), 31), key=lambda k: bits_of(gaps, k))
    widths = np.full(len(gaps), parameter)
    quotients = encode_quotients(gaps, parameter)
    writer.pack("B", parameter)
    writer.varint(len(quotients))
    writer.raw(quotients)
    writer.raw(encode_remainders(gaps, widths))


def decode_ascending(reader: FieldReader, count: int) -> Int32Array:
    """The inverse of `encode_ascending`: (count,) values below MAX_ASCENDING."""
    parameter = reader.choice("Rice parameter", 31)
    start = reader.offset
    section = reader.raw(reader.varint("quotient bytes", reader.limits.unit_bytes))
    _check_length(section, count, start)
    quotients = _bounded_quotients(section, count, start)
    remainders = Remainders(reader.raw(-(-count * parameter // 8)), reader.offset)
    values = np.cumsum((quotients << parameter) + remainders.take(np.full(count, parameter)))
    remainders.finish()
    if int(values[-1]) >= MAX_ASCENDING:
        raise FormatError("index-out-of-range", f"an index of {values[-1]}", start)
    return values.astype(np.int32)

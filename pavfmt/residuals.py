"""Blocks: integers of n Gaussians, predicted from neighbours, the rest Rice coded (FORMAT.md, "Blocks").

The parameter of each code follows from how much the neighbours differ among themselves, so nothing but two small
numbers per attribute is sent besides the codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import FormatError
from pavfmt.fields import FieldReader, FieldWriter
from pavfmt.model import Int32Array
from pavfmt.neighbourhood import Neighbourhood
from pavfmt.rice import (
    MAX_PARAMETER,
    Remainders,
    best_parameter,
    bits_of,
    decode_quotients,
    encode_quotients,
    encode_remainders,
    unzigzag,
    zigzag,
)

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

    def parameters(self, spread: Float64Array) -> Int64Array:
        """Rice parameters for spreads in units of 1 / SPREAD_ONE."""
        return rice_parameters(spread, self.scale, self.floor)


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
    writer: FieldWriter, values: Int64Array, widths: Sequence[int], neighbourhood: Neighbourhood
) -> None:
    """(n, C) integers in file order, in the smallest of the forms; `widths` are the columns of each attribute.

    Columns are only tried where there is one attribute: only then do they ever win, and they take long.
    """
    forms = _rice_forms(values, widths, neighbourhood)
    if len(widths) == 1:
        columns = FieldWriter()
        columns.pack("B", Form.COLUMNS)
        for column in values.T:
            columns.signed_column(column)
        forms.append(columns.getvalue())
    writer.raw(min(forms, key=len))


def _rice_forms(values: Int64Array, widths: Sequence[int], neighbourhood: Neighbourhood) -> list[bytes]:
    """The block in both Rice forms."""
    told, first = values[neighbourhood.order], neighbourhood.passes[0]
    mean, spread = predictions(told.astype(np.float64), neighbourhood.neighbours, neighbourhood.weights)
    residuals, parameters, models = told.copy(), np.zeros_like(told), []
    at = 0
    for width in widths:
        part = slice(at, at + width)
        rest = told[first:, part] - mean[:, part].astype(np.int64)
        model = _best_model(told[:first, part], told[first:, part], rest, spread[:, part])
        if model.predicted:
            residuals[first:, part] = rest
            parameters[first:, part] = model.parameters(spread[:, part])
            parameters[:first, part] = model.first
        else:
            parameters[:, part] = model.first
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


def _best_model(first: Int64Array, later: Int64Array, residuals: Int64Array, spread: Float64Array) -> Model:
    """The model of fewest bits: unpredicted, or with the best scale and floor (chosen on a sample)."""
    plain = best_parameter(zigzag(np.concatenate([first, later])))
    best = Model(plain)
    if not residuals.size:
        return best
    fewest = bits_of(zigzag(np.concatenate([first, later])), plain)
    start = best_parameter(zigzag(first))
    coded, stride = zigzag(residuals), -(-len(residuals) // SAMPLE)
    sample, near = coded[::stride], spread[::stride]
    found = min(
        (Model(start, True, scale, floor) for scale in SCALES for floor in FLOORS),
        key=lambda model: bits_of(sample, model.parameters(near)),
    )
    bits = bits_of(zigzag(first), start) + bits_of(coded, found.parameters(spread))
    return found if bits + MODEL_BITS < fewest else best


def decode_block(
    reader: FieldReader, count: int, widths: Sequence[int], neighbourhood: Neighbourhood
) -> Int32Array:
    """The inverse of `encode_block`: (count, C) integers in file order."""
    form = Form(reader.choice("block form", len(Form)))
    if form is Form.COLUMNS:
        start = reader.offset
        table = np.empty((count, sum(widths)), dtype=np.int32)
        for column in table.T:
            column[:] = reader.signed_column(count)
        if table.size and max(-int(table.min()), int(table.max())) >= BOUND:
            raise FormatError("bad-field", f"values {table.min()}..{table.max()}", start)
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
        found = reader.kernels.rice_values(quotients, remainders, rows, by_column, neighbourhood)
        if found is not None:
            return found
    return rice_values(quotients, remainders, rows, by_column, neighbourhood, start)


def _decode_model(reader: FieldReader) -> Model:
    first = reader.choice("Rice parameter", 2 * PREDICTED)
    if first < PREDICTED:
        return Model(first)
    return Model(first - PREDICTED, True, reader.u8(), reader.varint("Rice floor", MAX_FLOOR))


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
    offset: int = 0,
) -> Int32Array:
    """The values (n, C) of a Rice block in file order, pass by pass; FormatError as the text says.

    `models` is (C, 4): first, predicted, scale and floor; `rows` (n,) says which turns have residuals; `offset` is
    where the sections stand in the file.
    """
    columns, flagged = len(models), np.flatnonzero(rows)
    coded = np.zeros((len(rows), columns), dtype=np.int64)
    coded[flagged] = _bounded_quotients(quotient_bytes, len(flagged) * columns, offset).reshape(-1, columns)
    remainders = Remainders(remainder_bytes, offset + len(quotient_bytes))
    told = np.empty((len(rows), columns))
    for at, end in zip((0, *neighbourhood.passes[:-1]), neighbourhood.passes, strict=True):
        mean, parameters = _expected(models, told, neighbourhood, at, end)
        here, values = rows[at:end], coded[at:end]
        values[here] = (values[here] << parameters[here]) + remainders.take(parameters[here])
        told[at:end] = mean + unzigzag(values)
        if float(np.abs(told[at:end]).max(initial=0)) >= BOUND:
            raise FormatError("bad-field", f"a value of {np.abs(told[at:end]).max():.0f}", offset)
    remainders.finish()
    result = np.empty((len(rows), columns), dtype=np.int32)
    result[neighbourhood.order] = told
    return result


def _expected(
    models: Int64Array, told: Float64Array, neighbourhood: Neighbourhood, at: int, end: int
) -> tuple[Float64Array, Int64Array]:
    """Predictions and Rice parameters (end − at, C) of the turns at…end − 1."""
    first, predicted, scale, floor = models.T
    shape = (end - at, len(models))
    mean, parameters = np.zeros(shape), np.broadcast_to(first, shape)
    used = np.flatnonzero(predicted)
    if not at or not len(used):
        return mean, parameters
    part = slice(at - neighbourhood.passes[0], end - neighbourhood.passes[0])
    told = told if len(used) == len(models) else told[:, used]
    mean[:, used], spread = predictions(told, neighbourhood.neighbours[part], neighbourhood.weights[part])
    parameters = parameters.copy()
    parameters[:, used] = rice_parameters(spread, scale[used], floor[used])
    return mean, parameters


def rice_parameters(spread: Float64Array, scale: Int64Array | int, floor: Int64Array | int) -> Int64Array:
    """For spreads in units of 1 / SPREAD_ONE: the bits of ⌊(scale · spread + floor) / 2^MODEL_SHIFT⌋, 15 at most."""
    level = np.floor((scale * spread + floor) * 2.0**-MODEL_SHIFT)
    bits: Int64Array = np.frexp(level)[1].astype(np.int64)
    return np.minimum(bits, MAX_PARAMETER)


def _check_length(section: bytes, count: int, offset: int) -> None:
    """A section of quotients is bounded by what it can be worth, before it is unpacked."""
    if 8 * len(section) > MAX_BITS_PER_QUOTIENT * count + 7:
        raise FormatError("bad-column", f"{len(section)} bytes for {count} Rice quotients", offset)


def _bounded_quotients(section: bytes, count: int, offset: int) -> Int64Array:
    quotients = decode_quotients(section, count, offset)
    if int(quotients.max(initial=0)) >= MAX_QUOTIENT:
        raise FormatError("bad-field", f"a Rice quotient of {quotients.max()}", offset)
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

"""Blocks and ascending lists written: the models of fewest bits are searched for (§5.1, §5.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array, Int32Array, Int64Array
from pavfmt.codec.blocks import (
    MAX_PARAMETER,
    PREDICTED,
    Form,
    Model,
    first_parameters,
    predictions,
    shifted_down,
    zigzag,
)
from pavfmt.codec.fields import FieldWriter
from pavfmt.codec.prediction import Neighbourhood

SCALES = (0, 1, 2, 3, 4, 6, 8, 11, 16)
MODEL_BITS = 24
SAMPLE = 512
FLOORS = tuple(int(32 * 2.0 ** (half / 2)) for half in range(-4, 27))


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
    ordered, first = values[neighbourhood.order], neighbourhood.passes[0]
    shifts = shifts[neighbourhood.order]
    mean, spread = predictions(ordered.astype(np.float64), neighbourhood.neighbours, neighbourhood.weights)
    residuals, parameters, models = ordered >> shifts, np.zeros_like(ordered), []
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


def encode_quotients(values: Int64Array, parameters: NDArray[np.integer] | int) -> bytes:
    """The unary section of values ≥ 0."""
    ends = np.cumsum((values >> parameters) + 1) - 1
    bits = np.zeros(int(ends[-1]) + 1 if len(ends) else 0, dtype=np.uint8)
    bits[ends] = 1
    return np.packbits(bits).tobytes()


def encode_remainders(values: Int64Array, parameters: NDArray[np.integer]) -> bytes:
    """The section of the lowest bits."""
    widths = parameters.astype(np.int64)
    ends = np.cumsum(widths)
    total = int(ends[-1]) if len(ends) else 0
    shifts = np.repeat(ends, widths) - 1 - np.arange(total)
    bits = (np.repeat(values, widths) >> shifts) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()


def bits_of(values: Int64Array, parameters: NDArray[np.integer] | int) -> int:
    """Bits that both sections take together."""
    return int(((values >> parameters) + 1 + parameters).sum())

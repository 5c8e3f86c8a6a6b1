"""Values as a few steps from a centre, and back (§6.9)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.blocks import BOUND
from pavfmt.codec.quantization import BARYCENTRIC_ONE, StepGrids, ValueKind
from pavfmt.errors import FormatError
from pavfmt.model import Float32Array
from pavfmt.units.attributes import Attribute, Columns, Integers

Int64Array = NDArray[np.int64]

MAX_MULTIPLIER = (1 << 16) - 1
MAX_GRADE = 7


@dataclass(frozen=True)
class UnitSteps:
    """How coarse a unit is."""

    multipliers: dict[str, int]
    """Attribute → multiple of its grid's step."""
    grades: Int64Array | None = None
    """(N,) 0..MAX_GRADE: graded attributes of a Gaussian are coarser by 2^grade. None: all 0."""

    def take(self, rows: NDArray[np.integer]) -> UnitSteps:
        """The Gaussians at `rows`."""
        return UnitSteps(self.multipliers, None if self.grades is None else self.grades[rows])


@dataclass(frozen=True)
class Stepped:
    """One attribute of a unit on its coarser grid: value = centre + multiplier · step."""

    multiplier: int
    centres: Int64Array
    """Of the columns that have one."""
    steps: Integers
    """(N, width)."""


def to_steps(
    attribute: Attribute, values: Integers, multiplier: int, grades: Int64Array | None = None
) -> Stepped:
    """The nearest steps of (N, width) grid values. Centres are medians, the upper of two: values of the column, so
    what are multiples of the step already are told without loss.

    With `grades` (N,), steps are multiples of 2^grade.
    """
    shifts = np.zeros((len(values), 1), dtype=np.int64)
    if grades is not None and attribute.is_graded:
        shifts = grades[:, None]
    has_centre = attribute.has_centre
    target = _channels_apart(attribute, values)
    centres = np.zeros(attribute.width, dtype=np.int64)
    centres[has_centre] = np.sort(target[:, has_centre], axis=0)[len(target) // 2]
    tops = np.array([(1 << grid.bits) - 1 for grid in attribute.grids])
    coarse = multiplier << shifts
    steps = _nearest(target - centres, coarse, -centres, tops - centres) << shifts
    if attribute.is_colour:  # what is left of R and B once G is rounded
        green = (centres + multiplier * steps)[:, 0::3]
        for channel, source in ((1, 0), (2, 2)):
            rest = values[:, source::3] - green
            nearest = _nearest(rest, coarse, -green, tops[channel::3] - green)
            steps[:, channel::3] = nearest << shifts
    return Stepped(multiplier, centres[has_centre], steps)


def _nearest(values: Integers, step: Integers, low: Integers, high: Integers) -> Integers:
    """How many `step` (N, 1) are nearest to `values` (N, width), within low…high."""
    steps: Integers = (2 * values + step) // (2 * step)
    return np.clip(steps, -((-low) // step), high // step)


def _channels_apart(attribute: Attribute, values: Integers) -> Integers:
    """(R, G, B) triples → (G, R − G, B − G); other attributes as they are."""
    if not attribute.is_colour:
        return values
    red, green, blue = values[:, 0::3], values[:, 1::3], values[:, 2::3]
    return np.stack([green, red - green, blue - green], axis=2).reshape(values.shape)


def from_steps(attribute: Attribute, stepped: Stepped) -> Integers:
    """(N, width) grid values; the inverse of `to_steps` up to its rounding."""
    centres = np.zeros(attribute.width, dtype=stepped.steps.dtype)
    centres[attribute.has_centre] = stepped.centres
    values: Integers = stepped.multiplier * stepped.steps
    values += centres
    if attribute.is_colour:
        channels = values.reshape(len(values), -1, 3)
        green = channels[:, :, 0].copy()
        np.add(channels[:, :, 1], green, out=channels[:, :, 0])
        channels[:, :, 1] = green
        channels[:, :, 2] += green
    return values


def all_to_steps(columns: Columns, attributes: tuple[Attribute, ...], steps: UnitSteps) -> list[Stepped]:
    """All attributes of a unit, in their order."""
    return [
        to_steps(one, columns.values[one.name], steps.multipliers[one.name], steps.grades)
        for one in attributes
    ]


def rounded_columns(columns: Columns, attributes: tuple[Attribute, ...], steps: UnitSteps) -> Columns:
    """What a decoder will find of a unit written with these steps."""
    stepped = all_to_steps(columns, attributes, steps)
    values = {one.name: from_steps(one, found) for one, found in zip(attributes, stepped, strict=True)}
    return Columns(columns.sites, values)


def step_grids(attribute: Attribute, multiplier: int, centres: Int64Array) -> StepGrids:
    """For the kernels; `centres` are of the columns that have one."""
    everywhere = np.zeros(attribute.width, dtype=np.int64)
    everywhere[attribute.has_centre] = centres
    return StepGrids(attribute.kind, attribute.grids, multiplier, everywhere)


def values_shown(attribute: Attribute, stepped: Stepped, offset: int) -> Float32Array:
    """What it shows; FormatError where something is not on its grid."""
    if stepped.multiplier * BOUND >= 1 << 30:  # so that nothing leaves 32 bits
        stepped = replace(stepped, steps=stepped.steps.astype(np.int64))
    values = from_steps(attribute, stepped)
    _check_grid(attribute, values, offset)
    return attribute.dequantize(values)


def _check_grid(attribute: Attribute, values: Integers, offset: int) -> None:
    for bits in {grid.bits for grid in attribute.grids}:
        columns = [grid.bits == bits for grid in attribute.grids]
        part = values if all(columns) else values[:, columns]
        low, high = int(part.min()), int(part.max())
        if low < 0 or high >> bits:
            top = (1 << bits) - 1
            message = f"{attribute.name}: quantized values {low}..{high}, allowed are 0..{top}"
            raise FormatError("bad-field", message, offset)
    if attribute.kind is ValueKind.BARYCENTRIC and int(values.sum(axis=1).max()) > BARYCENTRIC_ONE:
        raise FormatError("bad-field", "barycentric coordinates sum to more than 1", offset)

"""What a Gaussian is made of: attributes, each some columns of integers on a level's grids (§6.7, §6.9).

How they are written: values are quantized on the grids, then rounded to a unit's coarser steps around a centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Float64Array, Int32Array, Int64Array
from pavfmt.codec.quantization import BARYCENTRIC_GRID, Affine, StepGrids, ValueKind, stereographic
from pavfmt.model import Gaussians

Integers = NDArray[np.signedinteger]
MAX_GRADE = 7

COMMON = ("barycentrics", "means", "log_scales", "quats", "opacities", "sh0")
"""What shares the first block of a unit; each SH band above has one of its own."""
UNGRADED = ("barycentrics", "opacities")
"""Attributes whose steps do not go with the square root of visibility, or about so."""


@dataclass(frozen=True)
class Grids:
    """The quantization grids of one level's Gaussians."""

    means: tuple[Affine, Affine, Affine]
    log_scales: Affine
    quats: Affine
    opacities: Affine
    sh0: Affine
    bands: tuple[Affine, ...]
    """One per SH band above 0."""

    def in_order(self) -> tuple[Affine, ...]:
        """As they stand in the file."""
        return (*self.means, self.log_scales, self.quats, self.opacities, self.sh0, *self.bands)


@dataclass(frozen=True)
class Attribute:
    """Columns that share a multiplier and a residual model."""

    name: str
    grids: tuple[Affine, ...]
    """One per column."""
    kind: ValueKind = ValueKind.PLAIN

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.grids)

    @property
    def shown_width(self) -> int:
        """Columns of its values: a quaternion has one more than its grids, and so do barycentrics."""
        return self.width + (self.kind in (ValueKind.QUATERNION, ValueKind.BARYCENTRIC))

    @property
    def is_graded(self) -> bool:
        """Whether a Gaussian's grade makes it coarser."""
        return self.name not in UNGRADED

    @property
    def has_centre(self) -> NDArray[np.bool_]:
        """(width,): of a colour only G."""
        return np.arange(self.width) % 3 == 0 if self.is_colour else np.ones(self.width, dtype=bool)

    @property
    def is_colour(self) -> bool:
        """Whether its columns are triples of colours."""
        return self.kind is ValueKind.COLOUR


def band_widths(degree: int) -> tuple[int, ...]:
    """Coefficients of each SH band above 0, up to `degree`: 3, 5, 7."""
    return tuple(2 * band + 1 for band in range(1, degree + 1))


def attributes_of(grids: Grids, has_barycentrics: bool) -> tuple[Attribute, ...]:
    """The attributes of a level, in the order they are written; the SH bands come last."""
    bands = zip(band_widths(len(grids.bands)), grids.bands, strict=True)
    return (
        *(
            (Attribute("barycentrics", (BARYCENTRIC_GRID,) * 2, ValueKind.BARYCENTRIC),)
            if has_barycentrics
            else ()
        ),
        Attribute("means", grids.means),
        Attribute("log_scales", (grids.log_scales,) * 3),
        Attribute("quats", (grids.quats,) * 3, ValueKind.QUATERNION),
        Attribute("opacities", (grids.opacities,)),
        Attribute("sh0", (grids.sh0,) * 3, ValueKind.COLOUR),
        *(
            Attribute(f"sh{number}", (grid,) * 3 * width, ValueKind.COLOUR)
            for number, (width, grid) in enumerate(bands, 1)
        ),
    )


@dataclass(frozen=True)
class AttributeBlock:
    """Attributes that are coded together, and what a reader of units asks of them, found once per level."""

    attributes: tuple[Attribute, ...]
    names: tuple[str, ...]
    widths: tuple[int, ...]
    """Columns of each."""
    shown_widths: tuple[int, ...]
    has_centre: tuple[NDArray[np.bool_], ...]
    """Of each, per column."""
    tops: tuple[tuple[int, ...], ...]
    """Of each, the highest grid value per column that has a centre."""
    graded: NDArray[np.bool_] | None
    """(C,) per column of the block, whether a grade makes it coarser; None: none of them."""

    @classmethod
    def of(cls, attributes: tuple[Attribute, ...]) -> AttributeBlock:
        """Of these, in this order."""
        widths = tuple(one.width for one in attributes)
        graded = np.repeat([one.is_graded for one in attributes], widths)
        tops = (
            tuple((1 << grid.bits) - 1 for grid, has in zip(one.grids, one.has_centre, strict=True) if has)
            for one in attributes
        )
        return cls(
            attributes,
            tuple(one.name for one in attributes),
            widths,
            tuple(one.shown_width for one in attributes),
            tuple(one.has_centre for one in attributes),
            tuple(tops),
            graded if graded.any() else None,
        )


def blocks_of(attributes: tuple[Attribute, ...]) -> tuple[AttributeBlock, ...]:
    """The blocks of a unit: everything up to sh0 together, then each band."""
    common = tuple(one for one in attributes if one.name in COMMON)
    rest = ((one,) for one in attributes if one.name not in COMMON)
    return tuple(AttributeBlock.of(some) for some in (common, *rest))


@dataclass(frozen=True)
class Columns:
    """Gaussians as integers on the level's grids."""

    sites: Int32Array
    values: dict[str, Integers]
    """Attribute name → (N, width); colours as (R, G, B) triples."""

    def __len__(self) -> int:
        return len(self.sites)

    def take(self, rows: NDArray[np.integer]) -> Columns:
        """The Gaussians at `rows`."""
        return Columns(self.sites[rows], {name: value[rows] for name, value in self.values.items()})


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


def quantize_gaussians(gaussians: Gaussians, grids: Grids) -> Columns:
    """Every attribute of N Gaussians on its grid."""
    given: dict[str, Float64Array | Float32Array] = {
        "means": gaussians.means,
        "log_scales": gaussians.log_scales,
        "quats": stereographic(gaussians.quats.astype(np.float64)),
        "opacities": gaussians.opacities[:, None],
        "sh0": gaussians.sh0[:, 0],
    }
    if gaussians.barycentrics is not None:
        given["barycentrics"] = gaussians.barycentrics[:, :2]
    starts = np.cumsum((0, *band_widths(len(grids.bands))))
    for number, (first, last) in enumerate(pairwise(starts), 1):
        given[f"sh{number}"] = gaussians.shN[:, first:last].reshape(len(gaussians), 3 * int(last - first))
    values = {}
    for attribute in attributes_of(grids, gaussians.barycentrics is not None):
        pairs = zip(attribute.grids, given[attribute.name].T, strict=True)
        values[attribute.name] = np.stack([grid.quantize(column) for grid, column in pairs], axis=1)
    return Columns(gaussians.sites, {name: value.astype(np.int64) for name, value in values.items()})


def to_steps(
    attribute: Attribute, values: Integers, multiplier: int, grades: Int64Array | None = None
) -> Stepped:
    """The nearest steps of (N, width) grid values. Centres are medians, the upper of two: values of the column, so
    what are multiples of the step already are kept without loss.

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
    return step_grids(attribute, stepped.multiplier, stepped.centres).values(stepped.steps)


def step_grids(attribute: Attribute, multiplier: int, centres: Int64Array) -> StepGrids:
    """What steps of an attribute mean; `centres` are of the columns that have one."""
    everywhere = np.zeros(attribute.width, dtype=np.int64)
    everywhere[attribute.has_centre] = centres
    return StepGrids(attribute.name, attribute.kind, attribute.grids, multiplier, everywhere)


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

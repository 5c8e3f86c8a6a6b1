"""What a Gaussian is made of: attributes as columns of integers on a level's grids, and what they show."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.quantization import (
    BARYCENTRIC_GRID,
    Affine,
    ValueKind,
    dequantize_barycentrics,
    dequantize_quaternions,
    stereographic,
)
from pavfmt.model import Float32Array, Float64Array, Gaussians, Int32Array
from pavfmt.units.levels import Grids

Integers = NDArray[np.signedinteger]

UNGRADED = ("barycentrics", "opacities")
"""Attributes whose steps do not go with the square root of visibility, or about so."""


@dataclass(frozen=True)
class GaussianBlock:
    """What one unit brings: Gaussians first … first + count − 1 of the file, all of one level."""

    level: int
    first: int
    sites: Int32Array
    means: Float32Array
    quats: Float32Array
    log_scales: Float32Array
    opacities: Float32Array
    sh0: Float32Array
    shN: Float32Array
    barycentrics: Float32Array | None = None

    def __len__(self) -> int:
        return len(self.sites)


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

    def dequantize(self, values: Integers) -> Float32Array:
        """What (N, width) grid values show: quaternions (N, 4), barycentrics (N, 3), else (N, width)."""
        if self.kind is ValueKind.QUATERNION:
            return dequantize_quaternions(values, self.grids[0])
        if self.kind is ValueKind.BARYCENTRIC:
            return dequantize_barycentrics(values)
        if len(set(self.grids)) == 1:
            return self.grids[0].dequantize(values)
        columns = [grid.dequantize(column) for grid, column in zip(self.grids, values.T, strict=True)]
        return np.stack(columns, axis=1)


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


def split_bands(attributes: tuple[Attribute, ...]) -> list[tuple[Attribute, ...]]:
    """The blocks of a unit: everything up to sh0 together, then each band."""
    common = tuple(one for one in attributes if one.name in COMMON)
    return [common, *((one,) for one in attributes if one.name not in COMMON)]


COMMON = ("barycentrics", "means", "log_scales", "quats", "opacities", "sh0")


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


def dequantize_columns(columns: Columns, level: int, first: int, grids: Grids) -> GaussianBlock:
    """The exact values a decoder shows."""
    attributes = attributes_of(grids, "barycentrics" in columns.values)
    shown = Shown(len(columns), attributes)
    for one in attributes:
        shown.put(one, one.dequantize(columns.values[one.name]))
    return shown.block(level, first, columns.sites)


class Shown:
    """The values of a unit's attributes while they are found; those of all SH bands share one table."""

    def __init__(self, count: int, attributes: tuple[Attribute, ...]) -> None:
        self._places: dict[str, tuple[Float32Array, int]] = {}
        bands = [one for one in attributes if one.name not in COMMON]
        self._bands = np.empty((count, sum(one.width for one in bands)), dtype=np.float32)
        at = 0
        for one in attributes:
            if one.name in COMMON:
                self._places[one.name] = np.empty((count, one.shown_width), dtype=np.float32), 0
            else:
                self._places[one.name] = self._bands, at
                at += one.width

    def place(self, attribute: Attribute) -> tuple[Float32Array, int]:
        """The table that its values belong in, and their first column there."""
        return self._places[attribute.name]

    def put(self, attribute: Attribute, values: Float32Array) -> None:
        """Into their place."""
        table, first = self.place(attribute)
        table[:, first : first + attribute.shown_width] = values

    def block(self, level: int, first: int, sites: Int32Array) -> GaussianBlock:
        """All of them."""
        found = {name: table for name, (table, _) in self._places.items()}
        return GaussianBlock(
            level=level,
            first=first,
            sites=sites,
            means=found["means"],
            quats=found["quats"],
            log_scales=found["log_scales"],
            opacities=np.clip(found["opacities"][:, 0], 0, 1),
            sh0=found["sh0"][:, None, :],
            shN=self._bands.reshape(len(sites), self._bands.shape[1] // 3, 3),
            barycentrics=found.get("barycentrics"),
        )

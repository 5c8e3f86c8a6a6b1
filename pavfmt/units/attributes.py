"""What a Gaussian is made of: attributes, each some columns of integers on a level's grids (§6.7, §6.9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.quantization import BARYCENTRIC_GRID, Affine, ValueKind

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

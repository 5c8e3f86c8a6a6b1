"""Gaussian units made without an encoder's choices: grids over what is there, every step a grid's own (§6.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.fields import FieldWriter
from pavfmt.codec.quantization import Affine, stereographic_grid
from pavfmt.model import Gaussians
from pavfmt.units.attributes import (
    Attribute,
    Grids,
    UnitSteps,
    attributes_of,
    band_widths,
    quantize_gaussians,
)
from pavfmt.units.gaussians import encode_gaussians


def grids_over(gaussians: Gaussians, bits: int = 12) -> Grids:
    """Grids of so many bits that span the values of some Gaussians."""

    def spanning(values: NDArray[np.floating]) -> Affine:
        return Affine.spanning(float(values.min(initial=0)), float(values.max(initial=0)), bits)

    x, y, z = (spanning(axis) for axis in gaussians.means.T)
    starts = np.cumsum((0, *band_widths(gaussians.sh_degree)))
    return Grids(
        means=(x, y, z),
        log_scales=spanning(gaussians.log_scales),
        quats=stereographic_grid(2.0 ** (2 - bits)),
        opacities=Affine.spanning(0.0, 1.0, bits),
        sh0=spanning(gaussians.sh0),
        bands=tuple(spanning(gaussians.shN[:, low:high]) for low, high in pairwise(starts)),
    )


def attributes_for(gaussians: Gaussians, grids: Grids) -> tuple[Attribute, ...]:
    """The attributes that a unit of these Gaussians has, in their order."""
    return attributes_of(grids, gaussians.barycentrics is not None)


def steps_of(
    attributes: Sequence[Attribute],
    multipliers: Mapping[str, int] | None = None,
    grades: NDArray[np.int64] | None = None,
) -> UnitSteps:
    """Multipliers of 1 unless others are given."""
    return UnitSteps({attribute.name: 1 for attribute in attributes} | dict(multipliers or {}), grades)


def write_unit(
    writer: FieldWriter,
    level: int,
    first: int,
    gaussians: Gaussians,
    grids: Grids,
    multipliers: Mapping[str, int] | None = None,
    places: NDArray[np.int64] | None = None,
    grades: NDArray[np.int64] | None = None,
) -> None:
    """The body of a Gaussians unit; places (n, 3; §5.2) are those of a joint unless others are given."""
    columns, attributes = quantize_gaussians(gaussians, grids), attributes_for(gaussians, grids)
    places = np.zeros((len(columns), 3), dtype=np.int64) if places is None else places
    encode_gaussians(
        writer, level, first, columns, attributes, steps_of(attributes, multipliers, grades), places
    )

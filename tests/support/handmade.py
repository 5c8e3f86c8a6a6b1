"""Gaussian units made without an encoder's choices: grids over what is there, every step a grid's own."""

from itertools import pairwise

import numpy as np

from pavfmt.codec.quantization import Affine, stereographic_grid
from pavfmt.units.attributes import attributes_of, band_widths, quantize_gaussians
from pavfmt.units.gaussians import encode_gaussians
from pavfmt.units.levels import Grids
from pavfmt.units.steps import UnitSteps


def grids_over(gaussians, bits=12):
    """Grids of so many bits that span the values of some Gaussians."""

    def spanning(values):
        return Affine.spanning(float(values.min(initial=0)), float(values.max(initial=0)), bits)

    starts = np.cumsum((0, *band_widths(gaussians.sh_degree)))
    return Grids(
        means=tuple(spanning(axis) for axis in gaussians.means.T),
        log_scales=spanning(gaussians.log_scales),
        quats=stereographic_grid(2.0 ** (2 - bits)),
        opacities=Affine.spanning(0.0, 1.0, bits),
        sh0=spanning(gaussians.sh0),
        bands=tuple(spanning(gaussians.shN[:, low:high]) for low, high in pairwise(starts)),
    )


def attributes_for(gaussians, grids):
    return attributes_of(grids, gaussians.barycentrics is not None)


def steps_of(attributes, multipliers=None, grades=None):
    """Multipliers of 1 unless others are given."""
    return UnitSteps({attribute.name: 1 for attribute in attributes} | (multipliers or {}), grades)


def write_unit(writer, level, first, gaussians, grids, multipliers=None, places=None, grades=None):
    """The body of a Gaussians unit; places are those of a joint unless others are given."""
    columns, attributes = quantize_gaussians(gaussians, grids), attributes_for(gaussians, grids)
    places = np.zeros((len(columns), 3), dtype=np.int64) if places is None else places
    encode_gaussians(
        writer, level, first, columns, attributes, steps_of(attributes, multipliers, grades), places
    )

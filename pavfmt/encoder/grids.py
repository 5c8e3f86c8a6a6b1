"""Choosing each level's quantization grids."""

from __future__ import annotations

import numpy as np

from pavfmt.encoder.options import EncodeOptions
from pavfmt.errors import EncodeError
from pavfmt.model import Float32Array, Gaussians
from pavfmt.quantization import Affine
from pavfmt.units.gaussians import band_widths
from pavfmt.units.levels import LOG_SCALE_RANGE, Grids


def _spanning(values: Float32Array, bits: int) -> Affine:
    if not values.size:
        return Affine.spanning(0.0, 0.0, bits)
    return Affine.spanning(float(values.min()), float(values.max()), bits)


def choose_grids(gaussians: Gaussians, options: EncodeOptions) -> Grids:
    """Uniform grids over what the level's values span."""
    axes = [_spanning(gaussians.means[:, axis], options.mean_bits) for axis in range(3)]
    if gaussians.log_scales.size and float(np.abs(gaussians.log_scales).max()) >= LOG_SCALE_RANGE - 1:
        worst = float(gaussians.log_scales[np.argmax(np.abs(gaussians.log_scales).max(axis=1))].max())
        raise EncodeError("bad-scale", f"a log scale of {worst} is beyond ±{LOG_SCALE_RANGE - 1}")
    starts = np.cumsum((0, *band_widths(gaussians.sh_degree)))
    return Grids(
        means=(axes[0], axes[1], axes[2]),
        log_scales=_spanning(gaussians.log_scales, options.log_scale_bits),
        quats=Affine.quaternion(options.quat_bits),
        opacities=Affine.spanning(0.0, 1.0, options.opacity_bits),
        sh0=_spanning(gaussians.sh0, options.sh0_bits),
        bands=tuple(
            _spanning(gaussians.shN[:, first:last], bits)
            for first, last, bits in zip(starts[:-1], starts[1:], options.band_bits, strict=False)
        ),
    )

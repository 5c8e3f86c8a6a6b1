"""The PLY files that Gaussian splatting trainers write: what their properties mean, and their activations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pavfmt.arrays import Float32Array, Float64Array
from pavfmt.errors import EncodeError
from pavfmt.importers.files.ply import Table, columns, read_ply


@dataclass(frozen=True)
class GaussianTable:
    """The N rows of such a file."""

    rows: Table
    means: Float32Array
    """(N, 3) in the file's own frame and units."""
    quats: Float32Array
    """(N, 4) rotations (w, x, y, z), of any length."""
    log_scales: Float32Array
    """(N, 3) natural logarithms."""
    opacities: Float32Array
    """(N,) 0..1, activated: files hold logits."""


def read_gaussian_table(data: bytes, where: str) -> GaussianTable:
    """What all trainers name alike. EncodeError "bad-ply", "missing-property" or "not-finite", naming `where`."""
    rows = read_ply(data, where).get("vertex")
    if rows is None:
        raise EncodeError("bad-ply", f"{where}: no element 'vertex'")
    return GaussianTable(
        rows,
        means=columns(rows, ("x", "y", "z"), where),
        quats=columns(rows, ("rot_0", "rot_1", "rot_2", "rot_3"), where),
        log_scales=columns(rows, ("scale_0", "scale_1", "scale_2"), where),
        opacities=sigmoid(columns(rows, ("opacity",), where)[:, 0].astype(np.float64)),
    )


def sigmoid(logits: Float64Array) -> Float32Array:
    """Opacity 1 / (1 + e^−x) of a logit, without overflow."""
    return (0.5 * (1 + np.tanh(logits / 2))).astype(np.float32)

"""Colours as a camera sees them, avatar by avatar: what is joined is then one colour instead of up to 16
coefficients, and an avatar that is turned needs no turned harmonics."""

from __future__ import annotations

import numpy as np

from pavfmt.arrays import Float32Array
from pavplayer.camera import Camera
from pavplayer.posing.cloud import PosedCloud
from pavplayer.rasterizers.harmonics import BAND_0


def seen_colours(cloud: PosedCloud, camera: Camera) -> Float32Array:
    """(N, 1, 3) coefficients of degree 0 that give the colours seen by a camera in the cloud's axes."""
    if cloud.sh.shape[1] == 1:
        same: Float32Array = cloud.sh
        return same
    from pavplayer.rasterizers.projection import view_colours  # numba, which commands must load without

    turns = np.zeros((0, 4), np.float32) if cloud.sh_quats is None else cloud.sh_quats
    colours = np.empty((len(cloud.means), 3), np.float32)
    view_colours(cloud.means, cloud.sh, turns, camera.position, colours)
    return ((colours - 0.5) / BAND_0)[:, None]

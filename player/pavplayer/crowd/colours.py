"""Colours as a camera sees them, avatar by avatar: what is joined is then one colour instead of up to 16
coefficients, and an avatar that is turned needs no turned harmonics."""

from __future__ import annotations

from typing import Any

import numpy as np

from pavplayer.camera import Camera
from pavplayer.posing.arrays import Array, ArrayNamespace
from pavplayer.posing.poser import PosedCloud
from pavplayer.rasterizers import Rasterizer
from pavplayer.rasterizers.harmonics import BAND_0


def as_seen(xp: ArrayNamespace, cloud: PosedCloud, camera: Camera, rasterizer: Rasterizer) -> Array:
    """(N, 1, 3) coefficients of degree 0 that give the colours seen by a camera in the cloud's axes."""
    if cloud.sh.shape[1] == 1:
        return cloud.sh
    if isinstance(cloud.means, np.ndarray):
        from pavplayer.rasterizers.projection import view_colours  # numba, which commands must load without

        turns = np.zeros((0, 4), np.float32) if cloud.sh_quats is None else cloud.sh_quats
        colours: Any = np.empty((len(cloud.means), 3), np.float32)
        view_colours(cloud.means, cloud.sh, turns, camera.position, colours)
    else:
        colours = rasterizer.colours(cloud, camera)  # type: ignore[attr-defined]  # the CUDA rasterizer has it
    return ((colours - 0.5) / BAND_0)[:, None]

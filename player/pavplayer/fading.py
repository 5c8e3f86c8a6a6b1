"""Fading: how strongly each Gaussian is drawn while something arrives, gives way, or stands at the end of a prefix.

The format has no fades: a set of units has one picture, and what lies between two pictures is the player's
business (§1). All fades of this player, the viewer's in seconds and a crowd's in frames and along a prefix, are
one rule:

    opacity = own share · (stored opacity, moved toward the second one by the share of each hand-over unit)

with shares of 0..1 that `ramp` makes of a time or of a distance along a prefix. Where all shares are 0 or 1 the
picture is that of a set of units, exactly: hand-over goes through `pavfmt.decoding.scene.hand_over`, as in the
scene itself.

Sizes need a detour. Posing is done with all hand-overs that are due applied, since a poser is made once and not
for each frame of a fade; `scale_factors` take the posed scales back to where the fade is. That is exact, because
a binding multiplies an avatar's own scales and never adds to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array
from pavfmt.decoding.scene import Scene
from pavplayer.posing.cloud import PosedCloud

Rows = slice | NDArray[np.int64]


@dataclass(frozen=True)
class Visibility:
    """M Gaussians to draw, of the N that are posed, in their order."""

    rows: Rows
    """Which: a slice wherever they stand together, so that taking them copies nothing."""
    opacities: Float32Array
    """(M,) in place of the posed ones."""
    scale_factors: Float32Array | None
    """(M, 3) by which posed scales are multiplied; None: by 1."""

    def applied_to(self, cloud: PosedCloud) -> PosedCloud:
        """The M Gaussians of a cloud, which keeps its arrays; NumPy or torch, as the cloud is."""
        rows: Any = self.rows
        taken = {name: None if values is None else values[rows] for name, values in vars(cloud).items()}
        if self.scale_factors is not None:
            taken["scales"] = taken["scales"] * _like(self.scale_factors, cloud.scales)
        return PosedCloud(**taken | {"opacities": _like(self.opacities, cloud.opacities)})


def _like(values: Float32Array, other: Any) -> Any:
    """A NumPy array as what `other` is, where that is."""
    if isinstance(other, np.ndarray):
        return values
    import torch

    return torch.from_numpy(values).to(other.device)


def ramp(elapsed: Any, duration: float) -> Any:
    """0..1, a number or an array as `elapsed` is: rising evenly from 0 over `duration`; 1 at once where that is 0."""
    return np.clip(elapsed / duration, 0.0, 1.0) if duration > 0 else 1.0


def gaussian_shares(
    scene: Scene, ranges: Mapping[int, range], share_of: Callable[[int], float]
) -> Float32Array:
    """(N,) shares in file order; `ranges` says which Gaussians each unit brought (`Session.gaussian_ranges`)."""
    arrays = scene.arrays()
    units = sorted(ranges, key=lambda unit: ranges[unit].start)
    starts = np.searchsorted(arrays.indices, [ranges[unit].start for unit in units])
    counts = np.diff([*starts.tolist(), len(arrays)])
    return np.repeat(np.array([share_of(unit) for unit in units], np.float32), counts)


def scale_factors(log_scales: Float32Array, posed_log_scales: Float32Array) -> Float32Array | None:
    """(M, 3) from the log scales that were posed to those wanted; None where they are the same."""
    difference = log_scales - posed_log_scales
    return np.exp(difference) if difference.any() else None

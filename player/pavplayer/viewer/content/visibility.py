"""Which of the Gaussians that are there are drawn, and how strongly: for a prefix, and while units fade in.

A prefix of what has been received is a choice among its units, so it needs no decoding: its Gaussians keep their
opacity and the others have none, and of the hand-overs those count whose units are all within it. Fading is the
same choice with shares between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.decoding.scene import Scene
from pavfmt.model import Float32Array
from pavfmt.units.hand_over import HandOver
from pavplayer.viewer.content.arrivals import Arrivals

FADE_SECONDS = 0.3

Rows = slice | NDArray[np.int64]


@dataclass(frozen=True)
class Presence:
    """The M Gaussians to draw, of the N that are there in file order."""

    rows: Rows
    """Which: a slice wherever they stand together, so that taking them copies nothing."""
    opacities: Float32Array
    """(M,)."""
    stretch: Float32Array | None
    """(M, 3) what to multiply the scales of `Scene.effective` with; None: nothing."""

    @property
    def count(self) -> int:
        """M."""
        return len(self.opacities)


def presence(
    scene: Scene, arrivals: Arrivals, limit: int | None = None, now: float | None = None, fade: float = 0.0
) -> Presence:
    """What is drawn of a scene: of its first `limit` bytes, units fading in over `fade` seconds up to `now`."""
    arrays = scene.arrays()
    units = sorted(arrivals.firsts, key=lambda unit: arrivals.firsts[unit])
    starts = np.searchsorted(arrays.indices, [arrivals.firsts[unit] for unit in units])
    counts = np.diff([*starts.tolist(), len(arrays)])
    shares = np.array([_share(arrivals, (unit,), limit, now, fade) for unit in units], np.float32)
    weights = np.repeat(shares, counts)
    opacities, log_scales = arrays.opacities * weights, None
    for number, record in sorted(scene.hand_overs.items()):
        # A little later than its successors' fade, or one sees through both.
        delayed = None if now is None else now - fade / 2
        share = _share(arrivals, (number, *record.successors), limit, delayed, fade)
        if not scene.active_units.issuperset(record.successors) or share == 0.0:
            continue
        rows = np.searchsorted(arrays.indices, record.gaussians)
        after = 0.0 if record.opacities is None else record.opacities * weights[rows]
        opacities[rows] += share * (after - opacities[rows])
        if record.log_scales is not None:
            log_scales = arrays.log_scales.copy() if log_scales is None else log_scales
            log_scales[rows] += share * (record.log_scales - log_scales[rows])
    chosen = _standing_together(weights > 0)
    return Presence(chosen, opacities[chosen], _stretch(scene, log_scales, chosen))


def _share(
    arrivals: Arrivals, units: Iterable[int], limit: int | None, now: float | None, fade: float
) -> float:
    """How far units, all of which have to be there, have faded in: 0 to 1."""
    units = tuple(units)
    if any(unit not in arrivals.ends or not arrivals.is_within(unit, limit) for unit in units):
        return 0.0
    if now is None or fade <= 0:
        return 1.0
    age = now - max(arrivals.seconds[unit] for unit in units)
    return float(np.clip(age / fade, 0.0, 1.0))


def _standing_together(kept: NDArray[np.bool_]) -> Rows:
    """The true ones, as a slice if they are in one piece."""
    rows = np.flatnonzero(kept)
    if not len(rows):
        return slice(0, 0)
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last + 1 - first == len(rows) else rows


def _stretch(scene: Scene, log_scales: Float32Array | None, rows: Rows) -> Float32Array | None:
    """How much wider than with every hand-over that is due."""
    if not any(record.log_scales is not None for record in _due(scene)):
        return None
    wanted = scene.arrays().log_scales if log_scales is None else log_scales
    difference = wanted[rows] - scene.effective()[1][rows]
    return np.exp(difference) if difference.any() else None


def _due(scene: Scene) -> list[HandOver]:
    return [one for one in scene.hand_overs.values() if scene.active_units.issuperset(one.successors)]


def settled_at(scene: Scene, arrivals: Arrivals, fade: float) -> float:
    """When the last fade of what is there ends."""
    drawn = [*arrivals.firsts, *scene.hand_overs]
    newest = max(
        (arrivals.seconds[unit] for unit in drawn if unit in arrivals.seconds), default=float("-inf")
    )
    return newest + (1.5 * fade if scene.hand_overs else fade)

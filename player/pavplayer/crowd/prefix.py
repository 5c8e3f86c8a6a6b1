"""What a prefix shows: its last Gaussians faded, and of hand-over what its units make due.

The *length* of a prefix is a real number of Gaussians, and the picture a continuous function of it: nothing pops when a
budget or a camera moves. What is not faded is the picture of a set of units of the file, but for the rest of one unit:
a state the file could be in, or one between two.

The *rank* of a Gaussian is its place in the order in which prefixes grow (`pavplayer.crowd.drawing_order`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Int32Array
from pavfmt.decoding.scene import Scene, hand_over
from pavplayer.fading import Visibility, ramp, scale_factors

FADE_SHARE, MIN_FADE = 0.1, 64
"""The last tenth of a prefix is faded, or so many Gaussians; less near the end of all, where none is."""


class PrefixVisibility:
    """How strongly each Gaussian of each prefix is drawn, for one state of arrival."""

    def __init__(self, scene: Scene, order: NDArray[np.intp], ranges: Mapping[int, range]) -> None:
        """`order` lists rows of the file order, first things first; `ranges` are the Gaussians each unit brought."""
        arrays = scene.arrays()
        ranks = np.argsort(order)  # of each row
        self._opacities = arrays.opacities[order]
        due = [record for _, record in scene.due_hand_overs()]
        found = [ranks[np.searchsorted(arrays.indices, record.gaussians)] for record in due]
        # Everything about hand-over is kept for the Gaussians of hand-overs alone: it is computed for every frame.
        self._handed = np.unique(np.concatenate([np.zeros(0, np.intp), *found]))
        self._log_scales = arrays.log_scales[order[self._handed]]
        self._posed_log_scales = scene.effective()[1][order[self._handed]]
        self._hand_overs = [
            (
                record,
                np.searchsorted(self._handed, own),
                _last_rank(ranks, arrays.indices, record.successors, ranges),
            )
            for record, own in zip(due, found, strict=True)
        ]

    def at(self, length: float) -> Visibility:
        """Of the prefix of this length, 0 to all."""
        total = len(self._opacities)
        count = min(ceil(length), total)
        opacities = self._opacities[:count].copy()
        handed, log_scales = self._handed_over(length)
        known = int(np.searchsorted(self._handed, count))  # hand-overs' Gaussians within the prefix
        opacities[self._handed[:known]] = handed[:known]
        first = max(int(length - fade_width(length, total)), 0)
        opacities[first:] *= prefix_shares(np.arange(first, count), length, total)
        factors = scale_factors(log_scales[:known], self._posed_log_scales[:known])
        if factors is not None:
            of_some, factors = factors, np.ones((count, 3), np.float32)
            factors[self._handed[:known]] = of_some
        return Visibility(slice(0, count), opacities, factors)

    def _handed_over(self, length: float) -> tuple[Float32Array, Float32Array]:
        """Opacities and log scales of the Gaussians of all hand-overs.

        A parent gives way as the last of its children comes: before, there would be a hole.
        """
        opacities, log_scales = self._opacities[self._handed], self._log_scales.copy()
        for record, rows, last in self._hand_overs:
            share = float(prefix_shares(np.array(last), length, len(self._opacities)))
            if share > 0:
                hand_over(record, rows, opacities, log_scales, share)
        return opacities, log_scales


def _last_rank(
    ranks: NDArray[np.intp], indices: Int32Array, successors: Iterable[int], ranges: Mapping[int, range]
) -> int:
    """Of all Gaussians that these units bring; −1 if they bring none."""
    last = -1
    for unit in successors:
        if unit in ranges:
            first, end = np.searchsorted(indices, [ranges[unit].start, ranges[unit].stop])
            last = max(last, int(ranks[first:end].max()))
    return last


def fade_width(length: float, total: int) -> float:
    """How many Gaussians at the end of a prefix are faded."""
    return min(max(MIN_FADE, FADE_SHARE * length), total - length)


def prefix_shares(ranks: NDArray[np.integer[Any]], length: float, total: int) -> Float32Array:
    """0..1: how much of the Gaussians at these ranks the prefix of this length, of `total`, shows."""
    return np.asarray(ramp(length - ranks, max(fade_width(length, total), 1.0)), np.float32)

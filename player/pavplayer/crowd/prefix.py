"""What a prefix shows: its last Gaussians faded, and of hand-over what its units make due.

A *position* is how many Gaussians of an order are reached, a real number; the picture is a continuous
function of it. What is not faded is the picture of a set of units of the file but for the rest of one unit: a state the
file could be in, or one between two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from pavfmt.decoding.scene import Scene
from pavfmt.model import Float32Array, Int32Array

FADE_SHARE, FADE_LEAST = 0.1, 64
"""The last tenth of a prefix is faded, or so many Gaussians; less near the end of all, where none is."""


@dataclass(frozen=True)
class Look:
    """Opacities and sizes at one position."""

    opacities: Float32Array
    """(count,) for the leading Gaussians."""
    rows: NDArray[np.intp]
    """Gaussians, all below count, whose scales differ from those the scene's poser gives."""
    scale_factors: Float32Array
    """(rows, 3) by which they do."""


@dataclass(frozen=True)
class _Change:
    """One hand-over unit whose successors are here."""

    last: int
    """Where the last Gaussian it waits for is shown."""
    places: NDArray[np.intp]
    """Of its Gaussians among those of all hand-overs."""
    opacities: Float32Array
    log_scales: Float32Array | None


class PrefixLooks:
    """The looks of one state of arrival."""

    def __init__(self, scene: Scene, order: NDArray[np.intp], ranges: Mapping[int, range]) -> None:
        """`order` lists the rows to show, first things first; `ranges` says which Gaussians each unit brought."""
        arrays = scene.arrays()
        places = np.argsort(order)  # of each row in that order
        self._stored = arrays.opacities[order]
        due = [
            record
            for _, record in sorted(scene.hand_overs.items())
            if scene.active_units.issuperset(record.successors)
        ]
        found = [places[np.searchsorted(arrays.indices, record.gaussians)] for record in due]
        self._rows = np.unique(np.concatenate([np.zeros(0, np.intp), *found]))
        self._log_scales = arrays.log_scales[order[self._rows]]
        self._final = scene.effective()[1][order[self._rows]]
        self._changes = [
            _Change(
                last=_last_place(places, arrays.indices, record.successors, ranges),
                places=np.searchsorted(self._rows, rows),
                opacities=np.zeros(len(rows), np.float32) if record.opacities is None else record.opacities,
                log_scales=record.log_scales,
            )
            for record, rows in zip(due, found, strict=True)
        ]

    def at(self, position: float) -> Look:
        """The look at a position, 0 to all."""
        total = len(self._stored)
        count = min(ceil(position), total)
        opacities = self._stored[:count].copy()
        known = int(np.searchsorted(self._rows, count))
        rows = self._rows[:known]
        changed, log_scales = self._handed_over(position)
        opacities[rows] = changed[:known]
        fade = fade_width(position, total)
        first = max(int(position - fade), 0)
        opacities[first:] *= arrived(np.arange(first, count), position, fade)
        factors = np.exp(log_scales[:known] - self._final[:known])
        moved = np.flatnonzero((factors != 1).any(axis=1))
        return Look(opacities, rows[moved], factors[moved])

    def _handed_over(self, position: float) -> tuple[Float32Array, Float32Array]:
        """Opacities and log scales of the Gaussians of all hand-overs."""
        opacities, log_scales = self._stored[self._rows], self._log_scales.copy()
        fade = fade_width(position, len(self._stored))
        for change in self._changes:
            share = float(arrived(np.array(change.last), position, fade))
            if share > 0:
                at = change.places
                opacities[at] += share * (change.opacities - opacities[at])
                if change.log_scales is not None:
                    log_scales[at] += share * (change.log_scales - log_scales[at])
        return opacities, log_scales


def _last_place(
    places: NDArray[np.intp], indices: Int32Array, successors: Iterable[int], ranges: Mapping[int, range]
) -> int:
    """Where the last of the units' Gaussians is shown; −1 if they bring none."""
    last = -1
    for unit in successors:
        if unit in ranges:
            first, end = np.searchsorted(indices, [ranges[unit].start, ranges[unit].stop])
            last = max(last, int(places[first:end].max()))
    return last


def fade_width(position: float, total: int) -> float:
    """How many Gaussians before a position are faded."""
    return min(max(FADE_LEAST, FADE_SHARE * position), total - position)


def arrived(rows: NDArray[np.integer], position: float, fade: float) -> Float32Array:
    """0..1: how much of the Gaussians at `rows` a position shows."""
    shares: Float32Array = np.clip((position - rows) / max(fade, 1.0), 0.0, 1.0).astype(np.float32)
    return shares

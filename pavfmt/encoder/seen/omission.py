"""Which Gaussians may be left out: as a set, since many that nobody misses singly add up.

A set D may go only if for every picture and every small window b of it

    (1/|b|) Σ_{p∈b} Σ_{i∈D} α_i T_i · max |c_i − B_i|  ≤  limit,

B_i being the colour behind i: what the window's pixels could change by at most if all of D went, to first order. It is
filled up greedily, those first whose largest share of any window is smallest. A Gaussian that no picture sees stays,
since unsampled is not invisible; only what cannot be drawn at all goes (§9: α below 1/255 everywhere).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import BoolArray, Float64Array
from pavfmt.encoder.pictures import Look

ALPHA_MINIMUM = 1 / 255


class Omission:
    """Collects what every window owes to each of `count` Gaussians; memory follows those that may still go."""

    def __init__(self, count: int, limit: float) -> None:
        """`limit` in 0..1: what any window may change by."""
        self._limit = limit
        self._largest = np.zeros(count)
        self._first_window = 0
        self._pictures: list[tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]] = []

    def add(self, look: Look) -> None:
        """One more picture."""
        # Most belong to Gaussians that are known to stay: those are dropped before anything is sorted.
        some = self._largest[look.gaussians] <= self._limit
        gaussians, windows, changes = look.gaussians[some], look.windows[some], look.changes[some]
        over = changes > self._limit
        self._largest[gaussians[over]] = np.inf
        some = self._largest[gaussians] <= self._limit
        gaussians, windows, changes = gaussians[some], windows[some], changes[some]
        order = np.argsort(gaussians, kind="stable")
        gaussians, windows, changes = gaussians[order], windows[order], changes[order]
        if len(gaussians):
            firsts = np.flatnonzero(np.diff(gaussians, prepend=-1))
            own = gaussians[firsts]
            self._largest[own] = np.maximum(self._largest[own], np.maximum.reduceat(changes, firsts))
        self._pictures.append((gaussians, windows + self._first_window, changes))
        self._first_window += int(look.windows.max(initial=0)) + 1

    def left_out(self, opacities: Float64Array, needed: BoolArray) -> BoolArray:
        """(N,) who may go. `opacities` (N,) are the largest in any state; who is `needed` (N,) stays."""
        gaussians, windows, changes = (np.concatenate(part) for part in zip(*self._pictures, strict=True))
        may_go = self._largest[gaussians] <= self._limit
        gaussians, windows, changes = gaussians[may_go], windows[may_go], changes[may_go]
        order = np.argsort(gaussians, kind="stable")
        gaussians, windows, changes = gaussians[order], windows[order], changes[order]
        ends = np.searchsorted(gaussians, np.arange(len(self._largest) + 1))
        filled = np.zeros(self._first_window, dtype=np.float32)
        gone: BoolArray = (opacities < ALPHA_MINIMUM) & ~needed
        candidates = np.flatnonzero((self._largest > 0) & (self._largest <= self._limit) & ~needed & ~gone)
        for one in candidates[np.argsort(self._largest[candidates], kind="stable")]:
            own = slice(ends[one], ends[one + 1])
            full = filled[windows[own]] + changes[own]  # each window once: a Gaussian is in a tile once
            if full.max(initial=0) <= self._limit:
                filled[windows[own]] = full
                gone[one] = True
        return gone

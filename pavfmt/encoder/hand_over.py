"""Where units may end when Gaussians take over from coarser ones, and who then retires."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Avatar, Int32Array


def completed(avatar: Avatar) -> Avatar:
    """The avatar once all of it has arrived: who has handed over has no opacity."""
    levels = list(avatar.levels)
    for number, level in enumerate(avatar.levels):
        if level.parents is not None:
            older = levels[number - 1].gaussians
            opacities = older.opacities.copy()
            opacities[level.parents[level.parents >= 0]] = 0
            gaussians = replace(older, opacities=opacities)
            levels[number - 1] = replace(levels[number - 1], gaussians=gaussians)
    return replace(avatar, levels=tuple(levels))


def legal_ends(parents: Int32Array) -> NDArray[np.bool_]:
    """(N,) whether a unit may end after each Gaussian, in sending order: no parent's children are torn apart."""
    ends = np.arange(len(parents))
    last = np.full(int(parents.max(initial=-1)) + 1, -1)
    has_parent = parents >= 0
    last[parents[has_parent]] = ends[has_parent]  # later rows overwrite earlier ones
    reach = np.where(has_parent, last[parents], ends) if len(last) else ends
    legal: NDArray[np.bool_] = np.maximum.accumulate(reach) <= ends
    return legal


def unit_end(legal: NDArray[np.bool_], start: int, aim: int, limit: int) -> int:
    """The legal end nearest to start + aim, after start and at most start + limit (or else torn apart there)."""
    ends = start + 1 + np.flatnonzero(legal[start : start + limit])
    if not len(ends):
        return min(start + limit, len(legal))
    return int(ends[np.argmin(np.abs(ends - (start + aim)))])


def retiring(parents: Int32Array, order: NDArray[np.intp], start: int, end: int) -> Int32Array:
    """Gaussians of the level before, ascending, all of whose children are among order[:end] and one in the unit."""
    here = np.unique(parents[order[start:end]])
    later = np.unique(parents[order[end:]])
    gone: Int32Array = np.setdiff1d(here[here >= 0], later).astype(np.int32)
    return gone

"""Levels that take over from the level before (§6.10): where units may end, and which Gaussians retire with them.

A level with `parents` replaces Gaussians of the level before instead of adding to them. A parent retires when the last
of its children is there, and what is seen of it until then covers theirs. So a unit should hold the children of whole
parents: a family torn in two would show both the parent and half of its children. The unit's hand-over unit stands
right before it and names it as the one successor, which is why a prefix that has the Gaussians has their hand-over,
too (spec/decisions/0007-additive-and-hand-over.md, 0014-fitted-hand-over.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Int32Array
from pavfmt.model import Avatar


def completed(avatar: Avatar) -> Avatar:
    """The avatar once all of it has arrived: Gaussians that have handed over have no opacity."""
    levels = list(avatar.levels)
    for number, level in enumerate(avatar.levels):
        if level.parents is not None:
            older = levels[number - 1].gaussians
            opacities = older.opacities.copy()
            opacities[level.parents[level.parents >= 0]] = 0
            gaussians = replace(older, opacities=opacities)
            levels[number - 1] = replace(levels[number - 1], gaussians=gaussians)
    return replace(avatar, levels=tuple(levels))


def is_taken_over(avatar: Avatar, number: int) -> bool:
    """Whether the level after level `number` takes over from it."""
    return number + 1 < len(avatar.levels) and avatar.levels[number + 1].parents is not None


def legal_ends(parents: Int32Array) -> NDArray[np.bool_]:
    """(N,) whether a unit may end after each Gaussian, in sending order: no parent's children are torn apart."""
    ends = np.arange(len(parents))
    last = np.full(int(parents.max(initial=-1)) + 1, -1)
    has_parent = parents >= 0
    last[parents[has_parent]] = ends[has_parent]  # later rows overwrite earlier ones
    # A unit may end at n if the last siblings of all rows up to n stand at n or before.
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
    """Gaussians of the level before, ascending, that retire with the unit order[start:end].

    Those with a child in it and none after it.
    """
    here = np.unique(parents[order[start:end]])
    later = np.unique(parents[order[end:]])
    gone: Int32Array = np.setdiff1d(here[here >= 0], later).astype(np.int32)
    return gone

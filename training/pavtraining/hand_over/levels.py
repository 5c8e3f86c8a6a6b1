"""The levels of avatars that a hand-over is made from, and of those that it makes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Int32Array
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Gaussians, Level, Splits
from pavfmt.registry import Binding, Site
from pavtraining.hand_over.on_faces import flattened, is_on_faces, on_children


def in_one_level(avatar: Avatar) -> Avatar:
    """The avatar in one level, which it has already or is given on the faces of the mesh."""
    if not sum(len(level.gaussians) for level in avatar.levels):
        raise EncodeError("no-gaussians", "there is nothing to hand over to")
    if is_on_faces(avatar):
        return flattened(avatar)
    if len(avatar.levels) != 1:
        raise EncodeError("bad-level", "a base is fitted to an avatar of one level, or on face frames")
    if avatar.levels[0].site is Site.FACE:
        raise EncodeError("bad-site", "surface points on faces cannot come after a base")
    return avatar


def with_gaussians(flat: Avatar, gaussians: Gaussians) -> Avatar:
    """The flat avatar with these instead of its own."""
    return replace(flat, levels=(replace(flat.levels[0], gaussians=gaussians),))


def joined_levels(
    flat: Avatar,
    base: Level,
    importance: Float32Array,
    parents: Int32Array,
) -> Avatar:
    """`base` and then the originals, with their importance and their parents in the base."""
    level = replace(flat.levels[0], splits=Splits(np.zeros(0, np.int32), np.zeros((0, 3), np.float32)))
    if level.binding is Binding.FACE_FRAME:
        level = on_children(flat, level)
    gaussians = replace(level.gaussians, importance=importance)
    originals = replace(level, gaussians=gaussians, parents=parents)
    return replace(flat, levels=(base, originals))


def ranked(first: NDArray[np.number], second: NDArray[np.number]) -> Float32Array:
    """(N,) importance that orders by `first` ascending, then by `second` descending."""
    order = np.lexsort((-second, first))
    ranks = np.empty(len(order), np.float32)
    ranks[order] = np.arange(len(order), 0, -1)
    return ranks

"""In what order the Gaussians of an avatar are worth drawing.

A player may draw any set of units that are there: the scene law gives each such set a meaning. Files that complete a
level before the next begins are best spent in another order, that of opacity × area per Gaussian. Within a level the
units keep the file's order, as its writer knew more about importance than this. Inside a unit Gaussians lie by place;
they are shown by weight, so that a unit shown in part is thin everywhere and not whole on one side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.decoding.scene import Scene


def drawing_order(scene: Scene, weights: NDArray[np.floating]) -> NDArray[np.intp]:
    """(N,) rows of the file order, what is worth most first; `weights` are theirs, opacity × area.

    In a file with hand-over the units keep their order: each is made for those before it.
    """
    blocks = scene.gaussians.blocks
    bounds = np.cumsum([0, *(len(block) for block in blocks)])
    units = range(len(blocks)) if scene.hand_overs else _by_worth(scene, weights, bounds)
    parts = [bounds[at] + np.argsort(-weights[bounds[at] : bounds[at + 1]], kind="stable") for at in units]
    return np.concatenate(parts)


def _by_worth(scene: Scene, weights: NDArray[np.floating], bounds: NDArray[np.intp]) -> list[int]:
    """The units, those of most weight a Gaussian first."""
    worth = np.add.reduceat(weights.astype(np.float64), bounds[:-1]) / np.diff(bounds)
    levels = np.array([block.level for block in scene.gaussians.blocks])
    for level in np.unique(levels):
        of_level = levels == level
        worth[of_level] = np.minimum.accumulate(worth[of_level])
    order: list[int] = np.argsort(-worth, kind="stable").tolist()
    return order

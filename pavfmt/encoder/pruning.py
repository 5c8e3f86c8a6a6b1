"""Leaving out the Gaussians of least importance, for who asks for that (`Precision.kept_importance`).

Not how an encoder that looks decides: importance does not know the back, the close view or what many add up to
(`pavfmt.encoder.seen.omission`, spec/decisions/0016-nothing-lost.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar


def pruned(
    avatar: Avatar, importance: Sequence[Float64Array], share: float
) -> tuple[Avatar, list[Float64Array]]:
    """Without the weakest Gaussians of each level: the avatar, and the importance (N,) per level of what is left.

    What is left has `share`, 0..1, of each level's importance. What was measured to matter to a region stays, because
    there it is looked at closely. Where Gaussians hand over none is left out: whoever made the levels has chosen, and a
    parent waits for all its children. Raises EncodeError "bad-shape" where `importance` is not (N,) per level.
    """
    scores = [np.asarray(score, dtype=np.float64) for score in importance]
    for level, score in zip(avatar.levels, scores, strict=True):
        if len(score) != len(level.gaussians):
            message = f"importance of {len(score)} Gaussians, not {len(level.gaussians)}"
            raise EncodeError("bad-shape", message)
    if avatar.hands_over:
        return avatar, scores
    levels, kept_scores = [], []
    for level, score in zip(avatar.levels, scores, strict=True):
        rows = _strongest(score, share)
        if level.gaussians.regions is not None:
            rows = np.union1d(rows, np.flatnonzero(level.gaussians.regions))
        levels.append(replace(level, gaussians=level.gaussians.take(rows)))
        kept_scores.append(score[rows])
    return replace(avatar, levels=tuple(levels)), kept_scores


def _strongest(importance: Float64Array, share: float) -> NDArray[np.intp]:
    """Rows of the strongest Gaussians that have `share` of all importance, ascending; at least one."""
    if share >= 1:
        return np.arange(len(importance))
    order = np.argsort(-importance, kind="stable")
    total = np.cumsum(importance[order])
    if not len(order) or total[-1] <= 0:
        return np.arange(len(order))
    # A hair less than the share: rounding in the sum must not keep a Gaussian without any importance.
    count = int(np.searchsorted(total, share * total[-1] * (1 - 1e-12))) + 1
    return np.sort(order[:count])

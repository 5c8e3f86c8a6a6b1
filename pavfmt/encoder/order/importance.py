"""Importance: which Gaussians are sent first.

W of a Gaussian is the paper's Σ α·T (ProgressiveAvatars, section 3; §6.1): its blending weight summed over the pixels
of a stated set of pictures. It is the order of the units, so that a prefix has what is seen most. How finely a Gaussian
is written is another matter, for which W knows too little (`pavfmt.encoder.seen.looking`); only where nobody looks it
stands in for that, too.

A checkpoint may bring an importance of its own, which its training measured. That decides the order then, because the
fit was made for it, but not the steps (spec/decisions/0013-prediction-and-precision.md). Without a renderer opacity ×
area stands in for both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.encoder.pictures import (
    Cameras,
    Expressions,
    Progress,
    Renderer,
    height_of,
    level_pictures,
)
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar
from pavfmt.posing import avatar_mesh, pose_level

CAMERAS: Cameras = ((0, 0), (25, 0), (-25, 0), (45, 5), (-45, 5), (12, -12), (-12, 20))
"""Of the pictures W is summed over."""

EXPRESSIONS: Expressions = (
    {},
    {"jawOpen": 0.5, "mouthFunnel": 0.3},
    {"eyeBlinkLeft": 0.9, "eyeBlinkRight": 0.9, "mouthSmileLeft": 0.6, "mouthSmileRight": 0.6},
)
"""Likewise. Without an open mouth and closed lids, teeth and lids would have no weight and come last."""


LARGEST_AXIS = 2.0
"""Avatar heights: as far as a Gaussian's axis counts where its area stands for what is seen of it."""


def rendered_importance(
    avatar: Avatar, renderer: Renderer, progress: Progress | None = None
) -> list[Float64Array]:
    """Per level (N,) W over CAMERAS × EXPRESSIONS, each level drawn with the levels before it."""
    totals = [np.zeros(len(level.gaussians)) for level in avatar.levels]
    for number, drawn, view in level_pictures(avatar, CAMERAS, EXPRESSIONS, progress):
        weight = renderer.contributions(drawn, view)
        totals[number] += weight[len(weight) - len(totals[number]) :]
    return totals


def opacity_area_importance(avatar: Avatar) -> list[Float64Array]:
    """Per level (N,) opacity × area (m²) of the largest cross-section at rest: the fallback without a renderer.

    No axis counts for more than LARGEST_AXIS times the avatar's own height, however large a stray giant is.
    """
    mesh, largest = avatar_mesh(avatar), LARGEST_AXIS * height_of(avatar)
    result = []
    for number in range(len(avatar.levels)):
        posed = pose_level(avatar.levels, number, mesh)
        axes = np.minimum(np.sort(posed.scales, axis=1), largest)
        result.append(posed.opacities * axes[:, 1] * axes[:, 2])
    return result


def stored_importance(avatar: Avatar) -> list[Float64Array]:
    """Per level (N,) what the checkpoint measured; EncodeError "no-importance" if it did not."""
    result = []
    for number, level in enumerate(avatar.levels):
        if level.gaussians.importance is None:
            raise EncodeError("no-importance", f"level {number} of the checkpoint has no importance")
        result.append(level.gaussians.importance.astype(np.float64))
    return result


def has_stored_importance(avatar: Avatar) -> bool:
    """Whether every level of the checkpoint brought its importance."""
    return all(level.gaussians.importance is not None for level in avatar.levels)


def per_face(sites: NDArray[np.int32], importance: Float64Array) -> Float64Array:
    """(N,) the sum over each Gaussian's face, so that a face's Gaussians go together (the paper's order)."""
    sums: Float64Array = np.bincount(
        sites, weights=importance, minlength=int(sites.max(initial=0)) + 1
    ).astype(np.float64)
    return sums[sites]


def order_of(importance: Sequence[float] | Float64Array) -> NDArray[np.intp]:
    """(N,) rows, the most important first; ties in the order given, so that equal inputs give equal files."""
    return np.argsort(-np.asarray(importance, dtype=np.float64), kind="stable")

"""How close a decoded avatar looks to the one it was made from, and the coarsest precision that is close enough.

Rendering is not this library's business: whoever encodes passes a renderer in. The pictures compared are not among
those quality is reported on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.encoder.hand_over import completed
from pavfmt.encoder.options import FITTED_DECIBELS, FITTED_FINEST, EncodeOptions, Precision
from pavfmt.encoder.order.importance import View, known_expressions, orbit
from pavfmt.encoder.preview import Preview
from pavfmt.model import Avatar, Float64Array, Pose
from pavfmt.posing import STATIC_RIG, PosedGaussians, concatenate, pose_level, pose_mesh

VIEWS: tuple[tuple[float, float], ...] = ((7, 2), (-33, -4), (31, 9))
"""Yaw and pitch in degrees."""

EXPRESSIONS: tuple[Mapping[str, float], ...] = (
    {},
    {"jawOpen": 0.6, "mouthSmileLeft": 0.5, "browInnerUp": 0.7},
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 0.4, "mouthPucker": 0.8, "jawLeft": 0.4},
)
"""Shape weights; names a rig does not have are ignored."""

TOLERANCE_DB = 0.08
MAX_TRIALS = 10
DECIBELS_PER_FACTOR = 20 / math.log(10)
"""Of steps: errors grow as steps do."""
SHALLOWEST = -1.0
FINEST, COARSEST = 1e-3, 1e2
"""Shares of the steps that a search begins with."""


class PictureRenderer(Protocol):
    """What the search for a quality needs from a renderer."""

    def picture(self, gaussians: PosedGaussians, view: View) -> NDArray[np.floating]:
        """(H, W, 3) display sRGB over white."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of the avatar to be matched."""

    renderer: PictureRenderer
    views: tuple[tuple[Pose, View], ...]
    targets: tuple[NDArray[np.floating], ...]

    def decibels(self, avatar: Avatar) -> float:
        """PSNR over all pixels of all pictures; 99 where nothing differs."""
        errors, posed, last = [], None, None
        for (pose, view), target in zip(self.views, self.targets, strict=True):
            posed = _posed(avatar, pose) if pose is not last else posed
            last = pose
            assert posed is not None
            difference = np.clip(self.renderer.picture(posed, view), 0, 1) - np.clip(target, 0, 1)
            errors.append(float(np.mean(difference.astype(np.float64) ** 2)))
        error = float(np.mean(errors))
        return min(99.0, -10 * math.log10(error)) if error > 0 else 99.0


def _posed(avatar: Avatar, pose: Pose) -> PosedGaussians:
    avatar = completed(avatar)
    mesh = pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, pose)
    return concatenate([pose_level(avatar.levels, number, mesh) for number in range(len(avatar.levels))])


def take_pictures(avatar: Avatar, renderer: PictureRenderer) -> Pictures:
    """VIEWS × EXPRESSIONS of `avatar`."""
    rig = avatar.rig or STATIC_RIG
    views, targets = [], []
    for weights in known_expressions(rig, EXPRESSIONS):
        pose = Pose(weights)
        mesh = pose_mesh(rig, avatar.identity, pose)
        posed = _posed(avatar, pose)
        points: Float64Array = mesh.rest_vertices if len(mesh.rest_vertices) else posed.means
        for yaw, pitch in VIEWS:
            view = orbit(points, yaw, pitch)
            views.append((pose, view))
            targets.append(renderer.picture(posed, view))
    return Pictures(renderer, tuple(views), tuple(targets))


def coarsest(
    decibels_of: Callable[[Precision], float],
    start: Precision,
    target: float,
    progress: Callable[[float], None] | None = None,
    finest: float = FINEST,
) -> tuple[Precision, float]:
    """`start`, all steps scaled so that the quality is just over `target` dB; and that quality.

    Where no precision of at least `finest` times its steps reaches it, the best one tried.
    """
    at, slope = 0.0, -DECIBELS_PER_FACTOR
    tried: dict[float, tuple[Precision, float]] = {}
    for trial in range(1, MAX_TRIALS + 1):
        candidate = start.scaled(math.exp(at))
        found = decibels_of(candidate)
        if progress is not None:
            progress(trial / MAX_TRIALS)
        for before, (_, other) in tried.items():  # the slope towards the last one
            if abs(before - at) > 1e-3:
                slope = min(max((found - other) / (at - before), -2 * DECIBELS_PER_FACTOR), SHALLOWEST)
        tried[at] = candidate, found
        if target <= found < target + TOLERANCE_DB:
            break
        at = min(max(at + (target + TOLERANCE_DB / 2 - found) / slope, math.log(finest)), math.log(COARSEST))
        if at in tried:
            break
    enough = [one for one in tried.values() if one[1] >= target]
    return min(enough, key=lambda one: one[1]) if enough else max(tried.values(), key=lambda one: one[1])


def precision_for(
    avatar: Avatar,
    options: EncodeOptions,
    importance: Sequence[Float64Array],
    renderer: PictureRenderer,
    target: float,
    progress: Callable[[float], None] | None = None,
    reference: Avatar | None = None,
    finest: float = FINEST,
) -> tuple[Precision, float]:
    """The coarsest precision at which `avatar` is drawn with `target` dB, and the quality reached.

    It is measured against `reference`, or the avatar itself. No steps are finer than `finest` times the options'.
    """
    pictures, preview = take_pictures(reference or avatar, renderer), Preview(avatar, options, importance)

    def decibels(precision: Precision) -> float:
        return pictures.decibels(preview.avatar(precision))

    return coarsest(decibels, options.precision, target, progress, finest)


def fitted_precision(
    avatar: Avatar,
    options: EncodeOptions,
    importance: Sequence[Float64Array],
    renderer: PictureRenderer,
    source: Avatar,
    progress: Callable[[float], None] | None = None,
) -> tuple[Precision, float]:
    """The same for an avatar that was fitted to `source`, as far as bytes are not spent on what the fit lost."""
    return precision_for(
        avatar, options, importance, renderer, FITTED_DECIBELS, progress, source, FITTED_FINEST
    )

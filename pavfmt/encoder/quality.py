"""How close a decoded avatar looks to the one it was made from, and the coarsest precision that is close enough.

The balance between attributes is fixed (`Precision()`, measured); what is searched is one factor on all steps at once,
so that a file has the quality asked for and no bits beyond it. Quality is PSNR over pictures that are neither those of
the importance nor those that quality is reported on. In dB it is nearly a straight line over the logarithm of the
factor, 20 dB a decade, since errors grow as steps do: the search takes steps of a secant along it and is there after
three to five pictures of the set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.encoder.hand_over import completed
from pavfmt.encoder.options import FITTED_DECIBELS, FITTED_FINEST, EncodeOptions, Precision
from pavfmt.encoder.pictures import (
    Cameras,
    Expressions,
    OrbitView,
    Progress,
    Renderer,
    known_expressions,
    orbit,
)
from pavfmt.encoder.planning import Planner
from pavfmt.encoder.preview import preview
from pavfmt.model import Avatar, Pose
from pavfmt.posing import STATIC_RIG, avatar_mesh, pose_avatar

CAMERAS: Cameras = ((7, 2), (-33, -4), (31, 9))

EXPRESSIONS: Expressions = (
    {},
    {"jawOpen": 0.6, "mouthSmileLeft": 0.5, "browInnerUp": 0.7},
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 0.4, "mouthPucker": 0.8, "jawLeft": 0.4},
)

TOLERANCE_DB = 0.08
"""A search may end so far above its target. Two precisions 1 % apart can differ by half a dB, so finer is luck."""
MAX_TRIALS = 10
DECIBELS_PER_FACTOR = 20 / math.log(10)
"""dB lost for each unit of the natural logarithm of the steps: errors grow as steps do."""
SHALLOWEST = -1.0
"""A secant flatter than this is noise: following it would leap out of the range."""
FINEST, COARSEST = 1e-3, 1e2
"""Shares of the steps that a search begins with."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of the avatar to be matched."""

    renderer: Renderer
    views: tuple[tuple[Pose, OrbitView], ...]
    """Views of one pose stand together."""
    targets: tuple[NDArray[np.floating], ...]
    """(H, W, 3) display sRGB of each view."""

    def decibels(self, avatar: Avatar) -> float:
        """PSNR over all pixels of all pictures; 99 where nothing differs."""
        errors, posed, last = [], None, None
        for (pose, view), target in zip(self.views, self.targets, strict=True):
            posed = pose_avatar(completed(avatar), pose) if pose is not last else posed
            last = pose
            assert posed is not None
            difference = np.clip(self.renderer.picture(posed, view), 0, 1) - np.clip(target, 0, 1)
            errors.append(float(np.mean(difference.astype(np.float64) ** 2)))
        error = float(np.mean(errors))
        return min(99.0, -10 * math.log10(error)) if error > 0 else 99.0


def take_pictures(avatar: Avatar, renderer: Renderer) -> Pictures:
    """CAMERAS × EXPRESSIONS of `avatar`."""
    views, targets = [], []
    for weights in known_expressions(avatar.rig or STATIC_RIG, EXPRESSIONS):
        pose = Pose(weights)
        posed = pose_avatar(completed(avatar), pose)
        rest = avatar_mesh(avatar, pose).rest_vertices
        for yaw, pitch in CAMERAS:
            view = orbit(rest if len(rest) else posed.means, yaw, pitch)
            views.append((pose, view))
            targets.append(renderer.picture(posed, view))
    return Pictures(renderer, tuple(views), tuple(targets))


def coarsest(
    decibels_of: Callable[[Precision], float],
    start: Precision,
    target: float,
    progress: Progress | None = None,
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
    renderer: Renderer,
    target: float,
    progress: Progress | None = None,
    reference: Avatar | None = None,
    finest: float = FINEST,
) -> tuple[Precision, float]:
    """The coarsest precision at which `avatar` is drawn with `target` dB, and the quality reached.

    It is measured against `reference`, or the avatar itself. No steps are finer than `finest` times the options'.
    Raises EncodeError.
    """
    pictures, planner = take_pictures(reference or avatar, renderer), Planner(avatar, options, importance)

    def decibels(precision: Precision) -> float:
        return pictures.decibels(preview(planner.plan(precision)))

    return coarsest(decibels, options.precision, target, progress, finest)


def fitted_precision(
    avatar: Avatar,
    options: EncodeOptions,
    importance: Sequence[Float64Array],
    renderer: Renderer,
    source: Avatar,
    progress: Progress | None = None,
) -> tuple[Precision, float]:
    """The same for an avatar that was fitted to `source`, as far as bytes are not spent on what the fit lost."""
    return precision_for(
        avatar, options, importance, renderer, FITTED_DECIBELS, progress, source, FITTED_FINEST
    )

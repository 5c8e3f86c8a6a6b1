"""How finely each level and unit is written: grids for the strongest, multiples of their steps for the others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.quantization import BARYCENTRIC_ONE, Affine, stereographic_grid
from pavfmt.encoder.options import EncodeOptions, Precision
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Float32Array, Float64Array, Level, Pose
from pavfmt.posing import STATIC_RIG, concatenate, level_frames, pose_level, pose_mesh
from pavfmt.units.attributes import band_widths
from pavfmt.units.levels import LOG_SCALE_RANGE, Grids
from pavfmt.units.steps import MAX_MULTIPLIER, UnitSteps

FINER = 6.0
"""Grids are finer than the steps of the most visible unit by this, so that multiples come close to any step."""
STRONGEST_QUANTILE = 0.999
VISIBILITY_RANGE = (0.2, 1e5)
"""What is seen even less is written no coarser: a step of many times its scale or colour would show."""
OUTLIERS_PERCENT = 1.0
GRADE_QUANTILE = 0.9
MOST_GRADES = 3
WORTH_GRADING = 0.15
"""Share of a unit's Gaussians that must be coarser, for grades to be sent at all."""


@dataclass(frozen=True)
class LevelPrecision:
    """The grids of one level, and which multiple of their steps a visibility asks for."""

    grids: Grids
    visibility: Float64Array
    """(N,) importance as a multiple of the level's median."""
    steps: dict[str, float]
    """Attribute → step at visibility 1, in grid steps."""
    powers: dict[str, float]

    def unit_steps(self, rows: NDArray[np.integer]) -> UnitSteps:
        """For a unit of these Gaussians. One grade is a quarter of the visibility: twice the step."""
        octaves = np.log2(self.visibility[rows])
        top = np.quantile(octaves, GRADE_QUANTILE)
        grades = np.clip(np.floor((top - octaves) / 2), 0, MOST_GRADES).astype(np.int64)
        if not any(self.powers.values()) or float((grades > 0).mean()) < WORTH_GRADING:
            grades[:] = 0
        seen = 2.0 ** float((octaves + 2 * grades).mean())
        multipliers = {
            name: int(np.clip(round(step * seen ** -self.powers[name]), 1, MAX_MULTIPLIER))
            for name, step in self.steps.items()
        }
        return UnitSteps(multipliers, grades if grades.any() else None)


def kept_rows(importance: Float64Array, share: float) -> NDArray[np.intp]:
    """Rows of the strongest Gaussians that have `share` of all importance, ascending; at least one."""
    if share >= 1:
        return np.arange(len(importance))
    order = np.argsort(-importance, kind="stable")
    total = np.cumsum(importance[order])
    if not len(order) or total[-1] <= 0:
        return np.arange(len(order))
    count = int(np.searchsorted(total, share * total[-1] * (1 - 1e-12))) + 1
    return np.sort(order[:count])


def level_precisions(
    avatar: Avatar, importance: list[Float64Array], options: EncodeOptions
) -> list[LevelPrecision]:
    """One for each level of an avatar whose barycentric coordinates are rounded already."""
    mesh = pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, Pose())
    height = height_of(avatar)
    result = []
    for number in range(len(avatar.levels)):
        sizes = level_frames(avatar.levels, number, mesh)[3]
        size = float(np.median(sizes)) if len(sizes) else 1.0
        passes = number + 1 < len(avatar.levels) and avatar.levels[number + 1].parents is not None
        own = options.passing_precision if passes else options.precision
        mean_step = own.mean_step * height / max(size, 1e-12)
        level = _level_precision(avatar, number, importance[number], own, mean_step)
        level.steps["barycentrics"] = BARYCENTRIC_ONE >> options.barycentric_bits
        level.powers["barycentrics"] = 0.0
        result.append(level)
    return result


def height_of(avatar: Avatar) -> float:
    """Metres, what steps of means are shares of.

    Of the neutral mesh, or without one of all but a few outlying Gaussians.
    """
    if avatar.rig is not None:
        neutral = avatar.rig.mean_neutral if avatar.identity is None else avatar.identity.neutral
        return float(np.ptp(neutral[:, 1])) or 1.0
    mesh = pose_mesh(STATIC_RIG, None, Pose())
    means = concatenate(
        [pose_level(avatar.levels, number, mesh) for number in range(len(avatar.levels))]
    ).means
    low, high = np.percentile(means, [OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT], axis=0)
    return float((high - low).max()) or 1.0


def _level_precision(
    avatar: Avatar, number: int, importance: Float64Array, precision: Precision, mean_step: float
) -> LevelPrecision:
    gaussians = avatar.levels[number].gaussians
    positive = importance[importance > 0]
    median = float(np.median(positive)) if len(positive) else 1.0
    visibility = np.clip(importance / median, *VISIBILITY_RANGE)
    strongest = float(np.quantile(visibility, STRONGEST_QUANTILE)) if len(visibility) else 1.0
    powers = {
        "means": precision.mean_power,
        "log_scales": precision.log_scale_power,
        "quats": precision.quat_power,
        "opacities": precision.opacity_power,
        **{f"sh{band}": precision.sh0_power for band in range(4)},
    }
    steps = {
        "means": mean_step,
        "log_scales": precision.log_scale_step,
        "quats": precision.quat_step,
        "opacities": precision.opacity_step,
        "sh0": precision.sh0_step,
        **{f"sh{band}": step for band, step in enumerate(precision.band_steps[: gaussians.sh_degree], 1)},
    }
    fine = {name: step * strongest ** -powers[name] / FINER for name, step in steps.items()}
    grids = _level_grids(avatar.levels[number], fine)
    units = {
        "means": max(grid.unit for grid in grids.means),
        "log_scales": grids.log_scales.unit,
        "quats": grids.quats.unit,
        "opacities": grids.opacities.unit,
        "sh0": grids.sh0.unit,
        **{f"sh{band}": grid.unit for band, grid in enumerate(grids.bands, 1)},
    }
    in_grid_steps = {name: step / units[name] for name, step in steps.items()}
    return LevelPrecision(grids, visibility, in_grid_steps, powers)


def _level_grids(level: Level, fine: dict[str, float]) -> Grids:
    """Over all values of a level, those of its beginning too; attribute → step."""
    gaussians, log_scales = level.gaussians, level.gaussians.log_scales
    if level.beginning is not None:
        log_scales = np.concatenate([log_scales, level.beginning.log_scales])
    if log_scales.size and float(np.abs(log_scales).max()) >= LOG_SCALE_RANGE - 1:
        worst = float(log_scales[np.argmax(np.abs(log_scales).max(axis=1))].max())
        raise EncodeError("bad-scale", f"a log scale of {worst} is beyond ±{LOG_SCALE_RANGE - 1}")
    starts = np.cumsum((0, *band_widths(gaussians.sh_degree)))
    axes = [_stepping(gaussians.means[:, axis], fine["means"]) for axis in range(3)]
    return Grids(
        means=(axes[0], axes[1], axes[2]),
        log_scales=_stepping(log_scales, fine["log_scales"]),
        quats=stereographic_grid(fine["quats"]),
        opacities=Affine.stepping(0.0, 1.0, fine["opacities"]),
        sh0=_stepping(gaussians.sh0, fine["sh0"]),
        bands=tuple(
            _stepping(gaussians.shN[:, first:last], fine[f"sh{band}"])
            for band, (first, last) in enumerate(pairwise(starts), 1)
        ),
    )


def _stepping(values: Float32Array, step: float) -> Affine:
    if not values.size:
        return Affine.stepping(0.0, 0.0, step)
    return Affine.stepping(float(values.min()), float(values.max()), step)

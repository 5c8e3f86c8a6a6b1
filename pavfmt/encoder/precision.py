"""How finely each level and unit is written: grids for the strongest, multiples of their steps for the others.

An error in a Gaussian shows by its weight in the picture, so what is seen more must be written finer: a unit's step is
that of `Precision` times (its visibility)^−power, the powers found per attribute
(spec/decisions/0013-prediction-and-precision.md). Three things say it, from coarse to fine:

- the **grid** of a level and attribute (§5) covers all values there are, in steps FINER times finer than the most
  visible unit needs, so that whole multiples of it come close to any step asked for;
- the **multiplier** of a unit and attribute (§6.9) is the multiple of that step. It is all there is to send where units
  are in order of importance, because the Gaussians of one unit are then about equally visible;
- the **grade** of a Gaussian (§6.9) doubles its steps once more, 0 to MOST_GRADES times. It is for units that mix
  visibilities, as patches under a base that hands over do, and costs bits of its own: sent only if a share
  WORTH_GRADING of the unit would be coarser.

Steps of means are shares of the head's height and are divided by the level's median face size, since means stand in
units of their face (§8). Invariant: every value a level has, its beginning's included, lies on the level's grids.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Float64Array
from pavfmt.codec.quantization import BARYCENTRIC_ONE, MAX_MULTIPLIER, Affine, stereographic_grid
from pavfmt.encoder.hand_over import is_taken_over
from pavfmt.encoder.options import EncodeOptions, Precision
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Level
from pavfmt.posing import avatar_mesh, level_frames, pose_avatar
from pavfmt.units.attributes import Grids, UnitSteps, attributes_of, band_widths
from pavfmt.units.levels import LOG_SCALE_RANGE

FINER = 6.0
"""Grids are finer than the steps of the most visible unit by this, so that multiples come close to any step."""
STRONGEST_QUANTILE = 0.999
"""The visibility of the most visible unit: not of its one brightest Gaussian."""
VISIBILITY_RANGE = (0.2, 1e5)
"""What is seen even less is written no coarser: a step of many times its scale or colour would show."""
OUTLIERS_PERCENT = 1.0
"""Of Gaussians, at either end of an axis, that do not count for the height of a scene without a mesh."""
GRADE_QUANTILE = 0.9
"""Grade 0 is for the most visible of a unit, from this quantile of its visibilities up."""
MOST_GRADES = 3
"""The format has 7; three are eight times the step, and few Gaussians of a unit would want more."""
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
    """Attribute → power of visibility by which its step shrinks."""

    def unit_steps(self, rows: NDArray[np.integer]) -> UnitSteps:
        """For a unit of these Gaussians. One grade is a quarter of the visibility: twice the step at power ½."""
        octaves = np.log2(self.visibility[rows])
        top = np.quantile(octaves, GRADE_QUANTILE)
        grades = np.clip(np.floor((top - octaves) / 2), 0, MOST_GRADES).astype(np.int64)
        if not any(self.powers.values()) or float((grades > 0).mean()) < WORTH_GRADING:
            grades[:] = 0
        # Multipliers are for grade 0, so each Gaussian counts as visible as it would be without its grade.
        seen = 2.0 ** float((octaves + 2 * grades).mean())
        multipliers = {
            name: int(np.clip(round(step * seen ** -self.powers[name]), 1, MAX_MULTIPLIER))
            for name, step in self.steps.items()
        }
        return UnitSteps(multipliers, grades if grades.any() else None)


def level_precisions(
    avatar: Avatar, importance: list[Float64Array], options: EncodeOptions
) -> list[LevelPrecision]:
    """One for each level of an avatar whose barycentric coordinates are rounded already; importance (N,) per level.

    Raises EncodeError "bad-scale" or "out-of-range" for values that the format cannot hold.
    """
    mesh, height = avatar_mesh(avatar), height_of(avatar)
    result = []
    for number, level in enumerate(avatar.levels):
        sizes = level_frames(avatar.levels, number, mesh)[3]
        size = float(np.median(sizes)) if len(sizes) else 1.0
        own = options.passing_precision if is_taken_over(avatar, number) else options.precision
        mean_step = own.mean_step * height / max(size, 1e-12)
        precision = _level_precision(level, importance[number], own, mean_step)
        # Rounded to so many bits by rebinding: multiples of this step, which loses nothing.
        precision.steps["barycentrics"] = BARYCENTRIC_ONE >> options.barycentric_bits
        precision.powers["barycentrics"] = 0.0
        result.append(precision)
    return result


def height_of(avatar: Avatar) -> float:
    """Metres, what steps of means are shares of.

    Of the neutral mesh, or without one of all but a few outlying Gaussians.
    """
    if avatar.rig is not None:
        neutral = avatar.rig.mean_neutral if avatar.identity is None else avatar.identity.neutral
        return float(np.ptp(neutral[:, 1])) or 1.0
    means = pose_avatar(avatar).means
    low, high = np.percentile(means, [OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT], axis=0)
    return float((high - low).max()) or 1.0


def _level_precision(
    level: Level, importance: Float64Array, precision: Precision, mean_step: float
) -> LevelPrecision:
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
    bands = precision.band_steps[: level.gaussians.sh_degree]
    steps = {
        "means": mean_step,
        "log_scales": precision.log_scale_step,
        "quats": precision.quat_step,
        "opacities": precision.opacity_step,
        **{f"sh{band}": step for band, step in enumerate((precision.sh0_step, *bands))},
    }
    grids = _level_grids(
        level, {name: step * strongest ** -powers[name] / FINER for name, step in steps.items()}
    )
    units = {one.name: max(grid.unit for grid in one.grids) for one in attributes_of(grids, False)}
    return LevelPrecision(
        grids, visibility, {name: step / units[name] for name, step in steps.items()}, powers
    )


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
    """The grid over the values; over 0 where there are none."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    return Affine.stepping(low, high, step)

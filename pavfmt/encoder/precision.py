"""How finely each level and unit is written: grids for the strongest, multiples of their steps for the others.

Where somebody looks (`pavfmt.encoder.seen`), each value's step follows from how much it shows, step ∝ S^−½
(`SensitivePrecision`, spec/decisions/0016-nothing-lost.md). Without a renderer, an error is taken to show by its
Gaussian's weight in the picture: a unit's step is that of `Precision` times (its visibility)^−power, the powers found
per attribute (`VisiblePrecision`, spec/decisions/0013-prediction-and-precision.md). Three things say it, from coarse to
fine:

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Float64Array
from pavfmt.codec.quantization import BARYCENTRIC_ONE, MAX_BITS, MAX_MULTIPLIER, Affine, stereographic_grid
from pavfmt.encoder.hand_over import is_taken_over
from pavfmt.encoder.options import EncodeOptions, Precision
from pavfmt.encoder.pictures import height_of
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Level
from pavfmt.posing import avatar_mesh, level_frames
from pavfmt.units.attributes import UNGRADED, Grids, UnitSteps, attributes_of, band_widths
from pavfmt.units.levels import LOG_SCALE_RANGE

FINER = 6.0
"""Grids are finer than the steps of the most visible unit by this, so that multiples come close to any step."""
STRONGEST_QUANTILE = 0.999
"""The visibility of the most visible unit: not of its one brightest Gaussian."""
VISIBILITY_RANGE = (0.2, 1e5)
"""What is seen even less is written no coarser: a step of many times its scale or colour would show."""
GRADE_QUANTILE = 0.9
"""Grade 0 is for the most visible of a unit, from this quantile of its visibilities up."""
MOST_GRADES = 3
"""The format has 7; three are eight times the step, and few Gaussians of a unit would want more."""
MOST_SENSITIVE_GRADES = 7
FINEST_QUANTILE = 0.995
"""Grade 0 is for the most sensitive of a unit, this quantile and what lies above it: the others are coarser by grades,
whose entropy does not rise with their mean."""
COARSEST_MEANS = 1e-3
"""Of the head's height: what 16 bits over all positions of a level must resolve at least. Where they do not, a few
Gaussians lie so far off (65 times the height) that all others would lose their places."""
TURNS = 3
"""Between steps and grades."""
LARGEST_STEPS = {"log_scales": 0.35, "quats": 0.08, "opacities": 0.014, "sh0": 0.3}
"""No step is larger, however little a value shows: beyond, a picture is no longer linear in it, a speck becomes a
blanket; and the errors of many that round alike add up (opacities: all of a haze to nothing)."""
LARGEST_MEAN_STEP = 1e-2
"""As a share of the head's height."""
PEAK = " peak"
"""Ends the names of those sensitivities that are not of a picture but of its worst window: a step times one is the
share of what a window may differ by that a single rounded value may use up."""
COLUMNS_BESIDE_BANDS = 13
"""Of a Gaussian without SH bands: mean, log scales, rotation, opacity, colour."""
WORTH_GRADING = 0.15
"""Share of a unit's Gaussians that must be coarser, for grades to be sent at all."""


class LevelPrecision(Protocol):
    """The grids of one level, and the steps of its units."""

    @property
    def grids(self) -> Grids:
        """Of the level."""

    def unit_steps(self, rows: NDArray[np.integer]) -> UnitSteps:
        """For a unit of these Gaussians of the level."""


@dataclass(frozen=True)
class VisiblePrecision:
    """Steps that shrink with a power of visibility."""

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


@dataclass(frozen=True)
class SensitivePrecision:
    """Steps by sensitivity: every value of a unit costs about the same error.

    A unit has one step per attribute, and per Gaussian one grade for all its attributes but opacity. With grades g, the
    steps that cost the error wanted in the fewest bits are Δ² = 1 / mean(C 4^g) for each attribute, C being what a step
    of one grid unit costs; the best grades double the steps of a Gaussian as long as it stays cheaper than the mean.
    Each follows from the other: a few turns settle it. Means of C, not of its logarithm: one pupil in a unit keeps its
    light. Opacity has no grades, so there it is the root of the mean square, nearer to the one large faint blob that
    would else be off.
    """

    grids: Grids
    costs: dict[str, Float64Array]
    """Attribute → (N,) what a step of one grid unit costs, as a multiple of what a value may."""
    exact: dict[str, int]
    """Attribute → multiplier, for what is on multiples of it already."""

    def unit_steps(self, rows: NDArray[np.integer]) -> UnitSteps:
        """For a unit of these Gaussians."""
        costs = {name: values[rows] for name, values in self.costs.items()}
        grades = np.zeros(len(rows), dtype=np.int64)
        for _ in range(TURNS):
            squares = _squares(costs, grades)
            graded = [costs[name] * square for name, square in squares.items() if name not in UNGRADED]
            each = np.sqrt(np.mean(np.square(graded), axis=0))  # nearer to the attribute that shows most
            octaves = -0.5 * np.log2(np.maximum(each, 1e-30))
            lowest = np.quantile(octaves, 1 - FINEST_QUANTILE)
            grades = np.clip(np.floor(octaves - lowest + 0.5), 0, MOST_SENSITIVE_GRADES).astype(np.int64)
        if float((grades > 0).mean()) < WORTH_GRADING:
            grades[:] = 0
        multipliers = {
            name: int(np.clip(round(square**0.5), 1, MAX_MULTIPLIER))
            for name, square in _squares(costs, grades).items()
        }
        return UnitSteps({**multipliers, **self.exact}, grades if grades.any() else None)


def _squares(costs: dict[str, Float64Array], grades: NDArray[np.int64]) -> dict[str, float]:
    """Attribute → the square of its step, in grid steps, at grade 0."""
    coarser = 4.0**grades
    graded = {
        name: float(np.mean(values * coarser)) for name, values in costs.items() if name not in UNGRADED
    }
    others = {name: float(np.sqrt(np.mean(values**2))) for name, values in costs.items() if name in UNGRADED}
    return {name: 1 / max(cost, 1e-30) for name, cost in {**graded, **others}.items()}


Sensitivities = Sequence[Mapping[str, Float64Array]]
"""Per level: attribute → (N,) `pavfmt.encoder.seen.looking.Seen.sensitivities`."""


def level_precisions(
    avatar: Avatar,
    importance: list[Float64Array],
    options: EncodeOptions,
    sensitivities: Sensitivities | None = None,
) -> list[LevelPrecision]:
    """One for each level of an avatar whose barycentric coordinates are rounded already; importance (N,) per level.

    With `sensitivities` they decide, but of levels that hand over. Raises EncodeError "bad-scale" or "out-of-range" for
    values that the format cannot hold.
    """
    mesh, height = avatar_mesh(avatar), height_of(avatar)
    # Rounded to so many bits by rebinding: multiples of this step, which loses nothing.
    barycentrics = BARYCENTRIC_ONE >> options.barycentric_bits
    result: list[LevelPrecision] = []
    for number, level in enumerate(avatar.levels):
        sizes = level_frames(avatar.levels, number, mesh)[3]
        size = float(np.median(sizes)) if len(sizes) else 1.0
        taken_over = is_taken_over(avatar, number)
        if sensitivities is not None and not taken_over and len(sizes):
            largest: dict[str, float | Float64Array] = {
                **LARGEST_STEPS,
                "means": LARGEST_MEAN_STEP * height / sizes,
            }
            costs = _costs(avatar, sensitivities[number], options.precision.step_factor, largest, sizes)
            result.append(_sensitive_precision(level, costs, barycentrics))
            _check_spread(level, result[-1].grids, size, height)
            continue
        own = options.passing_precision if taken_over else options.precision
        precision = _visible_precision(
            level, importance[number], own, own.mean_step * height / max(size, 1e-12)
        )
        precision.steps["barycentrics"] = barycentrics
        precision.powers["barycentrics"] = 0.0
        result.append(precision)
        _check_spread(level, precision.grids, size, height)
    return result


def _check_spread(level: Level, grids: Grids, size: float, height: float) -> None:
    """EncodeError "too-spread" where the grids of means are too coarse for a head of this height, in metres."""
    finest = max((grid.unit for grid in grids.means if grid.bits == MAX_BITS), default=0.0) * size
    if finest > COARSEST_MEANS * height:
        spread = float(np.ptp(level.gaussians.means, axis=0).max()) * size
        message = (
            f"Gaussians spread over {spread:.4g} m around a head of {height:.3g} m: 16 bits resolve {finest:.2g} m "
            "there, too coarse to show it; remove those that lie far off"
        )
        raise EncodeError("too-spread", message)


def _costs(
    avatar: Avatar,
    sensitivities: Mapping[str, Float64Array],
    factor: float,
    largest: Mapping[str, float | Float64Array],
    sizes: Float64Array,
) -> dict[str, Float64Array]:
    """Attribute → (N,) what a step of 1 costs, as a multiple of what one value may.

    All columns of the avatar share the error that is allowed, Σ S Δ² / 12 = 1; a step over the `largest` costs too much
    whatever pictures say.
    """
    columns = COLUMNS_BESIDE_BANDS * max(avatar.gaussian_count, 1)
    result = {}
    for name, values in sensitivities.items():
        if name.endswith(PEAK):
            continue
        in_frames = values * sizes**2 if name == "means" else values
        cap = largest[name] if name in largest else largest["sh0"]
        result[name] = np.maximum(in_frames * columns / (12 * factor**2), 1 / np.square(cap))
        if (peaks := sensitivities.get(f"{name}{PEAK}")) is not None:
            result[name] = np.maximum(result[name], np.square(peaks))
    return result


def _sensitive_precision(
    level: Level, costs: dict[str, Float64Array], barycentrics: int
) -> SensitivePrecision:
    finest = {
        name: float(np.quantile(values, STRONGEST_QUANTILE)) ** -0.5 / FINER for name, values in costs.items()
    }
    grids = _level_grids(level, finest)
    units = {one.name: max(grid.unit for grid in one.grids) for one in attributes_of(grids, False)}
    in_grid_steps = {name: values * units[name] ** 2 for name, values in costs.items()}
    return SensitivePrecision(grids, in_grid_steps, {"barycentrics": barycentrics})


def _visible_precision(
    level: Level, importance: Float64Array, precision: Precision, mean_step: float
) -> VisiblePrecision:
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
    return VisiblePrecision(
        grids, visibility, {name: step / units[name] for name, step in steps.items()}, powers
    )


def _level_grids(level: Level, fine: dict[str, float]) -> Grids:
    """Over all values of a level, those of its beginning too; attribute → step."""
    gaussians, log_scales = level.gaussians, level.gaussians.log_scales
    if level.beginning is not None:
        log_scales = np.concatenate([log_scales, level.beginning.log_scales])
    if log_scales.size and float(np.abs(log_scales).max()) > LOG_SCALE_RANGE:
        worst = float(log_scales.flat[np.argmax(np.abs(log_scales))])
        raise EncodeError("bad-scale", f"a log scale of {worst} is beyond ±{LOG_SCALE_RANGE}")
    log_scales = np.clip(
        log_scales, 1 - LOG_SCALE_RANGE, LOG_SCALE_RANGE - 1
    )  # a grid ends a step beyond its values
    starts = np.cumsum((0, *band_widths(gaussians.sh_degree)))
    axes = [_stepping(gaussians.means[:, axis], fine["means"]) for axis in range(3)]
    return Grids(
        means=(axes[0], axes[1], axes[2]),
        log_scales=_within_range(_stepping(log_scales, fine["log_scales"]), log_scales),
        quats=stereographic_grid(fine["quats"]),
        opacities=Affine.stepping(0.0, 1.0, fine["opacities"]),
        sh0=_stepping(gaussians.sh0, fine["sh0"]),
        bands=tuple(
            _stepping(gaussians.shN[:, first:last], fine[f"sh{band}"])
            for band, (first, last) in enumerate(pairwise(starts), 1)
        ),
    )


def _within_range(grid: Affine, log_scales: Float32Array) -> Affine:
    """The grid, or one of as many steps that ends with the values, where its last step would be beyond the format's
    range (§6.7)."""
    top = (grid.offset + grid.step * ((1 << grid.bits) - 1)) * 2.0**-grid.shift
    if top <= LOG_SCALE_RANGE and grid.offset * 2.0**-grid.shift >= -LOG_SCALE_RANGE:
        return grid
    return Affine.spanning(float(log_scales.min()), float(log_scales.max()), grid.bits)


def _stepping(values: Float32Array, step: float) -> Affine:
    """The grid over the values; over 0 where there are none."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    return Affine.stepping(low, high, step)

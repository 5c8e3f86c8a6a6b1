"""What a plan shows, without writing the file: for the search for a quality.

Most of an encode is finding bits, and none of that changes a picture. So the search only rounds: it cuts each level
into about as many units as the schedule would, gives each its steps, and puts the values back on the model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.encoder.planning import AvatarPlan, LevelPlan
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import Avatar, Level
from pavfmt.units.attributes import Columns, rounded_columns
from pavfmt.units.gaussians import dequantize_columns

UNITS = 22
"""Into so many units a level's Gaussians are cut here; the schedule comes to about as many."""


def preview(plan: AvatarPlan) -> Avatar:
    """As a decoder will see it, but that shapes are not rounded."""
    levels = [_rounded_level(level, number) for number, level in enumerate(plan.levels)]
    return replace(plan.avatar, levels=tuple(levels))


def _rounded_level(plan: LevelPlan, number: int) -> Level:
    level, values = plan.level, {name: column.copy() for name, column in plan.columns.values.items()}
    if not len(plan.order):
        return level
    for rows in _units(plan):
        unit = rounded_columns(plan.columns.take(rows), plan.attributes, plan.precision.unit_steps(rows))
        for name, column in unit.values.items():
            values[name][rows] = column
    shown = dequantize_columns(Columns(plan.columns.sites, values), number, 0, plan.precision.grids)
    names = ("means", "quats", "log_scales", "opacities", "sh0", "shN")
    gaussians = replace(level.gaussians, **{name: getattr(shown, name) for name in names})
    return replace(level, gaussians=gaussians)


def _units(plan: LevelPlan) -> list[NDArray[np.intp]]:
    """Rows of each unit, sorted by site as a unit's are."""
    found, limit = [], FORMAT_LIMITS.gaussians_per_unit
    for part in plan.parts:
        units = max(round(UNITS * len(part) / len(plan.order)), 1)
        found += np.array_split(part, max(min(units, len(part)), -(-len(part) // limit)))
    return [rows[np.argsort(plan.columns.sites[rows], kind="stable")] for rows in found if len(rows)]

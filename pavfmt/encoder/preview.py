"""What a precision shows, without writing the file: for the search for a quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pavfmt.encoder.options import EncodeOptions, Precision
from pavfmt.encoder.planning import LevelPlan, plan_levels, without_invisible
from pavfmt.encoder.rebinding import rebound
from pavfmt.encoder.renumbering import renumbered
from pavfmt.encoder.rig_parts import rig_parts
from pavfmt.model import Avatar, Float64Array, Gaussians, Level
from pavfmt.units.attributes import GaussianBlock, dequantize_columns
from pavfmt.units.steps import rounded_columns

UNITS = 22
"""Into so many units a level's Gaussians are cut here; an encoder comes to about as many."""
LARGEST_UNIT = 1 << 16


class Preview:
    """An avatar at any precision."""

    def __init__(self, avatar: Avatar, options: EncodeOptions, importance: Sequence[Float64Array]) -> None:
        self._options = options
        self._avatar = renumbered(avatar)
        self._importance = importance
        self._parts = rig_parts(self._avatar, options)

    def avatar(self, precision: Precision) -> Avatar:
        """As a decoder will see it, but that shapes are not rounded."""
        avatar, plans = self._plan(precision)
        levels = [_rounded_level(plan, number) for number, plan in enumerate(plans)]
        return replace(avatar, levels=tuple(levels))

    def _plan(self, precision: Precision) -> tuple[Avatar, list[LevelPlan]]:
        options = replace(self._options, precision=precision)
        avatar, kept = without_invisible(self._avatar, self._importance, precision.kept_importance)
        avatar = rebound(avatar, self._parts.decoded(avatar), options)
        return avatar, plan_levels(avatar, kept, options)


def _units(plan: LevelPlan) -> list[np.ndarray]:
    """Rows of each unit, sorted by site."""
    whole, found = len(plan.order), []
    for part in plan.parts if whole else ():
        units = max(round(UNITS * len(part) / whole), 1)
        found += np.array_split(part, max(min(units, len(part)), -(-len(part) // LARGEST_UNIT)))
    return [rows[np.argsort(plan.columns.sites[rows], kind="stable")] for rows in found if len(rows)]


def _rounded_level(plan: LevelPlan, number: int) -> Level:
    level, rows = plan.level, _units(plan)
    blocks = [_rounded_block(plan, number, part) for part in rows]

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(block, name) for block in blocks])

    if not blocks:
        return level
    order = np.argsort(np.concatenate(rows), kind="stable")
    gaussians = Gaussians(
        sites=level.gaussians.sites,
        means=joined("means")[order],
        quats=joined("quats")[order],
        log_scales=joined("log_scales")[order],
        opacities=joined("opacities")[order],
        sh0=joined("sh0")[order],
        shN=joined("shN")[order],
        barycentrics=level.gaussians.barycentrics,
    )
    return replace(level, gaussians=gaussians)


def _rounded_block(plan: LevelPlan, number: int, rows: np.ndarray) -> GaussianBlock:
    columns = rounded_columns(plan.columns.take(rows), plan.attributes, plan.precision.unit_steps(rows))
    return dequantize_columns(columns, number, 0, plan.precision.grids)

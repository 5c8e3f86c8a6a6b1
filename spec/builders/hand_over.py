"""A small file in which Gaussians give way to others (§6.10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pavfmt.encoder.draft import Draft
from pavfmt.registry import CriticalFeature, RigSource, UnitType
from pavfmt.units.hand_over import HandOver, encode_hand_over
from pavfmt.units.levels import LevelEntry, LevelTable, encode_levels
from spec.builders.avatars import toy
from spec.builders.handmade import grids_over, write_unit

LEVEL = toy("static").levels[0]

GRIDS = grids_over(LEVEL.gaussians)

RETIRED = [0, 2]
"""Gaussians that give way."""


def hand_over_file(
    second_values: bool = False,
    features: CriticalFeature = CriticalFeature.HAND_OVER,
    needs_parent: bool = True,
    **changed: Any,
) -> bytes:
    """Levels 1, parents 2 (Gaussians 0..2), hand-over 3, successors 4 and 5 (Gaussians 3..5 and 6..8).

    `changed` are fields of the `HandOver` that are to be wrong.
    """
    draft = Draft()
    entry = LevelEntry(LEVEL.binding, LEVEL.site, LEVEL.sh_frame, 0, 9, GRIDS)
    table = LevelTable(RigSource.NONE, (entry,))
    levels = draft.add(UnitType.LEVELS, (), lambda w: encode_levels(w, table))

    def add_gaussians(first: int) -> int:
        some = LEVEL.gaussians.take(np.arange(first, first + 3))
        return draft.add(
            UnitType.GAUSSIANS,
            (levels,),
            lambda w: write_unit(w, 0, first, some, GRIDS),
            level=0,
            gaussian_count=3,
        )

    parents = add_gaussians(0)
    record = HandOver(0, (4, 5), np.array(RETIRED, dtype=np.int32))
    if second_values:
        scales = np.full((2, 3), -4.0, dtype=np.float32)
        record = replace(record, opacities=np.array([0.25, 0.5], dtype=np.float32), log_scales=scales)
    record = replace(record, **changed)
    needs = (levels, parents) if needs_parent else (levels,)
    draft.add(UnitType.HAND_OVER, needs, lambda w: encode_hand_over(w, record, GRIDS))
    add_gaussians(3)
    add_gaussians(6)
    return draft.getvalue(features, level_count=1, sh_degree=1)

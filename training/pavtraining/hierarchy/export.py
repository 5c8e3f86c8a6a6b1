"""A fitted forest as an avatar: what a checkpoint holds and `pav encode` reads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Avatar, Gaussians, Identity, Level, Rig, Splits
from pavtraining.hierarchy.forest import MAX_LOG_SCALE, Forest, IntArray


def _array(forest: Forest, name: str) -> NDArray[np.float32]:
    values: NDArray[np.float32] = getattr(forest.parameters, name).detach().cpu().numpy()
    return values


def level_rows(forest: Forest, level: int) -> IntArray:
    """Rows of one level's Gaussians, by face."""
    structure = forest.structure
    rows = np.flatnonzero(structure.levels == level)
    ordered: IntArray = rows[np.argsort(structure.sites[rows], kind="stable")]
    return ordered


def level_gaussians(
    forest: Forest, rows: IntArray, importance: NDArray[np.floating] | None = None
) -> Gaussians:
    """Some rows as they are written."""
    quats = _array(forest, "quats")[rows].astype(np.float64)
    lengths = np.linalg.norm(quats, axis=1, keepdims=True)
    logits = _array(forest, "logit_opacities")[rows].astype(np.float64)
    return Gaussians(
        sites=forest.structure.sites[rows].astype(np.int32),
        means=_array(forest, "means")[rows],
        quats=np.where(lengths > 1e-6, quats / np.maximum(lengths, 1e-6), [1.0, 0, 0, 0]),
        log_scales=np.clip(_array(forest, "log_scales")[rows], -20.0, MAX_LOG_SCALE),
        opacities=(1 / (1 + np.exp(-logits))).astype(np.float32),
        sh0=_array(forest, "sh0")[rows],
        shN=_array(forest, "shN")[rows],
        importance=None if importance is None else importance[rows],
    )


def as_avatar(
    forest: Forest,
    rig: Rig,
    identity: Identity | None,
    importance: NDArray[np.floating] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Avatar:
    """The whole hierarchy; `importance` is (N,) by row."""
    levels = []
    barycentrics = [one.detach().cpu().numpy() for one in forest.barycentrics()]
    for number in range(forest.structure.level_count):
        splits = None
        if number:
            points = barycentrics[number - 1] / barycentrics[number - 1].sum(axis=1, keepdims=True)
            splits = Splits(forest.structure.parents[number - 1].astype(np.int32), points)
        gaussians = level_gaussians(forest, level_rows(forest, number), importance)
        levels.append(Level(gaussians, splits=splits))
    return Avatar(tuple(levels), rig, identity, metadata or {})

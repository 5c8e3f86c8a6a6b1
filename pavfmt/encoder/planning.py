"""What is known of each level before a unit is written: which Gaussians, as which integers, in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.template_coordinates import mesh_places
from pavfmt.encoder.options import EncodeOptions
from pavfmt.encoder.order.grouping import grouped
from pavfmt.encoder.order.importance import order_of, per_face
from pavfmt.encoder.order.regions import region_bits
from pavfmt.encoder.precision import LevelPrecision, kept_rows, level_precisions
from pavfmt.errors import EncodeError
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import Avatar, Float64Array, Gaussians, Int32Array, Level, Pose
from pavfmt.posing import STATIC_RIG, pose_level, pose_mesh
from pavfmt.registry import Site
from pavfmt.units.attributes import Attribute, Columns, attributes_of, quantize_gaussians


@dataclass
class LevelPlan:
    """One level to be written."""

    level: Level
    columns: Columns
    """As they are in the end,"""
    sent: Columns
    """and as their units bring them: a beginning looks otherwise then."""
    attributes: tuple[Attribute, ...]
    precision: LevelPrecision
    importance: Float64Array
    order: NDArray[np.intp]
    """Rows, the first to be sent first."""
    parts: list[NDArray[np.intp]]
    """The order taken apart into what must not share units."""
    places: NDArray[np.int64]
    """(N, 3) places of the sites."""
    world_means: Float64Array
    regions: NDArray[np.uint16]


def without_invisible(
    avatar: Avatar, importance: Sequence[Float64Array], share: float
) -> tuple[Avatar, list[Float64Array]]:
    """The avatar and its importance, but for the weakest Gaussians of each level. What was measured to matter to a
    region stays: there it is looked at closely.

    Where Gaussians hand over none is left out: whoever made the levels has chosen, and a parent waits for all its
    children.
    """
    levels, kept_importance = [], []
    if avatar.hands_over:
        share = 1.0
    numbers: Int32Array | None = None
    for level, score in zip(avatar.levels, importance, strict=True):
        if len(score) != len(level.gaussians):
            raise EncodeError(
                "bad-shape", f"importance of {len(score)} Gaussians, not {len(level.gaussians)}"
            )
        rows = kept_rows(np.asarray(score, dtype=np.float64), share)
        if level.gaussians.regions is not None:
            rows = np.union1d(rows, np.flatnonzero(level.gaussians.regions))
        parents = level.parents
        if parents is not None and numbers is not None:
            parents = np.where(parents < 0, -1, numbers[parents])[rows]
        numbers = np.full(len(score), -1, dtype=np.int32)
        numbers[rows] = np.arange(len(rows), dtype=np.int32)
        levels.append(replace(level, gaussians=level.gaussians.take(rows), parents=parents))
        kept_importance.append(np.asarray(score, dtype=np.float64)[rows])
    return replace(avatar, levels=tuple(levels)), kept_importance


def plan_levels(avatar: Avatar, importance: list[Float64Array], options: EncodeOptions) -> list[LevelPlan]:
    """`avatar` is as it will be written: over the decoded rig, without what is left out."""
    mesh = pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, Pose())
    precisions = level_precisions(avatar, importance, options)
    regions, places = region_bits(avatar), _site_places(avatar)
    plans = []
    for number, level in enumerate(avatar.levels):
        grids = precisions[number].grids
        attributes = attributes_of(grids, level.gaussians.barycentrics is not None)
        order = _sending_order(level, importance[number], options)
        passes = number + 1 < len(avatar.levels) and avatar.levels[number + 1].parents is not None
        grouping = options.group_regions and not passes
        plans.append(
            LevelPlan(
                level=level,
                columns=quantize_gaussians(level.gaussians, grids),
                sent=quantize_gaussians(_at_first(level), grids),
                attributes=attributes,
                precision=precisions[number],
                importance=importance[number],
                order=order,
                parts=_parts(level, order, regions[number] if grouping else None),
                places=places[number],
                world_means=pose_level(avatar.levels, number, mesh).means,
                regions=regions[number],
            )
        )
    return plans


def _at_first(level: Level) -> Gaussians:
    """Its Gaussians as they look when their units come."""
    beginning = level.beginning
    if beginning is None:
        return level.gaussians
    opacities, log_scales = level.gaussians.opacities.copy(), level.gaussians.log_scales.copy()
    opacities[beginning.rows], log_scales[beginning.rows] = beginning.opacities, beginning.log_scales
    return replace(level.gaussians, opacities=opacities, log_scales=log_scales)


def _parts(
    level: Level, order: NDArray[np.intp], regions: NDArray[np.uint16] | None
) -> list[NDArray[np.intp]]:
    """What does not share units: a beginning and the others; what matters to other `regions` (N,), if given."""
    if level.beginning is not None:
        begins = np.isin(order, level.beginning.rows)
        if max(begins.sum(), (~begins).sum()) > FORMAT_LIMITS.gaussians_per_unit:
            raise EncodeError("input-too-large", "a beginning, and what ends it, are one unit each")
        return [order[begins], order[~begins]]
    return [order] if regions is None else grouped(order, regions, level.parents)


def _sending_order(level: Level, importance: Float64Array, options: EncodeOptions) -> NDArray[np.intp]:
    """By importance, or in the order that the checkpoint says; in that always where a level takes over."""
    stored = level.gaussians.importance
    if stored is not None and (options.order_as_stored or level.parents is not None):
        importance = stored.astype(np.float64)
    if level.parents is None and options.importance_per == "face" and len(importance):
        return order_of(per_face(level.gaussians.sites, importance))
    return order_of(importance)


def _site_places(avatar: Avatar) -> list[NDArray[np.int64]]:
    """Per level (N, 3) places of the Gaussians' sites, as a decoder finds them."""
    rig, roots = avatar.rig, np.zeros(0, dtype=np.int32)
    mesh = None if rig is None else mesh_places(rig.mean_neutral, rig.faces, rig.subdivisions)
    result = []
    for number, level in enumerate(avatar.levels):
        sites = level.gaussians.sites
        if level.splits is not None:
            parents = level.splits.parents
            roots = parents if number == 1 else roots[parents // 3]
        if mesh is None or level.site is Site.JOINT:
            result.append(np.zeros((len(sites), 3), dtype=np.int64))
        elif level.site is Site.VERTEX:
            result.append(mesh.vertices[sites])
        else:
            result.append(mesh.faces[roots[sites // 3] if number else sites])
    return result

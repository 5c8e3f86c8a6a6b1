"""What is decided of each level before a unit is written: which Gaussians, as which integers, in what order.

The steps, each on the result of the one before:

1. the mesh is put in the order of its walk (`rig.renumbering`), since its indices are those of the file;
2. Gaussians that nobody misses are left out (`seen.omission`; without a look only on demand, `pruning`);
3. what is left is bound to the mesh as a reader will decode it (`rig.rebinding`);
4. grids, and how sensitivity or visibility sets the steps of units, are chosen per level (`precision`), and every
   attribute becomes integers on them;
5. the Gaussians of each level are put in sending order, and taken apart into what must not share units.

A plan is a function of avatar, importance, options and what was seen alone; unit sizes are not known here. That is what
makes the search for a quality (`quality`) cheap: it asks one `Planner` for plans at many precisions and writes no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Float64Array
from pavfmt.codec.template_coordinates import template_coordinates
from pavfmt.encoder.hand_over import is_taken_over
from pavfmt.encoder.options import EncodeOptions, Precision
from pavfmt.encoder.order.grouping import grouped
from pavfmt.encoder.order.importance import opacity_area_importance, order_of, per_face
from pavfmt.encoder.order.regions import region_bits
from pavfmt.encoder.precision import LevelPrecision, Sensitivities, level_precisions
from pavfmt.encoder.pruning import pruned
from pavfmt.encoder.rig.rebinding import rebound
from pavfmt.encoder.rig.renumbering import renumbered
from pavfmt.encoder.rig.units import RigUnits, rig_units
from pavfmt.encoder.seen.looking import Seen
from pavfmt.errors import EncodeError
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import Avatar, Gaussians, Level
from pavfmt.posing import avatar_mesh, pose_level
from pavfmt.registry import Site
from pavfmt.units.attributes import Attribute, Columns, attributes_of, quantize_gaussians


@dataclass(frozen=True)
class LevelPlan:
    """One level to be written; N Gaussians."""

    level: Level
    columns: Columns
    """The integers it has once all of it has arrived,"""
    sent: Columns
    """and those its units bring: a beginning looks otherwise until the rest of the level is there (§6.10)."""
    attributes: tuple[Attribute, ...]
    precision: LevelPrecision
    importance: Float64Array
    """(N,)."""
    order: NDArray[np.intp]
    """(N,) rows, the first to be sent first."""
    parts: list[NDArray[np.intp]]
    """The order taken apart into what must not share units."""
    coordinates: NDArray[np.int64]
    """(N, 3) template coordinates of the sites (§5.2), by which values are predicted."""
    world_means: Float64Array
    """(N, 3) metres, at rest."""
    regions: NDArray[np.uint16]
    """(N,) bit k: it matters to the rig's region k."""


@dataclass(frozen=True)
class AvatarPlan:
    """A whole avatar to be written."""

    given: Avatar
    """Renumbered and pruned, on the rig as it was given: what the rig's own units are made of."""
    avatar: Avatar
    """The same as a reader will see it, but for the rounding of Gaussians and shapes."""
    rig: RigUnits
    levels: list[LevelPlan]
    options: EncodeOptions
    total_importance: float
    """Of all Gaussians, the pruned ones included: what the directory's importance is a share of."""


class Planner:
    """Makes plans of one avatar at any precision; what does not depend on it is done once."""

    def __init__(
        self,
        avatar: Avatar,
        options: EncodeOptions,
        importance: Sequence[Float64Array] | None = None,
        rig_file: bytes | None = None,
        rig_name: str = "",
        seen: Seen | None = None,
    ) -> None:
        """`importance` is (N,) per level; by default opacity × area. `seen` decides who is left out and how fine the
        others are. Raises EncodeError.
        """
        self.seen = seen
        self._avatar, self._options = renumbered(avatar), options
        self._importance = opacity_area_importance(self._avatar) if importance is None else importance
        if len(self._importance) != len(avatar.levels):
            message = f"importance of {len(self._importance)} levels, not {len(avatar.levels)}"
            raise EncodeError("bad-shape", message)
        self._rig = rig_units(self._avatar, options, rig_file, rig_name)

    def plan(self, precision: Precision | None = None) -> AvatarPlan:
        """With this precision instead of the options'."""
        options = self._options if precision is None else replace(self._options, precision=precision)
        sensitivities = None
        if self.seen is None:
            given, kept = pruned(self._avatar, self._importance, options.precision.kept_importance)
        else:
            given, kept, sensitivities = _of_kept(self._avatar, self._importance, self.seen)
        avatar = rebound(given, self._rig.decoded(given), options)
        total = sum(float(one.sum()) for one in self._importance) or 1.0
        levels = _level_plans(avatar, kept, options, sensitivities)
        return AvatarPlan(given, avatar, self._rig, levels, options, total)

    def with_colours(self, sh0: Sequence[Float32Array]) -> Planner:
        """A planner of the avatar with other colours, (N, 1, 3) per level; the rig's units are not made again."""
        other = copy(self)
        other._avatar = recoloured(self._avatar, sh0)
        return other


def recoloured(avatar: Avatar, sh0: Sequence[Float32Array]) -> Avatar:
    """The avatar with other coefficients of band 0, (N, 1, 3) per level."""
    levels = zip(avatar.levels, sh0, strict=True)
    return replace(
        avatar,
        levels=tuple(replace(level, gaussians=replace(level.gaussians, sh0=own)) for level, own in levels),
    )


def _of_kept(
    avatar: Avatar, importance: Sequence[Float64Array], seen: Seen
) -> tuple[Avatar, list[Float64Array], list[dict[str, Float64Array]]]:
    """The avatar, importance and sensitivities of those that are not left out."""
    rows = [np.flatnonzero(kept) for kept in seen.kept]
    if not avatar.hands_over:
        levels = zip(avatar.levels, rows, strict=True)
        taken = tuple(replace(level, gaussians=level.gaussians.take(own)) for level, own in levels)
        avatar = replace(avatar, levels=taken)
    return (
        avatar,
        [np.asarray(score, np.float64)[own] for score, own in zip(importance, rows, strict=True)],
        [
            {name: values[own] for name, values in one.items()}
            for one, own in zip(seen.sensitivities, rows, strict=True)
        ],
    )


def _level_plans(
    avatar: Avatar,
    importance: list[Float64Array],
    options: EncodeOptions,
    sensitivities: Sensitivities | None,
) -> list[LevelPlan]:
    mesh = avatar_mesh(avatar)
    precisions = level_precisions(avatar, importance, options, sensitivities)
    regions, coordinates = region_bits(avatar), _site_coordinates(avatar)
    plans = []
    for number, level in enumerate(avatar.levels):
        grids = precisions[number].grids
        columns = quantize_gaussians(level.gaussians, grids)
        sent = columns if level.beginning is None else quantize_gaussians(_at_first(level), grids)
        order = _sending_order(level, importance[number], options)
        # What retires together stands together already, by its parents: no grouping on top.
        grouping = options.group_regions and not is_taken_over(avatar, number)
        plans.append(
            LevelPlan(
                level=level,
                columns=columns,
                sent=sent,
                attributes=attributes_of(grids, level.gaussians.barycentrics is not None),
                precision=precisions[number],
                importance=importance[number],
                order=order,
                parts=_parts(level, order, regions[number] if grouping else None),
                coordinates=coordinates[number],
                world_means=pose_level(avatar.levels, number, mesh).means,
                regions=regions[number],
            )
        )
    return plans


def _at_first(level: Level) -> Gaussians:
    """Its Gaussians as they look when their units come."""
    beginning = level.beginning
    assert beginning is not None
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
    """By importance, or in the order that the checkpoint brings; in that always where a level takes over."""
    stored = level.gaussians.importance
    if stored is not None and (options.order_as_stored or level.parents is not None):
        importance = stored.astype(np.float64)
    if level.parents is None and options.importance_per == "face" and len(importance):
        return order_of(per_face(level.gaussians.sites, importance))
    return order_of(importance)


def _site_coordinates(avatar: Avatar) -> list[NDArray[np.int64]]:
    """Per level (N, 3) template coordinates of the Gaussians' sites, as a decoder finds them (§5.2)."""
    rig, roots = avatar.rig, np.zeros(0, dtype=np.int32)
    mesh = None if rig is None else template_coordinates(rig.mean_neutral, rig.faces, rig.subdivisions)
    result = []
    for number, level in enumerate(avatar.levels):
        sites = level.gaussians.sites
        if level.splits is not None:  # the level-0 face that each split is within
            parents = level.splits.parents
            roots = parents if number == 1 else roots[parents // 3]
        if mesh is None or level.site is Site.JOINT:
            result.append(np.zeros((len(sites), 3), dtype=np.int64))
        elif level.site is Site.VERTEX:
            result.append(mesh.vertices[sites])
        else:
            result.append(mesh.faces[roots[sites // 3] if number else sites])
    return result

"""The painting of the whole head: every texel's skin, lips, lid edges, scalp, teeth or tongue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array, Int32Array
from pavtraining.sources.scene import paint, texels
from pavtraining.sources.scene.eyes import Eye, edge_distance
from pavtraining.sources.scene.hair import combed_scalp, hair_share
from pavtraining.sources.scene.light import Exposure
from pavtraining.sources.scene.surface import SKIN, TEETH, TONGUE, HeadSurface, bump, smoothstep, unit
from pavtraining.sources.scene.texels import Texels, texel_grid

LiddedEyes = Sequence[tuple[Eye, Float64Array]]
"""Eyes with the edges of their lids."""
UNSEEN = 0.03
"""Openness below which nobody looks."""


def _spacing(surface: HeadSurface, light: Exposure, faces: Int32Array) -> Float64Array:
    """(S,) metres between texels: fine on the face, coarse under hair and where nobody looks."""
    centres = surface.corners[faces].mean(axis=1)
    skin = surface.parts[faces] == SKIN
    face = skin & (centres[:, 2] > 0.055) & (centres[:, 1] > 0.62) & (centres[:, 1] < 0.805)
    spacing = np.where(face, 0.00042, 0.0011)
    spacing = np.where(hair_share(centres) > 0.5, 0.0012, spacing)
    hidden = light.openness[surface.faces[faces]].max(axis=1) < UNSEEN
    return np.where(hidden & skin, 0.0025, spacing)


def painted(surface: HeadSurface, light: Exposure, eyes: LiddedEyes, faces: Int32Array) -> Texels:
    """The texels of some of the faces."""
    corners = surface.corners[faces]
    grid = texel_grid(corners, _spacing(surface, light, faces))
    corner_rows = surface.faces[faces]
    points = grid.interpolated(corners)
    normals = unit(grid.interpolated(surface.normals[corner_rows]))
    inside, open_ = grid.interpolated(np.stack([light.inside, light.openness], axis=1)[corner_rows]).T
    values = _skin_values(eyes, points, normals, inside, open_)
    parts = surface.parts[faces][grid.faces]
    _paint_mouth(values, points, parts)
    return Texels(grid.starts, grid.steps, values.astype(np.float32))


def _skin_values(
    eyes: LiddedEyes,
    points: Float64Array,
    normals: Float64Array,
    inside: Float64Array,
    open_: Float64Array,
) -> Float64Array:
    """(T, CHANNELS) skin, lips, lid edges, the mouth's inside, nostrils and the combed scalp."""
    lips, hair = paint.lip_share(points), hair_share(points)
    colours = paint.skin_albedo(points)
    colours += (0.9 * lips)[:, None] * (paint.lip_albedo(points) - colours)
    colours = _lined_lids(eyes, colours, points)
    nostril = 1.2 * bump(points, (0.0062, 0.6925, 0.1475), (0.006, 0.0045, 0.008))
    colours = paint.mixed(colours, np.clip(nostril * smoothstep(0.30, 0.12, open_), 0, 1), paint.NOSTRIL)
    colours = paint.mixed(colours, inside, paint.MOUTH_INSIDE)
    rows = np.flatnonzero(hair)
    scalp = combed_scalp(points[rows], normals[rows])
    colours[rows] += hair[rows, None] * (scalp - colours[rows])
    values = np.empty((len(points), texels.CHANNELS))
    values[:, : texels.BLUE + 1] = colours * (1 - 0.45 * inside)[:, None]
    strength, roughness = paint.skin_gloss(points)
    values[:, texels.GLOSS] = strength * (1 - inside) * (1 - 0.6 * hair)
    values[:, texels.ROUGHNESS] = roughness
    values[:, texels.SOFTNESS] = 1 - 0.8 * hair
    bare = (1 - hair) * (1 - inside)
    values[:, texels.SLOPE_X :] = 0.0
    rows = np.flatnonzero(bare * (open_ > UNSEEN))
    values[rows, texels.SLOPE_X :] = bare[rows, None] * _slopes(points[rows], normals[rows])
    return values


def _lined_lids(eyes: LiddedEyes, colours: Float64Array, points: Float64Array) -> Float64Array:
    """A dark line along the upper lashes, a wet pink one along the lower lid."""
    for eye, lids in eyes:
        close = np.flatnonzero(np.linalg.norm(points - eye.centre, axis=1) < 0.018)
        for column, width, most, tint in (
            (1, 0.0007, 0.75, paint.LASH_LINE),
            (2, 0.0005, 0.55, paint.WATER_LINE),
        ):
            line = most * smoothstep(2 * width, 0.4 * width, edge_distance(points[close], lids, column))
            colours[close] = paint.mixed(colours[close], line, tint)
    return colours


def _paint_mouth(values: Float64Array, points: Float64Array, parts: NDArray[np.int64]) -> None:
    for part, albedo, gloss in ((TEETH, paint.teeth_albedo, 1.6), (TONGUE, paint.tongue_albedo, 1.0)):
        rows = np.flatnonzero(parts == part)
        values[rows, : texels.BLUE + 1] = albedo(points[rows])
        values[rows, texels.GLOSS], values[rows, texels.ROUGHNESS] = gloss, 0.28
        values[rows, texels.SOFTNESS], values[rows, texels.SLOPE_X :] = 0.8, 0.0


def _slopes(points: Float64Array, normals: Float64Array) -> Float64Array:
    """(T, 3) how the relief tilts the normals, rest axes: minus the gradient along the skin."""
    step = 0.00015
    here = paint.skin_height(points)
    gradient = np.stack([paint.skin_height(points + step * axis) - here for axis in np.eye(3)], axis=1) / step
    slopes: Float64Array = np.sum(gradient * normals, axis=1, keepdims=True) * normals - gradient
    return slopes

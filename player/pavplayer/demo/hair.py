"""Short hair and brows: elongated Gaussians combed over the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Float64Array
from pavfmt.synthetic import RandomStream
from pavplayer.demo.lighting import KEY_DIRECTION, to_linear, to_srgb
from pavplayer.demo.skin import BROW, BROW_LINE
from pavplayer.demo.strokes import Strokes, along, nearest_faces
from pavplayer.demo.surface import HeadSurface, smoothstep, unit, value_noise

HAIR = (0.26, 0.165, 0.105)
HAIR_LIGHT = (0.52, 0.36, 0.235)
CROWN = np.array([0.012, 0.842, -0.012])

HAIRLINE = (
    (-0.06, -0.03, 0.0, 0.018, 0.026, 0.031, 0.052, 0.056, 0.063, 0.070, 0.080, 0.095, 0.110, 0.130),
    (0.664, 0.668, 0.680, 0.694, 0.735, 0.7485, 0.7490, 0.735, 0.722, 0.735, 0.770, 0.789, 0.798, 0.803),
)
"""z → y below which there is no hair: nape, round the ear, sideburn, temple, forehead."""


def hair_share(points: Float64Array) -> Float64Array:
    """(N,) 1 where hair grows, 0 where it does not, ragged over a few millimetres of hairline."""
    line = np.interp(points[:, 2], *HAIRLINE)
    ragged = 0.0028 * value_noise(points, 0.006, 11) + 0.0018 * value_noise(points, 0.0022, 12)
    height = points[:, 1] - line + ragged
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    ear = (x > 0.0735) & (y < 0.752) & (z > 0.018) & (z < 0.066)
    share: Float64Array = smoothstep(-0.002, 0.004, height) * ~ear
    return share


def hair_depth(points: Float64Array) -> Float64Array:
    """(N,) metres the hair stands off the scalp: cropped at the sides, fuller on top, none at the hairline."""
    over = points[:, 1] - np.interp(points[:, 2], *HAIRLINE)
    top = smoothstep(0.770, 0.835, points[:, 1])
    return np.asarray((0.0022 + 0.0085 * top) * smoothstep(-0.003, 0.022, over) + 0.0008)


def flow(points: Float64Array, normals: Float64Array) -> Float64Array:
    """(N, 3) unit directions the hair is combed in, along the skin: away from the crown, the fringe sideways."""
    away = points - CROWN
    fringe = smoothstep(0.05, 0.12, points[:, 2]) * smoothstep(0.78, 0.82, points[:, 1])
    away = unit(away) + fringe[:, None] * np.array([0.95, 0.15, -0.15])
    swirl = 0.35 * value_noise(points, 0.02, 13)[:, None] * np.cross(normals, unit(away))
    away = away + swirl
    along_skin = away - np.sum(away * normals, axis=1, keepdims=True) * normals
    return unit(along_skin)


def hair_colours(
    directions: Float64Array, normals: Float64Array, openness: Float64Array, tone: Float64Array
) -> Float64Array:
    """(N, 3) display sRGB of strands: shaded by the head, with a soft band of gloss across them."""
    key = unit(np.array(KEY_DIRECTION))
    facing = np.clip(0.35 + 0.65 * normals @ key, 0.08, 1) * (0.35 + 0.65 * openness)
    half = unit(key + np.array([0.0, 0.15, 1.0]))
    across = 1 - (directions @ half) ** 2
    gloss = 0.55 * np.maximum(across, 0) ** 16 * smoothstep(0.2, 0.9, normals @ half)
    base = to_linear(HAIR) + np.clip(tone, 0, 1)[:, None] * (to_linear(HAIR_LIGHT) - to_linear(HAIR))
    lit = base * (0.28 + 1.05 * facing)[:, None] + (gloss * openness)[:, None] * to_linear(HAIR_LIGHT)
    return to_srgb(lit)


def scattered(
    random: RandomStream, corners: Float64Array, attributes: Float64Array, density: Float64Array, count: int
) -> tuple[NDArray[np.int64], Float64Array, Float64Array]:
    """`count` random places on the faces by area times `density` (F,): faces, points, attributes there."""
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.cumsum(np.linalg.norm(across, axis=1) * density)
    faces = np.searchsorted(
        total, (np.arange(count) + random.uniform(count)) / count * total[-1], side="right"
    )
    faces = np.minimum(faces, len(corners) - 1)
    u, v = np.sqrt(random.uniform(count)), random.uniform(count)
    shares = np.stack([1 - u, u * (1 - v), u * v], axis=1)
    points = np.einsum("nk,nkx->nx", shares, corners[faces])
    return faces, points, np.einsum("nk,nkx->nx", shares, attributes[faces])


@dataclass(frozen=True)
class Budget:
    """What one level may spend on skin and hair."""

    skin_splits: int
    """Faces to split for skin."""
    strands: int
    length: float
    """Metres, a strand's standard deviation along itself where the hair is full."""
    width: float
    """Metres, across."""
    lift: tuple[float, float]
    """Where in the depth of the hair the strands lie: 0 at the scalp, 1 at the top."""


def strands(
    random: RandomStream, places: tuple[NDArray[np.int64], Float64Array, Float64Array], budget: Budget
) -> Strokes:
    """Strands at faces, points and attributes; the attributes start with the normal and the openness."""
    faces, points, attributes = places
    count, (low, high) = len(points), budget.lift
    normals, share, depth = unit(attributes[:, :3]), hair_share(points), hair_depth(points)
    directions = unit(flow(points, normals) + 0.16 * random.bell(count, 3) + 0.10 * normals)
    height = (low + (high - low) * random.uniform(count)) * depth
    uneven = (1 + 0.2 * random.bell(count)).clip(0.5, 1.6)
    length = budget.length * np.clip(depth / 0.006, 0.35, 1.25) * uneven
    tone = 0.32 + 0.22 * random.bell(count) + 0.2 * value_noise(points, 0.012, 14)
    colours = hair_colours(directions, normals, attributes[:, 3], tone)
    sigmas = np.stack([length, np.full(count, budget.width), np.full(count, 0.8 * budget.width)], axis=1)
    centres, axes = points + normals * height[:, None], along(directions, normals)
    opacities = 0.88 * smoothstep(0.1, 0.8, share)
    return Strokes(faces, centres, axes, sigmas, colours, opacities).take(share > 0.45)


def brow_strokes(
    surface: HeadSurface,
    side: float,
    corners: Float64Array,
    hosts: NDArray[np.integer],
    random: RandomStream,
    count: int,
) -> Strokes:
    """`count` hairs of one brow, growing outward, more upright at the inner end."""
    x = np.interp(
        (np.arange(count) + random.uniform(count)) / count, [0, 1], [BROW_LINE[0][0], BROW_LINE[0][-1]]
    )
    off = random.uniform(count) + random.uniform(count) - 1
    y = np.interp(x, BROW_LINE[0], BROW_LINE[1]) + off * np.interp(x, BROW_LINE[0], BROW_LINE[2])
    points, normals = _on_skin_ahead(surface, np.stack([side * x, y], axis=1))
    roots = points + normals * (0.0022 + 0.0008 * random.uniform(count))[:, None]
    rise = np.interp(x, (0.0095, 0.018, 0.034, 0.050), (1.3, 0.6, 0.2, -0.3)) - 0.45 * off
    directions = np.stack([np.full(count, side), rise + 0.12 * random.bell(count), np.zeros(count)], axis=1)
    directions = directions - np.sum(directions * normals, axis=1, keepdims=True) * normals
    long = 0.0017 * np.interp(x, (0.0095, 0.02, 0.04, 0.0515), (0.75, 1.0, 1.0, 0.7))
    sigmas = np.stack([long, np.full(count, 0.00028), np.full(count, 0.0002)], axis=1)
    tint = to_linear(BROW) * (1 + 0.25 * random.bell(count)).clip(0.4, 1.8)[:, None]
    fade = smoothstep(1.05, 0.45, np.abs(off)) * smoothstep(0.0085, 0.014, x)
    faces = nearest_faces(roots, corners, hosts)
    return Strokes(faces, roots, along(directions, normals), sigmas, to_srgb(tint), 0.10 + 0.58 * fade)


def _on_skin_ahead(surface: HeadSurface, xy: Float64Array) -> tuple[Float64Array, Float64Array]:
    """(N, 2) points seen from the front → where they lie on the head (N, 3) and its normals there."""
    corners = surface.corners[surface.front_faces(xy)]
    normals = unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    slope = np.sum(normals[:, :2] * (xy - corners[:, 0, :2]), axis=1)
    depth = corners[:, 0, 2] - slope / np.maximum(normals[:, 2], 0.2)
    return np.concatenate([xy, depth[:, None]], axis=1), normals

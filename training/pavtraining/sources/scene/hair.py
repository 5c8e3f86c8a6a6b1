"""The hair of the head: a raised scalp, locks combed over it, brows and lashes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.tools.synthetic import RandomStream
from pavplayer.compilation import parallel, prange
from pavtraining.sources.noise import value_noise
from pavtraining.sources.scene.paint import BROW, BROW_LINE, to_linear
from pavtraining.sources.scene.ribbons import SPINE_POINTS, Ribbons, single_hairs
from pavtraining.sources.scene.surface import SKIN, HeadSurface, on_skin_ahead, smoothstep, unit
from pavtraining.sources.scene.texels import texel_grid

HAIR = (0.315, 0.165, 0.095)
HAIR_LIGHT = (0.660, 0.395, 0.215)
CROWN = np.array([-0.014, 0.838, -0.016])
HAIRLINE = (
    (-0.06, -0.03, 0.0, 0.018, 0.026, 0.031, 0.052, 0.056, 0.063, 0.070, 0.080, 0.095, 0.110, 0.130),
    (0.664, 0.668, 0.680, 0.694, 0.735, 0.7485, 0.7490, 0.730, 0.714, 0.731, 0.770, 0.789, 0.798, 0.803),
)
"""z → y below which there is no hair: nape, round the ear, sideburn, temple, forehead."""
LOCKS = 1900
BROW_HAIRS = 240
"""On each side."""


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
    """(N,) metres the hair stands off the scalp: short at the sides, full on top, none at the hairline."""
    over = points[:, 1] - np.interp(points[:, 2], *HAIRLINE)
    top = smoothstep(0.765, 0.830, points[:, 1])
    full = (0.0035 + 0.0120 * top) * smoothstep(-0.002, 0.024, over)
    return np.asarray(np.where(over > -0.004, full + 0.0006 * smoothstep(-0.004, 0.0, over), 0.0))


def flow(points: Float64Array, normals: Float64Array) -> Float64Array:
    """(N, 3) unit directions the hair is combed in, along the skin: away from the crown, the fringe sideways."""
    away = points - CROWN
    front = smoothstep(0.03, 0.11, points[:, 2]) * smoothstep(0.775, 0.815, points[:, 1])
    away = unit(away) + front[:, None] * np.array([1.15, 0.10, -0.05])
    swirl = 0.30 * value_noise(points, 0.022, 13)[:, None] * np.cross(normals, unit(away))
    away = away + swirl  # without it all locks would part in straight rays from the crown
    return unit(away - np.sum(away * normals, axis=1, keepdims=True) * normals)


def hair_tone(points: Float64Array) -> Float64Array:
    """(N,) 0 dark to 1 light, in streaks along the flow and lighter toward the front."""
    return np.asarray(0.34 + 0.20 * value_noise(points, 0.011, 14) + 0.07 * value_noise(points, 0.004, 15))


def hair_albedo(tone: Float64Array) -> Float64Array:
    """(N,) tones → (N, 3) linear reflectance."""
    dark, light = to_linear(HAIR), to_linear(HAIR_LIGHT)
    return dark + np.clip(tone, 0, 1)[:, None] * (light - dark)


def combed_scalp(points: Float64Array, normals: Float64Array) -> Float64Array:
    """(N, 3) the raised scalp under the locks: noise smeared along the flow, darker than the locks."""
    along = flow(points, normals)
    streaks = sum(value_noise(points + 0.0016 * k * along, 0.0013, 16) for k in range(-4, 5)) / 3.0
    return hair_albedo(hair_tone(points) - 0.06 + 0.14 * streaks) * 0.88


@parallel
def _nearest(points: Float64Array, cloud: Float64Array, found: NDArray[np.int64]) -> None:
    for row in prange(points.shape[0]):
        best = np.inf
        for other in range(cloud.shape[0]):
            x, y, z = points[row, 0] - cloud[other, 0], points[row, 1] - cloud[other, 1], 0.0
            z = points[row, 2] - cloud[other, 2]
            square = x * x + y * y + z * z
            if square < best:
                best = square
                found[row] = other


def nearest(points: Float64Array, cloud: Float64Array) -> NDArray[np.int64]:
    """(N,) which of (M, 3) points of a cloud is nearest to each of (N, 3) points."""
    found = np.zeros(len(points), np.int64)
    _nearest(np.ascontiguousarray(points), np.ascontiguousarray(cloud), found)
    return found


class Scalp:
    """The skin that hair grows on, as a dense cloud of points with normals."""

    def __init__(self, surface: HeadSurface) -> None:
        centres = surface.corners.mean(axis=1)
        high = (centres[:, 1] > 0.655) & (surface.parts == SKIN) & (hair_depth(centres) > 0)
        self.faces = np.flatnonzero(high)
        corners = surface.corners[self.faces]
        grid = texel_grid(corners, np.full(len(corners), 0.0022))
        self.hosts = self.faces[grid.faces]
        self.points = grid.interpolated(corners)
        self.normals = unit(grid.interpolated(surface.normals[surface.faces[self.faces]]))

    def settle(self, points: Float64Array) -> tuple[Float64Array, Float64Array, NDArray[np.int64]]:
        """Points dropped onto the skin: (N, 3), the normals (N, 3) and the faces (N,) there."""
        rows = nearest(points, self.points)
        normals = self.normals[rows]
        # Along the normal only: dropped onto the nearest point itself, locks would snap to the grid of points.
        off = np.sum((points - self.points[rows]) * normals, axis=1, keepdims=True)
        return points - off * normals, normals, self.hosts[rows]

    def roots(self, random: RandomStream, count: int) -> Float64Array:
        """(count, 3) places where locks grow, denser toward the face and the hairline."""
        share = hair_share(self.points)
        front = (
            0.5 + smoothstep(-0.02, 0.08, self.points[:, 2]) + 0.5 * smoothstep(0.78, 0.82, self.points[:, 1])
        )
        total = np.cumsum(np.where(share > 0.6, front, 0.0))
        # One draw in each of `count` equal shares of the density: plain draws would leave bald spots.
        steps = (np.arange(count) + random.uniform(count)) / count * total[-1]
        rows = np.minimum(np.searchsorted(total, steps, side="right"), len(total) - 1)
        return np.asarray(self.points[rows] + 0.0010 * random.bell(count, 3))


def locks(surface: HeadSurface, random: RandomStream, count: int = LOCKS) -> Ribbons:
    """Tapered locks that follow the flow over the scalp; those rooted last lie on top."""
    scalp = Scalp(surface)
    points, normals, hosts = scalp.settle(scalp.roots(random, count))
    top = smoothstep(0.760, 0.815, points[:, 1])
    fringe = top * smoothstep(0.07, 0.11, points[:, 2])
    length = (0.010 + 0.022 * top + 0.006 * fringe) * (1 + 0.20 * random.bell(count)).clip(0.5, 1.5)
    lift = (0.66 + 0.14 * top) + (0.12 + 0.14 * top) * random.uniform(count)
    stray = 0.12 * random.bell(count, 3)
    sideways = random.bell(count)
    depth = np.maximum(hair_depth(points), 0.0012)
    # Each step goes along the flow where the last one ended, and is settled again: a straight lock leaves the skull.
    spine, facing = [], []
    for k in range(SPINE_POINTS):
        share = k / (SPINE_POINTS - 1)
        here = 0.35 * depth + 0.65 * np.maximum(hair_depth(points), 0.0012)
        height = here * lift * (0.25 + 1.0 * np.sin(np.pi * (0.12 + 0.62 * share))) + 0.0015 * share * fringe
        spine.append(points + height[:, None] * normals)
        facing.append(normals)
        onward = unit(
            flow(points, normals)
            + stray
            + 0.25 * (share - 0.4) * sideways[:, None] * np.cross(normals, stray)
        )
        points, normals, _ = scalp.settle(points + (length / (SPINE_POINTS - 1))[:, None] * onward)
    return _lock_ribbons(random, hosts, np.stack(spine, axis=1), np.stack(facing, axis=1), top)


def _lock_ribbons(
    random: RandomStream,
    hosts: NDArray[np.int64],
    spines: Float64Array,
    normals: Float64Array,
    top: Float64Array,
) -> Ribbons:
    count = len(hosts)
    share = np.linspace(0, 1, SPINE_POINTS)
    profile = np.interp(share, (0, 0.25, 0.6, 1.0), (0.65, 1.0, 0.85, 0.10))
    half = (0.00115 + 0.00095 * top) * (1 + 0.25 * random.bell(count)).clip(0.5, 1.6)
    across = unit(np.cross(normals, np.gradient(spines, axis=1)))
    widths = across * (half[:, None] * profile)[..., None]
    tone = 0.02 + hair_tone(spines[:, 2]) + 0.065 * random.bell(count)
    lighter = np.interp(share, (0, 0.5, 1), (-0.04, 0.03, 0.10))
    colours = hair_albedo((tone[:, None] + lighter).reshape(-1)).reshape(count, SPINE_POINTS, 3)
    return Ribbons(hosts, spines, widths, unit(normals), colours, 0.8 + 0.4 * random.uniform(count))


def brow_hairs(surface: HeadSurface, side: float, random: RandomStream, count: int = BROW_HAIRS) -> Ribbons:
    """The hairs of one brow, growing outward, more upright at the inner end. `side` is 1 for the left."""
    along = (np.arange(count) + random.uniform(count)) / count
    x = BROW_LINE[0][0] + along * (BROW_LINE[0][-1] - BROW_LINE[0][0] - 0.002)
    off = random.uniform(count) + random.uniform(count) - 1
    y = np.interp(x, BROW_LINE[0], BROW_LINE[1]) + off * np.interp(x, BROW_LINE[0], BROW_LINE[2])
    points, normals, hosts = on_skin_ahead(surface, np.stack([side * x, y], axis=1))
    rise = np.interp(x, (0.0095, 0.018, 0.034, 0.050), (1.3, 0.6, 0.2, -0.3)) - 0.45 * off
    onward = np.stack([np.full(count, side), rise + 0.15 * random.bell(count), np.zeros(count)], axis=1)
    onward = unit(onward - np.sum(onward * normals, axis=1, keepdims=True) * normals)
    long = 0.0062 * np.interp(x, (0.0095, 0.02, 0.04, 0.0515), (0.75, 1.0, 1.0, 0.7))
    long = (long * (1 + 0.15 * random.bell(count)))[:, None]
    # A third of each hair is in the skin, so that no root floats when the brow's face is stretched.
    roots = points + normals * 0.0004 - 0.3 * long * onward
    tips = roots + long * onward + 0.0006 * normals
    colours = to_linear(BROW) * (1 + 0.25 * random.bell(count)).clip(0.4, 1.8)[:, None]
    half = 0.00022 * (1 + 0.2 * random.bell(count)).clip(0.5, 1.5)
    return single_hairs(hosts, roots, tips, 0.0005 * normals, normals, half, colours)

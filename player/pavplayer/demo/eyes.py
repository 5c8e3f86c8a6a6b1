"""Eyeballs, lashes and lash lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Float64Array
from pavfmt.synthetic import RandomStream
from pavplayer.demo.lighting import to_linear, to_srgb
from pavplayer.demo.strokes import Strokes, along, nearest_faces
from pavplayer.demo.surface import LEFT_EYE, SKIN, HeadSurface, smoothstep, unit, value_noise

IRIS_RADIUS, PUPIL_RADIUS = 0.0056, 0.0020
"""Metres, across the eye's axis."""
CONVERGENCE = 0.034
"""Radians each eye turns inward, to look at someone 0.84 m away."""
DOWNWARD = 0.055
"""Tangent of the angle the resting gaze is below the horizon: the middle of the lids' opening."""
SCLERA = (0.90, 0.875, 0.86)
CORNER = (0.80, 0.58, 0.54)
IRIS_INNER, IRIS_OUTER = (0.50, 0.40, 0.24), (0.33, 0.43, 0.42)
LIMBUS, PUPIL, LASH = (0.13, 0.16, 0.16), (0.025, 0.022, 0.022), (0.10, 0.07, 0.06)


@dataclass(frozen=True)
class Eye:
    """One eyeball: a sphere about `centre` whose axis is the unit vector `gaze`."""

    part: int
    """LEFT_EYE or RIGHT_EYE."""
    side: float
    """+1 for the person's left."""
    centre: Float64Array
    radius: float
    gaze: Float64Array
    lids: Float64Array
    """(M, 3) seen from the front: x, and the y of the upper and the lower lid's edge there."""

    @classmethod
    def of(cls, surface: HeadSurface, part: int) -> Eye:
        """The eye of a part, LEFT_EYE or RIGHT_EYE."""
        vertices = surface.vertices[np.unique(surface.faces[surface.parts == part])]
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        side = 1.0 if part == LEFT_EYE else -1.0
        radius = float(high[0] - low[0]) / 2
        centre = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[2] - radius])
        gaze = unit(np.array([-side * CONVERGENCE, -DOWNWARD, 1.0]))
        return cls(part, side, centre, radius, gaze, lid_edges(surface, part, centre))

    def point(self, across: Float64Array, up: Float64Array, lift: float) -> Float64Array:
        """Points `across` (toward +X) and `up` of the axis, on the sphere plus `lift`, all in metres."""
        right = unit(np.cross(np.array([0.0, 1.0, 0.0]), self.gaze))
        above = np.cross(self.gaze, right)
        depth = np.sqrt(np.maximum(self.radius**2 - across**2 - up**2, 1e-8))
        flat = across[:, None] * right + up[:, None] * above + depth[:, None] * self.gaze
        return self.centre + flat + lift * unit(flat)

    def off_axis(self, points: Float64Array) -> Float64Array:
        """(N,) metres from the eye's axis; the back of the eye counts as far off."""
        away = points - self.centre
        ahead = away @ self.gaze
        off = np.linalg.norm(away - ahead[:, None] * self.gaze, axis=1)
        return np.asarray(np.where(ahead > 0, off, 1.0))


def eye_colours(eye: Eye, points: Float64Array) -> Float64Array:
    """(N, 3) display sRGB of the eyeball: sclera shaded by the lids and reddish at the corners, iris, pupil."""
    off = eye.off_axis(points)
    away = points - eye.centre
    corner = smoothstep(0.0075, 0.0125, np.abs(away[:, 0]))
    white = to_linear(SCLERA) + 0.55 * corner[:, None] * (to_linear(CORNER) - to_linear(SCLERA))
    inner = smoothstep(0.0045, 0.0026, off)[:, None]
    iris = to_linear(IRIS_OUTER) + inner * (to_linear(IRIS_INNER) - to_linear(IRIS_OUTER))
    rim = smoothstep(IRIS_RADIUS - 0.0013, IRIS_RADIUS - 0.0001, off)[:, None]
    iris = iris + rim * (to_linear(LIMBUS) - iris)
    colours = np.where((off < IRIS_RADIUS)[:, None], iris, white)
    colours = np.where((off < PUPIL_RADIUS)[:, None], to_linear(PUPIL), colours)
    return to_srgb(colours * lid_shade(eye, points)[:, None])


def lid_shade(eye: Eye, points: Float64Array) -> Float64Array:
    """(N,) how much light the lids leave: less under the upper one and toward the corners."""
    away = points - eye.centre
    above = 1 - 0.62 * smoothstep(0.0002, 0.0052, away[:, 1])
    aside = 1 - 0.45 * smoothstep(0.0060, 0.0125, np.abs(away[:, 0]))
    shade: Float64Array = above * aside
    return shade


def _laid(
    eye: Eye, points: Float64Array, directions: Float64Array, long: Float64Array, wide: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Axes and standard deviations of Gaussians lying on the eyeball."""
    axes = along(directions, unit(points - eye.centre))
    thin = np.full(len(points), 0.00012)
    return axes, np.stack([long, wide, thin], axis=1)


def eyeball_patches(
    eye: Eye, corners: Float64Array, hosts: NDArray[np.integer], spacing: float, lift: float
) -> Strokes:
    """Round patches `spacing` metres apart over the part of the eyeball that the lids leave open."""
    steps = np.arange(-0.0130, 0.0130, spacing)
    across, up = (grid.reshape(-1) for grid in np.meshgrid(steps, steps, indexing="ij"))
    up = up + spacing / 2 * (np.round((across + 1) / spacing) % 2)
    open_ = (np.abs(across) < 0.0124) & (np.abs(up) < 0.0072)
    points = eye.point(across[open_], up[open_], lift)
    size = np.full(len(points), 0.55 * spacing)
    axes, sigmas = _laid(eye, points, np.broadcast_to([1.0, 0.0, 0.0], points.shape), size, size)
    faces = nearest_faces(points, corners, hosts)
    return Strokes(faces, points, axes, sigmas, eye_colours(eye, points), np.full(len(points), 0.97))


def iris_strokes(
    eye: Eye, corners: Float64Array, hosts: NDArray[np.integer], random: RandomStream, lift: float
) -> Strokes:
    """Fibres, the dark rim, a crisp pupil and a highlight."""
    fibres, rim, pupil = 84, 44, 14
    angle = np.concatenate(
        [np.arange(count) * 2 * np.pi / count for count in (fibres, rim, pupil)] + [np.zeros(3)]
    )
    depth = 0.0026 + 0.0024 * random.uniform(fibres)
    off = np.concatenate([depth, np.full(rim, 0.00545), np.full(pupil, 0.00120), [0.0, 0.0, 0.0]])
    across, up = off * np.cos(angle), off * np.sin(angle)
    across[-2:], up[-2:] = (-0.0019, 0.0014), (0.0020, -0.0020)
    points = eye.point(across, up, lift)
    points[-2:] = eye.point(across[-2:], up[-2:], lift + 0.0005)
    radial = np.stack([np.cos(angle), np.sin(angle), np.zeros(len(angle))], axis=1)
    radial[fibres : fibres + rim] = radial[fibres : fibres + rim, [1, 0, 2]] * [-1.0, 1.0, 1.0]
    groups = np.repeat([0, 1, 2, 3, 4, 5], [fibres, rim, pupil, 1, 1, 1])
    long = np.array([0.00075, 0.00050, 0.00045, 0.00095, 0.00055, 0.00040])[groups]
    wide = np.array([0.00016, 0.00026, 0.00040, 0.00095, 0.00050, 0.00035])[groups]
    axes, sigmas = _laid(eye, points, radial, long, wide)
    shade = lid_shade(eye, points)
    colours = _iris_palette(groups, off, points, random) * np.where(groups < 4, shade, 1.0)[:, None]
    opacities = np.array([0.62, 0.75, 0.97, 0.98, 0.92, 0.35])[groups]
    return Strokes(nearest_faces(points, corners, hosts), points, axes, sigmas, to_srgb(colours), opacities)


def _iris_palette(
    groups: NDArray[np.integer], off: Float64Array, points: Float64Array, random: RandomStream
) -> Float64Array:
    """(N, 3) linear colours of the iris's strokes."""
    inner = smoothstep(0.0048, 0.0026, off)[:, None]
    fibre = to_linear(IRIS_OUTER) + inner * (to_linear(IRIS_INNER) - to_linear(IRIS_OUTER))
    uneven = 1.15 + 0.55 * random.bell(len(off)) + 0.3 * value_noise(points, 0.001, 6)
    fibre = fibre * uneven.clip(0.35, 2.4)[:, None]
    fixed = np.array([to_linear(LIMBUS), to_linear(PUPIL), to_linear(PUPIL), [0.95] * 3, [0.8] * 3])
    return np.asarray(np.where((groups == 0)[:, None], fibre, fixed[np.maximum(groups - 1, 0)]))


def lid_edges(surface: HeadSurface, part: int, centre: Float64Array) -> Float64Array:
    """(M, 3): x across the opening, and the y of the upper and lower lid's edge there, seen from the front."""
    x = centre[0] + np.arange(-0.0132, 0.0133, 0.0006)
    y = centre[1] + np.arange(-0.0085, 0.0090, 0.0002)
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    hits = surface.front_faces(grid.reshape(-1, 2)).reshape(len(x), len(y))
    open_ = (hits >= 0) & (surface.parts[hits] == part)
    some = open_.sum(axis=1) >= 3
    first = np.argmax(open_, axis=1)
    last = len(y) - 1 - np.argmax(open_[:, ::-1], axis=1)
    return np.stack([x[some], y[last[some]], y[first[some]]], axis=1)


def lash_roots(surface: HeadSurface, eye: Eye, count: int, *, upper: bool) -> Float64Array:
    """(count, 3) points along one lid, just outside its edge and a little over the skin."""
    edge = eye.lids[2:-2] if upper else eye.lids[5:-5]
    x = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(edge)), edge[:, 0])
    y = np.interp(x, edge[:, 0], edge[:, 1] + 0.0003 if upper else edge[:, 2] - 0.0003)
    faces = surface.front_faces(np.stack([x, y], axis=1))
    skin = (faces >= 0) & (surface.parts[faces] == SKIN)
    depth = np.interp(x, x[skin], surface.corners[faces[skin]][..., 2].mean(axis=1))
    return np.stack([x, y, depth + 0.0008], axis=1)


def lash_strokes(
    surface: HeadSurface, eye: Eye, corners: Float64Array, hosts: NDArray[np.integer], random: RandomStream
) -> Strokes:
    """Upper lashes and the dark line at both lids, hung on the nearest of the faces `hosts`."""
    upper = lash_roots(surface, eye, 70, upper=True)
    lower = lash_roots(surface, eye, 36, upper=False)
    roots = np.concatenate([upper, upper, lower])
    directions = np.concatenate([_lash_directions(eye, upper, random), *map(_tangents, (upper, lower))])
    groups = np.repeat([0, 1, 2], [len(upper), len(upper), len(lower)])
    long = np.array([0.00085, 0.0006, 0.0006])[groups] * np.where(
        groups == 0, _lash_sizes(eye, roots, random), 1
    )
    wide = np.array([0.00011, 0.00034, 0.00022])[groups]
    centres = roots + np.where(groups == 0, 1.2 * long, 0.0)[:, None] * directions
    axes = along(directions, np.broadcast_to([0.0, 0.0, 1.0], roots.shape))
    colours = np.broadcast_to(np.array(LASH), roots.shape)
    opacities = np.array([0.62, 0.60, 0.22])[groups]
    faces = nearest_faces(roots, corners, hosts)
    return Strokes(faces, centres, axes, np.stack([long, wide, wide], axis=1), colours, opacities)


def _outward(eye: Eye, roots: Float64Array) -> Float64Array:
    """(N,) −1 at the inner end of the lid, 1 at the outer."""
    across: Float64Array = (roots[:, 0] - eye.centre[0]) / 0.012 * eye.side
    return across


def _lash_directions(eye: Eye, roots: Float64Array, random: RandomStream) -> Float64Array:
    count = len(roots)
    fan = 0.55 * eye.side * _outward(eye, roots) + 0.12 * random.bell(count)
    return unit(np.stack([fan, np.full(count, 0.6), np.full(count, 0.9)], axis=1))


def _lash_sizes(eye: Eye, roots: Float64Array, random: RandomStream) -> Float64Array:
    """(N,) longer toward the outer end, short at the very end."""
    across = _outward(eye, roots)
    outer = smoothstep(-1.0, 1.0, across) * smoothstep(1.1, 0.7, across)
    sizes: Float64Array = (0.7 + 0.6 * outer) * (1 + 0.12 * random.bell(len(roots)))
    return sizes


def _tangents(points: Float64Array) -> Float64Array:
    """(N, 3) directions along a row of points."""
    return unit(np.gradient(points, axis=0))

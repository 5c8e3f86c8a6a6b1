"""Eyeballs: spheres with a cornea and a painted iris that turn as the rig's eyeballs do; lids' edges and lashes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array, Int32Array
from pavfmt.tools.synthetic import RandomStream
from pavtraining.sources.noise import value_noise
from pavtraining.sources.scene.materials import IRIS_RADIUS, PICTURE_HALF
from pavtraining.sources.scene.paint import to_linear
from pavtraining.sources.scene.ribbons import Ribbons, single_hairs
from pavtraining.sources.scene.surface import LEFT_EYE, SKIN, HeadSurface, front_faces, smoothstep, unit
from pavtraining.sources.scene.visibility import seen_triangles

PUPIL_RADIUS = 0.0021
"""Metres, across the eye's axis."""
CONVERGENCE = 0.034
"""Radians each eye turns inward, to look at someone 0.84 m away."""
DOWNWARD = 0.055
"""Tangent of the angle the resting gaze is below the horizon: the middle of the lids' opening."""
CORNEA = 0.0004
"""Metres the cornea stands out."""
SCLERA = (0.925, 0.905, 0.895)
CORNER = (0.83, 0.61, 0.57)
IRIS_INNER, IRIS_OUTER = (0.62, 0.52, 0.24), (0.25, 0.47, 0.40)
LIMBUS, PUPIL, LASH = (0.10, 0.16, 0.15), (0.020, 0.018, 0.018), (0.075, 0.050, 0.045)
RINGS, SPOKES = 20, 48
PICTURE_CELLS = 384
"""Along each side of the iris's picture."""


@dataclass(frozen=True, eq=False)
class Eye:
    """One eyeball at rest: a sphere about `centre` whose axis is the unit vector `gaze`."""

    part: int
    """LEFT_EYE or RIGHT_EYE."""
    side: float
    """+1 for the person's left."""
    rows: NDArray[np.int64]
    """Vertices of the rig that belong to it."""
    centre: Float64Array
    radius: float
    gaze: Float64Array

    @classmethod
    def of(cls, surface: HeadSurface, part: int) -> Eye:
        """The eye of a part, LEFT_EYE or RIGHT_EYE."""
        rows = np.unique(surface.faces[surface.parts == part]).astype(np.int64)
        low, high = surface.vertices[rows].min(axis=0), surface.vertices[rows].max(axis=0)
        side = 1.0 if part == LEFT_EYE else -1.0
        radius = float(high[0] - low[0]) / 2
        centre = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[2] - radius])
        return cls(part, side, rows, centre, radius, unit(np.array([-side * CONVERGENCE, -DOWNWARD, 1.0])))

    @property
    def axes(self) -> Float64Array:
        """(3, 3) rows: right (+X), up and the gaze."""
        right = unit(np.cross(np.array([0.0, 1.0, 0.0]), self.gaze))
        return np.stack([right, np.cross(self.gaze, right), self.gaze])

    def ball(self) -> tuple[Float64Array, Float64Array, Int32Array]:
        """Vertices (M, 3), their directions from the centre in the eye's axes (M, 3), and triangles."""
        angle = np.concatenate([[0.0], np.linspace(0.10, 1.75, RINGS)])
        around = np.arange(SPOKES) * 2 * np.pi / SPOKES
        ring = np.repeat(angle[1:], SPOKES)
        turn = np.tile(around, RINGS)
        flat = np.sin(ring)[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        directions = np.concatenate([[[0, 0, 1.0]], np.column_stack([flat, np.cos(ring)])])
        off = self.radius * np.hypot(directions[:, 0], directions[:, 1])
        bulge = CORNEA * smoothstep(1.25 * IRIS_RADIUS, 0.0, off) * (directions[:, 2] > 0)
        vertices = self.centre + (self.radius + bulge)[:, None] * directions @ self.axes
        return vertices, directions, _ball_triangles()


def _ball_triangles() -> Int32Array:
    """Triangles of a pole and RINGS rings of SPOKES vertices, counter-clockwise from outside."""
    s = np.arange(SPOKES)
    onward = (s + 1) % SPOKES
    cap = np.stack([np.zeros_like(s), 1 + s, 1 + onward], axis=1)
    strips = [cap]
    for ring in range(RINGS - 1):
        a, b = 1 + ring * SPOKES + s, 1 + ring * SPOKES + onward
        c, d = a + SPOKES, b + SPOKES
        strips += [np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)]
    return np.concatenate(strips).astype(np.int32)


def iris_picture() -> Float64Array:
    """(PICTURE_CELLS, PICTURE_CELLS, 3) linear reflectance over (up, across), the axis in the middle."""
    steps = (np.arange(PICTURE_CELLS) + 0.5) / PICTURE_CELLS * 2 * PICTURE_HALF - PICTURE_HALF
    up, across = (grid.reshape(-1) for grid in np.meshgrid(steps, steps, indexing="ij"))
    off, angle = np.hypot(across, up), np.arctan2(up, across)
    colours = np.where((off < IRIS_RADIUS + 0.0003)[:, None], _iris(off, angle), _sclera(across, up, off))
    edge = smoothstep(PUPIL_RADIUS - 0.00015, PUPIL_RADIUS + 0.00015, off)[:, None]
    colours = to_linear(PUPIL) + edge * (colours - to_linear(PUPIL))
    return colours.reshape(PICTURE_CELLS, PICTURE_CELLS, 3)


def _iris(off: Float64Array, angle: Float64Array) -> Float64Array:
    """(N, 3) fibres from the pupil outward, amber within and green without, a dark rim."""
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    fibres = value_noise(ring + off[:, None] * 20.0, 0.055, 41) + 0.6 * value_noise(ring, 0.025, 42)
    ragged = off + 0.0004 * value_noise(ring, 0.22, 43) + 0.00025 * fibres
    inner = smoothstep(0.0046, 0.0027, ragged)[:, None]
    colours = to_linear(IRIS_OUTER) + inner * (to_linear(IRIS_INNER) - to_linear(IRIS_OUTER))
    colours = colours * (1.05 + 0.42 * fibres).clip(0.35, 2.2)[:, None]
    rim = smoothstep(IRIS_RADIUS - 0.0012, IRIS_RADIUS - 0.0001, off)[:, None]
    return np.asarray(colours + rim * (to_linear(LIMBUS) - colours))


def _sclera(across: Float64Array, up: Float64Array, off: Float64Array) -> Float64Array:
    """(N, 3) white, reddish toward the corners, with a few veins."""
    place = np.stack([across, up, 0 * up], axis=1)
    corner = smoothstep(0.0085, 0.0130, np.abs(across))
    veins = smoothstep(0.10, 0.02, np.abs(value_noise(place * np.array([0.5, 1.0, 1.0]), 0.0011, 44)))
    red = np.clip(0.6 * corner + 0.22 * veins * smoothstep(0.0070, 0.0110, np.abs(across)), 0, 1)[:, None]
    white = to_linear(SCLERA) + red * (to_linear(CORNER) - to_linear(SCLERA))
    soft = smoothstep(IRIS_RADIUS + 0.0009, IRIS_RADIUS, off)[:, None]
    return np.asarray(white + 0.75 * soft * (to_linear(LIMBUS) - white))


def lid_edges(surface: HeadSurface, eye: Eye) -> Float64Array:
    """(M, 3): x across the opening, and the y of the upper and lower lid's edge there, seen from the front."""
    step = np.array([0.0004, 0.0001])
    corner = eye.centre[:2] + np.array([-0.0138, -0.0085])
    placed = np.column_stack([(surface.vertices[:, :2] - corner) / step, surface.vertices[:, 2] + 1.0])
    upward = np.ascontiguousarray(surface.faces[:, ::-1])  # rows count upward here
    hits, _ = seen_triangles(placed, upward, len(upward), 69, 175)
    open_ = ((hits >= 0) & (surface.parts[hits] == eye.part)).T
    some = open_.sum(axis=1) >= 4
    first = np.argmax(open_, axis=1)
    last = open_.shape[1] - 1 - np.argmax(open_[:, ::-1], axis=1)
    x, low, high = (np.arange(69) + 0.5, first + 0.5, last + 0.5)
    edges = np.stack([x * step[0] + corner[0], high * step[1] + corner[1], low * step[1] + corner[1]], axis=1)
    return np.asarray(edges[some])


def edge_distance(points: Float64Array, lids: Float64Array, column: int) -> Float64Array:
    """(N,) metres from points (N, 3) to one lid's edge seen from the front; column 1 is the upper, 2 the lower."""
    edge = lids[:, [0, column]]
    away = points[:, None, :2] - edge[None]
    return np.asarray(np.sqrt((away**2).sum(axis=2).min(axis=1)))


def lashes(
    surface: HeadSurface, eye: Eye, lids: Float64Array, random: RandomStream, *, upper: bool
) -> Ribbons:
    """The lashes of one lid, hung on the skin just outside its edge."""
    count = 58 if upper else 30
    edge = lids[3:-2] if upper else lids[8:-6]
    x = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(edge)), edge[:, 0])
    y = np.interp(x, edge[:, 0], edge[:, 1] + 0.00035 if upper else edge[:, 2] - 0.00035)
    faces = front_faces(surface, np.stack([x, y], axis=1))
    skin = np.flatnonzero((faces >= 0) & (surface.parts[faces] == SKIN))
    x, y, faces = x[skin], y[skin], faces[skin]
    depth = surface.corners[faces][..., 2].mean(axis=1)
    roots = np.stack([x, y, depth + 0.0004], axis=1)
    outward = (x - eye.centre[0]) / 0.012 * eye.side
    fan = 0.55 * eye.side * outward + 0.14 * random.bell(len(x))
    rise = np.full(len(x), 0.55 if upper else -0.50)
    onward = unit(np.stack([fan, rise, np.full(len(x), 0.8)], axis=1))
    outer = smoothstep(-1.0, 1.0, outward) * smoothstep(1.15, 0.7, outward)
    long = (0.0034 + 0.0034 * outer if upper else 0.0014 + 0.0010 * outer) * (1 + 0.15 * random.bell(len(x)))
    tips = roots + long[:, None] * onward
    bend = np.array([0.0, -0.18 if upper else 0.15, 0.05]) * long[:, None]
    facing = unit(np.cross(onward, np.cross(np.array([0.0, 0.3, 1.0]), onward)))
    colours = np.broadcast_to(to_linear(LASH), roots.shape).copy()
    half = np.full(len(x), 0.00015 if upper else 0.00010)
    return single_hairs(faces, roots, tips, bend, facing, half, colours)

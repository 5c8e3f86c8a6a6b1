"""The colour of what is seen at each sample, and pictures from samples, in numba.

**How it works.** For each sample the triangle that `visibility` found is looked up, the sample's barycentric
coordinates on the surface blend what its corners carry (`Still`, which no pose changes, and `Posed`), and
`materials` lights it: skin through the face's own texels, eyeballs through the iris's picture, ribbons with their
own colour.

**Why so.** Only what is seen is shaded, once a sample. Samples are averaged as display colours and not as light,
because that is how Gaussians are blended and compared: a fit could not reproduce another average at edges.

**Costs.** A few hundred operations a sample, four samples a pixel; rows are independent, so threads share nothing.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

from pavfmt.arrays import Float32Array, Float64Array, Int32Array
from pavplayer.compilation import compiled, parallel, prange
from pavtraining.sources.scene.materials import Row, eye_colour, hair_colour, skin_colour, unit_row
from pavtraining.sources.scene.texels import CHANNELS, SLOPE_X

OPEN, KEY, FILL, FADE, RED, GREEN, BLUE, ACROSS, UP, GLOSS = range(10)
STILL_COLUMNS = 10
"""What vertices carry from the rest pose: shares of light, opacity, a ribbon's colour, a place on the eye."""
_TINY = 1e-12
_TABLE_STEPS = 2048


def _display_table() -> Float64Array:
    """sRGB's curve at squares of equal steps, for it is steep near 0."""
    linear = np.linspace(0, 1, _TABLE_STEPS + 1) ** 2
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


_TABLE = _display_table()


class Still(NamedTuple):
    """What no pose changes; `pavtraining.sources.scene.head.Head` says more."""

    triangles: Int32Array
    """(T, 3): T0 of the rig, then the eyeballs', then the ribbons'."""
    eyes_from: int
    second_eye_from: int
    ribbons_from: int
    table: Float64Array
    """(V, STILL_COLUMNS)."""
    texel_starts: Int32Array
    """(T0,)."""
    texel_steps: Int32Array
    texels: Float32Array
    iris: Float32Array


class Posed(NamedTuple):
    """One pose before one camera, world axes."""

    eye: Float64Array
    """(3,) metres: the camera's centre."""
    projected: Float64Array
    """(V, 3) column and row in samples, and 1 / depth."""
    positions: Float64Array
    """(V, 3) metres."""
    normals: Float64Array
    tangents: Float64Array
    """(V, 3) along a ribbon; of an eyeball's vertex where it lies in its socket, in the head's axes."""
    turns: Float64Array
    """(T0, 3, 3) how each face of the rig turned since rest."""
    eye_axes: Float64Array
    """(2, 3, 3) rows: right, up and gaze."""
    lights: Float64Array
    """(7, 3)."""


@compiled
def _blend(table: Float64Array, triangle: Int32Array, shares: Row, column: int) -> float:
    """One column of a vertex table at a place in a triangle."""
    value: float = (
        shares[0] * table[triangle[0], column]
        + shares[1] * table[triangle[1], column]
        + shares[2] * table[triangle[2], column]
    )
    return value


@compiled
def _blend3(table: Float64Array, triangle: Int32Array, shares: Row) -> Row:
    return (
        _blend(table, triangle, shares, 0),
        _blend(table, triangle, shares, 1),
        _blend(table, triangle, shares, 2),
    )


@compiled
def _shares(projected: Float64Array, triangle: Int32Array, x: float, y: float) -> Row:
    """Barycentric coordinates on the surface of the place seen at a sample."""
    a, b, c = projected[triangle[0]], projected[triangle[1]], projected[triangle[2]]
    scale = 1.0 / ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
    v = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) * scale
    w = ((y - a[1]) * (b[0] - a[0]) - (x - a[0]) * (b[1] - a[1])) * scale
    # The shares above are those on the picture. Weighted by 1 / depth they are those on the surface.
    u, v, w = max(1 - v - w, 0.0) * a[2], max(v, 0.0) * b[2], max(w, 0.0) * c[2]
    total = max(u + v + w, _TINY)
    return u / total, v / total, w / total


@compiled
def _texel(start: int, steps: int, values: Float32Array, shares: Row, out: Float64Array) -> None:
    """The painted values at a place in a face, linear between the three nearest texels."""
    u, v = shares[1] * steps, shares[2] * steps
    i, j = min(int(u), steps - 1), min(int(v), steps - 1)
    if i + j >= steps:  # rounding can put a place on the far edge into a cell beyond it
        i = max(steps - 1 - j, 0)
    u, v = u - i, v - j
    # Row j begins after rows of steps + 1, steps, … texels (`texels._grid`).
    here = start + j * (steps + 1) - j * (j - 1) // 2 + i
    above = here + steps + 1 - j
    # A cell is two triangles; at the far edge there is only the lower one.
    if u + v <= 1.0 or i + j + 2 > steps:
        first, a = here, 1.0 - u - v
        second, third, b, c = here + 1, above, u, v
    else:
        first, a = above + 1, u + v - 1.0
        second, third, b, c = above, here + 1, 1.0 - u, 1.0 - v
    for channel in range(CHANNELS):
        out[channel] = a * values[first, channel] + b * values[second, channel] + c * values[third, channel]


@compiled
def _display(linear: float) -> float:
    """Linear light → display sRGB, with a soft shoulder over 0.8; between entries of a table, linear."""
    over = max(linear - 0.8, 0.0)
    bent = min(max(min(linear, 0.8) + 0.2 * over / (0.2 + over), 0.0), 1.0)
    place = sqrt(bent) * _TABLE_STEPS  # entries stand at squares, see `_display_table`
    entry = min(int(place), _TABLE_STEPS - 1)
    share = place - entry
    value: float = _TABLE[entry] * (1 - share) + _TABLE[entry + 1] * share
    return value


@compiled
def _sample(
    t: int, x: float, y: float, still: Still, posed: Posed, texel: Float64Array, out: Float64Array
) -> float:
    """Writes the linear colour of triangle t seen at a sample to `out`; returns its opacity."""
    triangle, table = still.triangles[t], still.table
    shares = _shares(posed.projected, triangle, x, y)
    place = _blend3(posed.positions, triangle, shares)
    view = unit_row(posed.eye[0] - place[0], posed.eye[1] - place[1], posed.eye[2] - place[2])
    n = _blend3(posed.normals, triangle, shares)
    reach = (
        _blend(table, triangle, shares, KEY),
        _blend(table, triangle, shares, FILL),
        _blend(table, triangle, shares, OPEN),
    )
    if t < still.eyes_from:
        _texel(still.texel_starts[t], still.texel_steps[t], still.texels, shares, texel)
        normal = _tilted(n, posed.turns[t], texel)  # relief is painted at rest: it turns with its face
        skin_colour(out, texel, normal, view, posed.lights, reach)
        return _blend(table, triangle, shares, FADE)
    normal = unit_row(n[0], n[1], n[2])
    across = _blend(table, triangle, shares, ACROSS)
    along = _blend3(posed.tangents, triangle, shares)
    if t < still.ribbons_from:
        axes = posed.eye_axes[0 if t < still.second_eye_from else 1]
        up = _blend(table, triangle, shares, UP)
        eye_colour(out, still.iris, (across, up), along, normal, view, axes, posed.lights)
        return 1.0
    colour = (
        _blend(table, triangle, shares, RED),
        _blend(table, triangle, shares, GREEN),
        _blend(table, triangle, shares, BLUE),
    )
    tangent = unit_row(along[0], along[1], along[2])
    hair_colour(out, colour, normal, tangent, view, posed.lights, reach, table[triangle[0], GLOSS], across)
    return 1.0


@compiled
def _tilted(normal: Row, turn: Float64Array, texel: Float64Array) -> Row:
    """The normal tilted by the painted relief, which turns with the face."""
    x, y, z = texel[SLOPE_X], texel[SLOPE_X + 1], texel[SLOPE_X + 2]
    return unit_row(
        normal[0] + turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z,
        normal[1] + turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z,
        normal[2] + turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z,
    )


@parallel
def shade(
    seen: Int32Array,
    samples: int,
    still: Still,
    posed: Posed,
    background: float,
    picture: Float32Array,
    mask: Float32Array,
) -> None:
    """Fills `picture` (H, W, 3) and `mask` (H, W): each pixel the mean of samples × samples display colours."""
    share = 1.0 / (samples * samples)
    for row in prange(picture.shape[0]):
        # One set for each row, not for all: rows are drawn by different threads.
        texel, out, total = np.empty(CHANNELS), np.empty(3), np.empty(3)
        for column in range(picture.shape[1]):
            total[:] = 0.0
            covered = 0.0
            for sub in range(samples * samples):
                j, i = row * samples + sub // samples, column * samples + sub % samples
                t = seen[j, i]
                if t < 0:
                    continue
                opacity = _sample(t, i + 0.5, j + 0.5, still, posed, texel, out) * share
                covered += opacity
                for channel in range(3):
                    total[channel] += opacity * _display(out[channel])
            mask[row, column] = covered
            for channel in range(3):
                picture[row, column, channel] = total[channel] + (1.0 - covered) * background

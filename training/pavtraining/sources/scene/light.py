"""The studio: a key and a fill light that turn with the head, and how much of the light reaches each vertex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pavfmt.arrays import BoolArray, Float64Array
from pavfmt.model import Rig
from pavtraining.sources.scene.surface import HeadSurface, smoothstep, unit
from pavtraining.sources.scene.visibility import seen_triangles

KEY_DIRECTION = (-0.46, 0.60, 0.80)
FILL_DIRECTION = (0.80, 0.16, 0.58)
BACK_DIRECTION = (0.62, 0.46, -0.63)
WINDOW_DIRECTION = (-0.34, 0.36, 0.87)
"""Toward the lights, and to the window that is mirrored in the eyes, in the axes of the resting head."""
SKY_DIRECTIONS, FEW_DIRECTIONS = 44, 24
"""At rest, and in the poses that show what rest hides."""
SOFT_BOX = 0.22
"""Half width of the key light, seen from the head, in radians."""
CELL = 0.0016
"""Metres a sample of a depth picture is wide."""
SLACK = 0.0030
"""Metres a vertex may lie behind the depth picture and still be seen."""
MOUTH_OPENNESS = 0.62
"""The least that teeth and tongue get: light that comes through the cheeks and off the lips."""


@dataclass(frozen=True)
class Exposure:
    """What reaches each of V vertices: shares in 0..1."""

    openness: Float64Array
    """Of the sky over the vertex, weighted by the cosine."""
    key: Float64Array
    """Of the key light."""
    fill: Float64Array
    inside: Float64Array
    """1 in the mouth's cavity."""
    seen: Float64Array
    """Openness in the pose, of some telling ones, that shows the vertex best; 0 where nothing ever does."""


def visible_from(direction: Float64Array, surface: HeadSurface, points: Float64Array) -> Float64Array:
    """(N,) 1 where (N, 3) points are seen from far away in the unit `direction`, past the surface, else 0."""
    helper = np.eye(3)[np.argmin(np.abs(direction))]
    across = unit(np.cross(direction, helper))
    axes = np.stack([across, np.cross(direction, across), direction])
    corner = (surface.vertices @ axes.T).min(axis=0) - np.array([CELL, CELL, 0.01])
    placed = (surface.vertices @ axes.T - corner) * np.array([1 / CELL, 1 / CELL, 1.0])
    width, height = (int(extent) + 2 for extent in placed[:, :2].max(axis=0))
    _, nearness = seen_triangles(placed, surface.faces, 0, width, height)
    asked = (points @ axes.T - corner) * np.array([1 / CELL, 1 / CELL, 1.0])
    column = np.clip(asked[:, 0], 0, width - 1).astype(np.int64)
    row = np.clip(asked[:, 1], 0, height - 1).astype(np.int64)
    return np.asarray(asked[:, 2] >= nearness[row, column] - SLACK, np.float64)


def sphere_directions(count: int) -> Float64Array:
    """(count, 3) unit directions spread evenly (a golden spiral)."""
    number = np.arange(count) + 0.5
    height = 1 - 2 * number / count
    around = number * np.pi * (3 - np.sqrt(5.0))
    radius = np.sqrt(1 - height * height)
    return np.stack([radius * np.cos(around), height, radius * np.sin(around)], axis=1)


def openness(surface: HeadSurface, directions: int = SKY_DIRECTIONS) -> Float64Array:
    """(V,) share of the sky over each vertex that the head does not block, weighted by the cosine."""
    points = surface.vertices + 0.0006 * surface.normals
    seen, possible = np.zeros(len(points)), np.zeros(len(points))
    for direction in sphere_directions(directions):
        cosine = np.maximum(surface.normals @ direction, 0)
        seen += cosine * visible_from(direction, surface, points)
        possible += cosine
    return surface.smoothed(seen / np.maximum(possible, 1e-9), 1)


def soft_light(surface: HeadSurface, towards: tuple[float, float, float]) -> Float64Array:
    """(V,) how much of a soft box each vertex sees."""
    points = surface.vertices + 0.0006 * surface.normals
    directions = unit(unit(np.array(towards)) + SOFT_BOX * sphere_directions(16))
    shares = np.mean([visible_from(direction, surface, points) for direction in directions], axis=0)
    return surface.smoothed(shares, 2)


def exposure(rig: Rig) -> Exposure:
    """The light on a head at rest; what rest hides and a motion shows takes the light of that motion.

    So the light of a point never changes, as the colour of a Gaussian does not.
    """
    rest, jaw = HeadSurface.of(rig), HeadSurface.of(rig, jawOpen=0.7)
    blink = HeadSurface.of(rig, eyeBlinkLeft=1.0, eyeBlinkRight=1.0)
    tongue = HeadSurface.of(rig, jawOpen=1.0, tongueOut=1.0)
    at_rest = openness(rest)
    jaw_open, blinking, tongue_out = (openness(pose, FEW_DIRECTIONS) for pose in (jaw, blink, tongue))
    x, y, z = rest.vertices.T
    near = (np.abs(x) < 0.040) & (y > 0.630) & (y < 0.6885) & (z < 0.1475) & (z > 0.03)
    inside = smoothstep(0.16, 0.05, at_rest) * near * rig.regions["skin"]
    shown = near & (inside > 0) | ~rig.regions["skin"]
    lids = rig.regions["left_lids"] | rig.regions["right_lids"]
    open_ = np.where(shown, np.maximum(at_rest, 0.9 * jaw_open), at_rest)
    open_ = np.where(lids, np.maximum(open_, 0.75 * blinking + 0.25 * open_), open_)
    key, fill = (_through_blinks(rest, blink, lids, towards) for towards in (KEY_DIRECTION, FILL_DIRECTION))
    mouth = ~(rig.regions["skin"] | rig.regions["left_eye"] | rig.regions["right_eye"])
    open_ = np.where(mouth, np.maximum(open_, MOUTH_OPENNESS), open_)
    seen = np.max([at_rest, jaw_open, blinking, tongue_out], axis=0)
    return Exposure(open_, key, fill, inside, seen)


def _through_blinks(
    rest: HeadSurface, blink: HeadSurface, lids: BoolArray, towards: tuple[float, float, float]
) -> Float64Array:
    """(V,) one light at rest; the lids, which fold, see it as when they are closed."""
    share = soft_light(rest, towards)
    return np.where(lids, np.maximum(share, 0.3 * share + 0.7 * soft_light(blink, towards)), share)

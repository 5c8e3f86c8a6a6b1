"""Light baked into the colours: how open each vertex is to the sky, one key light with its shadow, one fill.

Visibility is found with orthographic depth maps of densely sampled faces, one per direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Float64Array
from pavplayer.demo.surface import HeadSurface, unit

SKY_DIRECTIONS = 44
CELL = 0.0024
"""Metres a depth map's cell is wide."""
SLACK = 0.0038
"""Metres a vertex may lie behind the depth map and still be seen."""
KEY_DIRECTION = (-0.42, 0.62, 0.80)
FILL_DIRECTION = (0.75, 0.10, 0.62)
KEY_COLOUR = (0.78, 0.745, 0.70)
FILL_COLOUR = (0.20, 0.215, 0.235)
SKY_COLOUR = (0.37, 0.38, 0.40)
GROUND_COLOUR = (0.20, 0.17, 0.155)


def face_samples(surface: HeadSurface, spacing: float) -> Float64Array:
    """(M, 3) points on all faces, no further apart than about `spacing` metres."""
    corners = surface.corners
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    steps = np.clip(np.ceil(longest / spacing).astype(int), 1, 24)
    parts = []
    for step in np.unique(steps):
        i, j = np.meshgrid(np.arange(step + 1), np.arange(step + 1), indexing="ij")
        inside = i + j <= step
        shares = np.stack([i[inside], j[inside], step - i[inside] - j[inside]], axis=1) / step
        parts.append(np.einsum("pk,fkx->fpx", shares, corners[steps == step]).reshape(-1, 3))
    return np.concatenate(parts)


def _axes(direction: Float64Array) -> Float64Array:
    """(2, 3) two axes across a unit direction."""
    helper = np.eye(3)[np.argmin(np.abs(direction))]
    first = unit(np.cross(direction, helper))
    return np.stack([first, np.cross(direction, first)])


def visible_from(direction: Float64Array, blockers: Float64Array, points: Float64Array) -> NDArray[np.bool_]:
    """Whether each of (N, 3) points is seen from far away in the unit `direction`, past (M, 3) blockers."""
    origin, width, cells = 0.0, 1, np.zeros(len(blockers), np.int64)
    asked = np.zeros(len(points), np.int64)
    for axis in _axes(direction):
        place = blockers @ axis
        origin, width = place.min() - CELL, int((place.max() - place.min()) / CELL) + 4
        cells = cells * width + ((place - origin) / CELL).astype(np.int64)
        asked = asked * width + np.clip((points @ axis - origin) / CELL, 0, width - 1).astype(np.int64)
    nearest = np.full(max(cells.max(), asked.max()) + 1, -np.inf)
    np.maximum.at(nearest, cells, blockers @ direction)
    seen: NDArray[np.bool_] = points @ direction >= nearest[asked] - SLACK
    return seen


def sphere_directions(count: int) -> Float64Array:
    """(count, 3) unit directions spread evenly (a golden spiral)."""
    number = np.arange(count) + 0.5
    height = 1 - 2 * number / count
    around = number * np.pi * (3 - np.sqrt(5.0))
    radius = np.sqrt(1 - height * height)
    return np.stack([radius * np.cos(around), height, radius * np.sin(around)], axis=1)


def openness(surface: HeadSurface) -> Float64Array:
    """(V,) share of the sky over each vertex that is not blocked by the head, weighted by the cosine."""
    blockers = face_samples(surface, CELL)
    points = surface.vertices + 0.0006 * surface.vertex_normals
    seen, possible = np.zeros(len(points)), np.zeros(len(points))
    for direction in sphere_directions(SKY_DIRECTIONS):
        cosine = np.maximum(surface.vertex_normals @ direction, 0)
        seen += cosine * visible_from(direction, blockers, points)
        possible += cosine
    return np.asarray(surface.smoothed((seen / np.maximum(possible, 1e-9))[:, None], 1)[:, 0])


def key_light(surface: HeadSurface) -> Float64Array:
    """(V,) how much of the key light, a soft box, each vertex sees."""
    blockers = face_samples(surface, CELL)
    points = surface.vertices + 0.0006 * surface.vertex_normals
    directions = unit(unit(np.array(KEY_DIRECTION)) + 0.22 * sphere_directions(14))
    seen = np.mean([visible_from(direction, blockers, points) for direction in directions], axis=0)
    return np.asarray(surface.smoothed(seen[:, None], 2)[:, 0])


@dataclass(frozen=True)
class Light:
    """What reaches N points: unit normals (N, 3), openness (N,) and key-light visibility (N,)."""

    normals: Float64Array
    openness: Float64Array
    key: Float64Array

    def diffuse(self, softness: tuple[float, float, float]) -> Float64Array:
        """(N, 3) linear light on a surface that lets light bleed round by `softness` (red, green, blue)."""
        wrap = np.array(softness)
        key = (self.normals @ unit(np.array(KEY_DIRECTION)))[:, None]
        fill = (self.normals @ unit(np.array(FILL_DIRECTION)))[:, None]
        key = np.maximum((key + wrap) / (1 + wrap), 0) * np.array(KEY_COLOUR)
        fill = np.maximum((fill + wrap) / (1 + wrap), 0) * np.array(FILL_COLOUR)
        up = (0.5 + 0.5 * self.normals[:, 1])[:, None]
        around = up * np.array(SKY_COLOUR) + (1 - up) * np.array(GROUND_COLOUR)
        open_ = np.clip(self.openness, 0, 1)[:, None]
        bounce = open_ ** (1 - 0.6 * wrap)  # light that bled through skin reddens the hollows
        visible = self.key[:, None] ** (1 - 0.6 * wrap)
        light: Float64Array = key * visible + (fill + around) * bounce
        return light

    def gloss(self, sharpness: float) -> Float64Array:
        """(N,) a highlight of the key light for someone in front of the face, 0..1."""
        half = unit(unit(np.array(KEY_DIRECTION)) + np.array([0.0, 0.0, 1.0]))
        shine: Float64Array = np.maximum(self.normals @ half, 0) ** sharpness * self.key * self.openness
        return shine


def to_srgb(linear: Float64Array) -> Float64Array:
    """Linear light → display sRGB, 0..1, with a soft shoulder over 0.8."""
    over = np.maximum(linear - 0.8, 0)
    bent = np.clip(np.minimum(linear, 0.8) + 0.2 * over / (0.2 + over), 0, 1)
    display: Float64Array = np.where(
        bent <= 0.0031308, 12.92 * bent, 1.055 * np.maximum(bent, 1e-9) ** (1 / 2.4) - 0.055
    )
    return display


def to_linear(srgb: tuple[float, float, float]) -> Float64Array:
    """(3,) display sRGB → linear light."""
    value = np.array(srgb)
    linear: Float64Array = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear

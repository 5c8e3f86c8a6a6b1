"""Hair as ribbons: flat strips with a spine, hung on a face of the head each and moving stiffly with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array, Int32Array
from pavtraining.sources.scene.surface import unit

SPINE_POINTS = 8
"""Of all hair of the head: ribbons with as many can be put together."""


@dataclass(frozen=True)
class Ribbons:
    """R ribbons with K spine points each, at rest."""

    hosts: NDArray[np.int64]
    """(R,) faces of the mesh."""
    spines: Float64Array
    """(R, K, 3) metres."""
    widths: Float64Array
    """(R, K, 3) metres: from the spine to one edge."""
    normals: Float64Array
    """(R, K, 3) unit: which way the ribbon faces."""
    colours: Float64Array
    """(R, K, 3) linear reflectance."""
    gloss: Float64Array
    """(R,) strength of highlights."""

    def vertices(self) -> Float64Array:
        """(R · 2K, 3): of each spine point the one edge and the other."""
        return np.stack([self.spines - self.widths, self.spines + self.widths], axis=2).reshape(-1, 3)

    def vertex_normals(self, roundness: float) -> Float64Array:
        """(R · 2K, 3) tilted toward the edges, so that flat strips shine like round ones."""
        side = roundness * unit(self.widths)
        return unit(np.stack([self.normals - side, self.normals + side], axis=2).reshape(-1, 3))

    def tangents(self) -> Float64Array:
        """(R · 2K, 3) unit directions along the spines."""
        return np.repeat(unit(np.gradient(self.spines, axis=1)), 2, axis=1).reshape(-1, 3)

    def triangles(self) -> Int32Array:
        """(R · 2(K − 1), 3) vertex numbers."""
        count, points = self.spines.shape[:2]
        one = np.array([(2 * k, 2 * k + 1, 2 * k + 2) for k in range(points - 1)])
        other = np.array([(2 * k + 1, 2 * k + 3, 2 * k + 2) for k in range(points - 1)])
        strip = np.concatenate([one, other], axis=1).reshape(-1, 3)
        numbers = strip + 2 * points * np.arange(count)[:, None, None]
        return np.asarray(numbers.reshape(-1, 3), np.int32)

    def per_vertex(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """(R, …) → (R · 2K, …)."""
        return np.repeat(values, 2 * self.spines.shape[1], axis=0)


def joined(parts: Sequence[Ribbons]) -> Ribbons:
    """Several sets, all with the same number of spine points, as one."""
    return Ribbons(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Ribbons)))


def single_hairs(
    hosts: NDArray[np.int64],
    roots: Float64Array,
    tips: Float64Array,
    bend: Float64Array,
    normals: Float64Array,
    half: Float64Array,
    colours: Float64Array,
) -> Ribbons:
    """Single hairs from roots to tips (N, 3), bent by `bend` (N, 3) in the middle, `half` (N,) wide."""
    share = np.linspace(0, 1, SPINE_POINTS)[None, :, None]
    spines = roots[:, None] * (1 - share) + tips[:, None] * share + 4 * share * (1 - share) * bend[:, None]
    facing = np.repeat(normals[:, None], SPINE_POINTS, axis=1)
    across = unit(np.cross(facing, np.gradient(spines, axis=1)))
    widths = across * half[:, None, None] * np.interp(share, (0, 0.5, 1), (0.8, 1.0, 0.15))
    painted = np.repeat(colours[:, None], SPINE_POINTS, axis=1)
    return Ribbons(hosts, spines, widths, facing, painted, np.full(len(hosts), 0.35))

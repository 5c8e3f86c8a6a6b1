"""Template coordinates: where on the template a site is, as small integers (§5.2).

They only serve to find out which Gaussians are near each other, so the mean neutral is good enough, and every
reader finds the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pavfmt.arrays import Float32Array, Int32Array, Int64Array
from pavfmt.codec.prediction import GRID
from pavfmt.codec.subdivision import edges_of, subdivided_faces


@dataclass(frozen=True)
class TemplateCoordinates:
    """Those of a template's parts."""

    vertices: Int64Array
    """(V, 3)."""
    corners: Int32Array
    """(F, 3) vertices of the faces."""

    @cached_property
    def faces(self) -> Int64Array:
        """(F, 3): the rounded means of their corners. Who has no Gaussians on faces never asks."""
        a, b, c = self.corners.T
        means: Int64Array = (self.vertices[a] + self.vertices[b] + self.vertices[c]) // 3
        return means


def template_coordinates(neutral: Float32Array, faces: Int32Array, subdivisions: int) -> TemplateCoordinates:
    """Of the base mesh's mean neutral (V0, 3) metres and faces (F0, 3), and of what the mesh is subdivided to."""
    vertices = _on_grid(neutral)
    if subdivisions:
        edges = edges_of(faces)
        faces = subdivided_faces(faces, len(neutral), edges)
        vertices = np.concatenate([vertices, (vertices[edges[:, 0]] + vertices[edges[:, 1]]) >> 1])
    return TemplateCoordinates(vertices, faces)


def _on_grid(points: Float32Array) -> Int64Array:
    """Rounded down, in binary64."""
    wide = points.astype(np.float64)
    low = wide.min(axis=0)
    size = float((wide.max(axis=0) - low).max())
    scale = GRID / size if size > 0 else 0.0
    whole: Int64Array = np.floor((wide - low) * scale).astype(np.int64)
    return whole

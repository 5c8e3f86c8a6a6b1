"""One midpoint subdivision of a triangle mesh (§6.2).

Vertex V0 + k is the midpoint of edge k, edges being the pairs (i < j) in lexicographic order. Face f of the
base (a, b, c) becomes f = (a, ab, ca), F0 + f = (b, bc, ab), 2 F0 + f = (c, ca, bc) and the centre
3 F0 + f = (bc, ca, ab).
"""

from __future__ import annotations

import numpy as np

from pavfmt.arrays import Float64Array, Int32Array


def edges_of(faces: Int32Array) -> Int32Array:
    """(E, 2) vertex pairs i < j, each edge once, lexicographic order. `faces` is (F, 3)."""
    one = faces.T.ravel().astype(np.int64)
    other = np.roll(faces, -1, axis=1).T.ravel().astype(np.int64)
    base = int(one.max(initial=0)) + 1
    keys = np.sort(np.minimum(one, other) * base + np.maximum(one, other))
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
    return np.stack([keys // base, keys % base], axis=1).astype(np.int32)


def subdivided_faces(faces: Int32Array, vertex_count: int, edges: Int32Array | None = None) -> Int32Array:
    """(4 F, 3) faces of the mesh subdivided once; `vertex_count` is V0, `edges` are `edges_of(faces)`."""
    edges = edges_of(faces) if edges is None else edges
    keys = edges[:, 0].astype(np.int64) * vertex_count + edges[:, 1]

    def midpoint(i: Int32Array, j: Int32Array) -> Int32Array:
        low, high = np.minimum(i, j).astype(np.int64), np.maximum(i, j)
        return (vertex_count + np.searchsorted(keys, low * vertex_count + high)).astype(np.int32)

    a, b, c = faces.T
    ab, bc, ca = midpoint(a, b), midpoint(b, c), midpoint(c, a)
    parts = ((a, ab, ca), (b, bc, ab), (c, ca, bc), (bc, ca, ab))
    return np.concatenate([np.stack(part, axis=1) for part in parts])


def subdivided_values(values: Float64Array, edges: Int32Array) -> Float64Array:
    """Per-vertex `values` (V0, …) continued to the edge midpoints: (V0 + E, …)."""
    return np.concatenate([values, (values[edges[:, 0]] + values[edges[:, 1]]) / 2])

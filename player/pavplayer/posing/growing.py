"""What posing on a device needs of a scene, told piece by piece as it arrives: nothing that is there is told again.

Points are numbered once and for all: the mesh's vertices, the origin, then split points in the order they came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.decoding.scene import Scene, SceneArrays
from pavfmt.model import Float32Array, Float64Array, Gaussians
from pavfmt.registry import Binding, Site
from pavfmt.units.splits import SplitBlock

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class NewSplits:
    """Split points of one level: each is its three corners weighted by β."""

    level: int
    parents: IntArray
    """(S, 3) points."""
    beta: Float64Array
    """(S, 3), each row sums to 1."""
    points: IntArray
    """(S,) their own numbers."""


class Forest:
    """The corners of every face whose split is there, and the skinning weights of every point."""

    def __init__(self, faces: IntArray, weights: Float64Array) -> None:
        """(F, 3) vertices of the mesh and (V, J) weights, each row summing to 1."""
        self.origin = len(weights)
        self.weights = np.concatenate([weights, np.zeros((1, weights.shape[1]))])
        """(P, J)."""
        self._template = faces
        self._blocks: dict[int, list[tuple[int, IntArray]]] = {}

    def add(self, block: SplitBlock) -> NewSplits:
        """Splits whose parents' splits are there."""
        parents = self.corners(block.level - 1, block.parents)
        beta = block.barycentrics.astype(np.float64)
        beta = beta / beta.sum(axis=1, keepdims=True)
        points = len(self.weights) + np.arange(len(parents))
        self.weights = np.concatenate([self.weights, np.einsum("sk,skj->sj", beta, self.weights[parents])])
        a, b, c = parents.T
        children = [np.stack(child, axis=1) for child in ((a, b, points), (b, c, points), (c, a, points))]
        known = self._blocks.setdefault(block.level, [])
        known.append((3 * block.first, np.stack(children, axis=1).reshape(-1, 3)))
        known.sort(key=lambda one: one[0])
        return NewSplits(block.level, parents, beta, points)

    def corners(self, level: int, faces: NDArray[np.integer]) -> IntArray:
        """(N, 3) points of (N,) faces, numbered as in the complete file."""
        if level == 0:
            corners: IntArray = self._template[faces]
            return corners
        blocks = self._blocks.get(level, [])
        firsts = np.array([first for first, _ in blocks])
        which = np.searchsorted(firsts, faces, side="right") - 1
        found = np.empty((len(faces), 3), np.int64)
        for number in np.unique(which):
            first, table = blocks[number]
            here = which == number
            found[here] = table[faces[here] - first]
        return found


@dataclass(frozen=True)
class NewGaussians:
    """M Gaussians of one binding."""

    places: IntArray
    """(M,) where they come in file order."""
    corners: IntArray
    """(M, 3) points: of their face, or that they hang on."""
    beta: Float64Array
    """(M, 3) how they hang on them; zeros for faces and joints."""
    weights: Float32Array
    """(M, J) skinning weights; zeros in face frames."""
    means: Float32Array
    """(M, 3)."""
    quats: Float32Array
    """(M, 4), normalised."""


def new_gaussians(scene: Scene, forest: Forest, start: int, binding: Binding) -> NewGaussians:
    """The Gaussians from `start` of the file order on that have this binding."""
    arrays, levels = scene.arrays(), scene.table.levels if scene.table else ()
    kinds = np.array([entry.binding for entry in levels])
    places = start + np.flatnonzero(kinds[arrays.levels[start:]] == binding)
    corners, beta = _anchors(scene, arrays, forest, places)
    weights = np.zeros((len(places), forest.weights.shape[1]))
    if binding is Binding.SURFACE_POINT:
        weights = np.einsum("nk,nkj->nj", beta, forest.weights[corners])
        at_joints = np.flatnonzero(
            np.array([entry.site is Site.JOINT for entry in levels])[arrays.levels[places]]
        )
        weights[at_joints, arrays.sites[places[at_joints]]] = 1.0
    quats = arrays.quats[places].astype(np.float64)
    quats = (quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32)
    return NewGaussians(places, corners, beta, weights.astype(np.float32), arrays.means[places], quats)


def _anchors(
    scene: Scene, arrays: SceneArrays, forest: Forest, places: IntArray
) -> tuple[IntArray, Float64Array]:
    """(M, 3) points and β of Gaussians."""
    corners, beta = np.full((len(places), 3), forest.origin), np.zeros((len(places), 3))
    for number, entry in enumerate(scene.table.levels if scene.table else ()):
        rows = np.flatnonzero(arrays.levels[places] == number)
        sites = arrays.sites[places[rows]]
        if entry.site is Site.FACE:
            corners[rows] = forest.corners(number, sites)
            beta[rows] = arrays.barycentrics[places[rows]]
        elif entry.site is Site.VERTEX:
            corners[rows], beta[rows] = sites[:, None], [1.0, 0.0, 0.0]
    return corners, beta


def no_gaussians(coefficients: int = 0) -> Gaussians:
    """None, with room for `coefficients` higher SH each."""
    shapes = ((3,), (4,), (3,), (), (1, 3), (coefficients, 3))  # means to shN
    return Gaussians(np.zeros(0, np.int32), *(np.zeros((0, *shape), np.float32) for shape in shapes))

"""Patches of the surface, the chunks their originals are sent in, and who takes over from whom."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import BoolArray, Float64Array, Int32Array
from pavtraining.hand_over.clusters import Labels, clustered, divided, means_by, nearest
from pavtraining.hand_over.configuration import HandOverConfiguration


@dataclass(frozen=True)
class Patches:
    """N originals in P patches; the originals of a patch come in chunks, the strongest first."""

    features: Float64Array
    """(N, D) features: originals that are near each other here belong together."""
    clusters: Labels
    """(N,) the cluster each belongs to: one of the cover stands in for it."""
    patches: Labels
    """(N,) the patch of that cluster."""
    states: Labels
    """(N,) the chunk in its patch, from 1."""

    @property
    def cluster_count(self) -> int:
        """As many as the cover has Gaussians."""
        return int(self.clusters.max()) + 1

    @property
    def patch_count(self) -> int:
        """P."""
        return int(self.patches.max()) + 1

    def costs(self, state_count: int, each: float) -> Float64Array:
        """(P, state_count) bytes of the originals up to each state, state 0 having none."""
        counts = np.zeros((self.patch_count, state_count))
        np.add.at(counts, (self.patches, self.states), each)
        return np.cumsum(counts, axis=1)


def make_patches(
    features: Float64Array, importance: Float64Array, configuration: HandOverConfiguration
) -> Patches:
    """`features` (N, D) are features, `importance` (N,) is Σ α·T; the chunks are still in no order."""
    clusters = clustered(features, importance, configuration.cover_count, configuration.seed)
    counts = np.bincount(clusters).astype(np.float64)
    centres = means_by(clusters, importance + 1e-12, features)
    patches = divided(centres, counts, configuration.patch_size)[clusters]
    return Patches(features, clusters, patches, np.ones(len(features), np.int64))


def with_chunks(patches: Patches, worth: NDArray[np.number], shares: tuple[float, ...]) -> Patches:
    """The same patches, their originals divided at these shares by falling worth (N,)."""
    states = np.zeros(len(worth), np.int64)
    for patch in range(patches.patch_count):
        rows = np.flatnonzero(patches.patches == patch)
        rows = rows[np.argsort(-worth[rows], kind="stable")]
        states[rows] = 1 + np.searchsorted(
            shares[:-1], np.arange(len(rows)) / max(len(rows), 1), side="right"
        )
    return replace(patches, states=states)


def parents_of(
    patches: Patches, first: NDArray[np.int64], bare: NDArray[np.int64], lining: Float64Array
) -> Int32Array:
    """(N,) which of the base each original takes over from: cover first, then lining; −1 for none.

    The cover of a patch gives way to its chunks up to `first` (P,), its lining to chunk `bare` (P,); `lining`
    (L, D) are the features of the lining.
    """
    parents = np.full(len(patches.states), -1, np.int32)
    over_lining = patches.states == bare[patches.patches]
    parents[over_lining] = patches.cluster_count + nearest(patches.features[over_lining], lining)
    over_cover = (patches.states <= first[patches.patches]) & ~over_lining
    parents[over_cover] = patches.clusters[over_cover]
    centres = means_by(patches.clusters, np.ones(len(parents)), patches.features)
    for childless in np.setdiff1d(np.arange(len(centres)), parents):
        _adopt(parents, int(childless), over_cover, patches.features, centres[childless])
    for childless in np.setdiff1d(np.arange(len(lining)), parents - len(centres)):
        _adopt(parents, len(centres) + int(childless), over_lining, patches.features, lining[childless])
    return parents


def only_last(parents: Int32Array, arrivals: NDArray[np.int64], retirements: NDArray[np.int64]) -> Int32Array:
    """`parents` without the children that come before their parent retires.

    They would keep the units of a file from ending anywhere: a writer does not tear siblings apart.
    """
    waits = (parents >= 0) & (arrivals < retirements[np.maximum(parents, 0)])
    return np.where(waits, np.int32(-1), parents)


def _adopt(
    parents: Int32Array, parent: int, eligible: BoolArray, features: Float64Array, centre: Float64Array
) -> None:
    """Gives a childless one of the base the nearest eligible original that another can spare."""
    counts = np.bincount(parents[parents >= 0], minlength=1)
    spared = eligible & ((parents < 0) | (counts[np.maximum(parents, 0)] > 1))
    rows = np.flatnonzero(spared)
    if len(rows):
        parents[rows[np.argmin(((features[rows] - centre) ** 2).sum(axis=1))]] = parent

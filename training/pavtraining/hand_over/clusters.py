"""Originals that lie together, look alike and move alike: what a base begins with, and its patches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.model import Avatar, Pose
from pavfmt.posing import STATIC_RIG, PosedGaussians, pose_level, pose_mesh
from pavfmt.tools.synthetic import RandomStream
from pavplayer.rasterizers.harmonics import BAND_0

Labels = NDArray[np.int64]

MOTIONS = ({"jawOpen": 1.0}, {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, {"mouthFunnel": 1.0})
"""What moves apart under these does not share a cluster; names that a rig lacks are ignored."""
MOTION_WEIGHT = 1.5
"""A metre of different motion counts as so many metres of distance."""
COLOUR_WEIGHT = 0.02
"""Metres of distance for the step from black to white in one channel."""
ROUNDS = 12
"""Of k-means."""
PIECES = 16
"""In which distances are worked out, to save memory."""


def rest_gaussians(avatar: Avatar) -> PosedGaussians:
    """A flat avatar's Gaussians in the rest pose."""
    return pose_level(avatar.levels, 0, pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, Pose()))


def plain_colours(gaussians: PosedGaussians) -> Float64Array:
    """(N, 3) sRGB without the higher SH bands, 0..1."""
    return np.clip(0.5 + BAND_0 * gaussians.sh[:, 0], 0.0, 1.0).astype(np.float64)


def features(avatar: Avatar, rest: PosedGaussians) -> Float64Array:
    """(N, D) metres; the farther apart, the less alike: place, colour, motion."""
    columns = [rest.means, COLOUR_WEIGHT * plain_colours(rest)]
    rig = avatar.rig or STATIC_RIG
    known = {shape.name for shape in rig.shapes}
    for weights in MOTIONS:
        pose = Pose({name: weight for name, weight in weights.items() if name in known})
        if pose.weights:
            moved = pose_level(avatar.levels, 0, pose_mesh(rig, avatar.identity, pose))
            columns.append(MOTION_WEIGHT * (moved.means - rest.means))
    return np.concatenate(columns, axis=1).astype(np.float64)


def clustered(features: Float64Array, weights: Float64Array, count: int, seed: int) -> Labels:
    """(N,) cluster numbers of weighted k-means, at most `count`; every cluster has a member."""
    count = min(count, int((weights > 0).sum()))
    centres = features[_spread_choice(features, weights, count, RandomStream(seed))]
    for _ in range(ROUNDS):
        labels = nearest(features, centres)
        total = np.bincount(labels, weights, count)
        filled = total > 0
        centres[filled] = sums(labels, weights[:, None] * features, count)[filled] / total[filled, None]
    return np.unique(nearest(features, centres), return_inverse=True)[1].astype(np.int64)


def _spread_choice(features: Float64Array, weights: Float64Array, count: int, random: RandomStream) -> Labels:
    """Rows to begin with: drawn by weight, some at a time, far from those drawn before (as in k-means++)."""
    share = weights
    distance = np.full(len(features), np.inf)
    chosen = np.zeros(0, np.int64)
    while len(chosen) < count:
        more = min(max(len(chosen) // 4, 1), count - len(chosen))
        with np.errstate(divide="ignore"):  # weight 0: never, as long as there are others
            keys = -np.log(1 - random.uniform(len(features))) / share
        drawn = np.argsort(keys, kind="stable")[:more]
        for row in drawn:
            distance = np.minimum(distance, ((features - features[row]) ** 2).sum(axis=1))
        chosen = np.concatenate([chosen, drawn])
        share = weights * distance
    return chosen


def nearest(features: Float64Array, centres: Float64Array) -> Labels:
    """(N,) the row of `centres` nearest to each of `features`."""
    squares = (centres**2).sum(axis=1)
    parts = [np.argmin(squares - 2 * part @ centres.T, axis=1) for part in np.array_split(features, PIECES)]
    return np.concatenate(parts)


def sums(labels: Labels, values: Float64Array, count: int) -> Float64Array:
    """(N, D) rows added up by label: (count, D)."""
    return np.stack([np.bincount(labels, column, count) for column in values.T], axis=1)


def means_by(labels: Labels, weights: Float64Array, values: Float64Array) -> Float64Array:
    """The weighted mean of (N, D) values by label, every label having some weight."""
    count = int(labels.max()) + 1
    return sums(labels, weights[:, None] * values, count) / np.bincount(labels, weights, count)[:, None]


def divided(features: Float64Array, weights: Float64Array, most: float) -> Labels:
    """(N,) parts made by halving along the longest side, until each weighs at most `most` or is one place."""
    labels, found = np.zeros(len(features), np.int64), 0
    waiting = [np.arange(len(features))]
    while waiting:
        rows = waiting.pop()
        if len(rows) == 1 or weights[rows].sum() <= most:
            labels[rows], found = found, found + 1
            continue
        sides = features[rows] - np.average(features[rows], axis=0, weights=weights[rows] + 1e-12)
        axis = np.linalg.svd(sides * np.sqrt(weights[rows] + 1e-12)[:, None], full_matrices=False)[2][0]
        rows = rows[np.argsort(sides @ axis, kind="stable")]
        half = np.searchsorted(np.cumsum(weights[rows]), weights[rows].sum() / 2) + 1
        half = min(max(int(half), 1), len(rows) - 1)
        waiting += [rows[:half], rows[half:]]
    return labels

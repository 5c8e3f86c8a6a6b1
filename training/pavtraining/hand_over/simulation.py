"""What prefixes of a fitted avatar show, before there is a file: Gaussians come in order, parents retire.

Bytes are taken to be the same for every Gaussian of a level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Float64Array, Int32Array, Pose
from pavplayer.camera import Camera
from pavplayer.posing import PosedCloud, Poser
from pavplayer.rasterizers import Rasterizer

LAST = np.iinfo(np.int64).max


class SimulatedPrefixes:
    """The prefixes of one avatar whose levels after the first may take over from the level before."""

    def __init__(self, avatar: Avatar, bytes_of_levels: Sequence[float]) -> None:
        """`bytes_of_levels` are the bytes of a Gaussian of each level."""
        self._poser = Poser(avatar)
        counts = [len(level.gaussians) for level in avatar.levels]
        starts = np.concatenate([[0], np.cumsum(counts)])
        self._places = np.empty(starts[-1], np.int64)
        self._retired = np.full(starts[-1], LAST)
        costs = np.repeat(np.asarray(bytes_of_levels, np.float64), counts)
        for number, level in enumerate(avatar.levels):
            importance = level.gaussians.importance
            if importance is None:
                raise EncodeError("no-importance", f"level {number} is in no order")
            order = np.argsort(-importance.astype(np.float64), kind="stable")
            self._places[starts[number] + order] = starts[number] + np.arange(counts[number])
            if number and level.parents is not None:
                self._note(starts[number - 1], starts[number], level.parents)
        self.ends: Float64Array = np.cumsum(costs)
        """(N,) bytes after each Gaussian, in the order of sending."""

    def _note(self, before: int, start: int, parents: Int32Array) -> None:
        """Parents retire with the last of their children; `before` and `start` are the levels' first rows."""
        rows = np.flatnonzero(parents >= 0)
        last = np.full(start - before, -1, np.int64)
        np.maximum.at(last, parents[rows], self._places[start + rows])
        self._retired[before:start] = np.where(last < 0, LAST, last)

    def count_within(self, budget: float) -> int:
        """How many Gaussians a number of bytes pays for."""
        return int(np.searchsorted(self.ends, budget, side="right"))

    def shown(self, count: int) -> NDArray[np.int64]:
        """The rows, level after level, that are drawn when `count` Gaussians are there."""
        return np.flatnonzero((self._places < count) & (self._retired >= count))

    def cloud(self, pose: Pose) -> PosedCloud:
        """All Gaussians in a pose."""
        return self._poser.frame(pose)


def chosen(cloud: PosedCloud, rows: NDArray[np.int64]) -> PosedCloud:
    """Those at `rows`."""
    return replace(cloud, **{name: part[rows] for name, part in vars(cloud).items() if part is not None})


@dataclass(frozen=True)
class Picture:
    """One picture to compare."""

    camera: Camera
    pose: Pose
    wanted: NDArray[np.float32]


class Comparison:
    """Prefixes against the teacher, on a fixed set of pictures."""

    def __init__(
        self, prefixes: SimulatedPrefixes, pictures: Sequence[Picture], rasterizer: Rasterizer
    ) -> None:
        self._prefixes, self._pictures, self._rasterizer = prefixes, pictures, rasterizer
        self._clouds = [prefixes.cloud(picture.pose) for picture in pictures]

    def errors(self, count: int) -> Float64Array:
        """(pictures,) mean squared errors when `count` Gaussians are there."""
        return np.array([float(((a - b) ** 2).mean()) for a, b in self._drawn(count)])

    def _drawn(self, count: int) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        rows = self._prefixes.shown(count)
        drawn = []
        for picture, cloud in zip(self._pictures, self._clouds, strict=True):
            found = self._rasterizer.render(chosen(cloud, rows), picture.camera)
            drawn.append((found, picture.wanted))
        return drawn

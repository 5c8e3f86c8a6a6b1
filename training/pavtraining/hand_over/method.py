"""From a flat avatar to a fitted base that hands over to it.

1. Views of the avatar are drawn; originals that matter to none of them are set aside.
2. Clusters of originals become the base: a cover on the surface, and a lining beneath it.
3. The base is fitted alone.
4. Again and again: the order of the chunks is measured, and the base is fitted under random prefixes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, BoolArray, Float32Array, Float64Array, Int32Array, Level, Site, Splits
from pavplayer.posing import Poser
from pavplayer.rasterizers import open_rasterizer
from pavtraining.hand_over.base import Base, cluster_gaussians
from pavtraining.hand_over.clusters import clustered, features, means_by, rest_gaussians
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.fitting import Phase, base_alone, fit, random_prefixes
from pavtraining.hand_over.ordering import MeasuredShot, make_schedule, measured_shot
from pavtraining.hand_over.patches import Patches, make_patches, with_chunks
from pavtraining.hand_over.schedule import Schedule
from pavtraining.hand_over.shots import ShotMaker
from pavtraining.hand_over.significance import significance
from pavtraining.sources import Teacher

PROBES = 2
"""Random signs tried on each picture when chunks are divided."""
KEPT_PRECISION = 16
"""Originals."""
ALONE_COST, ORDER_COST, START_COST = 0.7, 250.0, 300.0
"""In steps under prefixes, for progress: a step of the base alone, one measurement of the order, the start."""

Progress = Callable[[str, float], None]
"""What is being done, and how much of all has been done, 0..1."""


@dataclass(frozen=True)
class HandedOver:
    """The result."""

    avatar: Avatar
    """Two levels: the base, its lining first; the originals worth sending, whose parents are of the base. Both are
    sent by falling importance."""
    schedule: Schedule
    """For all originals, those left out too."""
    kept: BoolArray
    """(N,) the originals that are in the avatar."""


class Stages:
    """How much of all has been done, as stages of known cost follow each other."""

    def __init__(self, total: float, progress: Progress | None) -> None:
        self._total, self._progress, self._done = total, progress, 0.0

    def begin(self, what: str, cost: float) -> Callable[[float], None]:
        """The next stage; what is returned takes the share of it that is done."""
        before, self._done = self._done, self._done + cost

        def tell(share: float) -> None:
            if self._progress is not None:
                self._progress(what, min((before + cost * share) / self._total, 1.0))

        tell(0.0)
        return tell


def hand_over(
    avatar: Avatar,
    configuration: HandOverConfiguration | None = None,
    progress: Progress | None = None,
) -> HandedOver:
    """A base fitted to a flat avatar, and the order in which its originals take over. Some minutes of CPU."""
    given = configuration or HandOverConfiguration()
    rounds, alone = len(given.prefix_steps), given.alone_steps * ALONE_COST
    stages = Stages(START_COST + alone + sum(given.prefix_steps) + (rounds + 1) * ORDER_COST, progress)
    method = Method(avatar, given, stages.begin("drawing views", START_COST))
    method.fit_alone(stages.begin("fitting the base", alone))
    for round_, steps in enumerate(given.prefix_steps):
        stages.begin("measuring the order", ORDER_COST)
        method.order(may_retire=round_ > 0)
        method.fit_prefixes(round_, stages.begin("fitting prefixes", steps))
    stages.begin("measuring the order", ORDER_COST)
    method.order()
    return method.result()


class Method:
    """The method step by step, for those who want to look at it in between."""

    def __init__(
        self,
        avatar: Avatar,
        configuration: HandOverConfiguration,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        if len(avatar.levels) != 1 or not len(avatar.levels[0].gaussians):
            raise EncodeError("bad-level", "a base is fitted to a flat avatar: one level with Gaussians")
        if avatar.levels[0].site is Site.FACE:
            # A second level has no faces but those of split ones.
            raise EncodeError("bad-site", "originals that hang on faces cannot come after a base")
        self.avatar, self.configuration = avatar, configuration
        self.teacher = Teacher(avatar, seed=configuration.seed)
        self.shots = ShotMaker(self.teacher).shots(
            configuration.view_count, configuration.picture_size, progress=progress
        )
        self.importance = self._measured_importance()
        """(N,) Σ α·T of the originals."""
        rest, kept = rest_gaussians(avatar), self._worth_sending()
        self.patches: Patches = make_patches(features(avatar, rest), self.importance, kept, configuration)
        linings = clustered(
            self.patches.places, kept.astype(np.float64), configuration.lining_count, configuration.seed + 1
        )
        self._lining_places = means_by(linings, kept.astype(np.float64) + 1e-9, self.patches.places)
        depth = configuration.lining_depth * self._height()
        scales, clusters = configuration.scales, self.patches.clusters
        self.base = Base(
            cluster_gaussians(avatar, rest, clusters, self.importance, 0.0, scales),
            cluster_gaussians(avatar, rest, linings, self.importance, depth, scales),
            configuration,
            Site.VERTEX if len(self.teacher.rig.mean_neutral) else Site.JOINT,
        )
        self._measured: list[MeasuredShot] = []
        self.schedule: Schedule | None = None
        """What was measured last."""

    def _height(self) -> float:
        neutral = self.teacher.rig.mean_neutral
        return float(np.ptp(neutral[:, 1])) if len(neutral) else 0.0

    def _measured_importance(self) -> Float64Array:
        rasterizer, poser = open_rasterizer("cpu"), Poser(self.avatar)
        total = np.zeros(len(self.avatar.levels[0].gaussians))
        for shot in self.shots[: self.configuration.significant_view_count]:
            total += rasterizer.contributions(poser.frame(shot.view.pose), shot.view.camera)
        if not total.any():
            raise EncodeError("no-gaussians", "nothing of the avatar is to be seen")
        return total

    def _worth_sending(self) -> BoolArray:
        """(N,) the fewest of the most significant originals that reach `kept_decibels` by themselves."""
        given = self.configuration
        found = significance(self.shots, None, given.seed)
        shots, order = self.shots[: given.significant_view_count], np.argsort(-found, kind="stable")
        low, high = 0, len(order)
        while high - low > KEPT_PRECISION:
            middle = (low + high) // 2
            rows = torch.from_numpy(np.sort(order[:middle]))
            errors = [float(shot.errors(shot.originals.take(rows)).mean()) for shot in shots]
            enough = np.mean(errors) <= 10 ** (-given.kept_decibels / 10)
            low, high = (low, middle) if enough else (middle, high)
        kept = np.zeros(len(order), bool)
        kept[order[:high]] = True
        return kept

    def fit_alone(self, progress: Callable[[float], None] | None = None) -> None:
        """The base without any originals."""
        phase = Phase(self.configuration.alone_steps, 1, 1.0, 0.3, rounded=False)
        fit(self.base, self.shots, self.configuration, phase, base_alone(self.base), progress)

    def order(self, may_retire: bool = True) -> Schedule:
        """Measures the order anew; the lining may retire early once it has been fitted beneath originals."""
        given = self.configuration
        if not self._measured:
            self._measured = [
                measured_shot(shot, self.patches) for shot in self.shots[: given.measured_view_count]
            ]
        some = self.shots[: given.significant_view_count]
        with torch.no_grad():
            lining = torch.arange(self.base.cover_count, len(self.base))
            behind = [self.base.seen(shot).take(lining) for shot in some]
        self.patches = with_chunks(self.patches, significance(some, behind, given.seed, PROBES), given.shares)
        self.schedule = make_schedule(
            self.base, self._measured, self.patches, self._lining_places, given, may_retire
        )
        return self.schedule

    def fit_prefixes(self, round_: int, progress: Callable[[float], None] | None = None) -> None:
        """The base under random prefixes of the order measured last."""
        assert self.schedule is not None
        given = self.configuration
        last = given.final_rate if round_ == len(given.prefix_steps) - 1 else 0.4
        phase = Phase(given.prefix_steps[round_], 2 + round_, 0.6, last, rounded=True)
        fit(self.base, self.shots, given, phase, random_prefixes(self.base, self.schedule, given), progress)

    def result(self) -> HandedOver:
        """As an avatar of two levels."""
        schedule, kept = self.schedule, self.patches.kept
        assert schedule is not None
        rows = np.flatnonzero(kept)
        ranks = _ranks(schedule.arrivals, self.importance)[rows]
        avatar = joined_levels(self.avatar, self._base_level(), rows, ranks, schedule.parents[rows])
        return HandedOver(avatar, schedule, kept)

    def _base_level(self) -> Level:
        """The base, the lining to be sent before the cover, and the cover by falling weight in the pictures."""
        level = self.base.level()
        weight = np.bincount(self.patches.clusters, self.importance)
        lining = np.full(len(level.gaussians) - len(weight), -1)
        ranks = _ranks(np.concatenate([np.zeros(len(weight)), lining]), np.concatenate([weight, -lining]))
        return replace(level, gaussians=replace(level.gaussians, importance=ranks))


def joined_levels(
    flat: Avatar,
    base: Level,
    rows: NDArray[np.integer],
    importance: Float32Array,
    parents: Int32Array,
) -> Avatar:
    """`base` and then the originals at `rows`, with their importance and their parents in the base."""
    level = flat.levels[0]
    originals = replace(
        level,
        gaussians=replace(level.gaussians.take(rows), importance=importance),
        splits=Splits(np.zeros(0, np.int32), np.zeros((0, 3), np.float32)),
        parents=parents,
    )
    return replace(flat, levels=(base, originals))


def _ranks(first: NDArray[np.number], second: NDArray[np.number]) -> Float32Array:
    """(N,) importance that orders by `first` ascending, then by `second` descending."""
    order = np.lexsort((-second, first))
    ranks = np.empty(len(order), np.float32)
    ranks[order] = np.arange(len(order), 0, -1)
    return ranks

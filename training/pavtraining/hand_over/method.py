"""From a flat avatar to a fitted base that hands over to it.

1. Views of the avatar are drawn. The originals that matter most to them are kept.
2. They are fitted to stand for all, under random prefixes by significance, so that the first of them stand alone.
3. Their clusters become the base: a cover on the surface, and a lining beneath it, which is fitted alone. That is
   done twice: where the first base errs most the second has more clusters.
4. Again and again: the order of the chunks is measured, and the base is fitted under random prefixes of it.
5. Base and originals are fitted together under prefixes of that order, and then the whole of the originals.

An exact hand-over leaves out 2 and 5: the originals are sent as they were given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pavfmt.arrays import BoolArray, Float64Array
from pavfmt.encoder.precision import height_of
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Level
from pavfmt.registry import Site
from pavfmt.tools.synthetic import RandomStream
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import open_rasterizer
from pavtraining.hand_over.base import Base, cluster_gaussians
from pavtraining.hand_over.checkpoint import Memory, Phase
from pavtraining.hand_over.clusters import clustered, features, means_by, rest_gaussians
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.fitting import base_prefixes, fit, joint_prefixes, most_significant
from pavtraining.hand_over.levels import in_one_level, joined_levels, ranked, with_gaussians
from pavtraining.hand_over.order.measured import MeasuredShot, drawn_prefix, make_schedule, measured_shot
from pavtraining.hand_over.order.patches import Patches, make_patches, with_chunks
from pavtraining.hand_over.order.schedule import Schedule
from pavtraining.hand_over.order.significance import significance
from pavtraining.hand_over.originals import Originals
from pavtraining.hand_over.stages import Progress, Stages
from pavtraining.hand_over.training_views import Drawable, Shot, ShotMaker, joined
from pavtraining.sources import Size, Teacher

LEAST_SHARE = 1e-3
"""Of the mean weight, for originals in whose place a base does not err."""
TINY = 1e-30
PROBES = 2
"""Random signs tried on each picture when chunks are divided."""
KEPT_PRECISION = 16
"""Originals."""
ALONE_COST, OWN_COST, JOINT_COST, ORDER_COST, START_COST = 0.7, 4.0, 6.0, 150.0, 400.0
"""In steps of the base under prefixes, for progress: a step of each other phase, one measurement of the order, the
start."""


@dataclass(frozen=True)
class HandedOver:
    """The result."""

    avatar: Avatar
    """Two levels: the base, its lining last; the originals worth sending, whose parents are of the base. Both are
    sent by falling importance."""
    schedule: Schedule
    kept: NDArray[np.intp]
    """Rows of the given originals that are in the avatar."""


def hand_over(
    avatar: Avatar,
    configuration: HandOverConfiguration | None = None,
    progress: Progress | None = None,
    memory: Memory | None = None,
) -> HandedOver:
    """A base fitted to a flat avatar, and the order in which its originals take over. Some minutes of CPU.

    What `memory` holds of an earlier call with the same avatar and configuration is not done again.
    """
    given = configuration or HandOverConfiguration()
    scout, alone = given.scout_steps * ALONE_COST, given.alone_steps * ALONE_COST
    own, joint = (0, 0) if given.exact else (given.own_steps, given.joint_steps + given.whole_steps)
    total = START_COST + OWN_COST * own + scout + alone + sum(given.prefix_steps) + JOINT_COST * joint
    stages = Stages(total + (len(given.prefix_steps) + 1) * ORDER_COST, progress)
    method = Method(avatar, given, stages.begin("drawing views", START_COST), memory)
    if not given.exact:
        method.fit_originals(stages.begin("fitting originals", OWN_COST * own))
    method.begin_base(method.importance)
    method.begin_base(method.errors_of_base(stages.begin("looking where a base errs", scout)))
    method.fit_base_alone(stages.begin("fitting the base", alone))
    for round_, steps in enumerate(given.prefix_steps):
        stages.begin("measuring the order", ORDER_COST)
        method.order(may_retire=round_ > 0)
        method.fit_base(round_, stages.begin("fitting the base under prefixes", steps))
    stages.begin("measuring the order", ORDER_COST)
    method.order()
    if not given.exact:
        method.fit_together(stages.begin("fitting all together", JOINT_COST * joint))
    return method.result()


class Method:
    """The method step by step, for those who want to look at it in between."""

    def __init__(
        self,
        avatar: Avatar,
        configuration: HandOverConfiguration,
        progress: Callable[[float], None] | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.configuration = configuration
        self._memory = memory or Memory()
        self.teacher = Teacher(avatar, seed=configuration.seed)
        self.avatar = avatar = in_one_level(avatar)
        """The flat avatar as far as it will be sent; its originals the most significant first."""
        self.shots = self._shots(configuration.picture_size, configuration.view_count, progress)
        self.kept = self._worth_sending()
        self._become(with_gaussians(avatar, avatar.levels[0].gaussians.take(self.kept)))
        self._measured: list[MeasuredShot] = []
        self.schedule: Schedule | None = None
        """What was measured last."""

    def _shots(self, size: Size, count: int, progress: Callable[[float], None] | None = None) -> list[Shot]:
        return ShotMaker(self.teacher, self.avatar).shots(count, size, progress=progress)

    def _become(self, avatar: Avatar) -> None:
        """The flat avatar from now on is this, in all views."""
        self.avatar = avatar
        maker = ShotMaker(self.teacher, avatar)
        self.shots = [maker.shot(shot.view) for shot in self.shots]
        self.importance = self._measured_importance()
        """(N,) Σ α·T of the originals."""

    def fit_originals(self, progress: Callable[[float], None] | None = None) -> None:
        """Those that are kept, to stand for all, and the first of them to stand alone."""
        given = self.configuration
        originals = Originals(self.avatar.levels[0].gaussians, given)
        choose = most_significant(len(originals), given)
        fit(
            originals.rates(),
            self._shots(given.own_picture_size, given.view_count),
            lambda random, shot: originals.seen(shot, torch.arange(choose(random))),
            Phase(0, given.own_steps, 1.0, given.final_rate),
            given.seed,
            self._memory,
            progress=progress,
        )
        self._become(with_gaussians(self.avatar, originals.gaussians()))

    def begin_base(self, weights: Float64Array) -> None:
        """Clusters of the originals as they are now, more where their `weights` (N,) are larger."""
        avatar, given = self.avatar, self.configuration
        rest, everyone = rest_gaussians(avatar), np.ones(len(self.importance))
        self.patches: Patches = make_patches(features(avatar, rest), weights, given)
        linings = clustered(self.patches.places, everyone, given.lining_count, given.seed + 1)
        self._lining_places = means_by(linings, everyone, self.patches.places)
        depth = given.lining_depth * self._height()
        self.base = Base(
            cluster_gaussians(avatar, rest, self.patches.clusters, weights, 0.0, given.scales),
            cluster_gaussians(avatar, rest, linings, self.importance, depth, given.scales),
            self._first_of_cover(),
            given,
            Site.VERTEX if len(self.teacher.rig.mean_neutral) else Site.JOINT,
            height_of(avatar),
        )

    def _first_of_cover(self) -> BoolArray:
        """(C,) all of the cover; or the heaviest of each neighbourhood, so that they lie everywhere."""
        clusters, given = self.patches.clusters, self.configuration
        weights = np.bincount(clusters, self.importance)
        if not given.first_count:
            return np.ones(len(weights), bool)
        centres = means_by(clusters, np.ones(len(clusters)), self.patches.places)
        near = clustered(centres, np.ones(len(centres)), given.first_count, given.seed + 2)
        by_weight = np.argsort(-weights, kind="stable")
        first = np.zeros(len(weights), bool)
        first[by_weight[np.unique(near[by_weight], return_index=True)[1]]] = True
        return first

    def _height(self) -> float:
        neutral = self.teacher.rig.mean_neutral
        return float(np.ptp(neutral[:, 1])) if len(neutral) else 0.0

    def _measured_importance(self) -> Float64Array:
        rasterizer, poser = open_rasterizer("cpu"), Poser(self.avatar, compiled=False)
        total = np.zeros(len(self.avatar.levels[0].gaussians))
        for shot in self.shots[: self.configuration.significant_view_count]:
            total += rasterizer.contributions(poser.frame(shot.view.pose), shot.view.camera)
        if not total.any():
            raise EncodeError("no-gaussians", "nothing of the avatar is to be seen")
        return total

    def _worth_sending(self) -> NDArray[np.intp]:
        """Rows of the fewest most significant originals that reach the configured quality as given, those first."""
        given = self.configuration
        decibels = given.exact_decibels if given.exact else given.kept_decibels
        found = significance(self.shots, None, given.seed)
        shots, order = self.shots[: given.significant_view_count], np.argsort(-found, kind="stable")
        low, high = 0, len(order)
        while high - low > KEPT_PRECISION:
            middle = (low + high) // 2
            rows = torch.from_numpy(np.sort(order[:middle]))
            errors = [float(shot.errors(shot.originals.take(rows)).mean()) for shot in shots]
            enough = np.mean(errors) <= 10 ** (-decibels / 10)
            low, high = (low, middle) if enough else (middle, high)
        return order[:high]

    def errors_of_base(self, progress: Callable[[float], None] | None = None) -> Float64Array:
        """(N,) squared error of a base that is fitted for a while, by the originals that have weight where it errs."""
        given = self.configuration
        self._fit_alone(Phase(1, given.scout_steps, 1.0, 0.3), progress)
        rasterizer, poser = open_rasterizer("cpu"), Poser(self.avatar, compiled=False)
        total = np.zeros(len(self.importance))
        for shot in self.shots[: given.significant_view_count]:
            with torch.no_grad():
                errors = shot.errors(self.base.seen(shot)).numpy()
            total += rasterizer.contributions(poser.frame(shot.view.pose), shot.view.camera, errors)
        shares: Float64Array = total / max(float(total.mean()), TINY) + LEAST_SHARE * (self.importance > 0)
        return shares

    def fit_base_alone(self, progress: Callable[[float], None] | None = None) -> None:
        """The base without any originals, with its lining and without."""
        self._fit_alone(Phase(2, self.configuration.alone_steps, 1.0, 0.3), progress)

    def _fit_alone(self, phase: Phase, progress: Callable[[float], None] | None) -> None:

        def beginning(shot: Shot, place: float) -> Drawable:
            shown, is_first_alone = self.base.beginning(place)
            drawable = self.base.seen(shot, written=False, is_first_alone=is_first_alone)
            return drawable.take(torch.from_numpy(np.flatnonzero(shown)))

        fit(
            self.base.rates(),
            self.shots,
            lambda random, shot: beginning(shot, float(random.uniform())),
            phase,
            self.configuration.seed,
            self._memory,
            self.base.confine,
            progress,
        )

    def order(self, may_retire: bool = True) -> Schedule:
        """Measures the order anew; the lining may retire early once it has been fitted beneath originals."""
        given = self.configuration
        if not self._measured:
            self._measured = [
                measured_shot(shot, self.patches) for shot in self.shots[: given.measured_view_count]
            ]
        self.patches = with_chunks(self.patches, self._worth_over_lining(), given.shares)
        self.schedule = make_schedule(
            self.base, self._measured, self.patches, self._lining_places, given, may_retire
        )
        return self.schedule

    def _worth_over_lining(self) -> NDArray[np.number]:
        """(N,) by what originals come earlier: as they were fitted, or exact ones by significance over the lining."""
        given = self.configuration
        if not given.exact:
            return -np.arange(len(self.importance))
        some = self.shots[: given.significant_view_count]
        with torch.no_grad():
            lining = torch.arange(self.base.cover_count, len(self.base))
            behind = [self.base.seen(shot).take(lining) for shot in some]
        return significance(some, behind, given.seed, PROBES)

    def fit_base(self, round_: int, progress: Callable[[float], None] | None = None) -> None:
        """The base under random prefixes of the order measured last."""
        assert self.schedule is not None
        given, base = self.configuration, self.base
        last = given.final_rate if round_ == len(given.prefix_steps) - 1 else 0.4
        phase = Phase(3 + round_, given.prefix_steps[round_], 0.6, last)
        choose = base_prefixes(base, self.schedule, given)

        def drawn(random: RandomStream, shot: Shot) -> Drawable:
            there, shown, is_first_alone = choose(random)
            seen = base.seen(shot, is_first_alone=is_first_alone)
            return drawn_prefix(shot.originals, seen, there, shown)

        fit(base.rates(), self.shots, drawn, phase, given.seed, self._memory, base.confine, progress)

    def fit_together(self, progress: Callable[[float], None] | None = None) -> None:
        """Base and originals under random prefixes of the order measured last, in full pictures; then the whole."""
        assert self.schedule is not None
        given, base = self.configuration, self.base
        originals = Originals(self.avatar.levels[0].gaussians, given)
        everyone = torch.arange(len(originals))
        choose = joint_prefixes(base, self.schedule, given)

        def drawn(random: RandomStream, shot: Shot) -> Drawable:
            there, shown, is_first_alone = choose(random)
            seen = base.seen(shot, is_first_alone=is_first_alone)
            return drawn_prefix(originals.seen(shot, everyone), seen, there, shown)

        number, first = 3 + len(given.prefix_steps), given.joint_rate
        phase = Phase(number, given.joint_steps, first, 0.1 * first)
        groups = base.rates() + originals.rates()
        shots = self._shots(given.full_picture_size, given.full_view_count)
        fit(groups, shots, drawn, phase, given.seed, self._memory, base.confine, progress)

        def whole(random: RandomStream, shot: Shot) -> Drawable:
            left = base.seen(shot).take(torch.from_numpy(np.flatnonzero(last_shown)))
            return joined(originals.seen(shot, everyone), left)

        last_shown = self.schedule.shown(len(self.schedule.moves))
        phase = Phase(number + 1, given.whole_steps, given.whole_rate, 0.02 * given.whole_rate)
        fit(originals.rates(), shots, whole, phase, given.seed, self._memory)
        self._become(with_gaussians(self.avatar, originals.gaussians()))

    def result(self) -> HandedOver:
        """As an avatar of two levels."""
        schedule = self.schedule
        assert schedule is not None
        ranks = ranked(schedule.arrivals, self.importance)
        avatar = joined_levels(self.avatar, self._base_level(), ranks, schedule.parents)
        return HandedOver(avatar, schedule, self.kept)

    def _base_level(self) -> Level:
        """The base part by part, the cover by falling weight in the pictures."""
        level = self.base.level()
        weights = np.ones(len(level.gaussians))
        weights[: self.base.cover_count] = np.bincount(self.patches.clusters, self.importance)
        ranks = ranked(self.base.part, weights)
        return replace(level, gaussians=replace(level.gaussians, importance=ranks))

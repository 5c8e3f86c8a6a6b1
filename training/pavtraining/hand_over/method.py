"""From a flat avatar to a fitted base that hands over to it (§6.10; why: spec/decisions/0014).

**How it works.** The avatar's own Gaussians are the *originals*; pictures of it are the truth.

1. Views of the avatar are drawn. The originals that matter most to them are kept.
2. They are fitted to stand for all, under random prefixes by significance, so that the first of them stand alone.
3. Their clusters become the base: a *cover* on the surface, and a *lining* beneath it, which is fitted alone. That
   is done twice: where the first base errs most the second has more clusters.
4. Again and again: the order of the chunks is measured, and the base is fitted under random prefixes of it.
5. Base and originals are fitted together under prefixes of that order, and then the whole of the originals.

An exact hand-over leaves out 2 and 5: the originals are sent as they were given.

**Why so.** The first thousand of twenty thousand small Gaussians are a head with holes, in whatever order they come.
So a few hundred large ones come first that are a head by themselves, and each goes when the originals it stood in
for are there: patch by patch, so that at any moment a part of the head is finished and the rest is whole but coarse.
What is fitted is what will be seen, prefixes of the very order that will be sent; but that order depends on how good
the base is, and the base on the order. Hence the rounds of 4.

Nesting (2) is what makes fewer Gaussians pay: fitted for the whole only, each of them matters more and half of them
are worse than before.

**Invariants.**

- Originals never move to another vertex or face: they keep their sites and bindings, so the avatar's animation is
  the given one.
- From `_worth_sending` on the originals are in the order of significance, the most significant first. Chunks and
  `most_significant` rely on it.
- Every phase has a number of its own and goes through `fit`, which asks the checkpoint for what it has learned: a
  resumed run does all that is not a phase again, which must therefore be the same every time.
- The base is fitted on the steps it will be written in (`HAND_OVER_PRECISION`), never on finer ones.

**Costs**, of the defaults on one core: some ten minutes, nearly all of it blending pictures of 275×401 to 550×802.
The constants below that end in COST are shares of it, for the progress bar only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pavfmt.arrays import BoolArray, Float64Array
from pavfmt.encoder.pictures import height_of
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Level
from pavfmt.registry import Site
from pavfmt.tools.synthetic import RandomStream
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import open_rasterizer
from pavtraining.hand_over.base import Base, cluster_gaussians
from pavtraining.hand_over.checkpoint import Checkpoint, Phase
from pavtraining.hand_over.clusters import clustered, features, means_by, rest_gaussians
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.fitting import base_prefixes, fit, joint_prefixes, most_significant
from pavtraining.hand_over.levels import in_one_level, joined_levels, ranked, with_gaussians
from pavtraining.hand_over.order.measured import MeasuredView, drawn_prefix, make_schedule, measured_view
from pavtraining.hand_over.order.patches import Patches, make_patches, with_chunks
from pavtraining.hand_over.order.schedule import HandOverSchedule
from pavtraining.hand_over.order.significance import significance
from pavtraining.hand_over.originals import Originals
from pavtraining.hand_over.progress import StagedProgress
from pavtraining.hand_over.training_views import Splats, TrainingView, TrainingViewMaker, joined
from pavtraining.running import Progress
from pavtraining.sources.teacher import Teacher
from pavtraining.sources.view import Size

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
    schedule: HandOverSchedule
    kept: NDArray[np.intp]
    """Rows of the given originals that are in the avatar."""


def hand_over(
    avatar: Avatar,
    configuration: HandOverConfiguration | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> HandedOver:
    """A base fitted to a flat avatar, and the order in which its originals take over. Some minutes of CPU.

    What `checkpoint` holds of an earlier call with the same avatar and configuration is not done again.
    """
    given = configuration or HandOverConfiguration()
    scout, alone = given.scout_steps * ALONE_COST, given.alone_steps * ALONE_COST
    own, joint = (0, 0) if given.exact else (given.own_steps, given.joint_steps + given.whole_steps)
    total = START_COST + OWN_COST * own + scout + alone + sum(given.prefix_steps) + JOINT_COST * joint
    stages = StagedProgress(total + (len(given.prefix_steps) + 1) * ORDER_COST, progress)
    method = HandOverFit(avatar, given, stages.begin("drawing views", START_COST), checkpoint)
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


class HandOverFit:
    """The method step by step, for those who want to look at it in between."""

    def __init__(
        self,
        avatar: Avatar,
        configuration: HandOverConfiguration,
        progress: Callable[[float], None] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.configuration = configuration
        self._checkpoint = checkpoint or Checkpoint()
        self.teacher = Teacher(avatar, seed=configuration.seed)
        self.avatar = avatar = in_one_level(avatar)
        """The flat avatar as far as it will be sent; its originals the most significant first."""
        self.views = self._views(configuration.picture_size, configuration.view_count, progress)
        self.kept = self._worth_sending()
        self._become(with_gaussians(avatar, avatar.levels[0].gaussians.take(self.kept)))
        self._measured: list[MeasuredView] = []
        self.schedule: HandOverSchedule | None = None
        """What was measured last."""

    def _views(
        self, size: Size, count: int, progress: Callable[[float], None] | None = None
    ) -> list[TrainingView]:
        return TrainingViewMaker(self.teacher, self.avatar).views(count, size, progress=progress)

    def _become(self, avatar: Avatar) -> None:
        """The flat avatar from now on is this, in all views."""
        self.avatar = avatar
        maker = TrainingViewMaker(self.teacher, avatar)
        self.views = [maker.view(view.truth) for view in self.views]
        self.importance = self._measured_importance()
        """(N,) Σ α·T of the originals."""

    def fit_originals(self, progress: Callable[[float], None] | None = None) -> None:
        """Those that are kept, to stand for all, and the first of them to stand alone."""
        given = self.configuration
        originals = Originals(self.avatar.levels[0].gaussians, given)
        choose = most_significant(len(originals), given)
        fit(
            originals.rates(),
            self._views(given.own_picture_size, given.view_count),
            lambda random, view: originals.splats(view, torch.arange(choose(random))),
            Phase(0, given.own_steps, 1.0, given.final_rate),
            given.seed,
            self._checkpoint,
            progress=progress,
        )
        self._become(with_gaussians(self.avatar, originals.gaussians()))

    def begin_base(self, weights: Float64Array) -> None:
        """Clusters of the originals as they are now, more where their `weights` (N,) are larger."""
        avatar, given = self.avatar, self.configuration
        rest, everyone = rest_gaussians(avatar), np.ones(len(self.importance))
        self.patches: Patches = make_patches(features(avatar, rest), weights, given)
        linings = clustered(self.patches.features, everyone, given.lining_count, given.seed + 1)
        self._lining_features = means_by(linings, everyone, self.patches.features)
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
        centres = means_by(clusters, np.ones(len(clusters)), self.patches.features)
        # The heaviest of all would lie together in the middle of the face: one from each neighbourhood is a whole head.
        near = clustered(centres, np.ones(len(centres)), given.first_count, given.seed + 2)
        by_weight = np.argsort(-weights, kind="stable")
        first = np.zeros(len(weights), bool)
        first[by_weight[np.unique(near[by_weight], return_index=True)[1]]] = True
        return first

    def _height(self) -> float:
        neutral = self.teacher.rig.mean_neutral
        return float(np.ptp(neutral[:, 1])) if len(neutral) else 0.0

    def _measured_importance(self) -> Float64Array:
        rasterizer, poser = open_rasterizer("cpu"), Poser(self.avatar)
        total = np.zeros(len(self.avatar.levels[0].gaussians))
        for view in self.views[: self.configuration.significant_view_count]:
            total += rasterizer.contributions(poser.frame(view.truth.pose), view.truth.camera)
        if not total.any():
            raise EncodeError("no-gaussians", "nothing of the avatar is to be seen")
        return total

    def _worth_sending(self) -> NDArray[np.intp]:
        """Rows of the fewest most significant originals that reach the configured quality as given, those first."""
        given = self.configuration
        decibels = given.exact_decibels if given.exact else given.kept_decibels
        found = significance(self.views, None, given.seed)
        views, order = self.views[: given.significant_view_count], np.argsort(-found, kind="stable")
        # Quality grows with the count but for noise, so halving finds where it is reached, to within a few originals:
        # one more drawing of all views would cost more than they do.
        low, high = 0, len(order)
        while high - low > KEPT_PRECISION:
            middle = (low + high) // 2
            rows = torch.from_numpy(np.sort(order[:middle]))  # ascending: ties of depth are drawn as ever
            errors = [float(view.errors(view.originals.take(rows)).mean()) for view in views]
            enough = np.mean(errors) <= 10 ** (-decibels / 10)
            low, high = (low, middle) if enough else (middle, high)
        return order[:high]

    def errors_of_base(self, progress: Callable[[float], None] | None = None) -> Float64Array:
        """(N,) squared error of a base that is fitted for a while, by the originals that have weight where it errs."""
        given = self.configuration
        self._fit_alone(Phase(1, given.scout_steps, 1.0, 0.3), progress)
        rasterizer, poser = open_rasterizer("cpu"), Poser(self.avatar)
        total = np.zeros(len(self.importance))
        for view in self.views[: given.significant_view_count]:
            with torch.no_grad():
                errors = view.errors(self.base.splats(view)).numpy()
            total += rasterizer.contributions(poser.frame(view.truth.pose), view.truth.camera, errors)
        shares: Float64Array = total / max(float(total.mean()), TINY) + LEAST_SHARE * (self.importance > 0)
        return shares

    def fit_base_alone(self, progress: Callable[[float], None] | None = None) -> None:
        """The base without any originals, with its lining and without."""
        self._fit_alone(Phase(2, self.configuration.alone_steps, 1.0, 0.3), progress)

    def _fit_alone(self, phase: Phase, progress: Callable[[float], None] | None) -> None:

        def beginning(view: TrainingView, place: float) -> Splats:
            shown, is_first_alone = self.base.beginning(place)
            splats = self.base.splats(view, written=False, is_first_alone=is_first_alone)
            return splats.take(torch.from_numpy(np.flatnonzero(shown)))

        fit(
            self.base.rates(),
            self.views,
            lambda random, view: beginning(view, float(random.uniform())),
            phase,
            self.configuration.seed,
            self._checkpoint,
            self.base.confine,
            progress,
        )

    def order(self, may_retire: bool = True) -> HandOverSchedule:
        """Measures the order anew; the lining may retire early once it has been fitted beneath originals."""
        given = self.configuration
        if not self._measured:  # which patch a pixel shows does not change: patches do not, nor views
            self._measured = [
                measured_view(view, self.patches) for view in self.views[: given.measured_view_count]
            ]
        self.patches = with_chunks(self.patches, self._worth_over_lining(), given.shares)
        self.schedule = make_schedule(
            self.base, self._measured, self.patches, self._lining_features, given, may_retire
        )
        return self.schedule

    def _worth_over_lining(self) -> NDArray[np.number]:
        """(N,) by what originals come earlier: as they were fitted, or exact ones by significance over the lining."""
        given = self.configuration
        if not given.exact:
            return -np.arange(len(self.importance))
        some = self.views[: given.significant_view_count]
        with torch.no_grad():
            lining = torch.arange(self.base.cover_count, len(self.base))
            behind = [self.base.splats(view).take(lining) for view in some]
        return significance(some, behind, given.seed, PROBES)

    def fit_base(self, round_: int, progress: Callable[[float], None] | None = None) -> None:
        """The base under random prefixes of the order measured last."""
        assert self.schedule is not None
        given, base = self.configuration, self.base
        # Only the last round cools down: before it the order is still going to change.
        last = given.final_rate if round_ == len(given.prefix_steps) - 1 else 0.4
        phase = Phase(3 + round_, given.prefix_steps[round_], 0.6, last)
        choose = base_prefixes(base, self.schedule, given)

        def drawn(random: RandomStream, view: TrainingView) -> Splats:
            there, shown, is_first_alone = choose(random)
            splats = base.splats(view, is_first_alone=is_first_alone)
            return drawn_prefix(view.originals, splats, there, shown)

        fit(base.rates(), self.views, drawn, phase, given.seed, self._checkpoint, base.confine, progress)

    def fit_together(self, progress: Callable[[float], None] | None = None) -> None:
        """Base and originals under random prefixes of the order measured last, in full pictures; then the whole."""
        assert self.schedule is not None
        given, base = self.configuration, self.base
        originals = Originals(self.avatar.levels[0].gaussians, given)
        everyone = torch.arange(len(originals))
        choose = joint_prefixes(base, self.schedule, given)

        def drawn(random: RandomStream, view: TrainingView) -> Splats:
            there, shown, is_first_alone = choose(random)
            splats = base.splats(view, is_first_alone=is_first_alone)
            return drawn_prefix(originals.splats(view, everyone), splats, there, shown)

        number, first = 3 + len(given.prefix_steps), given.joint_rate
        phase = Phase(number, given.joint_steps, first, 0.1 * first)
        groups = base.rates() + originals.rates()
        views = self._views(given.full_picture_size, given.full_view_count)
        fit(groups, views, drawn, phase, given.seed, self._checkpoint, base.confine, progress)

        def whole(random: RandomStream, view: TrainingView) -> Splats:
            left = base.splats(view).take(torch.from_numpy(np.flatnonzero(last_shown)))
            return joined(originals.splats(view, everyone), left)

        last_shown = self.schedule.shown(len(self.schedule.moves))
        phase = Phase(number + 1, given.whole_steps, given.whole_rate, 0.02 * given.whole_rate)
        fit(originals.rates(), views, whole, phase, given.seed, self._checkpoint)
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

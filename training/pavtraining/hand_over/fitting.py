"""Fitting base and originals to the teacher's pictures, under prefixes of all lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pavfmt.arrays import BoolArray
from pavfmt.tools.synthetic import RandomStream
from pavtraining.hand_over.base import Base
from pavtraining.hand_over.checkpoint import Checkpoint, Phase
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.order.schedule import HandOverSchedule
from pavtraining.hand_over.training_views import Splats, TrainingView

USEFUL_SHARE = 0.8
"""Prefixes in which more of the base has retired teach it little."""
SMALLEST_ERROR = 1e-7
"""70 dB: below, a picture is as good as right."""

Prefix = tuple[NDArray[np.int64], BoolArray, bool]
"""Rows of the originals that are there, (B,) which of the base are shown, whether its first part is alone."""
Drawn = Callable[[RandomStream, TrainingView], Splats]
"""What a step shows in a view."""


def most_significant(count: int, configuration: HandOverConfiguration) -> Callable[[RandomStream], int]:
    """How many of `count` originals a step shows: often all, else anything from the least share up."""
    least = configuration.own_least_share

    def choose(random: RandomStream) -> int:
        kind, place = random.uniform(2).tolist()
        if kind < configuration.whole_share:
            return count
        return max(int(count * (least + (1 - least) * place)), 1)

    return choose


def base_prefixes(
    base: Base, schedule: HandOverSchedule, configuration: HandOverConfiguration
) -> Callable[[RandomStream], Prefix]:
    """Prefixes that teach the base: of all lengths in bytes, the base alone every now and then."""
    last = schedule.moves_before_share_retired(USEFUL_SHARE)
    return _prefixes(base, schedule, configuration.alone_share, 0.0, last)


def joint_prefixes(
    base: Base, schedule: HandOverSchedule, configuration: HandOverConfiguration
) -> Callable[[RandomStream], Prefix]:
    """Prefixes of all lengths in bytes, often the whole, the base alone every now and then."""
    whole = (1 - configuration.alone_share) * configuration.whole_share
    return _prefixes(base, schedule, configuration.alone_share, whole, len(schedule.moves))


def _prefixes(
    base: Base, schedule: HandOverSchedule, alone: float, whole: float, last: int
) -> Callable[[RandomStream], Prefix]:
    nothing = np.zeros(0, np.int64)
    ends = schedule.ends

    def choose(random: RandomStream) -> Prefix:
        kind, place = random.uniform(2).tolist()
        if kind < alone:
            return nothing, *base.beginning(place)
        count = schedule.moves_within(ends[0] + (ends[last] - ends[0]) * place)
        if kind > 1 - whole:
            count = len(schedule.moves)
        return schedule.there(count), schedule.shown(count), False

    return choose


def fit(
    groups: list[dict[str, Any]],
    views: Sequence[TrainingView],
    drawn: Drawn,
    phase: Phase,
    seed: int,
    checkpoint: Checkpoint,
    confine: Callable[[], None] = lambda: None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Minimises the mean logarithm of the error of what is `drawn`; goes on from what the checkpoint holds.

    `groups` are Adam's parameter groups; `confine` puts their numbers back into their ranges.
    """
    adam = torch.optim.Adam(groups, eps=1e-15)
    rates = [group["lr"] for group in adam.param_groups]
    for step in range(checkpoint.begin(phase, adam), phase.steps):
        random = RandomStream((phase.number << 48) | (step << 24) | seed)
        share = phase.first_rate * (phase.last_rate / phase.first_rate) ** (step / max(phase.steps - 1, 1))
        for group, rate in zip(adam.param_groups, rates, strict=True):
            group["lr"] = rate * share
        view = views[int(random.uniform() * len(views))]
        error = (view.picture(drawn(random, view)) - view.target).square().mean()
        adam.zero_grad()
        (error + SMALLEST_ERROR).log().backward()  # type: ignore[no-untyped-call]
        adam.step()
        confine()
        checkpoint.record(phase, step + 1, adam, float(error.detach()))
        if progress is not None:
            progress((step + 1) / phase.steps)

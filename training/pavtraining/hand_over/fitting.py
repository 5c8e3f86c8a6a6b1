"""Fitting the base to the teacher's pictures, alone and under growing prefixes of originals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pavfmt.synthetic import RandomStream
from pavtraining.hand_over.base import Base
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.ordering import picture_of
from pavtraining.hand_over.schedule import Schedule
from pavtraining.hand_over.shots import Shot

Prefix = tuple[NDArray[np.int64], NDArray[np.bool_]]
"""Rows of the originals that are there, and (B,) which of the base are shown."""
USEFUL_SHARE = 0.8
"""Prefixes in which more of the base has retired teach it little."""
SMALLEST_ERROR = 1e-7
"""70 dB: below, a picture is as good as right."""


@dataclass(frozen=True)
class Phase:
    """One run of Adam."""

    steps: int
    seed: int
    first_rate: float
    """Share of the configured rates that it begins with,"""
    last_rate: float
    """and ends with, exponentially between."""
    rounded: bool
    """Whether the base is seen as it will be read."""


def base_alone(base: Base) -> Callable[[RandomStream], Prefix]:
    """No originals, ever."""
    prefix = np.zeros(0, np.int64), np.ones(len(base), bool)
    return lambda random: prefix


def random_prefixes(
    base: Base, schedule: Schedule, configuration: HandOverConfiguration
) -> Callable[[RandomStream], Prefix]:
    """Prefixes of all lengths in bytes, the base alone every now and then."""
    nothing, whole = np.zeros(0, np.int64), np.ones(len(base), bool)
    ends, last = schedule.ends, schedule.moves_before_share_retired(USEFUL_SHARE)

    def choose(random: RandomStream) -> Prefix:
        kind, place = random.uniform(2).tolist()
        if kind < configuration.alone_share:
            return nothing, whole
        count = schedule.moves_within(ends[0] + (ends[last] - ends[0]) * place)
        return schedule.there(count), schedule.shown(count)

    return choose


def fit(
    base: Base,
    shots: Sequence[Shot],
    configuration: HandOverConfiguration,
    phase: Phase,
    choose: Callable[[RandomStream], Prefix],
    progress: Callable[[float], None] | None = None,
) -> list[float]:
    """Minimises the mean logarithm of the error of `choose`'s prefixes; returns each step's squared error."""
    random = RandomStream((phase.seed << 32) | configuration.seed)
    adam = torch.optim.Adam(base.rates(), eps=1e-15)
    rates = [group["lr"] for group in adam.param_groups]
    errors = []
    for step in range(phase.steps):
        share = phase.first_rate * (phase.last_rate / phase.first_rate) ** (step / max(phase.steps - 1, 1))
        for group, rate in zip(adam.param_groups, rates, strict=True):
            group["lr"] = rate * share
        shot = shots[int(random.uniform() * len(shots))]
        there, shown = choose(random)
        picture = shot.picture(picture_of(shot, base.seen(shot, phase.rounded), there, shown))
        error = (picture - shot.target).square().mean()
        adam.zero_grad()
        (error + SMALLEST_ERROR).log().backward()  # type: ignore[no-untyped-call]
        adam.step()
        base.confine()
        errors.append(float(error.detach()))
        if progress is not None:
            progress((step + 1) / phase.steps)
    return errors

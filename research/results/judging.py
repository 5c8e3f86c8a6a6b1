"""How good prefixes of a file are, by their Gaussian bytes: the rig and all shapes are held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pavfmt.arrays import Float32Array
from pavfmt.tools.inspect import inspect
from pavplayer.evaluation.metrics import psnr_over
from pavplayer.evaluation.prefixes import GaussianPrefix, gaussian_bytes_within
from pavplayer.evaluation.quality import picture_quality
from pavplayer.packages import require
from pavplayer.session import Session, open_session
from pavtraining.sources import View

Progress = Callable[[], None]
"""Called after every picture."""
MOST_DECIBELS = 99.0
"""Stands for pictures without any difference."""
CUTS, SPARSE_VIEWS, BLOCK = 50, 5, 16
"""Prefixes walked through; in every so manieth view, which is also what FLIP is measured in; pixels."""


@dataclass(frozen=True)
class Judgement:
    """What one prefix is worth."""

    gaussian_bytes: int
    """Of the units that are complete in it."""
    gaussian_count: int
    psnr: float
    """Decibels over all pixels of all pictures."""
    worst_psnr: float
    """Of the worst single picture."""
    ssim: float
    flip: float | None
    """Mean over every fifth picture; None: not measured."""


@dataclass(frozen=True)
class PrefixWalk:
    """What happens between neighbouring prefixes."""

    cuts: int
    worst_loss: float
    """The most decibels by which a longer prefix is worse than a shorter one."""
    largest_change: float
    """Of any 16×16 block of any picture between neighbouring cuts, after the first picture: the mean absolute
    difference, 0..255."""


def gaussian_bytes_of(data: bytes) -> int:
    """All of a complete file."""
    return gaussian_bytes_within(inspect(data), len(data))


def judged(
    data: bytes,
    budgets: Sequence[int],
    views: Sequence[View],
    with_flip: bool = False,
    progress: Progress = lambda: None,
) -> list[Judgement]:
    """One judgement for each of the rising budgets, in Gaussian bytes, against the pictures of `views`."""
    if with_flip:
        require("flip_evaluator", extra="bench")
    return [
        _judgement(session, size, views, with_flip, progress) for session, size in _prefixes(data, budgets)
    ]


def walked(data: bytes, views: Sequence[View], progress: Progress = lambda: None) -> PrefixWalk:
    """`CUTS` prefixes, equally far apart in Gaussian bytes, in every fifth view."""
    budgets = [round(gaussian_bytes_of(data) * (cut + 1) / CUTS) for cut in range(CUTS)]
    best, worst_loss, largest, before = 0.0, 0.0, 0.0, None
    for session, _ in _prefixes(data, budgets):
        if not session.scene.gaussian_count:
            continue
        pictures = []
        for view in views[::SPARSE_VIEWS]:
            pictures.append(np.clip(session.frame(view.pose, view.camera), 0, 1))
            progress()
        psnr = psnr_over(zip(pictures, (view.picture for view in views[::SPARSE_VIEWS]), strict=True))
        worst_loss, best = max(worst_loss, best - psnr), max(best, psnr)
        if before is not None:
            changes = (_largest_block(one - other) for one, other in zip(pictures, before, strict=True))
            largest = max(largest, *changes)
        before = pictures
    return PrefixWalk(CUTS, round(worst_loss, 4), round(largest, 2))


def _largest_block(difference: Float32Array) -> float:
    """The mean absolute value, 0..255, of the 16×16 block where it is largest."""
    height, width = (side // BLOCK * BLOCK for side in difference.shape[:2])
    blocks = np.abs(difference[:height, :width]).reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3)
    return 255 * float(blocks.mean(axis=(1, 3, 4)).max())


def _prefixes(data: bytes, budgets: Sequence[int]) -> Iterator[tuple[Session, int]]:
    """A session that grows with the budgets, and the Gaussian bytes in it."""
    prefix = GaussianPrefix(open_session("cpu"), data, inspect(data))
    for budget in budgets:
        while (unit := prefix.next_unit) and prefix.gaussian_bytes + (unit.bytes or 0) <= budget:
            prefix.add_next()
        prefix.session.update()
        yield prefix.session, prefix.gaussian_bytes


def _judgement(
    session: Session, size: int, views: Sequence[View], with_flip: bool, progress: Progress
) -> Judgement:
    pairs = ((session.frame(view.pose, view.camera), view.picture) for view in views)
    found = picture_quality(pairs, SPARSE_VIEWS if with_flip else 0, progress)
    decibels = (MOST_DECIBELS if one is None else one for one in (found.psnr, found.worst_psnr))
    psnr, worst = (min(one, MOST_DECIBELS) for one in decibels)
    return Judgement(size, session.scene.gaussian_count, psnr, worst, found.ssim, found.flip)

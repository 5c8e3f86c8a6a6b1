"""How close a decoded avatar looks to the one it was made from, and the fewest bytes that look close enough.

Close enough means the worst framing and the worst place: in every framing of `seen.views` PSNR reaches what is asked,
and no window of 16 × 16 or 4 × 4 pixels of any picture differs by more than what goes with it. Half of the pictures are
compared over white, half over black, which bound every other background.

The search goes round: steps by sensitivity, everything rounded, colours fitted anew to what that did to the pictures
(`seen.refit`), colours rounded again, pictures compared. One factor on all steps is set by the worst framing, 20 dB a
decade, since errors grow as steps do; under a window that fails, what is seen there counts for more and what was left
out comes back, twice at most. Two to five rounds are enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.encoder.hand_over import completed, is_taken_over
from pavfmt.encoder.options import EncodeOptions
from pavfmt.encoder.pictures import HEIGHT, WHITE, WIDTH, Background, OrbitView, Progress, Renderer
from pavfmt.encoder.planning import Planner, recoloured
from pavfmt.encoder.preview import preview
from pavfmt.encoder.seen.looking import SH0, Seen, allowed_error, look_at
from pavfmt.encoder.seen.refit import ColourFit
from pavfmt.encoder.seen.views import Framing, by_pose, framings_of
from pavfmt.model import Avatar, Pose
from pavfmt.posing import PosedGaussians, pose_avatar

BLACK: Background = (0.0, 0.0, 0.0)
LARGE, SMALL = 16, 4
"""Pixels along the side of a window."""
WINDOW_FACTORS = {LARGE: 10.0, SMALL: 28.0}
"""Largest mean difference of a window, in amplitudes of the error allowed: 12 and 33 of 255 at 46.8 dB."""
TOLERANCE_DB = 0.25
"""A search may end so far above its target: another round costs seconds for 1 % of the bytes."""
MAX_ROUNDS = 6
LEAST_STEP_BACK = 0.7
"""Times the factor, at most so much finer at once for the sake of a window."""
MAX_RAISES = 2
MOST_RAISED = 4.0
"""Sensitivities are raised by so much at most at once."""
FARTHEST_COLOUR = 0.25
"""No channel of a colour is fitted farther from what it was: pictures that were not looked at know it as it was."""
OFF_LEAST = 0.05
"""Σ α·T over a failing window that a left-out Gaussian must add there to come back."""
SLOPE_RANGE = (12.0, 28.0)
"""dB a decade of steps that are believed of two rounds."""


@dataclass(frozen=True)
class FramingQuality:
    """How close the pictures of a framing are."""

    name: str
    decibels: float
    """PSNR over all pixels of all its pictures; 99 where nothing differs."""
    windows: dict[int, float]
    """Window size → the largest mean difference of a channel in any window, 0..1."""


@dataclass(frozen=True)
class FailingWindow:
    """A window that differs by more than it may."""

    pose: Pose
    view: OrbitView
    x: int
    y: int
    size: int
    excess: float
    """Its difference as a multiple of what is allowed."""


@dataclass(frozen=True)
class Closeness:
    """How close an avatar looks to its source."""

    framings: tuple[FramingQuality, ...]
    failing: tuple[FailingWindow, ...]

    @property
    def binding(self) -> FramingQuality:
        """The framing of fewest dB."""
        return min(self.framings, key=lambda one: one.decibels)

    def margin(self, decibels: float) -> float:
        """dB by which the worst framing and the worst window are closer than asked; below 0: farther."""
        excess = max((one.excess for one in self.failing), default=1.0)
        return min(self.binding.decibels - decibels, -20 * math.log10(excess) if excess > 1 else math.inf)

    def worst(self, size: int) -> float:
        """The largest difference of a window anywhere, 0..1."""
        return max((one.windows[size] for one in self.framings), default=0.0)


@dataclass(frozen=True)
class Tuned:
    """An avatar made ready to be written in a quality."""

    avatar: Avatar
    """Its colours are those that were fitted to what rounding does."""
    options: EncodeOptions
    seen: Seen
    closeness: Closeness
    reached: bool
    """Whether every framing and window is as close as was asked."""


class Comparison:
    """The pictures that a source is compared by."""

    def __init__(self, source: Avatar, renderer: Renderer, framings: Sequence[Framing]) -> None:
        self._renderer, self._framings = renderer, framings
        self._targets = [
            self._draw(posed, view, at) for at, (_, _, posed, view) in enumerate(self._sights(source))
        ]

    def _sights(self, avatar: Avatar) -> Iterator[tuple[int, Pose, PosedGaussians, OrbitView]]:
        whole = completed(avatar)
        for pose, views in by_pose(self._framings):
            posed = pose_avatar(whole, pose)
            for number, view in views:
                yield number, pose, posed, view

    def _draw(self, posed: PosedGaussians, view: OrbitView, at: int) -> NDArray[np.floating]:
        return self._renderer.picture(posed, view, BLACK if at % 2 else WHITE)

    def closeness(self, avatar: Avatar, decibels: float = 99.0) -> Closeness:
        """Of an avatar to the source; windows fail that differ by more than goes with so many dB."""
        errors: list[list[float]] = [[] for _ in self._framings]
        largest = [dict.fromkeys(WINDOW_FACTORS, 0.0) for _ in self._framings]
        failing = []
        for at, (number, pose, posed, view) in enumerate(self._sights(avatar)):
            difference = np.abs(self._draw(posed, view, at) - self._targets[at])
            errors[number].append(float(np.mean(np.square(difference, dtype=np.float64))))
            for size, factor in WINDOW_FACTORS.items():
                of_255, x, y = self._renderer.worst_window(difference, size)
                found = of_255 / 255
                largest[number][size] = max(largest[number][size], found)
                excess = found / (factor * allowed_error(decibels) ** 0.5)
                if excess > 1:
                    failing.append(FailingWindow(pose, view, x, y, size, excess))
        qualities = tuple(
            FramingQuality(framing.name, _decibels(error), windows)
            for framing, error, windows in zip(self._framings, errors, largest, strict=True)
        )
        return Closeness(qualities, tuple(failing))


def _decibels(errors: list[float]) -> float:
    error = float(np.mean(errors)) if errors else 0.0
    return min(99.0, -10 * math.log10(error)) if error > 0 else 99.0


def tuned(
    avatar: Avatar,
    options: EncodeOptions,
    importance: Sequence[Float64Array],
    renderer: Renderer,
    decibels: float,
    progress: Progress | None = None,
    source: Avatar | None = None,
    finest: float = 0.0,
) -> Tuned:
    """The avatar, options and omissions that take the fewest bytes for `decibels` in every framing.

    Measured against `source`, or the avatar itself. No step is finer than by `finest` than sensitivities ask. Where the
    quality cannot be reached, the closest that was found. Raises EncodeError.
    """
    source = source or avatar
    framings = framings_of(source)
    whole = _Share(progress)
    seen = look_at(avatar, renderer, decibels, whole.part(0.0, 0.3), framings)
    comparison = Comparison(source, renderer, framings)
    search = _Search(
        avatar, options, importance, renderer, decibels, seen, ColourFit(source, renderer, framings)
    )
    best: Tuned | None = None
    for number in range(MAX_ROUNDS):
        found = search.round(comparison, whole.part(0.3 + 0.7 * number / MAX_ROUNDS, 0.7 / MAX_ROUNDS))
        if best is None or _is_better(found, best, decibels):
            best = found
        if not search.goes_on(found, finest):
            break
    assert best is not None
    whole.done()
    return best


def _is_better(one: Tuned, other: Tuned, decibels: float) -> bool:
    """What is close enough beats what is not; of two that are, the coarser; of two that are not, the closer."""
    if one.reached != other.reached:
        return one.reached
    if one.reached:
        return one.options.precision.step_factor > other.options.precision.step_factor
    return one.closeness.margin(decibels) > other.closeness.margin(decibels)


class _Search:
    """One avatar on its way to a quality."""

    def __init__(
        self,
        avatar: Avatar,
        options: EncodeOptions,
        importance: Sequence[Float64Array],
        renderer: Renderer,
        decibels: float,
        seen: Seen,
        fit: ColourFit,
    ) -> None:
        self._avatar, self._options, self._decibels = avatar, options, decibels
        self._renderer, self._seen, self._fit = renderer, seen, fit
        self._planner = Planner(avatar, options, importance, seen=seen)
        self._factor = options.precision.step_factor
        self._sh0 = [level.gaussians.sh0 for level in avatar.levels]
        self._raises = 0
        self._before: tuple[float, float] | None = None

    def round(self, comparison: Comparison, progress: Progress) -> Tuned:
        """Steps, rounding, colours, rounding, pictures."""
        precision = replace(self._options.precision, step_factor=self._factor)
        self._planner.seen = self._seen
        self._refit(preview(self._planner.plan(precision)), progress)
        shown = preview(self._planner.with_colours(self._sh0).plan(precision))
        closeness = comparison.closeness(shown, self._decibels)
        reached = closeness.margin(self._decibels) >= 0
        options = replace(self._options, precision=precision)
        return Tuned(recoloured(self._avatar, self._sh0), options, self._seen, closeness, reached)

    def _refit(self, shown: Avatar, progress: Progress) -> None:
        """The colours of those that stay become what fits best beside what everything else was rounded to."""
        kept = zip(self._avatar.levels, self._seen.kept, strict=True)
        given = [level.gaussians.sh0[rows] for level, rows in kept]
        # From the colours as given, not as rounded or fitted before: their errors would add up from round to round.
        correction, at = self._fit.correction(recoloured(shown, given), progress), 0
        for number, level in enumerate(shown.levels):
            own = correction[at : at + len(level.gaussians)]
            at += len(own)
            if is_taken_over(shown, number):
                continue  # fitted to multiples of its steps, and not there in the end
            farthest = FARTHEST_COLOUR / SH0
            moved = np.clip(own / SH0, -farthest, farthest).astype(np.float32)
            sh0 = self._avatar.levels[number].gaussians.sh0.copy()
            sh0[self._seen.kept[number]] = given[number] + moved[:, None]
            self._sh0[number] = sh0

    def goes_on(self, found: Tuned, finest: float) -> bool:
        """Sets out for another round; False where it would not help."""
        closeness, before = found.closeness, self._factor
        over = closeness.binding.decibels - self._decibels
        if closeness.failing and over >= 0:
            if self._raises < MAX_RAISES:
                self._raises += 1
                self._raise(closeness.failing)
            else:  # what is seen there cannot be told apart from the rest: everything is written finer
                self._factor *= max(10 ** (closeness.margin(self._decibels) / 20), LEAST_STEP_BACK)
            return self._factor > finest
        if 0 <= over < TOLERANCE_DB:
            return False
        slope = 20.0
        if self._before is not None and abs(math.log10(self._before[0] / self._factor)) > 0.01:
            decades = math.log10(self._factor / self._before[0])
            slope = float(np.clip((self._before[1] - closeness.binding.decibels) / decades, *SLOPE_RANGE))
        self._before = self._factor, closeness.binding.decibels
        self._factor = max(self._factor * 10 ** ((over - TOLERANCE_DB / 2) / slope), finest)
        return self._factor != before

    def _raise(self, failing: Sequence[FailingWindow]) -> None:
        """What is seen in failing windows counts for more, and what was left out of them comes back."""
        counts = [len(level.gaussians) for level in self._avatar.levels]
        factors = np.ones(sum(counts))
        back = np.zeros(sum(counts), dtype=bool)
        kept = np.concatenate(self._seen.kept)
        whole = completed(self._avatar)
        for one in failing:
            shares = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
            shares[one.y : one.y + one.size, one.x : one.x + one.size] = 1
            weights = self._renderer.contributions(pose_avatar(whole, one.pose), one.view, shares)
            back |= ~kept & (weights > OFF_LEAST)
            largest = float(weights.max(initial=0)) or 1.0
            excess = min(one.excess**4, MOST_RAISED) - 1
            factors = np.maximum(factors, 1 + excess * np.minimum(4 * weights / largest, 1))
        ends = np.cumsum(counts)[:-1]
        for number, (own, returning) in enumerate(
            zip(np.split(factors, ends), np.split(back, ends), strict=True)
        ):
            self._seen = self._seen.raised(number, own).with_back(number, returning)


class _Share:
    """Progress of parts as progress of the whole."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    def part(self, start: float, length: float) -> Progress:
        """What a part calls."""
        return lambda done: None if self._progress is None else self._progress(start + length * done)

    def done(self) -> None:
        """All of it."""
        if self._progress is not None:
            self._progress(1.0)

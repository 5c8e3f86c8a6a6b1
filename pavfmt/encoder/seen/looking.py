"""Looking at an avatar from everywhere: how much each value of each Gaussian shows, and who may be left out.

If a value θ of a Gaussian is off by Δ, a picture is off by Δ² Σ_p |∂C_p/∂θ|² in squared error, and errors of values
that are rounded independently add up. So with S_f the mean of that sum over the pictures of framing f, as a share of
the error that is allowed there, rounding to steps Δ costs S_f Δ²/12 of it. The fewest bits for a given error are spent
where every value costs the same: Δ ∝ S^−½. Several framings are joined by

    S = (Σ_f S_f⁴)^¼,

close to their maximum: the framing where a value matters most decides, be it a highlight on a pupil that is a pixel of
the whole head. This is another thing than the paper's importance W = Σ α T, which says who is sent first and knows
nothing of what is behind a Gaussian (`pavfmt.encoder.order.importance`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pavfmt.arrays import BoolArray, Float64Array
from pavfmt.encoder.hand_over import completed
from pavfmt.encoder.pictures import HEIGHT, WIDTH, Look, Progress, Renderer
from pavfmt.encoder.seen.omission import Omission
from pavfmt.encoder.seen.views import Framing, by_pose, framings_of
from pavfmt.model import Avatar
from pavfmt.posing import pose_avatar

JOINED = 4.0
"""The power of the norm that joins framings."""
OMISSION_LIMIT = 3.4
"""A window may change by so many times the allowed error's root (as amplitude; 4 × 4 pixels, worst channel)."""
SH0 = 0.28209479177387814
"""Y of band 0; the mean square of any band over the sphere is its square."""
QUAT_RADIANS = 4.0
"""Radians that a step of one stereographic coordinate turns at the identity."""
ATTRIBUTES = ("means", "log_scales", "quats", "opacities", "sh0")
PEAKS = COLOUR_PEAK, OPACITY_PEAK = "sh0 peak", "opacities peak"
WINDOW_PIXELS = 16
WINDOW_SHARE = 5.0
"""Amplitudes of the error allowed that rounding one value may change the worst window by: half of what a window of
16 × 16 may differ by (`pavfmt.encoder.quality.WINDOW_FACTORS`)."""


@dataclass(frozen=True)
class Seen:
    """What is known of every Gaussian of an avatar, level by level."""

    sensitivities: list[dict[str, Float64Array]]
    """Attribute → (N,) S: squared steps of a column times this / 12 are a share of the error allowed. And the PEAKS of
    colours and opacities: a step times one is at most 1."""
    kept: list[BoolArray]
    """(N,) all but those that may be left out."""

    @property
    def left_out(self) -> int:
        """How many Gaussians."""
        return sum(int((~kept).sum()) for kept in self.kept)

    def raised(self, level: int, factors: Float64Array) -> Seen:
        """Everything of a level's Gaussians counts (N,) `factors` times as much."""
        found = list(self.sensitivities)
        found[level] = {name: values * factors for name, values in found[level].items()}
        return replace(self, sensitivities=found)

    def with_back(self, level: int, rows: BoolArray) -> Seen:
        """None of these is left out any more."""
        kept = list(self.kept)
        kept[level] = kept[level] | rows
        return replace(self, kept=kept)


def allowed_error(decibels: float) -> float:
    """The mean squared error of a PSNR in dB."""
    return float(10 ** (-decibels / 10))


def look_at(
    avatar: Avatar,
    renderer: Renderer,
    decibels: float,
    progress: Progress | None = None,
    framings: Sequence[Framing] | None = None,
) -> Seen:
    """Sensitivities for a quality of `decibels` in every framing, and who may be left out there.

    Of the complete avatar: who has handed over is not there. Where Gaussians hand over none is left out, because
    whoever made the levels has chosen, and a parent waits for all its children.
    """
    framings = framings_of(avatar) if framings is None else framings
    counts = [len(level.gaussians) for level in avatar.levels]
    allowed = allowed_error(decibels)
    joined = np.zeros((len(ATTRIBUTES), sum(counts)))
    omission = Omission(sum(counts), OMISSION_LIMIT * allowed**0.5)
    sums = np.zeros((len(framings), *joined.shape))
    peaks = np.zeros((2, sum(counts)))
    whole, done = completed(avatar), 0
    total = sum(len(framing.sights) for framing in framings)
    for pose, views in by_pose(framings):
        posed = pose_avatar(whole, pose)
        for number, view in views:
            look = renderer.look(posed, view)
            share = 1 / (3 * WIDTH * HEIGHT * len(framings[number].sights) * allowed)
            found = (look.means, look.log_scales, look.quats, look.opacities, look.colours)
            sums[number] += share * np.stack(found)
            peaks = np.maximum(peaks, _peaks(look))
            if not avatar.hands_over:
                omission.add(look)
            done += 1
            if progress is not None:
                progress(done / total)
    joined = (sums**JOINED).sum(axis=0) ** (1 / JOINED)
    gone = np.zeros(sum(counts), dtype=bool)
    if not avatar.hands_over and total:
        gone = omission.left_out(*_drawable(avatar))
    ends = np.cumsum(counts)[:-1]
    sensitivities = [
        _of_columns(avatar, level, dict(zip((*ATTRIBUTES, *PEAKS), part, strict=True)))
        for level, part in enumerate(np.split(np.concatenate([joined, peaks / allowed**0.5]), ends, axis=1))
    ]
    return Seen(sensitivities, [~part for part in np.split(gone, ends)])


def _peaks(look: Look) -> Float64Array:
    """(2, N) what the worst window changes by with a colour, and with an opacity, to first order.

    A Gaussian weighs Σw²/Σw on average where it is; one that is smaller than a window cannot change it by more than
    Σw / its pixels.
    """
    weights = np.maximum(look.weights, 1e-12)
    colours = np.minimum(look.colours / weights, weights / WINDOW_PIXELS)
    contrast = np.sqrt(look.opacities / np.maximum(look.colours, 1e-12))  # |c − B| / o
    return np.stack([colours, colours * contrast])


def _drawable(avatar: Avatar) -> tuple[Float64Array, BoolArray]:
    """Largest opacities in any state, and who must stay in any case: at least one Gaussian of each level."""
    opacities, needed = [], []
    for level in avatar.levels:
        own = level.gaussians.opacities.astype(np.float64)
        if level.beginning is not None:
            own = own.copy()
            own[level.beginning.rows] = np.maximum(own[level.beginning.rows], level.beginning.opacities)
        first = np.zeros(len(own), dtype=bool)
        if len(own):
            first[np.argmax(own)] = True
        opacities.append(own)
        needed.append(first)
    return np.concatenate(opacities), np.concatenate(needed)


def _of_columns(avatar: Avatar, level: int, seen: dict[str, Float64Array]) -> dict[str, Float64Array]:
    """From what pictures feel to what columns hold: SH coefficients and stereographic coordinates."""
    gaussians = avatar.levels[level].gaussians
    quats = gaussians.quats.astype(np.float64)
    quats = quats / np.maximum(np.linalg.norm(quats, axis=1, keepdims=True), 1e-12)
    # |p|² = (1 − w) / (1 + w): farther from the identity a coordinate turns less
    square = (1 - np.abs(quats[:, 0])) / (1 + np.abs(quats[:, 0]))
    colours = seen["sh0"] * SH0**2
    seen = {
        **seen,
        COLOUR_PEAK: seen[COLOUR_PEAK] * SH0 / WINDOW_SHARE,
        OPACITY_PEAK: seen[OPACITY_PEAK] / WINDOW_SHARE,
    }
    return {
        **seen,
        "quats": seen["quats"] * (QUAT_RADIANS / (1 + square)) ** 2,
        "sh0": colours,
        **{f"sh{band}": colours for band in range(1, gaussians.sh_degree + 1)},
    }

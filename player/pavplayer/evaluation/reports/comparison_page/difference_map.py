"""Differences as colours: cividis (Nuñez, Anderton, Renslow 2018), which looks alike with and without colour blindness
and rises in lightness alone, so that it also reads in grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavplayer.evaluation.metrics import Picture

# fmt: off
STOPS = (
    (0, 34, 78), (0, 46, 106), (26, 56, 111), (50, 67, 109), (67, 78, 108), (83, 90, 109), (97, 101, 111),
    (111, 112, 115), (125, 124, 120), (140, 136, 120), (155, 148, 118), (171, 160, 114), (188, 174, 108),
    (205, 187, 99), (222, 201, 88), (240, 216, 70), (254, 232, 56),
)
# fmt: on
"""sRGB of 255 at equal distances along the scale, from no difference to the scale's end."""
ENDS = (8, 16, 32, 64, 128, 255)
"""Of 255: where a scale may end."""


def scale_end(largest: float) -> int:
    """The smallest end of a scale that shows differences up to `largest`, of 255."""
    return next((end for end in ENDS if end >= largest), ENDS[-1])


def difference_map(one: Picture, other: Picture, end: int) -> NDArray[np.float64]:
    """(H, W, 3) display sRGB in 0..1: each pixel's |difference| of its worst channel, whole levels of 255."""
    # As a screen shows them: both rounded to 8 bits first.
    levels = [np.rint(255 * np.clip(picture, 0, 1).astype(np.float64)) for picture in (one, other)]
    share = np.minimum(np.abs(levels[0] - levels[1]).max(axis=2) / end, 1)
    stops = np.array(STOPS, np.float64) / 255
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(share, at, stops[:, channel]) for channel in range(3)], axis=2)


def gradient() -> str:
    """The scale as a CSS gradient, from left to right."""
    return f"linear-gradient(90deg, {', '.join(f'rgb({r} {g} {b})' for r, g, b in STOPS)})"

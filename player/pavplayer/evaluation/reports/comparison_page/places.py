"""Which pictures of a framing are worth looking at, and how they are shown: whole, and a part of them enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pavplayer.evaluation.comparing import Examination
from pavplayer.evaluation.figures import FramingLikeness, PictureLikeness, WorstWindow
from pavplayer.evaluation.likeness import Clouds
from pavplayer.evaluation.metrics import Picture
from pavplayer.evaluation.reports.comparison_page.difference_map import difference_map
from pavplayer.pictures import data_uri, to_webp

CAMERAS_SHOWN = 3
"""Of each framing: those from which the worst is seen."""
CROP = 112
"""Pixels of a part: an eye in the close-up."""


@dataclass(frozen=True)
class Box:
    """Where in a picture something is, in percent of its width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Trio:
    """Original, encoded and difference of one picture or a part of it, as data URIs."""

    original: str
    encoded: str
    difference: str
    width: int
    height: int
    marked: Box
    """The window, or the part that is shown enlarged."""


@dataclass(frozen=True)
class ShownPlace:
    """One place of a framing."""

    picture: PictureLikeness
    window: WorstWindow
    """The one in the middle of the part."""
    part: Trio
    whole: Trio | None
    """Of the worst place alone: whole pictures are large."""


def worst_places(framing: FramingLikeness) -> list[tuple[PictureLikeness, WorstWindow]]:
    """The worst large window from each of the worst cameras, and the worst small one where no part shows it.

    One for each camera: else all would be the same place in neighbouring expressions.
    """
    by_camera: dict[int, PictureLikeness] = {}
    for one in sorted(framing.by_picture, key=lambda each: -each.large.difference):
        by_camera.setdefault(one.camera, one)
    shown = [(one, one.large) for one in by_camera.values()][:CAMERAS_SHOWN]
    sharpest = max(framing.by_picture, key=lambda each: each.small.difference)
    if not any(one is sharpest and _covers(window, sharpest.small) for one, window in shown):
        shown.append((sharpest, sharpest.small))
    return shown


def _covers(window: WorstWindow, other: WorstWindow) -> bool:
    """Whether the part around a window shows another one of the same picture."""
    reach = (CROP - other.size) / 2
    return max(abs(_middle(window)[axis] - _middle(other)[axis]) for axis in (0, 1)) <= reach


def _middle(window: WorstWindow) -> tuple[float, float]:
    return window.x + window.size / 2, window.y + window.size / 2


def shown_places(
    examination: Examination, test: Clouds, framing: FramingLikeness, end: int
) -> list[ShownPlace]:
    """The worst places of a framing, drawn again; `end` of 255 is where the difference's scale ends."""
    found = []
    for number, (picture, window) in enumerate(worst_places(framing)):
        where = (framing.framing, picture.camera, picture.expression, picture.background)
        pair = examination.pair(*where, test)
        left, top, side_x, side_y = _part(pair[0], window)
        part = [one[top : top + side_y, left : left + side_x] for one in pair]
        marked = _box((window.x - left, window.y - top, window.size, window.size), part[0])
        whole = None if number else _trio(pair, end, _box((left, top, side_x, side_y), pair[0]))
        found.append(ShownPlace(picture, window, _trio(part, end, marked), whole))
    return found


def _part(picture: Picture, window: WorstWindow) -> tuple[int, int, int, int]:
    """Left, top, width and height in pixels of a square around a window, held within the picture."""
    height, width = picture.shape[:2]
    side_x, side_y = min(CROP, width), min(CROP, height)
    x, y = _middle(window)
    left, top = round(x - side_x / 2), round(y - side_y / 2)
    return int(np.clip(left, 0, width - side_x)), int(np.clip(top, 0, height - side_y)), side_x, side_y


def _box(pixels: tuple[int, int, int, int], picture: Picture) -> Box:
    height, width = picture.shape[:2]
    left, top, wide, tall = pixels
    return Box(100 * left / width, 100 * top / height, 100 * wide / width, 100 * tall / height)


def _trio(pair: Sequence[Picture], end: int, marked: Box) -> Trio:
    """Without loss: what the page shows is judged by eye."""
    reference, test = pair
    pictures = (reference, test, difference_map(reference, test, end))
    original, encoded, difference = (data_uri(to_webp(one, lossless=True)) for one in pictures)
    return Trio(original, encoded, difference, pair[0].shape[1], pair[0].shape[0], marked)

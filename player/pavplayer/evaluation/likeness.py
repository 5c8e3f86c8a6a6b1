"""How close pictures are by `eval-v2`: PSNR over a framing, the worst picture, and the worst window anywhere.

A mean over a mostly empty picture does not see an eye, so beside PSNR stands the 16×16 and the 4×4 window that differs
most, wherever it lies.

Both a white and a black background are measured: over a background b the picture is C + T b, so the error is convex
in b, and no other background does worse than the worse of these two.

A reference is drawn once for any number of files or prefixes that are compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Avatar, Pose
from pavfmt.posing import STATIC_RIG, pose_mesh
from pavplayer.camera import Camera
from pavplayer.evaluation.figures import FramingLikeness, PictureLikeness, WorstWindow
from pavplayer.evaluation.framings import Framing
from pavplayer.evaluation.metrics import Picture, psnr_of_error
from pavplayer.rasterizers import Background, GaussianCloud, Rasterizer

Clouds = Callable[[Pose], GaussianCloud | None]
"""The Gaussians in a pose, in world space; None while there are none."""
Flip = Callable[[Picture, Picture], float]
"""FLIP of a picture and its reference, (H, W, 3) in 0..1."""
BACKGROUNDS: dict[str, Background] = {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0)}
COVERED = 1 / 255
"""Where the reference covers a pixel by more than this, it counts as avatar."""
REGION_MARGIN = 0.15
"""Of its width and height: so much is added to the box of eyes or mouth on each side."""
LARGE_WINDOW, SMALL_WINDOW = 16, 4
"""Pixels. A 16×16 window is about an iris in the close-up, 4×4 its highlight."""


@dataclass(frozen=True)
class Comparison:
    """One picture of a reference and of what is compared with it, over both backgrounds."""

    framing: Framing
    camera: int
    expression: str
    references: dict[str, Picture]
    """Background → (H, W, 3) display sRGB in 0..1."""
    tests: dict[str, list[Picture]]


def compared(
    framings: Sequence[Framing],
    reference: Clouds,
    tests: Sequence[Clouds],
    rasterizer: Rasterizer,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Comparison]:
    """Every picture of every framing; `progress` is called with the pictures done and their number."""
    total, done = sum(len(one.cameras) * len(one.expressions) for one in framings), 0
    for framing in framings:
        for name, pose in framing.expressions.items():
            # Posed once for all cameras.
            posed, *others = reference(pose), *(test(pose) for test in tests)
            for number, camera in enumerate(framing.cameras):
                pairs = {
                    on: drawn(posed, others, camera, colour, rasterizer) for on, colour in BACKGROUNDS.items()
                }
                references = {on: pair[0] for on, pair in pairs.items()}
                yield Comparison(
                    framing, number, name, references, {on: pair[1] for on, pair in pairs.items()}
                )
                done += 1
                progress(done, total)


def drawn(
    reference: GaussianCloud | None,
    tests: Sequence[GaussianCloud | None],
    camera: Camera,
    background: Background,
    rasterizer: Rasterizer,
) -> tuple[Picture, list[Picture]]:
    """(H, W, 3) each; the bare background where there are no Gaussians. The reference has some."""
    assert reference is not None
    expected = rasterizer.render(reference, camera, background)
    bare = np.broadcast_to(np.array(background, np.float32), expected.shape)
    return expected, [
        bare if cloud is None else rasterizer.render(cloud, camera, background) for cloud in tests
    ]


def likeness(
    framings: Sequence[Framing],
    comparisons: Iterable[Comparison],
    avatar: Avatar,
    test_count: int = 1,
    flips: Sequence[Flip | None] = (None,),
) -> list[list[FramingLikeness]]:
    """For each test the figures of each framing. `avatar` is the reference: its mesh says where eyes and mouth are.

    `flips` measure FLIP for the tests, from the first on; fewer than there are tests leave it out for the others.
    Needs numba.
    """
    measured = [*flips, *[None] * test_count][:test_count]
    tallies = {framing.name: [_Tally(framing, flip) for flip in measured] for framing in framings}
    for one in comparisons:
        shown = shown_pixels(one, avatar)
        for number, tally in enumerate(tallies[one.framing.name]):
            tally.add(one, number, shown)
    return [[tallies[framing.name][number].result() for framing in framings] for number in range(test_count)]


def shown_pixels(one: Comparison, avatar: Avatar) -> NDArray[np.bool_]:
    """(H, W) the pixels that show what is looked at."""
    vertices = one.framing.vertices
    if vertices is None:
        # White − black is T in each channel, but less where a colour is brighter than white and clipped.
        through = (one.references["white"] - one.references["black"]).max(axis=2)
        shown: NDArray[np.bool_] = 1 - through > COVERED
        return shown
    camera, pose = one.framing.cameras[one.camera], one.framing.expressions[one.expression]
    points = pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, pose).vertices[vertices]
    seen = points @ camera.rotation.T + camera.translation
    pixels = seen[:, :2] / seen[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    margin = REGION_MARGIN * (high - low)
    left, top = np.maximum(np.floor(low - margin), 0).astype(int)
    right, bottom = np.maximum(np.ceil(high + margin), 0).astype(int)
    mask = np.zeros(one.references["white"].shape[:2], dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


class _Tally:
    """What has been found of one framing and one test so far."""

    def __init__(self, framing: Framing, flip: Flip | None) -> None:
        self._framing, self._flip = framing, flip
        self._errors: dict[str, list[float]] = {on: [] for on in BACKGROUNDS}
        self._region: dict[str, float] = dict.fromkeys(BACKGROUNDS, 0.0)
        self._region_count = 0
        self._flips: list[float] = []
        self._pictures: list[PictureLikeness] = []

    def add(self, one: Comparison, number: int, shown: NDArray[np.bool_]) -> None:
        self._region_count += 3 * int(shown.sum())
        for on in BACKGROUNDS:
            difference = np.abs(one.tests[on][number] - one.references[on])
            squares = np.square(difference, dtype=np.float64).sum(axis=2)
            error = float(squares.mean()) / 3
            self._errors[on].append(error)
            self._region[on] += float(squares[shown].sum())
            large, small = (self._worst(difference, size, one, on) for size in (LARGE_WINDOW, SMALL_WINDOW))
            found = PictureLikeness(one.camera, one.expression, on, psnr_of_error(error), large, small)
            self._pictures.append(found)
        if self._flip is not None:
            self._flips.append(self._flip(one.tests["white"][number], one.references["white"]))

    def _worst(self, difference: Picture, size: int, one: Comparison, background: str) -> WorstWindow:
        from pavplayer.windows import worst_window  # numba

        found, x, y = worst_window(difference, size)
        yaw, pitch = self._framing.angles[one.camera]
        side = min(size, *difference.shape[:2])
        return WorstWindow(side, found, yaw, pitch, one.expression, background, x, y)

    def result(self) -> FramingLikeness:
        return FramingLikeness(
            framing=self._framing.name,
            pictures=len(self._errors["white"]),
            psnr=psnr_of_error(float(np.mean(self._errors["white"]))),
            psnr_black=psnr_of_error(float(np.mean(self._errors["black"]))),
            psnr_worst=min(one.psnr for one in self._pictures),
            psnr_region=psnr_of_error(max(self._region.values()) / max(self._region_count, 1)),
            flip=float(np.mean(self._flips)) if self._flips else None,
            large=max((one.large for one in self._pictures), key=lambda window: window.difference),
            small=max((one.small for one in self._pictures), key=lambda window: window.difference),
            by_picture=tuple(self._pictures),
        )

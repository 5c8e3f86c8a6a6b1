"""`eval-v2`: what a viewer may look at, and how close the pictures of it are, the worst place included.

A *framing* is one way of looking at an avatar: the head from all around, everything the avatar has, the eyes and the
mouth from close by. Each is a set of cameras and expressions (`eval-v2.json` beside this module); PSNR is taken
over all of a framing's pictures, and beside it stands the worst window, since a mean over a mostly empty picture does
not see an eye.

Both a white and a black background are measured: over a background b the picture is C + T b, so the error is convex
in b, and no other background does worse than the worse of these two.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.model import Avatar, Pose, Rig
from pavfmt.posing import STATIC_RIG, pose_mesh
from pavplayer.camera import Camera, centre_and_height
from pavplayer.evaluation.metrics import psnr_of_error
from pavplayer.rasterizers import Background, GaussianCloud, Rasterizer

Picture = NDArray[np.floating]
CLOSEST, FARTHEST = 0.3, 0.7
"""Metres: close-ups are taken from within these, whatever the size of an eye."""
EYE_SHARE, LIP_SHARE = 0.1, 0.6
"""Of the largest displacement: base vertices that a shape moves more belong to the eyes, the lips."""
COVERED = 1 / 255
"""Where the reference covers a pixel by more than this, it counts as avatar."""
REGION_MARGIN = 0.15
LARGE_WINDOW, SMALL_WINDOW = 16, 4


@dataclass(frozen=True)
class Framing:
    """One way of looking at an avatar."""

    name: str
    cameras: tuple[Camera, ...]
    angles: tuple[tuple[float, float], ...]
    """Yaw and pitch in degrees of each camera."""
    expressions: Mapping[str, Pose]
    vertices: NDArray[np.intp] | None = None
    """Base vertices of what is looked at closely; None: the whole avatar is."""


@dataclass(frozen=True)
class WorstWindow:
    """The window that differs most: mean |difference| of its worst channel."""

    size: int
    difference: float
    """Of 255."""
    where: str
    """Camera, expression and background, in words."""
    x: int
    y: int
    """Its top left pixel."""


@dataclass(frozen=True)
class FramingLikeness:
    """How close the pictures of one framing are."""

    framing: str
    pictures: int
    psnr: float
    """dB over all pixels of all pictures, on white."""
    psnr_black: float
    psnr_worst: float
    """Of the worst picture, either background."""
    psnr_region: float
    """dB over the pixels that show the avatar (eyes and mouth: its region's box), the worse background."""
    flip: float | None
    """Mean FLIP on white, where `flip_evaluator` is installed."""
    large: WorstWindow
    small: WorstWindow


@lru_cache(maxsize=1)
def evaluation_v2() -> dict[str, Any]:
    """The set as it stands in `eval-v2.json`."""
    text = files("pavplayer.evaluation").joinpath("eval-v2.json").read_text(encoding="utf-8")
    fields: dict[str, Any] = json.loads(text)
    return fields


def framings_of(
    avatar: Avatar, cloud: Callable[[Pose], GaussianCloud], fields: Mapping[str, Any] | None = None
) -> list[Framing]:
    """The framings of `fields` (default: `eval-v2`) that fit an avatar; `cloud` poses its Gaussians.

    Eyes and mouth are left out where neither shapes nor named regions say where they are, and expressions as far as
    the rig lacks them. An expression that comes to nothing is not drawn twice.
    """
    fields = evaluation_v2() if fields is None else fields
    rig = avatar.rig or STATIC_RIG
    neutral = rig.mean_neutral if avatar.identity is None else avatar.identity.neutral
    result = []
    for name, framing in fields["framings"].items():
        aim = _aim(name, rig, neutral.astype(np.float64), cloud, fields)
        if aim is None:
            continue
        target, distance, vertices = aim
        angles = tuple((float(yaw), float(pitch)) for yaw, pitch in framing["yaw_pitch_degrees"])
        width, height = fields["image"]
        cameras = tuple(
            Camera.orbit(target, distance, *one, width=width, height=height, focal_px=fields["focal_px"])
            for one in angles
        )
        expressions = poses_of(rig, {n: fields["expressions"][n] for n in framing["expressions"]})
        result.append(Framing(name, cameras, angles, expressions, vertices))
    return result


def poses_of(rig: Rig, expressions: Mapping[str, Mapping[str, Any]]) -> dict[str, Pose]:
    """Expressions as far as the rig has their shapes and joints, those alike but once."""
    shapes = {shape.name for shape in rig.shapes}
    found: dict[str, Pose] = {}
    for name, fields in expressions.items():
        weights = {key: value for key, value in fields["weights"].items() if key in shapes}
        rotations = {}
        for joint, degrees in fields.get("joints_axis_angle_degrees", {}).items():
            number = _joint(rig, joint)
            if number is not None:
                x, y, z = (math.radians(angle) for angle in degrees)
                rotations[rig.joint_names[number]] = (x, y, z)
        pose = Pose(weights, rotations)
        if pose not in found.values():
            found[name] = pose
    return found


def _joint(rig: Rig, name: str) -> int | None:
    """The joint named `head`, or for any other name its parent."""
    if "head" not in rig.joint_names:
        return None
    head = rig.joint_names.index("head")
    if name == "head":
        return head
    parent = int(rig.joint_parents[head])
    return parent if parent >= 0 else None


def _aim(
    name: str,
    rig: Rig,
    neutral: Float64Array,
    cloud: Callable[[Pose], GaussianCloud],
    fields: Mapping[str, Any],
) -> tuple[Float64Array, float, NDArray[np.intp] | None] | None:
    """Target, distance in metres, and what is looked at; None where the avatar does not say where that is."""
    width, focal = fields["image"][0], fields["focal_px"]
    if name in ("eyes", "mouth"):
        vertices = eye_vertices(rig) if name == "eyes" else lip_vertices(rig)
        if vertices is None:
            return None
        points = neutral[vertices]
        distance = focal * float(np.ptp(points[:, 0])) / ((0.7 if name == "eyes" else 0.6) * width)
        return points.mean(axis=0), float(np.clip(distance, CLOSEST, FARTHEST)), vertices
    centres = np.asarray(cloud(Pose()).means, dtype=np.float64)
    if name == "head" and len(neutral):
        centre, tall = centre_and_height(neutral)
        return centre, 3.25 * tall, None
    low, high = np.percentile(centres, [0.5, 99.5], axis=0)
    radius = float(np.linalg.norm(high - low)) / 2 or 1.0
    return (low + high) / 2, focal * radius / (0.45 * width), None


def eye_vertices(rig: Rig) -> NDArray[np.intp] | None:
    """(n,) base vertices that the lids move by more than a tenth of the larger blink's largest displacement."""
    blinks = [_lengths(rig, name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    known = [lengths for lengths in blinks if lengths is not None]
    if len(known) < 2:
        return _region(rig, "eyes")
    largest = np.maximum(*known)
    return np.flatnonzero(largest > EYE_SHARE * largest.max())


def lip_vertices(rig: Rig) -> NDArray[np.intp] | None:
    """(n,) base vertices that `mouthFunnel` moves by more than 0.6 of its largest displacement."""
    lengths = _lengths(rig, "mouthFunnel")
    if lengths is None:
        return _region(rig, "mouth")
    return np.flatnonzero(lengths > LIP_SHARE * lengths.max())


def _lengths(rig: Rig, name: str) -> Float64Array | None:
    for shape in rig.shapes:
        if shape.name == name:
            lengths: Float64Array = np.linalg.norm(shape.displacements.astype(np.float64), axis=1)
            return lengths if lengths.max(initial=0) > 0 else None
    return None


def _region(rig: Rig, name: str) -> NDArray[np.intp] | None:
    mask = rig.regions.get(name)
    return None if mask is None or not mask.any() else np.flatnonzero(mask)


@dataclass(frozen=True)
class Comparison:
    """One picture of both, for who wants to look."""

    framing: Framing
    camera: int
    expression: str
    white: tuple[Picture, Picture]
    """Reference and test, (H, W, 3) display sRGB."""
    black: tuple[Picture, Picture]


def compared(
    framings: Sequence[Framing],
    reference: Callable[[Pose], GaussianCloud],
    test: Callable[[Pose], GaussianCloud],
    rasterizer: Rasterizer,
    progress: Callable[[float], None] | None = None,
) -> Iterator[Comparison]:
    """Every picture of every framing, of `reference` and `test` (posed clouds), over white and black."""
    total = sum(len(one.cameras) * len(one.expressions) for one in framings)
    done = 0
    for framing in framings:
        for name, pose in framing.expressions.items():
            clouds = reference(pose), test(pose)
            for number, camera in enumerate(framing.cameras):
                white, black = (
                    tuple(rasterizer.render(cloud, camera, background) for cloud in clouds)
                    for background in WHITE_AND_BLACK
                )
                done += 1
                if progress is not None:
                    progress(done / total)
                yield Comparison(framing, number, name, white, black)  # type: ignore[arg-type]


WHITE_AND_BLACK: tuple[Background, Background] = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def likeness(
    framings: Sequence[Framing],
    comparisons: Iterator[Comparison],
    avatar: Avatar,
    flip: Callable[[Picture, Picture], float] | None = None,
) -> list[FramingLikeness]:
    """The figures of `eval-v2` for each framing."""
    tallies = {framing.name: _Tally(framing, avatar, flip) for framing in framings}
    for one in comparisons:
        tallies[one.framing.name].add(one)
    return [tally.result() for tally in tallies.values()]


class _Tally:
    """What has been found of one framing so far."""

    def __init__(
        self, framing: Framing, avatar: Avatar, flip: Callable[[Picture, Picture], float] | None
    ) -> None:
        self._framing, self._avatar, self._flip = framing, avatar, flip
        self._errors: dict[str, list[float]] = {"white": [], "black": []}
        self._region: dict[str, list[tuple[float, int]]] = {"white": [], "black": []}
        self._flips: list[float] = []
        self._worst: dict[int, WorstWindow] = {}

    def add(self, one: Comparison) -> None:
        mask = self._shown(one)
        for background, (reference, test) in (("white", one.white), ("black", one.black)):
            difference = np.abs(test.astype(np.float64) - reference)
            squares = difference**2
            self._errors[background].append(float(squares.mean()))
            self._region[background].append((float(squares[mask].sum()), 3 * int(mask.sum())))
            yaw, pitch = self._framing.angles[one.camera]
            where = f"yaw {yaw:g}°, pitch {pitch:g}°, {one.expression}, on {background}"
            for size in (LARGE_WINDOW, SMALL_WINDOW):
                found, x, y = worst_window(difference, size)
                if size not in self._worst or found > self._worst[size].difference:
                    self._worst[size] = WorstWindow(size, found, where, x, y)
        if self._flip is not None:
            self._flips.append(self._flip(*one.white))

    def _shown(self, one: Comparison) -> NDArray[np.bool_]:
        """(H, W) the pixels that show what is looked at."""
        vertices = self._framing.vertices
        if vertices is None:
            # what is seen of the background: white − black is 3 T
            through = (one.white[0] - one.black[0]).mean(axis=2)
            shown: NDArray[np.bool_] = 1 - through > COVERED
            return shown
        camera = self._framing.cameras[one.camera]
        avatar = self._avatar
        pose = self._framing.expressions[one.expression]
        points = pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, pose).vertices[vertices]
        seen = points @ camera.rotation.T + camera.translation
        pixels = seen[:, :2] / seen[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        margin = REGION_MARGIN * (high - low)
        left, top = np.maximum(np.floor(low - margin), 0).astype(int)
        right, bottom = np.ceil(high + margin).astype(int)
        mask = np.zeros((camera.height, camera.width), dtype=bool)
        mask[top:bottom, left:right] = True
        return mask

    def result(self) -> FramingLikeness:
        worst = max(error for errors in self._errors.values() for error in errors)
        regions = [
            sum(error for error, _ in found) / max(sum(count for _, count in found), 1)
            for found in self._region.values()
        ]
        return FramingLikeness(
            framing=self._framing.name,
            pictures=len(self._errors["white"]),
            psnr=psnr_of_error(float(np.mean(self._errors["white"]))),
            psnr_black=psnr_of_error(float(np.mean(self._errors["black"]))),
            psnr_worst=psnr_of_error(worst),
            psnr_region=psnr_of_error(max(regions)),
            flip=float(np.mean(self._flips)) if self._flips else None,
            large=self._worst[LARGE_WINDOW],
            small=self._worst[SMALL_WINDOW],
        )


def worst_window(difference: NDArray[np.floating], size: int) -> tuple[float, int, int]:
    """Of (H, W, 3) |differences| in 0..1: the largest mean of a channel over a `size`² window anywhere, of 255.

    And the window's top left pixel, x and y. Sums come from an integral image, so each window costs four look-ups.
    """
    height, width, channels = difference.shape
    integral = np.zeros((height + 1, width + 1, channels))
    np.cumsum(np.cumsum(difference, axis=0, dtype=np.float64), axis=1, out=integral[1:, 1:])
    sums = (
        integral[size:, size:] - integral[:-size, size:] - integral[size:, :-size] + integral[:-size, :-size]
    )
    means = sums.max(axis=2)
    at = int(np.argmax(means))
    y, x = divmod(at, means.shape[1])
    return 255 * float(means[y, x]) / size**2, x, y

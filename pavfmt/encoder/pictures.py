"""The pictures that an encoder draws of an avatar to decide by: cameras, expressions and states.

Three decisions are made by looking instead of by rule: which Gaussians come first (`order.importance`), which named
regions they matter to (`order.region_importance`), and who may be left out and how coarse the others may be written
(`seen`, `quality`). Each has cameras and expressions of its own. None of them are those that quality is reported on
(`eval-v2`), so that no figure is measured where it was tuned.

Rendering is not this library's business, since it needs NumPy alone: whoever encodes passes a `Renderer` in
(`pavplayer.importance` makes one of any rasterizer).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array, Int32Array
from pavfmt.encoder.hand_over import completed
from pavfmt.model import Avatar, Pose, Rig
from pavfmt.posing import STATIC_RIG, PosedGaussians, avatar_mesh, concatenate, pose_avatar, pose_level

Progress = Callable[[float], None]
"""Called with the share that is done, 0..1."""
Cameras = Sequence[tuple[float, float]]
"""Yaw and pitch of each, in degrees."""
Expressions = Sequence[Mapping[str, float]]
"""Shape name → weight, of each; names a rig does not have are ignored."""


WIDTH, HEIGHT, FOCAL = 550, 802, 1900.0
"""Pixels: what an encoder looks through."""
Background = tuple[float, float, float]
WHITE: Background = (1.0, 1.0, 1.0)


OUTLIERS_PERCENT = 1.0
"""Of Gaussians, at either end of an axis, that do not count for the height of a scene without a mesh."""


@dataclass(frozen=True)
class OrbitView:
    """A camera on an orbit around a head: 550 × 802 pixels, focal length 1,900 pixels, as quality is measured."""

    target: tuple[float, float, float]
    """Metres, world axes: what it looks at."""
    distance: float
    """Metres from the target."""
    yaw_degrees: float
    pitch_degrees: float


@dataclass(frozen=True)
class Look:
    """What one picture owes to each of N Gaussians, summed over its pixels (`pavplayer.rasterizers.sensitivity`).

    All but `weights` are squared: Σ |∂C/∂θ|², C being a pixel's colour, three channels.
    """

    weights: Float64Array
    """(N,) Σ α·T."""
    colours: Float64Array
    """(N,) per channel of a colour."""
    opacities: Float64Array
    means: Float64Array
    """(N,) per metre along a world axis, the mean of three."""
    log_scales: Float64Array
    """(N,) the mean of three axes."""
    quats: Float64Array
    """(N,) per radian, the mean of three axes."""
    gaussians: Int32Array
    """(M,) Gaussian, window and what the window's pixels would change by on average without the Gaussian: the largest
    channel, over black or white."""
    windows: NDArray[np.int64]
    changes: NDArray[np.float32]


class ColourMap(Protocol):
    """One picture as a linear function of the colours of N Gaussians, everything else being held."""

    @property
    def colours(self) -> Float64Array:
        """(N, 3) the colours as they are seen from there."""

    def blend(self, colours: Float64Array) -> NDArray[np.float32]:
        """(N, 3) colours, negative ones too → (H, W, 4): the picture over black, not clipped, and T."""

    def gather(self, picture: NDArray[np.float32]) -> Float64Array:
        """The transpose: (H, W, 3) → (N, 4) Σ α·T·r for each channel, and Σ (α·T)²."""


class Renderer(Protocol):
    """What an encoder needs from a renderer that draws by §9."""

    def picture(
        self, gaussians: PosedGaussians, view: OrbitView, background: Background = WHITE
    ) -> NDArray[np.floating]:
        """(H, W, 3) display sRGB."""

    def contributions(
        self, gaussians: PosedGaussians, view: OrbitView, shares: NDArray[np.floating] | None = None
    ) -> NDArray[np.floating]:
        """(N,) Σ α·T of each Gaussian over the pixels of one picture, each pixel counting its share (H, W)."""

    def look(self, gaussians: PosedGaussians, view: OrbitView) -> Look:
        """What the picture owes to each Gaussian."""

    def colour_map(self, gaussians: PosedGaussians, view: OrbitView, shrink: int) -> ColourMap:
        """The picture, `shrink` times smaller along each side, as a function of colours."""

    def worst_window(self, difference: NDArray[np.floating], size: int) -> tuple[float, int, int]:
        """Of (H, W, 3) |differences| in 0..1: the largest mean of a channel over a `size`² window anywhere, of 255.

        And the window's top left pixel, x and y.
        """


def orbit(points: Float64Array, yaw_degrees: float, pitch_degrees: float) -> OrbitView:
    """The measuring camera: at the centre of the bounding box of `points` (N, 3), from 3.25 times its height."""
    low, high = points.min(axis=0), points.max(axis=0)
    target = tuple(((low + high) / 2).tolist())
    return OrbitView(target, 3.25 * float(high[1] - low[1]), yaw_degrees, pitch_degrees)


def known_expressions(rig: Rig, expressions: Expressions) -> list[dict[str, float]]:
    """`expressions` as far as the rig has their shapes, without repetitions."""
    known = {shape.name for shape in rig.shapes}
    found = [{k: w for k, w in one.items() if k in known} for one in expressions]
    return [one for index, one in enumerate(found) if one not in found[:index]]


def level_pictures(
    avatar: Avatar, cameras: Cameras, expressions: Expressions, progress: Progress | None = None
) -> Iterator[tuple[int, PosedGaussians, OrbitView]]:
    """Each level with the levels before it, in every expression, from every camera.

    That is what is on the screen while the level arrives; in the complete scene finer levels would cover it, and its
    importance would say nothing (spec/decisions/0010-importance-of-levels.md). Gaussians that have handed over to a
    level are not drawn with it. Yields the level's number, what is drawn (the level's own Gaussians last), and the
    view.
    """
    known = known_expressions(avatar.rig or STATIC_RIG, expressions)
    done, count = 0, len(known) * len(cameras) * len(avatar.levels)
    for weights in known:
        mesh = avatar_mesh(avatar, Pose(weights))
        points: Float64Array | None = mesh.rest_vertices if len(mesh.rest_vertices) else None
        for number in range(len(avatar.levels)):
            levels = completed(replace(avatar, levels=avatar.levels[: number + 1])).levels
            drawn = concatenate([pose_level(levels, one, mesh) for one in range(number + 1)])
            points = drawn.means if points is None else points
            for yaw, pitch in cameras:
                yield number, drawn, orbit(points, yaw, pitch)
                done += 1
                if progress is not None:
                    progress(done / count)


def height_of(avatar: Avatar) -> float:
    """Metres, what steps of means are shares of.

    Of the neutral mesh, or without one of all but a few outlying Gaussians.
    """
    if avatar.rig is not None:
        neutral = avatar.rig.mean_neutral if avatar.identity is None else avatar.identity.neutral
        return float(np.ptp(neutral[:, 1])) or 1.0
    means = pose_avatar(avatar).means
    low, high = np.percentile(means, [OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT], axis=0)
    return float((high - low).max()) or 1.0

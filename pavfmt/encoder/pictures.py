"""The pictures that an encoder draws of an avatar to decide by: cameras, expressions and states.

Three decisions are made by looking instead of by rule: which Gaussians come first (`order.importance`), which named
regions they matter to (`order.region_importance`), and how coarse they may be written (`quality`). Each has cameras
and expressions of its own. None of them are those that quality is reported on (`eval-v1`), so that no figure is
measured where it was tuned.

Rendering is not this library's business, since it needs NumPy alone: whoever encodes passes a `Renderer` in
(`pavplayer.importance` makes one of any rasterizer).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.encoder.hand_over import completed
from pavfmt.model import Avatar, Pose, Rig
from pavfmt.posing import STATIC_RIG, PosedGaussians, avatar_mesh, concatenate, pose_level

Progress = Callable[[float], None]
"""Called with the share that is done, 0..1."""
Cameras = Sequence[tuple[float, float]]
"""Yaw and pitch of each, in degrees."""
Expressions = Sequence[Mapping[str, float]]
"""Shape name → weight, of each; names a rig does not have are ignored."""


@dataclass(frozen=True)
class OrbitView:
    """A camera on an orbit around a head: 550 × 802 pixels, focal length 1,900 pixels, as quality is measured."""

    target: tuple[float, float, float]
    """Metres, world axes: what it looks at."""
    distance: float
    """Metres from the target."""
    yaw_degrees: float
    pitch_degrees: float


class Renderer(Protocol):
    """What an encoder needs from a renderer that draws by §9."""

    def picture(self, gaussians: PosedGaussians, view: OrbitView) -> NDArray[np.floating]:
        """(H, W, 3) display sRGB over white."""

    def contributions(
        self, gaussians: PosedGaussians, view: OrbitView, shares: NDArray[np.floating] | None = None
    ) -> NDArray[np.floating]:
        """(N,) Σ α·T of each Gaussian over the pixels of one picture, each pixel counting its share (H, W)."""


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

"""Importance: who is sent first (ProgressiveAvatars, section 3; FORMAT.md, "Importance").

W of a Gaussian is Σ α·T, its blending weight summed over the pixels of a stated set of pictures. Rendering is
not this library's business: whoever encodes passes a renderer in. Without one, opacity × area stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.encoder.hand_over import completed
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Float64Array, Pose, Rig
from pavfmt.posing import STATIC_RIG, PosedGaussians, concatenate, pose_level, pose_mesh

VIEWS: tuple[tuple[float, float], ...] = ((0, 0), (25, 0), (-25, 0), (45, 5), (-45, 5), (12, -12), (-12, 20))
"""Yaw and pitch in degrees of the pictures W is summed over; none is among those quality is reported on."""

EXPRESSIONS: tuple[Mapping[str, float], ...] = (
    {},
    {"jawOpen": 0.5, "mouthFunnel": 0.3},
    {"eyeBlinkLeft": 0.9, "eyeBlinkRight": 0.9, "mouthSmileLeft": 0.6, "mouthSmileRight": 0.6},
)
"""Shape weights of those pictures; names a rig does not have are ignored."""


@dataclass(frozen=True)
class View:
    """A camera on an orbit around a head: 550 × 802 pixels, focal length 1,900, as quality is measured."""

    target: tuple[float, float, float]
    distance: float
    yaw_degrees: float
    pitch_degrees: float


class ContributionRenderer(Protocol):
    """What an encoder needs from a renderer."""

    def contributions(self, gaussians: PosedGaussians, view: View) -> NDArray[np.floating]:
        """(N,) Σ α·T of each Gaussian over the pixels of one picture."""


def orbit(points: Float64Array, yaw_degrees: float, pitch_degrees: float) -> View:
    """The measuring camera: at the centre of the points' bounding box, from 3.25 times its height."""
    low, high = points.min(axis=0), points.max(axis=0)
    target = tuple(((low + high) / 2).tolist())
    return View(target, 3.25 * float(high[1] - low[1]), yaw_degrees, pitch_degrees)


def rendered_importance(
    avatar: Avatar, renderer: ContributionRenderer, progress: Callable[[float], None] | None = None
) -> list[Float64Array]:
    """Per level (N,) W over VIEWS × EXPRESSIONS, each level drawn with the levels before it.

    Those are what is on the screen while it arrives; in the complete scene, finer levels would cover it. Who has
    handed over to a level is not drawn with it.
    """
    rig = avatar.rig or STATIC_RIG
    expressions = known_expressions(rig, EXPRESSIONS)
    totals = [np.zeros(len(level.gaussians)) for level in avatar.levels]
    done, pictures = 0, len(expressions) * len(VIEWS) * len(avatar.levels)
    for weights in expressions:
        mesh = pose_mesh(rig, avatar.identity, Pose(weights))
        points: Float64Array | None = mesh.rest_vertices if len(mesh.rest_vertices) else None
        for number, total in enumerate(totals):
            levels = completed(replace(avatar, levels=avatar.levels[: number + 1])).levels
            drawn = concatenate([pose_level(levels, one, mesh) for one in range(number + 1)])
            points = drawn.means if points is None else points
            for yaw, pitch in VIEWS:
                weight = renderer.contributions(drawn, orbit(points, yaw, pitch))
                total += weight[len(weight) - len(total) :]
                done += 1
                if progress is not None:
                    progress(done / pictures)
    return totals


def known_expressions(rig: Rig, expressions: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """`expressions` as far as the rig has their shapes, without repetitions."""
    known = {shape.name for shape in rig.shapes}
    found = [{k: w for k, w in one.items() if k in known} for one in expressions]
    return [one for index, one in enumerate(found) if one not in found[:index]]


def opacity_area_importance(avatar: Avatar) -> list[Float64Array]:
    """Per level (N,) opacity × area of the largest cross-section at rest: the fallback without a renderer."""
    mesh = pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, Pose())
    result = []
    for number in range(len(avatar.levels)):
        posed = pose_level(avatar.levels, number, mesh)
        axes = np.sort(posed.scales, axis=1)
        result.append(posed.opacities * axes[:, 1] * axes[:, 2])
    return result


def stored_importance(avatar: Avatar) -> list[Float64Array]:
    """Per level (N,) what the checkpoint measured; EncodeError if it did not."""
    result = []
    for number, level in enumerate(avatar.levels):
        if level.gaussians.importance is None:
            raise EncodeError("no-importance", f"level {number} of the checkpoint has no importance")
        result.append(level.gaussians.importance.astype(np.float64))
    return result


def has_stored_importance(avatar: Avatar) -> bool:
    """Whether every level of the checkpoint brought its importance."""
    return all(level.gaussians.importance is not None for level in avatar.levels)


def per_face(sites: NDArray[np.int32], importance: Float64Array) -> Float64Array:
    """The sum over each Gaussian's face, so that a face's Gaussians go together."""
    sums: Float64Array = np.bincount(
        sites, weights=importance, minlength=int(sites.max(initial=0)) + 1
    ).astype(np.float64)
    return sums[sites]


def order_of(importance: Sequence[float] | Float64Array) -> NDArray[np.intp]:
    """Descending; ties in the order given."""
    return np.argsort(-np.asarray(importance, dtype=np.float64), kind="stable")

"""Several avatars drawn as one picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array
from pavfmt.model import Pose
from pavplayer.camera import REFERENCE_SIZE, Camera, evaluation_camera
from pavplayer.crowd.arrangement import in_rows
from pavplayer.crowd.budget import RenderBudget
from pavplayer.crowd.gain import allocate
from pavplayer.crowd.member import Member, joined
from pavplayer.crowd.placement import Placement
from pavplayer.crowd.pool import ArrayPool
from pavplayer.crowd.screen_area import area, attention, corners, screen_rectangle
from pavplayer.posing.cloud import PosedCloud
from pavplayer.rasterizers import Background, Rasterizer
from pavplayer.session import WHITE, Session

STEP_SHARE = 0.25
"""Share of the way to its new length that a prefix goes in a frame."""
HYSTERESIS = 0.03
"""Lengths aimed at stay as they are until one of them would change by this share."""

Poses = Pose | Sequence[Pose] | None
Gaze = tuple[float, float]
"""Column and row of the picture."""


class Crowd:
    """Avatars in one world, each showing the prefix that its share of the budget pays for."""

    def __init__(
        self,
        sessions: Sequence[Session],
        placements: Sequence[Placement] | None = None,
        budget: RenderBudget | None = None,
        rasterizer: Rasterizer | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Without placements they stand in rows; without a budget all that is in view is drawn."""
        if not sessions:
            raise ValueError("a crowd needs an avatar")
        self.budget = budget
        self.rasterizer = rasterizer or sessions[0].rasterizer
        self.members: list[Member] = []
        self._pool, self._clock = ArrayPool(), clock
        self._targets = np.zeros(0)
        """The lengths aimed at; empty: not set yet."""
        for session, placement in zip(sessions, placements or in_rows(sessions), strict=True):
            self.add(session, placement)

    def add(self, session: Session, placement: Placement) -> Member:
        """One avatar more."""
        self.members.append(Member(session, placement, self._pool))
        self._targets = np.zeros(0)
        return self.members[-1]

    @property
    def counts(self) -> list[int]:
        """Gaussians of each avatar in the last frame."""
        return [int(np.ceil(member.length)) for member in self.members]

    @property
    def drawn(self) -> int:
        """Gaussians in the last frame."""
        return sum(self.counts)

    def settle(self) -> None:
        """Let the next frame go to the lengths aimed at in one step, with all that has arrived."""
        self._targets = np.zeros(0)
        for member in self.members:
            member.refresh()
            member.settle()

    def camera(
        self,
        yaw_degrees: float = 0.0,
        pitch_degrees: float = 0.0,
        zoom: float = 1.0,
        size: tuple[int, int] = REFERENCE_SIZE,
    ) -> Camera:
        """The measuring camera, looking at all of them from as far as it needs."""
        boxes = [
            member.placement.points(corners(_bounds(member.session.framed_points())))
            for member in self.members
        ]
        points = np.concatenate(boxes)
        extent = points.max(axis=0) - points.min(axis=0)
        # The measuring camera goes by the height alone, since a head is higher than wide. A row of heads is not.
        if len(boxes) > 1:  # as if it were so high that its width fits too
            missing = max(float(np.hypot(extent[0], extent[2])) * size[1] / size[0] - extent[1], 0.0)
            points = np.concatenate([points + shift * np.array([0.0, missing / 2, 0.0]) for shift in (-1, 1)])
        return evaluation_camera(points, yaw_degrees, pitch_degrees, zoom, *size)

    def frame(
        self,
        camera: Camera,
        poses: Poses = None,
        background: Background = WHITE,
        gaze: Gaze | None = None,
    ) -> Float32Array:
        """The picture, (H, W, 3) display sRGB in 0..1. `poses`: one for all, or one for each avatar."""
        start = self._clock()
        cloud = self.cloud(camera, poses, gaze)
        if cloud is None:
            picture = np.tile(np.array(background, np.float32), (camera.height, camera.width, 1))
        else:
            picture = self.rasterizer.render(cloud, camera, background)
        self.note_frame(self._clock() - start)
        return picture

    def note_frame(self, seconds: float) -> None:
        """What the last frame took, for a budget that learns from it. `frame` does so itself."""
        if self.budget is not None:
            self.budget.note(self.drawn, seconds)

    def cloud(self, camera: Camera, poses: Poses = None, gaze: Gaze | None = None) -> PosedCloud | None:
        """The Gaussians of the picture, in world space and in the colours this camera sees; None: none."""
        each = [poses or Pose()] * len(self.members) if isinstance(poses, Pose | None) else poses
        for member in self.members:
            member.refresh()
        self._advance(self._weights(camera, each, gaze))
        shown = [pair for pair in zip(self.members, each, strict=True) if pair[0].length > 0]
        clouds = [member.cloud(pose, camera) for member, pose in shown]
        return joined(clouds) if clouds else None

    def _weights(self, camera: Camera, poses: Sequence[Pose], gaze: Gaze | None) -> NDArray[np.float64]:
        """What each avatar counts for in this picture; 0 out of view."""
        weights = np.zeros(len(self.members))
        for at, (member, pose) in enumerate(zip(self.members, poses, strict=True)):
            if member.curve is None:
                continue
            rectangle = screen_rectangle(member.box(pose), member.placement.seen_by(camera))
            looked_at = 1.0 if gaze is None else attention(rectangle, gaze, camera)
            weights[at] = member.importance * looked_at * area(rectangle)
        return weights

    def _advance(self, weights: NDArray[np.float64]) -> None:
        """Move the prefixes toward their shares, within the budget all the way.

        Three things keep the picture still: a step goes only a share of the way, so a length that is aimed at may
        jump; targets stay while the new ones differ by little, so a camera that trembles moves nothing; and the last
        Gaussian of the way is not crept toward for ever. Who comes into view or leaves it is there or gone at once.
        """
        budget = np.inf if self.budget is None else float(self.budget.gaussians)
        lengths = np.array([member.length for member in self.members])
        targets = self._shares(weights, budget)
        at_once = (lengths == 0) | (targets == 0)  # out of view: there is no picture to keep still
        if len(self._targets) != len(targets):
            at_once[:] = True
        elif (np.abs(targets - self._targets) <= HYSTERESIS * self._targets).all():
            targets = self._targets
        self._targets = targets
        lengths = np.where(at_once, targets, lengths + STEP_SHARE * (targets - lengths))
        settled = np.abs(targets - lengths) < 1
        lengths[settled] = targets[settled]
        if np.ceil(lengths).sum() > budget:  # it has become smaller, or somebody has come into view
            lengths *= max(budget - len(lengths), 0.0) / lengths.sum()
        for member, length in zip(self.members, lengths.tolist(), strict=True):
            member.length = length

    def _shares(self, weights: NDArray[np.float64], budget: float) -> NDArray[np.float64]:
        """The lengths to aim at."""
        curves = [member.curve for member in self.members]
        there = [at for at, curve in enumerate(curves) if curve is not None]
        shares = np.zeros(len(curves))
        shares[there] = allocate([curve for curve in curves if curve is not None], weights[there], budget)
        return shares


def _bounds(points: Float32Array) -> Float32Array:
    """(N, 3) → (2, 3) low and high corner."""
    return np.stack([points.min(axis=0), points.max(axis=0)])

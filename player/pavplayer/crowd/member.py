"""One avatar of a crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array
from pavfmt.decoding.scene import Scene
from pavfmt.model import Pose
from pavplayer.camera import Camera
from pavplayer.crowd.colours import seen_colours
from pavplayer.crowd.drawing_order import drawing_order
from pavplayer.crowd.gain import GainCurve, gain_curve
from pavplayer.crowd.placement import Placement
from pavplayer.crowd.pool import ArrayPool
from pavplayer.crowd.prefix import PrefixVisibility
from pavplayer.fading import gaussian_shares, ramp
from pavplayer.posing.cloud import PosedCloud
from pavplayer.posing.poser import Poser

if TYPE_CHECKING:
    from pavplayer.session import Session

MOVING_MARGIN = 0.1
"""How far beyond its Gaussians at rest an avatar may reach in a pose, as a share of its size."""
FADE_FRAMES = 8
"""In so many frames what has arrived fades in."""


@dataclass(frozen=True)
class MemberState:
    """What can be shown of an avatar with the units that are there."""

    poser: Poser
    """Of the Gaussians in the order in which they are worth drawing."""
    prefixes: PrefixVisibility
    curve: GainCurve
    bounds: Float32Array
    """(2, 3) low and high corner of a box around all of it, in any pose without a translation."""
    order: NDArray[np.intp]
    """(N,) row of the file order that each of the poser's Gaussians is."""
    ranks: NDArray[np.intp]
    """(N,) where each Gaussian of the file order is in the poser's."""


def member_state(session: Session) -> MemberState | None:
    """Of a session as it is now; None: there is nothing to show."""
    poser, scene = session.new_poser(), session.scene
    if poser is None:
        return None
    cloud = poser.frame(Pose())
    weights = _weights(cloud, scene)
    order = drawing_order(scene, weights)
    if (np.diff(order) != 1).any():
        poser = session.new_poser(order)
    assert poser is not None
    prefixes = PrefixVisibility(scene, order, session.gaussian_ranges)
    return MemberState(poser, prefixes, gain_curve(weights[order]), _bounds(cloud), order, np.argsort(order))


class Member:
    """A session, its place, and how much of it is shown."""

    def __init__(self, session: Session, placement: Placement, pool: ArrayPool) -> None:
        self.session, self.placement = session, placement
        self.importance = 1.0
        """What a pixel of this avatar is worth, as a multiple of others'; at 0 it is not shown."""
        self.length = 0.0
        """Of the prefix that is shown, in Gaussians."""
        self._pool, self._unit_count = pool, 0
        self._state: MemberState | None = None
        self._frame = 0
        self._arrived_at: dict[int, float] = {}
        """Unit of Gaussians → the frame in which it came."""

    def settle(self) -> None:
        """What has arrived is there at once."""
        self._arrived_at = dict.fromkeys(self._arrived_at, -np.inf)

    def refresh(self) -> None:
        """Take in what has arrived since the last frame."""
        self._frame += 1
        session, scene = self.session, self.session.scene
        if len(scene.active_units) == self._unit_count:
            return
        self._unit_count = len(scene.active_units)
        self._pool.share_rig(scene)
        was_whole = self._state is not None and self.length >= len(self._state.poser)
        self._state = member_state(session)
        if self._state is None:
            return
        self._pool.share(self._state.poser.mesh)
        # Where there is hand-over, units come in their order, and the length that grows fades them in.
        at_once = bool(scene.hand_overs) or not self._arrived_at
        for unit in session.gaussian_ranges:
            self._arrived_at.setdefault(unit, -np.inf if at_once else self._frame)
        if was_whole and not scene.hand_overs:
            self.length = float(len(self._state.poser))

    @property
    def curve(self) -> GainCurve | None:
        """What its prefixes are worth; None while nothing is there."""
        return None if self._state is None else self._state.curve

    def box(self, pose: Pose) -> Float32Array:
        """(2, 3) low and high corner, in the avatar's axes, of all it may show in a pose."""
        bounds = np.zeros((2, 3), np.float32) if self._state is None else self._state.bounds
        return bounds + np.array(pose.translation, np.float32)

    def cloud(self, pose: Pose, camera: Camera) -> PosedCloud:
        """The prefix that is shown, posed and in the world, in the colours the camera sees.

        Its length is above 0, which is only where something has arrived.
        """
        assert self._state is not None
        state = self._state
        shown = state.prefixes.at(min(self.length, len(state.poser)))
        count = len(shown.opacities)
        posed = shown.applied_to(state.poser.leading(count).frame(pose))
        placed = self.placement.placed(posed.means, posed.quats, posed.scales)
        opacities, shares = posed.opacities, self._arrival_shares()
        if shares is not None:
            opacities = opacities * shares[state.order[:count]]
        cloud = PosedCloud(*placed, opacities, seen_colours(posed, self.placement.seen_by(camera)))
        if count < len(state.poser):
            return cloud
        # Complete, it is as the format wants it: of equal depths the first in the file is in front (§9).
        return PosedCloud(*(getattr(cloud, name)[state.ranks] for name in COLUMNS))

    def _arrival_shares(self) -> Float32Array | None:
        """(N,) in file order, by which opacities are multiplied; None: all is up."""
        if self._frame - max(self._arrived_at.values(), default=-np.inf) >= FADE_FRAMES:
            return None

        def share_of(unit: int) -> float:
            return float(ramp(self._frame - self._arrived_at[unit], FADE_FRAMES))

        return gaussian_shares(self.session.scene, self.session.gaussian_ranges, share_of)


COLUMNS = ("means", "quats", "scales", "opacities", "sh")


def joined(clouds: Sequence[PosedCloud]) -> PosedCloud:
    """One after the other: at equal depth the first avatar is in front."""
    return PosedCloud(*(np.concatenate([getattr(cloud, name) for cloud in clouds]) for name in COLUMNS))


def _weights(cloud: PosedCloud, scene: Scene) -> Float32Array:
    """(N,) opacity × area in file order. A parent that gives way counts as much as it did before."""
    scales = np.sort(cloud.scales, axis=1)
    weights: Float32Array = scene.arrays().opacities * scales[:, 1] * scales[:, 2]
    return weights


def _bounds(cloud: PosedCloud) -> Float32Array:
    """(2, 3) corners of a box around the means, with a margin."""
    low, high = cloud.means.min(axis=0), cloud.means.max(axis=0)
    margin = MOVING_MARGIN * float(np.linalg.norm(high - low))
    return np.stack([low - margin, high + margin])

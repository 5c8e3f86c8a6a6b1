"""One avatar of a crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.decoding.scene import Scene
from pavfmt.model import Float32Array, Pose
from pavplayer.camera import Camera
from pavplayer.crowd.arrivals import Arrivals
from pavplayer.crowd.colours import as_seen
from pavplayer.crowd.gain import GainCurve, gain_curve
from pavplayer.crowd.placement import Placement
from pavplayer.crowd.pool import ArrayPool
from pavplayer.crowd.prefix import PrefixLooks
from pavplayer.crowd.unit_order import spending_order
from pavplayer.posing.cloud import PosedCloud
from pavplayer.posing.poser import Poser
from pavplayer.session import Session

MOVING_MARGIN = 0.1
"""How far beyond its Gaussians at rest an avatar may reach in a pose, as a share of its size."""


@dataclass(frozen=True)
class Arrived:
    """What one state of arrival can show."""

    poser: Poser
    """Of the Gaussians in the order in which they are worth drawing."""
    looks: PrefixLooks
    curve: GainCurve
    reach: Float32Array
    """(2, 3) low and high corner of a box around all of it, in any pose without a translation."""
    order: NDArray[np.intp]
    """(N,) row of the file order that each of the poser's Gaussians is."""
    file_places: NDArray[np.intp]
    """(N,) where each Gaussian of the file order is in the poser's."""


def arrived(session: Session) -> Arrived | None:
    """What a session can show now; None: nothing."""
    poser, scene = session.new_poser(), session.scene
    if poser is None:
        return None
    cloud = poser.frame(Pose())
    weights = _weights(cloud, scene)
    order = spending_order(scene, weights)
    if (np.diff(order) != 1).any():
        poser = session.new_poser(order)
    assert poser is not None
    looks = PrefixLooks(scene, order, session.gaussian_ranges)
    return Arrived(poser, looks, gain_curve(weights[order]), _reach(cloud), order, np.argsort(order))


class Member:
    """A session, its place, and how much of it is shown."""

    def __init__(self, session: Session, placement: Placement, pool: ArrayPool) -> None:
        self.session, self.placement = session, placement
        self.importance = 1.0
        """What a pixel of this avatar is worth, as a multiple of others'; at 0 it is not shown."""
        self.position = 0.0
        """How many of its Gaussians are reached."""
        self._pool, self._unit_count = pool, 0
        self._arrived: Arrived | None = None
        self._arrivals = Arrivals()

    def settle(self) -> None:
        """What has arrived is there at once."""
        self._arrivals.finish()

    def refresh(self) -> None:
        """Take in what has arrived since the last frame."""
        self._arrivals.advance()
        scene = self.session.scene
        if len(scene.active_units) == self._unit_count:
            return
        self._unit_count = len(scene.active_units)
        self._pool.share_rig(scene)
        was_whole = self._arrived is not None and self.position >= len(self._arrived.poser)
        self._arrived = arrived(self.session)
        if self._arrived is None:
            return
        self._pool.share(self._arrived.poser.mesh)
        # Where there is hand-over, units come in their order, and the position that grows fades them in.
        self._arrivals.take_in(scene.arrays().indices, at_once=bool(scene.hand_overs))
        if was_whole and not scene.hand_overs:
            self.position = float(len(self._arrived.poser))

    @property
    def curve(self) -> GainCurve | None:
        """What its prefixes are worth; None while nothing is there."""
        return None if self._arrived is None else self._arrived.curve

    def box(self, pose: Pose) -> Float32Array:
        """(2, 3) low and high corner, in the avatar's axes, of all it may show in a pose."""
        reach = np.zeros((2, 3), np.float32) if self._arrived is None else self._arrived.reach
        return reach + np.array(pose.translation, np.float32)

    def cloud(self, pose: Pose, camera: Camera) -> PosedCloud:
        """The prefix it is at, posed and in the world, in the colours the camera sees.

        Its position is above 0, which is only where something has arrived.
        """
        assert self._arrived is not None
        poser = self._arrived.poser
        look = self._arrived.looks.at(min(self.position, len(poser)))
        posed = poser.leading(len(look.opacities)).frame(pose)
        scales = posed.scales
        if len(look.rows):
            scales = scales * 1  # a binding may give out its own
            scales[look.rows] = scales[look.rows] * look.scale_factors
        coloured = as_seen(posed, self.placement.seen_by(camera))
        placed = self.placement.placed(posed.means, posed.quats, scales)
        opacities = look.opacities
        if self._arrivals.is_fading:
            opacities = opacities * self._arrivals.shares(self._arrived.order[: len(opacities)])
        cloud = PosedCloud(*placed, opacities, coloured)
        return self._in_file_order(cloud) if len(look.opacities) == len(poser) else cloud

    def _in_file_order(self, cloud: PosedCloud) -> PosedCloud:
        """A complete cloud as the format wants it: equal depths go by index."""
        assert self._arrived is not None
        places = self._arrived.file_places
        return PosedCloud(*(getattr(cloud, name)[places] for name in COLUMNS))


COLUMNS = ("means", "quats", "scales", "opacities", "sh")


def joined(clouds: Sequence[PosedCloud]) -> PosedCloud:
    """One after the other: at equal depth the first avatar is in front."""

    return PosedCloud(*(np.concatenate([getattr(cloud, name) for cloud in clouds]) for name in COLUMNS))


def _weights(cloud: PosedCloud, scene: Scene) -> Float32Array:
    """(N,) opacity × area in file order. A parent that gives way counts as much as it did before."""
    scales = np.sort(cloud.scales, axis=1)
    weights: Float32Array = scene.arrays().opacities * scales[:, 1] * scales[:, 2]
    return weights


def _reach(cloud: PosedCloud) -> Float32Array:
    """(2, 3) corners of a box around the means, with a margin."""
    means = cloud.means
    low, high = means.min(axis=0), means.max(axis=0)
    margin = MOVING_MARGIN * float(np.linalg.norm(high - low))
    return np.stack([low - margin, high + margin])

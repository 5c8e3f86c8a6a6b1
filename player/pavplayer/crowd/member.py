"""One avatar of a crowd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pavfmt.model import Float32Array, Pose
from pavfmt.scene import Scene
from pavplayer.arrays import Array, ArrayNamespace, NumpyNamespace
from pavplayer.camera import Camera
from pavplayer.crowd.colours import as_seen
from pavplayer.crowd.gain import GainCurve, gain_curve
from pavplayer.crowd.placement import Placement
from pavplayer.crowd.pool import ArrayPool
from pavplayer.crowd.prefix import PrefixLooks
from pavplayer.crowd.unit_order import spending_order
from pavplayer.posing import PosedCloud, Poser
from pavplayer.rasterizers import Rasterizer
from pavplayer.session import Session

MOVING_MARGIN = 0.1
"""How far beyond its Gaussians at rest an avatar may reach in a pose, as a share of its size."""


class Member:
    """A session, its place, and how much of it is shown."""

    def __init__(self, session: Session, placement: Placement, pool: ArrayPool) -> None:
        self.session, self.placement = session, placement
        self.position = 0.0
        """How many Gaussians of the file order are reached."""
        self._pool, self._unit_count = pool, 0
        self._poser: Poser | None = None
        self._curve: GainCurve | None = None
        self._looks: PrefixLooks | None = None
        self._box = np.zeros((2, 3), np.float32)
        self._file_places = np.zeros(0, np.intp)
        """Where each Gaussian of the file order is in the order that prefixes are of."""

    def refresh(self) -> None:
        """Take in what has arrived since the last call."""
        scene = self.session.scene
        if len(scene.active_units) == self._unit_count:
            return
        self._unit_count = len(scene.active_units)
        self._pool.share_rig(scene)
        poser = self.session.new_poser()
        if poser is None:
            return
        cloud = poser.frame(Pose())
        weights = _weights(cloud, scene)
        order = spending_order(scene, weights)
        if (np.diff(order) != 1).any():
            poser = self.session.new_poser(order)
        assert poser is not None
        self._pool.share(poser.mesh)
        self._poser = poser
        self._looks = PrefixLooks(scene, order, self.session.gaussian_ranges)
        self._curve = gain_curve(weights[order])
        self._box = _reach(_on_host(cloud.means))
        self._file_places = np.argsort(order)

    @property
    def curve(self) -> GainCurve | None:
        """What its prefixes are worth; None while nothing is there."""
        return self._curve

    @property
    def arrays(self) -> ArrayNamespace:
        """Where its Gaussians are posed."""
        return NumpyNamespace() if self._poser is None else self._poser.xp

    @property
    def gaussian_count(self) -> int:
        """How many there are to show."""
        return 0 if self._poser is None else len(self._poser)

    def box(self, pose: Pose) -> Float32Array:
        """(2, 3) low and high corner, in the avatar's axes, of all it may show in a pose."""
        return self._box + np.array(pose.translation, np.float32)

    def cloud(self, pose: Pose, camera: Camera, rasterizer: Rasterizer) -> PosedCloud:
        """The prefix it is at, posed and in the world, in the colours the camera sees. Its position is above 0."""
        assert self._poser is not None and self._looks is not None  # else there is no position
        look = self._looks.at(min(self.position, self.gaussian_count))
        xp = self._poser.xp
        cloud = self._poser.leading(len(look.opacities)).frame(pose)
        coloured = as_seen(xp, cloud, self.placement.seen_by(camera), rasterizer)
        scales = cloud.scales
        if len(look.rows):
            scales[look.rows] = scales[look.rows] * xp.put(look.scale_factors)
        placed = self.placement.placed(xp, cloud.means, cloud.quats, scales)
        columns = (*placed, xp.put(look.opacities), coloured)
        if len(look.opacities) == self.gaussian_count:  # complete: equal depths must go by index (FORMAT.md, 9)
            columns = tuple(column[xp.put(self._file_places)] for column in columns)
        return PosedCloud(*columns)


def _weights(cloud: PosedCloud, scene: Scene) -> Float32Array:
    """(N,) opacity × area in file order. A parent that gives way counts as much as it did before."""
    scales = np.sort(_on_host(cloud.scales), axis=1)
    return scene.arrays().opacities * scales[:, 1] * scales[:, 2]


def _reach(means: Float32Array) -> Float32Array:
    """(2, 3) corners of a box around (N, 3) points, with a margin."""
    low, high = means.min(axis=0), means.max(axis=0)
    margin = MOVING_MARGIN * float(np.linalg.norm(high - low))
    return np.stack([low - margin, high + margin])


def joined(xp: ArrayNamespace, clouds: Sequence[PosedCloud]) -> PosedCloud:
    """One after the other: at equal depth the first avatar is in front."""

    def column(name: str) -> Array:
        return xp.concatenate([getattr(cloud, name) for cloud in clouds])

    return PosedCloud(*(column(name) for name in ("means", "quats", "scales", "opacities", "sh")))


def _on_host(values: Any) -> Float32Array:
    """A NumPy array of an array or tensor."""
    array: Float32Array = values if isinstance(values, np.ndarray) else values.cpu().numpy()
    return array

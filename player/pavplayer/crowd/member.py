"""One avatar of a crowd."""

from __future__ import annotations

from typing import Any

import numpy as np

from pavfmt.model import Float32Array, Pose
from pavplayer.arrays import Array, ArrayNamespace
from pavplayer.camera import Camera
from pavplayer.crowd.colours import as_seen
from pavplayer.crowd.gain import GainCurve, gain_curve
from pavplayer.crowd.placement import Placement
from pavplayer.crowd.pool import ArrayPool
from pavplayer.crowd.prefix import PrefixLooks
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

    def refresh(self) -> None:
        """Take in what has arrived since the last call."""
        scene = self.session.scene
        if len(scene.active_units) == self._unit_count:
            return
        self._unit_count = len(scene.active_units)
        self._pool.share_rig(scene)
        poser = self.session.poser()
        if poser is self._poser or poser is None:
            return
        self._poser = poser
        self._pool.share(poser.mesh)
        self._looks = PrefixLooks(scene, self.session.gaussian_ranges)
        cloud = poser.frame(Pose())
        scales, means = np.sort(_on_host(cloud.scales), axis=1), _on_host(cloud.means)
        # The stored opacities: a parent that gives way counts as much as it did before.
        stored = scene.arrays().opacities
        self._curve = gain_curve(stored * scales[:, 1] * scales[:, 2])
        low, high = means.min(axis=0), means.max(axis=0)
        margin = MOVING_MARGIN * float(np.linalg.norm(high - low))
        self._box = np.stack([low - margin, high + margin])

    @property
    def curve(self) -> GainCurve | None:
        """What its prefixes are worth; None while nothing is there."""
        return self._curve

    @property
    def gaussian_count(self) -> int:
        """How many there are to show."""
        return 0 if self._poser is None else len(self._poser)

    def box(self, pose: Pose) -> Float32Array:
        """(2, 3) low and high corner, in the avatar's axes, of all it may show in a pose."""
        return self._box + np.array(pose.translation, np.float32)

    def cloud(self, pose: Pose, camera: Camera, rasterizer: Rasterizer) -> PosedCloud | None:
        """The prefix it is at, posed and in the world, in the colours the camera sees; None: nothing."""
        if self._poser is None or self._looks is None or self.position <= 0:
            return None
        look = self._looks.at(min(self.position, self.gaussian_count))
        xp = self._poser.xp
        cloud = self._poser.leading(len(look.opacities)).frame(pose)
        coloured = as_seen(xp, cloud, self.placement.seen_by(camera), rasterizer)
        scales = cloud.scales
        if len(look.rows):
            scales[look.rows] = scales[look.rows] * xp.put(look.scale_factors)
        placed = self.placement.placed(xp, cloud.means, cloud.quats, scales)
        return PosedCloud(*placed, xp.put(look.opacities), coloured)


def joined(xp: ArrayNamespace, clouds: list[PosedCloud]) -> PosedCloud:
    """One after the other: at equal depth the first avatar is in front."""

    def column(name: str) -> Array:
        return xp.concatenate([getattr(cloud, name) for cloud in clouds])

    return PosedCloud(*(column(name) for name in ("means", "quats", "scales", "opacities", "sh")))


def _on_host(values: Any) -> Float32Array:
    """A NumPy array of an array or tensor."""
    array: Float32Array = values if isinstance(values, np.ndarray) else values.cpu().numpy()
    return array

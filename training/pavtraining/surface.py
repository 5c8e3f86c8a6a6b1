"""A rig's mesh in a pose: the points that Gaussians are bound to. Nothing here asks for gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pavfmt.model import Avatar, Identity, Level, Pose, Rig
from pavplayer.posing.arrays import open_namespace
from pavplayer.posing.growing import no_gaussians
from pavplayer.posing.skinned_mesh import Mesh


@dataclass(frozen=True)
class PosedSurface:
    """One pose of the mesh, as float64 tensors: the frames of small faces need them."""

    vertices: Tensor
    """(V, 3) metres, skinned, root translation included."""
    rest: Tensor
    """(V, 3) neutral plus weighted shapes and correctives, before skinning."""
    rotations: Tensor
    """(J, 3, 3): skinning moves a fully bound point p to R p + t."""
    translations: Tensor
    """(J, 3) metres."""

    def to(self, device: torch.device | str) -> PosedSurface:
        """The same on another device."""
        return PosedSurface(**{name: value.to(device) for name, value in vars(self).items()})


class Surface:
    """Poses one rig again and again."""

    def __init__(self, rig: Rig, identity: Identity | None = None) -> None:
        self.rig, self.identity = rig, identity
        bare = Avatar((Level(no_gaussians()),), rig, identity)
        self._mesh = Mesh(bare, open_namespace("numpy"))
        self.faces = torch.from_numpy(self._mesh.corners[0].copy())
        """(F, 3) int64 vertices of the template's faces, after subdivision."""
        self.weights = torch.from_numpy(self._mesh.host_weights.copy())
        """(V, J) skinning weights, float64."""

    @property
    def neutral(self) -> np.typing.NDArray[np.float32]:
        """(V0, 3) metres: this avatar's own face at rest, on the base mesh."""
        return self.rig.mean_neutral if self.identity is None else self.identity.neutral

    def posed(self, pose: Pose) -> PosedSurface:
        """The mesh in a pose."""
        motion = self._mesh.motion(pose)
        rest = self._mesh.rest(pose.weights, motion)
        vertices = self._mesh.skinned(rest, motion)
        arrays = (vertices.T, rest.T, motion.rotations, motion.translations)
        return PosedSurface(*(torch.from_numpy(np.array(one, np.float64, order="C")) for one in arrays))

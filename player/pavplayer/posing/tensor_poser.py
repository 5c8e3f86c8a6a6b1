"""Posing on a device, in torch: the mesh is posed in main memory, the Gaussians are carried by it where they lie.

A pose moves a few thousand vertices, which takes the compiled kernels of `skinned_mesh` less time than it takes to
start the same work on a device; what goes there is one copy of the posed points. Everything that is done once for each
Gaussian is torch (`tensor_frames`), so that it runs on whatever device torch has, and training, which wants gradients,
carries its Gaussians by the very same lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavfmt.arrays import Float32Array
from pavfmt.model import Avatar, Gaussians, Identity, Level, Pose, Rig
from pavfmt.posing import STATIC_RIG
from pavfmt.registry import Binding, ShFrame, Site
from pavplayer.posing.cloud import PosedCloud
from pavplayer.posing.skinned_mesh import Mesh
from pavplayer.posing.tensor_frames import (
    Frames,
    LocalGaussians,
    PosedSurface,
    SplitForest,
    WorldCloud,
    concatenated,
    face_frames,
    in_world,
    surface_frames,
)


class TensorMesh:
    """A rig's mesh, posed again and again as float64 tensors in main memory. It asks for no gradients."""

    def __init__(self, rig: Rig, identity: Identity | None = None) -> None:
        self.rig, self.identity = rig, identity
        self._mesh = Mesh(rig, identity)
        self.faces = torch.from_numpy(self._mesh.corners[0].copy())
        """(F, 3) int64 vertices of the template's faces, after subdivision."""
        self.weights = torch.from_numpy(self._mesh.host_weights.copy())
        """(V, J) skinning weights, float64."""

    @property
    def neutral(self) -> Float32Array:
        """(V0, 3) metres: this avatar's own face at rest, on the base mesh."""
        return self.rig.mean_neutral if self.identity is None else self.identity.neutral

    def posed(self, pose: Pose) -> PosedSurface:
        """The mesh in a pose."""
        skeleton = self._mesh.skeleton(pose)
        rest = self._mesh.rest(pose.weights, skeleton)
        vertices = self._mesh.skinned(rest, skeleton)
        arrays = (vertices.T, rest.T, skeleton.rotations, skeleton.translations)
        return PosedSurface(*(torch.from_numpy(np.array(one, np.float64, order="C")) for one in arrays))


def local_gaussians(gaussians: Gaussians, coefficients: int | None = None) -> LocalGaussians:
    """A level's Gaussians as float32 tensors, with zeros for SH bands it lacks (`coefficients`: 1, 4, 9, 16)."""
    sh = np.concatenate([gaussians.sh0, gaussians.shN], axis=1)
    missing = 0 if coefficients is None else coefficients - sh.shape[1]
    sh = np.pad(sh, ((0, 0), (0, missing), (0, 0)))
    scales = np.exp(gaussians.log_scales.astype(np.float64)).astype(np.float32)
    arrays = (gaussians.means, gaussians.quats, scales, gaussians.opacities, sh)
    return LocalGaussians(*(torch.from_numpy(array.copy()) for array in arrays))


class LevelBinding:
    """What one level's Gaussians hang on."""

    def __init__(self, level: Level, number: int, forest: SplitForest, weights: Tensor) -> None:
        """`weights` is (P, J): skinning weights of all points known at this level."""
        self.number, self.binding, self.site = number, level.binding, level.site
        self.sh_is_local = level.sh_frame is ShFrame.LOCAL
        self.sites = torch.from_numpy(level.gaussians.sites.astype(np.int64))
        beta = level.gaussians.barycentrics
        self.barycentrics = None if beta is None else torch.from_numpy(beta.astype(np.float64))
        if self.site is Site.FACE:
            self.corners = forest.corners[number][self.sites]
        self.joints, self.weights = self._anchors(weights)

    def _anchors(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Joints that carry any of a surface-point level, and the (N, joints) weights on them."""
        if self.binding is Binding.FACE_FRAME:
            return torch.zeros(0, dtype=torch.int64), torch.zeros(0, 0)
        if self.site is Site.JOINT:
            anchored = torch.eye(weights.shape[1], dtype=weights.dtype)[self.sites]
        elif self.site is Site.VERTEX:
            anchored = weights[self.sites]
        else:
            assert self.barycentrics is not None
            anchored = (self.barycentrics[..., None] * weights[self.corners]).sum(1)
        if not len(anchored):  # nothing has arrived of this level: any joint will do, but one there must be
            return torch.zeros(1, dtype=torch.int64), anchored[:, :1]
        joints = torch.nonzero(anchored.any(dim=0))[:, 0]
        return joints, anchored[:, joints]

    def move_to(self, device: torch.device) -> None:
        """All tensors onto a device."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value.to(device))

    def frames(self, surface: PosedSurface, posed: Tensor, rest: Tensor) -> Frames:
        """One frame for each Gaussian; `posed` and `rest` are (P, 3) points known at this level."""
        if self.binding is Binding.FACE_FRAME:
            return face_frames(posed[self.corners])
        moved = PosedSurface(
            surface.vertices, surface.rest, surface.rotations[self.joints], surface.translations[self.joints]
        )
        return surface_frames(self._points(rest), self.weights, moved)

    def _points(self, rest: Tensor) -> Tensor:
        """(N, 3) rest-pose points."""
        if self.site is Site.JOINT:
            return torch.zeros(len(self.sites), 3, dtype=rest.dtype)
        if self.site is Site.VERTEX:
            return rest[self.sites]
        assert self.barycentrics is not None
        return (self.barycentrics[..., None] * rest[self.corners]).sum(1)


class AvatarBinding:
    """All levels of one avatar. Their split points stay where the avatar has them."""

    def __init__(self, avatar: Avatar, surface: TensorMesh) -> None:
        self.surface = surface
        splits = [level.splits for level in avatar.levels[1:]]
        parents = [torch.from_numpy(split.parents.astype(np.int64)) for split in splits if split is not None]
        self.barycentrics = [_normalised(split.barycentrics) for split in splits if split is not None]
        self.forest = SplitForest(surface.faces, len(surface.weights), parents)
        known = self.forest.points(surface.weights, self.barycentrics)
        self.levels = [LevelBinding(level, k, self.forest, known[k]) for k, level in enumerate(avatar.levels)]

    def move_to(self, device: torch.device) -> None:
        """All tensors onto a device."""
        self.barycentrics = [beta.to(device) for beta in self.barycentrics]
        self.forest.move_to(device)
        for level in self.levels:
            level.move_to(device)

    def frames(self, posed: PosedSurface) -> list[Frames]:
        """Level by level, one frame for each Gaussian."""
        moved = self.forest.points(posed.vertices, self.barycentrics)
        rest = self.forest.points(posed.rest, self.barycentrics)
        return [level.frames(posed, moved[level.number], rest[level.number]) for level in self.levels]

    def in_world(self, gaussians: Sequence[LocalGaussians], posed: PosedSurface) -> WorldCloud:
        """The levels' Gaussians, level after level."""
        pairs = zip(gaussians, self.frames(posed), self.levels, strict=True)
        return concatenated([in_world(one, frames, level.sh_is_local) for one, frames, level in pairs])


def _normalised(barycentrics: Float32Array) -> Tensor:
    beta = torch.from_numpy(barycentrics.astype(np.float64))
    return beta / beta.sum(dim=1, keepdim=True)


class TensorPoser:
    """Poses one avatar again and again: `pavplayer.posing.poser.Poser` with tensors on a device for its arrays."""

    def __init__(
        self, avatar: Avatar, order: NDArray[np.integer] | None = None, device: str | torch.device = "cuda"
    ) -> None:
        """`order` lists the Gaussians to give out, numbered level after level; None: all of them."""
        self.device = torch.device(device)
        self._mesh = TensorMesh(avatar.rig or STATIC_RIG, avatar.identity)
        self._binding = AvatarBinding(avatar, self._mesh)
        self._binding.move_to(self.device)
        width = 1 + max(level.gaussians.shN.shape[1] for level in avatar.levels)
        each = [local_gaussians(level.gaussians, width).to(self.device) for level in avatar.levels]
        rows = np.arange(avatar.gaussian_count) if order is None else np.asarray(order, np.int64)
        self._order = torch.from_numpy(rows).to(self.device)
        self._opacities = torch.cat([one.opacities for one in each])[self._order]
        self._sh = torch.cat([one.sh for one in each])[self._order]
        # What no pose changes does not go the way of what it changes.
        self._gaussians = [replace(one, sh=one.sh[:, :0]) for one in each]

    def __len__(self) -> int:
        """How many Gaussians it gives out."""
        return len(self._order)

    def frame(self, pose: Pose) -> PosedCloud:
        """The avatar's Gaussians in a pose. Opacities and SH are the same tensors every time."""
        with torch.no_grad():
            posed = self._mesh.posed(pose).to(self.device)
            cloud = self._binding.in_world(self._gaussians, posed).take(self._order)
        return replace(cloud, opacities=self._opacities, sh=self._sh)

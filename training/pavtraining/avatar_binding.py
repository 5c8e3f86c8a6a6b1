"""An avatar's levels as tensors that can be fitted, and their way into world space, whatever binds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pavfmt.model import Avatar, Gaussians, Level
from pavfmt.registry import Binding, ShFrame, Site
from pavtraining.binding import Frames, LocalGaussians, SplitForest, face_frames, in_world, surface_frames
from pavtraining.rendering import WorldCloud, concatenated
from pavtraining.surface import PosedSurface, Surface


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
        joints = torch.nonzero(anchored.any(dim=0))[:, 0]
        return joints, anchored[:, joints]

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

    def __init__(self, avatar: Avatar, surface: Surface) -> None:
        self.surface = surface
        splits = [level.splits for level in avatar.levels[1:]]
        parents = [torch.from_numpy(split.parents.astype(np.int64)) for split in splits if split is not None]
        self.barycentrics = [_normalised(split.barycentrics) for split in splits if split is not None]
        self.forest = SplitForest(surface.faces, len(surface.weights), parents)
        known = self.forest.points(surface.weights, self.barycentrics)
        self.levels = [LevelBinding(level, k, self.forest, known[k]) for k, level in enumerate(avatar.levels)]

    def frames(self, posed: PosedSurface) -> list[Frames]:
        """Level by level, one frame for each Gaussian."""
        moved = self.forest.points(posed.vertices, self.barycentrics)
        rest = self.forest.points(posed.rest, self.barycentrics)
        return [level.frames(posed, moved[level.number], rest[level.number]) for level in self.levels]

    def in_world(self, gaussians: Sequence[LocalGaussians], posed: PosedSurface) -> WorldCloud:
        """The levels' Gaussians, level after level."""
        pairs = zip(gaussians, self.frames(posed), self.levels, strict=True)
        return concatenated([in_world(one, frames, level.sh_is_local) for one, frames, level in pairs])


def _normalised(barycentrics: np.typing.NDArray[np.float32]) -> Tensor:
    beta = torch.from_numpy(barycentrics.astype(np.float64))
    return beta / beta.sum(dim=1, keepdim=True)

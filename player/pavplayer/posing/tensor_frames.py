"""Frames of the format's two bindings in torch, and Gaussians carried by them (§8), differentiably.

One set of formulas for whoever has tensors: the player on a device, and training, whose gradients flow to the
Gaussians' own numbers and, through the frames of split faces, to the barycentric coordinates of the split points.
They are `pavfmt.posing`'s, row by row the same, and are tested against it.

Frames are float64: an edge of a face that was split six times is 10^-4 of the head, so that its direction, a
difference of float32 positions, would keep three digits. The Gaussians are whatever they are given as; what they are
multiplied with is rounded to that first. Quaternions are (w, x, y, z), arrays rows first: (N, 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pavfmt.posing import TINY
from pavplayer.posing.cloud import PosedCloud


@dataclass(frozen=True)
class WorldCloud(PosedCloud):
    """`PosedCloud` in tensors of any precision that may ask for gradients."""

    means: Tensor
    """(N, 3) metres."""
    quats: Tensor
    """(N, 4) rotations (w, x, y, z) of any length: they are normalised here."""
    scales: Tensor
    """(N, 3) standard deviations in metres."""
    opacities: Tensor
    """(N,) 0..1."""
    sh: Tensor
    """(N, 1 + K, 3), K = 0, 3, 8 or 15: colour = 0.5 + 0.28209479 · sh0 + …, display sRGB."""
    sh_quats: Tensor | None = None
    """(N, 4): view directions are turned by the inverse of these before SH are evaluated; None: not turned."""

    def __len__(self) -> int:
        return len(self.means)

    def take(self, rows: Tensor | slice) -> WorldCloud:
        """The Gaussians at `rows`: indices, a mask or a slice."""
        return self._each(lambda column: column[rows])

    def to(self, device: str | torch.device) -> WorldCloud:
        """The same on another device."""
        return self._each(lambda column: column.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> WorldCloud:
        return WorldCloud(
            change(self.means),
            change(self.quats),
            change(self.scales),
            change(self.opacities),
            change(self.sh),
            None if self.sh_quats is None else change(self.sh_quats),
        )

    def with_opacities(self, opacities: Tensor) -> WorldCloud:
        """The same Gaussians, more or less opaque."""
        return replace(self, opacities=opacities)


def concatenated(clouds: Sequence[WorldCloud]) -> WorldCloud:
    """Several clouds of one SH degree as one, in the order given."""
    turned = [cloud.sh_quats for cloud in clouds]
    if any(quats is None for quats in turned) and not all(quats is None for quats in turned):
        still = torch.tensor([1.0, 0.0, 0.0, 0.0])
        turned = [
            still.to(cloud.quats).expand(len(cloud), 4) if quats is None else quats
            for cloud, quats in zip(clouds, turned, strict=True)
        ]
    given = [quats for quats in turned if quats is not None]
    return WorldCloud(
        torch.cat([cloud.means for cloud in clouds]),
        torch.cat([cloud.quats for cloud in clouds]),
        torch.cat([cloud.scales for cloud in clouds]),
        torch.cat([cloud.opacities for cloud in clouds]),
        torch.cat([cloud.sh for cloud in clouds]),
        torch.cat(given) if given else None,
    )


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


@dataclass(frozen=True)
class LocalGaussians:
    """N Gaussians as they are bound: what `pavfmt.model.Gaussians` holds, with activations applied."""

    means: Tensor
    """(N, 3) units of the face frame, or metres along the rest axes on a surface point."""
    quats: Tensor
    """(N, 4) of any length."""
    scales: Tensor
    """(N, 3) standard deviations, in the same units."""
    opacities: Tensor
    """(N,) 0..1."""
    sh: Tensor
    """(N, 1 + K, 3), sh0 first."""

    def to(self, device: torch.device | str) -> LocalGaussians:
        """The same on another device."""
        return LocalGaussians(**{name: value.to(device) for name, value in vars(self).items()})


@dataclass(frozen=True)
class Frames:
    """F affine frames: world mean = centre + linear · local mean."""

    quats: Tensor
    """(F, 4) unit."""
    sizes: Tensor
    """(F,)."""
    centres: Tensor
    """(F, 3) metres."""
    linear: Tensor
    """(F, 3, 3)."""

    def take(self, rows: Tensor) -> Frames:
        """The frames at `rows`."""
        return Frames(**{name: value[rows] for name, value in vars(self).items()})

    def to(self, dtype: torch.dtype) -> Frames:
        """The same in another precision."""
        return Frames(**{name: value.to(dtype) for name, value in vars(self).items()})


def quaternion_product(p: Tensor, q: Tensor) -> Tensor:
    """p ⊗ q of (N, 4) quaternions: the rotation q, then p."""
    pw, px, py, pz = p.unbind(-1)
    qw, qx, qy, qz = q.unbind(-1)
    parts = [
        pw * qw - px * qx - py * qy - pz * qz,
        pw * qx + px * qw + py * qz - pz * qy,
        pw * qy - px * qz + py * qw + pz * qx,
        pw * qz + px * qy - py * qx + pz * qw,
    ]
    return torch.stack(parts, dim=-1)


def quaternion_from_rotation(rotation: Tensor) -> Tensor:
    """(N, 3, 3) rotations → (N, 4) unit quaternions, the component of largest magnitude positive."""
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = (row.unbind(-1) for row in rotation.unbind(-2))
    a, b, c = m21 - m12, m02 - m20, m10 - m01
    d, e, f = m10 + m01, m20 + m02, m21 + m12
    w, x = 1 + m00 + m11 + m22, 1 + m00 - m11 - m22
    y, z = 1 - m00 + m11 - m22, 1 - m00 - m11 + m22
    rows = torch.stack([w, a, b, c, a, x, d, e, b, d, y, f, c, e, f, z], dim=-1).reshape(-1, 4, 4)
    best = torch.stack([w, x, y, z], dim=-1).detach().argmax(dim=-1)
    row = rows[torch.arange(len(rows), device=rows.device), best]
    return torch.nn.functional.normalize(row, dim=-1)


def _unit(vectors: Tensor, fallback: Tensor) -> Tensor:
    square = (vectors * vectors).sum(-1, keepdim=True)
    short = square < TINY
    return torch.where(short, fallback, vectors / torch.where(short, torch.ones_like(square), square).sqrt())


def face_frames(corners: Tensor) -> Frames:
    """(F, 3, 3) posed corners (face, corner, axis) → GaussianAvatars' frames.

    a0 runs along v1 − v0, a1 = unit(a0 × (v2 − v0)), a2 = a0 × a1; size (|v1 − v0| + |a2 · (v2 − v0)|) / 2.
    Degenerate faces get what `pavfmt.posing.face_frames` says.
    """
    v0, v1, v2 = corners.unbind(1)
    edge, other = v1 - v0, v2 - v0
    x_axis = torch.tensor([1.0, 0.0, 0.0]).to(corners).expand_as(edge)
    a0 = _unit(edge, x_axis)
    least = torch.eye(3).to(corners)[a0.detach().abs().argmin(dim=-1)]
    across = torch.nn.functional.normalize(torch.linalg.cross(a0.detach(), least), dim=-1)
    a1 = _unit(torch.linalg.cross(a0, other), across)
    a2 = torch.linalg.cross(a0, a1)
    length = (edge * edge).sum(-1)
    sizes = (torch.where(length > 0, length, TINY).sqrt() + (a2 * other).sum(-1).abs()) / 2
    rotation = torch.stack([a0, a1, a2], dim=-1)
    linear = rotation * sizes[:, None, None]
    return Frames(quaternion_from_rotation(rotation), sizes, corners.mean(dim=1), linear)


def blended_rotations(weights: Tensor, rotations: Tensor) -> Tensor:
    """(N, J) weights and (J, 3, 3) rotations → (N, 4): normalised sums, signs agreeing with the heaviest."""
    quats = quaternion_from_rotation(rotations)
    agreement = torch.where(quats @ quats.T < 0, -1.0, 1.0).to(weights)
    blend = (weights * agreement[weights.argmax(dim=1)]) @ quats.to(weights)
    return blend / blend.square().sum(-1, keepdim=True).sqrt().clamp_min(1e-12)


def surface_frames(points: Tensor, weights: Tensor, surface: PosedSurface) -> Frames:
    """Frames of surface points: (N, 3) rest points and (N, J) weights → skinning's linear maps there."""
    rotations, translations = (part.to(weights) for part in (surface.rotations, surface.translations))
    linear = (weights @ rotations.reshape(-1, 9)).reshape(-1, 3, 3)
    centres = (linear @ points[..., None])[..., 0] + weights @ translations
    quats = blended_rotations(weights, rotations)
    return Frames(quats, torch.ones_like(centres[:, 0]), centres, linear)


def in_world(gaussians: LocalGaussians, frames: Frames, sh_is_local: bool = False) -> WorldCloud:
    """Gaussians carried by frames, one frame each (N of both)."""
    frames = frames.to(gaussians.means.dtype)
    unit = torch.nn.functional.normalize(gaussians.quats, dim=-1)
    return WorldCloud(
        means=frames.centres + (frames.linear @ gaussians.means[..., None])[..., 0],
        quats=quaternion_product(frames.quats, unit),
        scales=frames.sizes[:, None] * gaussians.scales,
        opacities=gaussians.opacities,
        sh=gaussians.sh,
        sh_quats=frames.quats if sh_is_local else None,
    )


class SplitForest:
    """Faces of all levels as corners: the template's vertices first, then the split points in order.

    Split s of a level makes its faces 3s, 3s + 1, 3s + 2 of corners (a, b, p), (b, c, p), (c, a, p).
    """

    def __init__(self, faces: Tensor, vertex_count: int, parents: Sequence[Tensor] = ()) -> None:
        """`faces` is (F, 3); `parents` lists per level above 0 the (S,) split faces of the level before."""
        self.vertex_count = vertex_count
        self.corners = [faces]
        """Per level (F, 3) int64."""
        for split in parents:
            self.add_level(split)

    def add_level(self, parents: Tensor) -> None:
        """A finer level: `parents` (S,) of the finest level so far are split."""
        a, b, c = self.corners[-1][parents].unbind(-1)
        p = self.point_count + torch.arange(len(parents), device=parents.device)
        rows = [a, b, p, b, c, p, c, a, p]
        self.corners.append(torch.stack(rows, dim=-1).reshape(-1, 3))

    def move_to(self, device: torch.device) -> None:
        """All tensors onto a device."""
        self.corners = [corners.to(device) for corners in self.corners]

    @property
    def point_count(self) -> int:
        """Vertices and split points of all levels."""
        return self.vertex_count + sum(len(faces) // 3 for faces in self.corners[1:])

    def points(self, values: Tensor, barycentrics: Sequence[Tensor]) -> list[Tensor]:
        """(V, C) values at the vertices continued to the split points, level by level.

        `barycentrics` is (S, 3) for each level above 0, rows summing to 1. One tensor (V + S_1 + …, C) of all
        points known there for each level.
        """
        known = [values]
        for level, beta in enumerate(barycentrics, start=1):
            faces = self.corners[level][0::3]  # (a, b, p)
            third = self.corners[level][1::3, 1]  # c of (b, c, p)
            before = known[-1]
            corners = (before[faces[:, 0]], before[faces[:, 1]], before[third])
            beta = beta.to(values.dtype)
            point = sum(beta[:, k : k + 1] * corner for k, corner in enumerate(corners))
            assert isinstance(point, Tensor)
            known.append(torch.cat([before, point]))
        return known

    def frames(
        self, vertices: Tensor, barycentrics: Sequence[Tensor], wanted: Sequence[Tensor] | None = None
    ) -> list[Frames]:
        """Face frames level by level, of all faces or of those `wanted` (indices into the level's faces)."""
        known = self.points(vertices, barycentrics)
        levels = range(len(known))
        chosen = self.corners if wanted is None else [self.corners[k][wanted[k]] for k in levels]
        return [face_frames(known[k][chosen[k]]) for k in levels]

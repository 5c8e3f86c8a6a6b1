"""Projection of Gaussians in plain torch (EWA, Zwicker et al. 2001), so that autograd differentiates it.

Around its centre, with dx and dy in pixels, log2 α = log2 opacity − (UX dx + UY dy)² − (VY dy)²: the factors
(UX, UY, VY) are what the blending kernels take, as in `pavplayer.rasterizers.projection`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pavplayer.camera import Camera
from pavplayer.rasterizers import rules

_HALF_LOG2_E = 0.7213475204444817


@dataclass(frozen=True)
class Projected:
    """N Gaussians on the picture plane."""

    means2d: Tensor
    """(N, 2) pixels."""
    factors: Tensor
    """(N, 3) UX, UY, VY, per pixel."""
    spreads: Tensor
    """(N, 2) variances along x and y in square pixels, without gradients: how far a Gaussian reaches."""
    depths: Tensor
    """(N,) metres, float64 and without gradients: they only decide the order."""


def rotation_from_quaternion(quats: Tensor) -> Tensor:
    """(N, 4) quaternions (w, x, y, z), normalised here, → (N, 3, 3)."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1).unbind(-1)
    entries = [
        1 - 2 * (y * y + z * z),
        2 * (x * y - w * z),
        2 * (x * z + w * y),
        2 * (x * y + w * z),
        1 - 2 * (x * x + z * z),
        2 * (y * z - w * x),
        2 * (x * z - w * y),
        2 * (y * z + w * x),
        1 - 2 * (x * x + y * y),
    ]
    return torch.stack(entries, dim=-1).reshape(-1, 3, 3)


def _depths(means: Tensor, camera: Camera) -> Tensor:
    """(N,) float64, as the player works them out."""
    row = torch.from_numpy(camera.rotation[2].copy()).to(means.device)
    return means.detach().double() @ row + float(camera.translation[2])


def project(means: Tensor, quats: Tensor, scales: Tensor, camera: Camera) -> Projected:
    """Centres, shapes and depths of (N,) Gaussians; the arguments are those of a `WorldCloud`."""
    rotation = torch.from_numpy(camera.rotation.copy()).to(means)
    points = means @ rotation.T + torch.from_numpy(camera.translation.copy()).to(means)
    x, y, depth = points.unbind(-1)
    z = torch.where(depth >= rules.NEAR_PLANE, depth, torch.ones_like(depth))  # the others are not drawn
    wide, high = (rules.FIELD_OF_VIEW_MARGIN * side / 2 for side in (camera.width, camera.height))
    right, down = x / z, y / z
    tx = right.clamp(-(camera.cx + wide) / camera.fx, (camera.width - camera.cx + wide) / camera.fx)
    ty = down.clamp(-(camera.cy + high) / camera.fy, (camera.height - camera.cy + high) / camera.fy)
    axes = rotation @ (rotation_from_quaternion(quats) * scales[:, None, :])
    u = (camera.fx / z)[:, None] * (axes[:, 0] - tx[:, None] * axes[:, 2])
    v = (camera.fy / z)[:, None] * (axes[:, 1] - ty[:, None] * axes[:, 2])
    means2d = torch.stack([camera.fx * right + camera.cx, camera.fy * down + camera.cy], dim=-1)
    factors, spreads = _factors(u, v)
    return Projected(means2d, factors, spreads.detach(), _depths(means, camera))


def _factors(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The rows (N, 3) of the 2×3 root of the covariance → UX, UY, VY as (N, 3) and variances (N, 2)."""
    blur = rules.COVARIANCE_BLUR
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    xx, yy = uu + blur, vv + blur
    # uu·vv − uv² as a square, which does not cancel for needles
    determinant = torch.linalg.cross(u, v).square().sum(-1) + blur * (uu + vv) + blur * blur
    ux = (_HALF_LOG2_E * yy / determinant).sqrt()
    return torch.stack([ux, -uv / yy * ux, (_HALF_LOG2_E / yy).sqrt()], dim=-1), torch.stack([xx, yy], dim=-1)

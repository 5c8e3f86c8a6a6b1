"""Spherical harmonics in torch: the twin of `pavplayer.rasterizers.harmonics`, with gradients (§9)."""

from __future__ import annotations

import torch
from torch import Tensor

from pavplayer.rasterizers.harmonics import BAND_0, BAND_1, BAND_2, BAND_3


def basis(directions: Tensor, count: int) -> Tensor:
    """(N, 3) unit directions from the camera to the Gaussians → (N, count) values; count = 1, 4, 9 or 16."""
    x, y, z = directions.unbind(-1)
    values = [torch.full_like(x, BAND_0)]
    if count > 1:
        values += [-BAND_1 * y, BAND_1 * z, -BAND_1 * x]
    if count > 4:
        a, b, c = BAND_2
        xx, yy, zz = x * x, y * y, z * z
        values += [a * x * y, -a * y * z, b * (2 * zz - xx - yy), -a * x * z, c * (xx - yy)]
    if count > 9:
        d, e, f, g, h = BAND_3
        values += [
            -d * y * (3 * xx - yy),
            e * x * y * z,
            -f * y * (4 * zz - xx - yy),
            g * z * (2 * zz - 3 * xx - 3 * yy),
            -f * x * (4 * zz - xx - yy),
            h * z * (xx - yy),
            -d * x * (xx - 3 * yy),
        ]
    return torch.stack(values, dim=-1)


def inversely_rotated(quats: Tensor, vectors: Tensor) -> Tensor:
    """(N, 3) vectors turned by the inverse of (N, 4) quaternions (w, x, y, z) of any length."""
    unit = torch.nn.functional.normalize(quats, dim=-1)
    axis = -unit[:, 1:]
    twice = 2 * torch.linalg.cross(axis, vectors)
    turned: Tensor = vectors + unit[:, :1] * twice + torch.linalg.cross(axis, twice)
    return turned


def colours(sh: Tensor, means: Tensor, eye: Tensor, sh_quats: Tensor | None = None) -> Tensor:
    """(N, 1 + K, 3) coefficients of Gaussians at (N, 3) seen from `eye` (3,) → (N, 3) sRGB, not below 0."""
    if sh.shape[1] == 1:
        return torch.clamp_min(0.5 + BAND_0 * sh[:, 0], 0.0)
    rays = means - eye
    rays = rays / rays.square().sum(-1, keepdim=True).sqrt().clamp_min(1e-30)
    if sh_quats is not None:
        rays = inversely_rotated(sh_quats, rays)
    values = basis(rays, sh.shape[1])
    return torch.clamp_min(0.5 + (values[:, :, None] * sh).sum(1), 0.0)

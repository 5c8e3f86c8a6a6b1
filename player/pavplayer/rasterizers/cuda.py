"""The CUDA rasterizer: gsplat 1.5.3 in classic mode, behind the same protocol.

gsplat's kernels are where the rules come from, with two things to know. Its depths are float32 throughout, so
Gaussians closer in depth than that rounding may come in another order than on the CPU. Equal depths keep the
order of the indices: it lists tile by tile in index order and sorts by (tile, depth bits) with CUB's radix
sort, which is stable.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gsplat import rasterization, spherical_harmonics
from numpy.typing import NDArray
from torch import Tensor

from pavplayer.camera import Camera
from pavplayer.rasterizers import rules
from pavplayer.rasterizers.cloud import Background, GaussianCloud


def inversely_rotated(quats: Tensor, vectors: Tensor) -> Tensor:
    """(N, 3) vectors turned by the inverse of (N, 4) quaternions (w, x, y, z) of any length."""
    unit = torch.nn.functional.normalize(quats, dim=-1)
    axis = -unit[:, 1:]
    twice = 2 * torch.linalg.cross(axis, vectors)
    turned: Tensor = vectors + unit[:, :1] * twice + torch.linalg.cross(axis, twice)
    return turned


class CudaRasterizer:
    """Draws on a CUDA device. gsplat may compile its kernels at the first picture, for minutes."""

    def __init__(self, device: str = "cuda") -> None:
        self.device = torch.device(device)

    def _tensor(self, value: Any) -> Tensor:
        """As float32 on the device. The device is not waited for: not to copy, and not to free what is copied."""
        tensor = torch.as_tensor(value)
        if self.device.type == "cuda" and not tensor.is_cuda:
            tensor = tensor.to(torch.float32).pin_memory()
        return tensor.to(device=self.device, dtype=torch.float32, non_blocking=True)

    def colours(self, gaussians: GaussianCloud, camera: Camera) -> Tensor:
        """(N, 3) colours as seen from the camera's centre."""
        coefficients = self._tensor(gaussians.sh)
        rays = self._tensor(gaussians.means) - self._tensor(camera.position)
        if gaussians.sh_quats is not None:
            rays = inversely_rotated(self._tensor(gaussians.sh_quats), rays)
        degree = {1: 0, 4: 1, 9: 2, 16: 3}[coefficients.shape[1]]
        seen: Tensor = spherical_harmonics(degree, rays, coefficients)  # normalises the directions
        return torch.clamp_min(seen + 0.5, 0.0)

    def _blend(self, gaussians: GaussianCloud, camera: Camera, colours: Tensor, background: Tensor) -> Tensor:
        """(H, W, channels) of (N, channels) colours, over (channels,). gsplat does not take N = 0."""
        if not len(gaussians.means):
            return background.expand(camera.height, camera.width, -1)
        pictures, _, _ = rasterization(
            means=self._tensor(gaussians.means),
            quats=self._tensor(gaussians.quats),
            scales=self._tensor(gaussians.scales),
            opacities=self._tensor(gaussians.opacities),
            colors=colours,
            viewmats=self._tensor(camera.view_matrix)[None],
            Ks=self._tensor(camera.intrinsics)[None],
            width=camera.width,
            height=camera.height,
            near_plane=rules.NEAR_PLANE,
            far_plane=rules.FAR_PLANE,
            eps2d=rules.COVARIANCE_BLUR,
            backgrounds=background[None],
            packed=False,
            rasterize_mode="classic",
        )
        picture: Tensor = pictures[0]
        return picture

    def render_tensor(
        self, gaussians: GaussianCloud, camera: Camera, background: Background = (1.0, 1.0, 1.0)
    ) -> Tensor:
        """The picture as an (H, W, 3) float32 tensor on the device, display sRGB in 0..1."""
        with torch.no_grad():
            colours = self.colours(gaussians, camera)
            return self._blend(gaussians, camera, colours, self._tensor(background)).clamp(0.0, 1.0)

    def render(
        self, gaussians: GaussianCloud, camera: Camera, background: Background = (1.0, 1.0, 1.0)
    ) -> NDArray[np.float32]:
        """The picture as (H, W, 3) float32, display sRGB in 0..1."""
        picture: NDArray[np.float32] = self.render_tensor(gaussians, camera, background).cpu().numpy()
        return picture

    def contributions(
        self, gaussians: GaussianCloud, camera: Camera, shares: NDArray[np.floating] | None = None
    ) -> NDArray[np.float32]:
        """(N,) float32: Σ α·T over the pixels, for each Gaussian; each pixel counts its share (H, W).

        A pixel is Σ colour·α·T, so this is the derivative of the sum of all pixels by a one-channel colour.
        """
        if not len(gaussians.means):
            return np.zeros(0, np.float32)
        with torch.enable_grad():
            ones = torch.ones(len(gaussians.means), 1, device=self.device, requires_grad=True)
            picture = self._blend(gaussians, camera, ones, torch.zeros(1, device=self.device))
            counted = picture if shares is None else picture * self._tensor(shares)[..., None]
            (totals,) = torch.autograd.grad(counted.sum(), ones)
        result: NDArray[np.float32] = totals[:, 0].cpu().numpy()
        return result

"""The CUDA rasterizer: gsplat 1.5.3 through its public `rasterization`, behind the same protocol (§9).

The rules of §9 are gsplat's in classic mode, read in its sources: α is clamped to 0.999 and counts from 1/255 on, 0.3
square pixels are added to the covariance, a pixel stops before the Gaussian that would bring T to 10^-4 or below, and
the box of tiles a Gaussian goes to, √(2 ln(255 · opacity)) standard deviations each way, is exactly as far as α
reaches 1/255. Equal depths keep the order of the indices: each tile's list is made in index order and sorted by the
bits of the depth with a radix sort, which is stable.

Where it differs from the CPU's rasterizers:

- All of it is float32. Gaussians closer in depth than that rounding may come in another order, and the covariance of a
  needle, as a matrix, loses digits that the CPU's factors keep.
- Sums of weights (`contributions`) are added by atomics, in whatever order the device takes: their last bits vary.
- It takes no empty cloud, which is drawn here as the bare background.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from gsplat import rasterization
from numpy.typing import NDArray
from torch import Tensor

from pavplayer.camera import Camera
from pavplayer.rasterizers import rules
from pavplayer.rasterizers.cloud import Background, GaussianCloud
from pavplayer.rasterizers.tensor_harmonics import colours


def drawn(cloud: GaussianCloud, lit: Tensor, camera: Camera) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Σ α·T·colour as (H, W, C), 1 − T as (H, W), and gsplat's notes: "means2d" and "radii", (1, N, 2) in pixels.

    `cloud` is float32 tensors on a CUDA device, not empty, `lit` its colours (N, C). Gradients flow to all of them.
    """
    view, lens = (torch.from_numpy(one).to(cloud.means) for one in (camera.view_matrix, camera.intrinsics))
    light, coverage, notes = rasterization(
        means=cloud.means,
        quats=cloud.quats,
        scales=cloud.scales,
        opacities=cloud.opacities,
        colors=lit,
        viewmats=view[None],
        Ks=lens[None],
        width=camera.width,
        height=camera.height,
        near_plane=rules.NEAR_PLANE,
        far_plane=rules.FAR_PLANE,
        eps2d=rules.COVARIANCE_BLUR,
        packed=False,
        rasterize_mode="classic",
    )
    return light[0], coverage[0, ..., 0], notes


def eye_of(camera: Camera, like: Tensor) -> Tensor:
    """(3,) the camera's centre as a tensor like another."""
    return torch.from_numpy(camera.position).to(like)


class CudaRasterizer:
    """Draws on a CUDA device. gsplat may compile its kernels at the first picture, for minutes."""

    def __init__(self, device: str = "cuda") -> None:
        self.device = torch.device(device)

    def _cloud(self, gaussians: GaussianCloud) -> GaussianCloud:
        """As float32 tensors on the device."""
        names = ("means", "quats", "scales", "opacities", "sh", "sh_quats")
        columns = {name: getattr(gaussians, name) for name in names}
        for name, column in columns.items():
            if column is not None:
                columns[name] = torch.as_tensor(column, dtype=torch.float32, device=self.device)
        return cast(GaussianCloud, SimpleNamespace(**columns))

    def render(
        self, gaussians: GaussianCloud, camera: Camera, background: Background = (1.0, 1.0, 1.0)
    ) -> NDArray[np.float32]:
        """The picture as (H, W, 3) float32, display sRGB in 0..1."""
        if not len(gaussians.means):
            return np.tile(np.array(background, np.float32), (camera.height, camera.width, 1))
        with torch.no_grad():
            cloud = self._cloud(gaussians)
            lit = colours(cloud.sh, cloud.means, eye_of(camera, cloud.means), cloud.sh_quats)
            light, coverage, _ = drawn(cloud, lit, camera)
            light = light + (1 - coverage)[..., None] * torch.tensor(background).to(light)
        picture: NDArray[np.float32] = light.clamp(0.0, 1.0).cpu().numpy()
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
            light, _, _ = drawn(self._cloud(gaussians), ones, camera)
            counted = light[..., 0] if shares is None else light[..., 0] * torch.from_numpy(shares).to(light)
            (totals,) = torch.autograd.grad(counted.sum(), ones)
        result: NDArray[np.float32] = totals[:, 0].cpu().numpy()
        return result

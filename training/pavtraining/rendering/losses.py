"""What a picture is compared by: L1 and structural dissimilarity, as in 3D Gaussian splatting; PSNR to tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavtraining.rendering import structure_kernels as kernels
from pavtraining.rendering.structure_kernels import C1, C2, SIGMA, WINDOW


def _window(like: Tensor) -> Tensor:
    """(11,) Gaussian weights, sum 1."""
    offsets = torch.arange(WINDOW, device=like.device, dtype=like.dtype) - WINDOW // 2
    weights = torch.exp(-0.5 * (offsets / SIGMA) ** 2)
    return weights / weights.sum()


def _blurred(planes: Tensor) -> Tensor:
    """(C, H, W) under the window, zeros outside the picture: (C, H, W)."""
    weights = _window(planes)
    stack = planes[:, None]
    stack = torch.nn.functional.conv2d(stack, weights[None, None, :, None], padding=(WINDOW // 2, 0))
    stack = torch.nn.functional.conv2d(stack, weights[None, None, None, :], padding=(0, WINDOW // 2))
    return stack[:, 0]


def plain_ssim_map(picture: Tensor, target: Tensor) -> Tensor:
    """`ssim_map` in plain torch, for any device and precision."""
    a, b = picture.movedim(-1, 0), target.movedim(-1, 0)
    mean_a, mean_b, aa, bb, ab = _blurred(torch.cat([a, b, a * a, b * b, a * b])).chunk(5)
    spread_a, spread_b, together = aa - mean_a**2, bb - mean_b**2, ab - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + C1) * (2 * together + C2)
    found = likeness / ((mean_a**2 + mean_b**2 + C1) * (spread_a + spread_b + C2))
    return found.movedim(0, -1)


def _blur(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    result = np.empty_like(planes)
    kernels.blur(planes, np.empty_like(planes), result, kernels.WEIGHTS)
    return result


class _SsimMap(torch.autograd.Function):
    """The map of float32 pictures in main memory; the target has no gradient."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, target: Tensor) -> Tensor:
        a, b = (np.ascontiguousarray(one.detach().numpy()) for one in (picture, target))
        height, width, _ = a.shape
        planes = np.empty((15, height, width), np.float32)
        kernels.products(a, b, planes)
        found, slopes = np.empty_like(a), np.empty((9, height, width), np.float32)
        kernels.similarity(_blur(planes), found, slopes)
        ctx.pictures, ctx.slopes = (a, b), slopes
        return torch.from_numpy(found)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        a, b = ctx.pictures
        slopes = ctx.slopes.copy()
        kernels.weigh(slopes, np.ascontiguousarray(grad_outputs[0].numpy()))
        result = np.empty_like(a)
        kernels.gradient(_blur(slopes), a, b, result)
        return torch.from_numpy(result), None


def ssim_map(picture: Tensor, target: Tensor) -> Tensor:
    """(H, W, 3) structural similarity of (H, W, 3) pictures around every pixel (Wang et al. 2004).

    The gradient is by `picture` alone where both are float32 on the CPU.
    """
    on_cpu = picture.device.type == "cpu" and picture.dtype == target.dtype == torch.float32
    if not on_cpu or target.requires_grad:
        return plain_ssim_map(picture, target)
    found: Tensor = _SsimMap.apply(picture, target)  # type: ignore[no-untyped-call]
    return found


def ssim(picture: Tensor, target: Tensor) -> Tensor:
    """Mean structural similarity of two (H, W, 3) pictures in 0..1."""
    return ssim_map(picture, target).mean()


def picture_loss(
    picture: Tensor, target: Tensor, ssim_share: float = 0.2, weights: Tensor | None = None
) -> Tensor:
    """(1 − share) · L1 + share · (1 − SSIM) of two (H, W, 3) pictures; `weights` (H, W) count pixels."""
    per_pixel = (picture - target).abs()
    if weights is None:
        absolute = per_pixel.mean()
        return (
            absolute
            if not ssim_share
            else (1 - ssim_share) * absolute + ssim_share * (1 - ssim(picture, target))
        )
    weights = weights[..., None].expand_as(per_pixel)
    share = weights / weights.sum().clamp_min(1e-12)
    absolute = (share * per_pixel).sum()
    if not ssim_share:
        return absolute
    return (1 - ssim_share) * absolute + ssim_share * (share * (1 - ssim_map(picture, target))).sum()


def psnr(picture: Tensor, target: Tensor) -> float:
    """dB between two pictures in 0..1, the first clipped; infinite for equal ones."""
    error = float((picture.detach().clamp(0, 1) - target).double().square().mean())
    return float("inf") if error == 0 else -10 * float(torch.log10(torch.tensor(error, dtype=torch.float64)))

"""What a picture is compared by: L1 and structural dissimilarity, as in 3D Gaussian splatting; PSNR to tell."""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW = 11
"""Pixels along a side of SSIM's Gaussian window."""
SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


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


def ssim_map(picture: Tensor, target: Tensor) -> Tensor:
    """(H, W, 3) structural similarity of (H, W, 3) pictures around every pixel (Wang et al. 2004)."""
    a, b = picture.movedim(-1, 0), target.movedim(-1, 0)
    mean_a, mean_b, aa, bb, ab = _blurred(torch.cat([a, b, a * a, b * b, a * b])).chunk(5)
    spread_a, spread_b, together = aa - mean_a**2, bb - mean_b**2, ab - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + _C1) * (2 * together + _C2)
    found = likeness / ((mean_a**2 + mean_b**2 + _C1) * (spread_a + spread_b + _C2))
    return found.movedim(0, -1)


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

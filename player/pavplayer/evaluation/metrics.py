"""How alike two pictures are. Pictures are (H, W, 3) display sRGB in 0..1."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.floating]
Float64Array = NDArray[np.float64]


def mean_squared_error(picture: Picture, reference: Picture) -> float:
    """Over all pixels and channels, in units of the full range squared. ValueError for pictures of two sizes."""
    if picture.shape != reference.shape:
        raise ValueError(f"pictures of different shapes: {picture.shape} and {reference.shape}")
    return float(np.mean((picture.astype(np.float64) - reference.astype(np.float64)) ** 2))


def psnr(picture: Picture, reference: Picture) -> float:
    """Peak signal-to-noise ratio in dB, the peak being 1; infinite for equal pictures."""
    return psnr_of_error(mean_squared_error(picture, reference))


def psnr_of_error(error: float) -> float:
    """A mean squared error in dB; infinite for 0."""
    return float("inf") if error == 0 else -10.0 * float(np.log10(error))


def psnr_over(pairs: Iterable[tuple[Picture, Picture]]) -> float:
    """PSNR in dB over all pixels of several pictures and their references: errors are averaged, not decibels.

    A mean of decibels would let one picture that is nearly equal hide the others.
    """
    return psnr_of_error(float(np.mean([mean_squared_error(*pair) for pair in pairs])))


def window(sigma: float = 1.5, radius: int = 5) -> Float64Array:
    """(11,) Gaussian weights, sum 1."""
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    normalised: Float64Array = weights / weights.sum()
    return normalised


def _blurred(image: Float64Array) -> Float64Array:
    """(H, W, C) under the window, where it lies wholly inside: (H − 10, W − 10, C)."""
    weights = window()
    size = len(weights)
    rows = sum(w * image[k : len(image) - size + 1 + k] for k, w in enumerate(weights))
    width = image.shape[1]
    blurred: Float64Array = sum(w * rows[:, k : width - size + 1 + k] for k, w in enumerate(weights))
    return blurred


def ssim(picture: Picture, reference: Picture) -> float:
    """Structural similarity (Wang et al. 2004): 11×11 Gaussian window, σ = 1.5, mean over channels."""
    if picture.shape != reference.shape or min(picture.shape[:2]) < 11:
        raise ValueError(f"SSIM needs equal shapes of 11×11 or more: {picture.shape}, {reference.shape}")
    a, b = picture.astype(np.float64), reference.astype(np.float64)
    mean_a, mean_b = _blurred(a), _blurred(b)
    spread_a, spread_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    together = _blurred(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    likeness = (2 * mean_a * mean_b + c1) * (2 * together + c2)
    return float(np.mean(likeness / ((mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2))))

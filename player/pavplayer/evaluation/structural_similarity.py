"""`pavplayer.evaluation.metrics.ssim`, compiled: for figures over hundreds of pictures. Tested against it."""

from __future__ import annotations

import numpy as np

from pavplayer.compilation import contracted
from pavplayer.evaluation.metrics import Float64Array, Picture, window

C1, C2 = 0.01**2, 0.03**2


def fast_ssim(picture: Picture, reference: Picture) -> float:
    """Structural similarity, mean over windows and channels, of (H, W, 3) pictures in 0..1."""
    if picture.shape != reference.shape or min(picture.shape[:2]) < len(window()):
        raise ValueError(f"SSIM needs equal shapes of 11×11 or more: {picture.shape}, {reference.shape}")
    return min(_mean_similarity(_planes(picture), _planes(reference), window()), 1.0)  # but for rounding


def _planes(image: Picture) -> Float64Array:
    """(C, H, W)."""
    return np.ascontiguousarray(image.transpose(2, 0, 1), np.float64)


@contracted
def _mean_similarity(a: Float64Array, b: Float64Array, weights: Float64Array) -> float:
    """Of (C, H, W) pictures."""
    channels, height, width = a.shape
    size = len(weights)
    moments = np.empty((5, width))
    total: float = 0.0
    for channel in range(channels):
        for row in range(height - size + 1):
            moments[:] = 0.0
            for k in range(size):
                weight, left, right = weights[k], a[channel, row + k], b[channel, row + k]
                for x in range(width):
                    p, q = left[x], right[x]
                    moments[0, x] += weight * p
                    moments[1, x] += weight * q
                    moments[2, x] += weight * p * p
                    moments[3, x] += weight * q * q
                    moments[4, x] += weight * p * q
            total += _row_similarity(moments, weights)
    mean: float = total / (channels * (height - size + 1) * (width - size + 1))
    return mean


@contracted
def _row_similarity(moments: Float64Array, weights: Float64Array) -> float:
    """The sum over one row, of its five vertical moments (5, W)."""
    size = len(weights)
    count = moments.shape[1] - size + 1
    blurred = np.zeros((5, count))
    for moment in range(5):
        for k in range(size):
            weight = weights[k]
            for x in range(count):
                blurred[moment, x] += weight * moments[moment, x + k]
    total = 0.0
    for x in range(count):
        mean_a, mean_b = blurred[0, x], blurred[1, x]
        spread = blurred[2, x] - mean_a * mean_a + blurred[3, x] - mean_b * mean_b
        together = blurred[4, x] - mean_a * mean_b
        likeness = (2 * mean_a * mean_b + C1) * (2 * together + C2)
        total += likeness / ((mean_a * mean_a + mean_b * mean_b + C1) * (spread + C2))
    return total

"""SSIM with its gradient, in numba: what torch's convolutions do fifty times slower on a CPU.

With the blurred maps μ_a, μ_b, E[a²], E[b²] and E[ab], the similarity is S = A1 A2 / (B1 B2),

    A1 = 2 μ_a μ_b + C1      A2 = 2 (E[ab] − μ_a μ_b) + C2
    B1 = μ_a² + μ_b² + C1    B2 = E[a²] − μ_a² + E[b²] − μ_b² + C2

It depends on the picture a through μ_a, E[a²] and E[ab], each a blur of something of a. The window is symmetric, so a
blur is its own transpose, and the gradient by a is three more blurs: of the slopes of S by these maps times the loss's
gradient by S, then weighted by 1, 2a and b. The window is a product of two of one dimension: rows, then columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavplayer.compilation import Float32Array, compiled, contracted, parallel, prange

WINDOW = 11
"""Pixels along a side of SSIM's Gaussian window."""
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
_C1, _C2 = np.float32(C1), np.float32(C2)
_HALF = WINDOW // 2
_TWO, _ONE = np.float32(2), np.float32(1)

_raw = np.exp(-0.5 * (np.arange(-_HALF, _HALF + 1) / SIGMA) ** 2)
WEIGHTS: NDArray[np.float32] = (_raw / _raw.sum()).astype(np.float32)


@contracted
def _add_row(result: Float32Array, source: Float32Array, weight: np.float32) -> None:
    for x in range(result.shape[0]):
        result[x] += weight * source[x]


@compiled
def _blur_row(source: Float32Array, result: Float32Array, weights: Float32Array) -> None:
    """(W,) → (W,), zeros outside."""
    width = source.shape[0]
    result[:] = np.float32(0)
    for k in range(WINDOW):
        shift = k - _HALF
        first, last = max(0, -shift), min(width, width - shift)
        if first < last:
            _add_row(result[first:last], source[first + shift : last + shift], weights[k])


@parallel
def blur(planes: Float32Array, spare: Float32Array, result: Float32Array, weights: Float32Array) -> None:
    """(P, H, W) under the window, zeros outside; `spare` and `result` are of the same shape."""
    count, height = planes.shape[0], planes.shape[1]
    for k in prange(count * height):
        _blur_row(planes[k // height, k % height], spare[k // height, k % height], weights)
    for k in prange(count * height):
        plane, y = k // height, k % height
        result[plane, y, :] = np.float32(0)
        for tap in range(max(0, _HALF - y), min(WINDOW, height - y + _HALF)):
            _add_row(result[plane, y], spare[plane, y + tap - _HALF], weights[tap])


@parallel
def products(picture: Float32Array, target: Float32Array, planes: Float32Array) -> None:
    """(H, W, 3) pictures a and b as the planes a, b, a², b², ab of each channel: (15, H, W)."""
    for y in prange(picture.shape[0]):
        for x in range(picture.shape[1]):
            for c in range(3):
                a, b = picture[y, x, c], target[y, x, c]
                planes[c, y, x] = a
                planes[3 + c, y, x] = b
                planes[6 + c, y, x] = a * a
                planes[9 + c, y, x] = b * b
                planes[12 + c, y, x] = a * b


@contracted
def _similarity_row(blurred: Float32Array, c: int, y: int, found: Float32Array, slopes: Float32Array) -> None:
    """One row of S, and of its slopes by μ_a, E[a²] and E[ab] (planes c, 3 + c, 6 + c of `slopes`)."""
    for x in range(found.shape[1]):
        mean_a, mean_b = blurred[c, y, x], blurred[3 + c, y, x]
        a1 = _TWO * mean_a * mean_b + _C1
        a2 = _TWO * (blurred[12 + c, y, x] - mean_a * mean_b) + _C2
        b1 = mean_a * mean_a + mean_b * mean_b + _C1
        b2 = blurred[6 + c, y, x] - mean_a * mean_a + blurred[9 + c, y, x] - mean_b * mean_b + _C2
        below = _ONE / (b1 * b2)
        similarity = a1 * a2 * below
        found[y, x, c] = similarity
        slopes[c, y, x] = _TWO * (mean_b * (a2 - a1) * below + similarity * mean_a * (_ONE / b2 - _ONE / b1))
        slopes[3 + c, y, x] = -similarity / b2
        slopes[6 + c, y, x] = _TWO * a1 * below


@parallel
def similarity(blurred: Float32Array, found: Float32Array, slopes: Float32Array) -> None:
    """(15, H, W) blurred products → S as (H, W, 3) and its slopes (9, H, W)."""
    for y in prange(found.shape[0]):
        for c in range(3):
            _similarity_row(blurred, c, y, found, slopes)


@parallel
def weigh(slopes: Float32Array, grad_map: Float32Array) -> None:
    """Slopes times the loss's gradient by S, in place."""
    for y in prange(grad_map.shape[0]):
        for x in range(grad_map.shape[1]):
            for c in range(3):
                slope = grad_map[y, x, c]
                slopes[c, y, x] *= slope
                slopes[3 + c, y, x] *= slope
                slopes[6 + c, y, x] *= slope


@parallel
def gradient(
    blurred: Float32Array, picture: Float32Array, target: Float32Array, result: Float32Array
) -> None:
    """Blurred slopes (9, H, W) → the loss's gradient by the picture, (H, W, 3)."""
    for y in prange(result.shape[0]):
        for x in range(result.shape[1]):
            for c in range(3):
                grad_square = _TWO * picture[y, x, c] * blurred[3 + c, y, x]
                result[y, x, c] = blurred[c, y, x] + grad_square + target[y, x, c] * blurred[6 + c, y, x]

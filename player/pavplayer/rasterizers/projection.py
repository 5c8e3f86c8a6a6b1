"""Projection and colour of Gaussians for the tile rasterizer, in numba.

Each Gaussian becomes one row of `records`. Around its centre, with dx and dy in pixels, the exponent of α is

    log2 α = LOG_OPACITY − (UX dx + UY dy)² − (VY dy)²

the Cholesky factor of the inverse covariance instead of the matrix. A quadratic form a dx² + 2 b dx dy + c dy² of a
needle that lies across the axes subtracts numbers that are nearly equal, and in float32 may even come out negative; a
sum of squares cannot. Along a row of pixels dy is fixed, so that one multiplication and one addition a pixel are left.
Powers of 2 and not of e: 2^x needs no multiplication before its exponent bits are split off, and the factor log2 e is
inside the factors already.

Records are float64: a centre 1,000 pixels away keeps 10^-13, a covariance with axes of 10^-12 and 8 m has a
determinant. Everything a tile does with them afterwards is float32.
"""

from __future__ import annotations

from math import ceil, floor, log, log2, sqrt

import numpy as np

from pavplayer.compilation import (
    Float32Array,
    Float64Array,
    Int32Array,
    compiled,
    inlined,
    parallel,
    prange,
)
from pavplayer.rasterizers import rules
from pavplayer.rasterizers.harmonics import BAND_0, BAND_1, BAND_2, BAND_3

CENTRE_X, CENTRE_Y, UX, UY, VY, LOG_OPACITY, RED, GREEN, BLUE, REACH = range(10)
RECORD_WIDTH = 10
"""REACH is log2(255 · opacity): α ≥ 1/255 exactly where the two squares sum to at most this."""

Row = tuple[float, float, float]
_ALPHA_MINIMUM = rules.ALPHA_MINIMUM
_BLUR = rules.COVARIANCE_BLUR
_NEAR, _FAR = rules.NEAR_PLANE, rules.FAR_PLANE
_MARGIN = rules.FIELD_OF_VIEW_MARGIN
_A, _B, _C = BAND_2
_D, _E, _F, _G, _H = BAND_3
_SLACK = 1e-3
"""Pixels by which boxes are widened against rounding; α decides what is covered."""
_LOG2_E = 1.4426950408889634
_PARTS = 64
"""Pieces that a loop is dealt out in where each needs room of its own."""


@inlined
def _clamped(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@compiled
def _rotation(quat: Float32Array) -> tuple[Row, Row, Row]:
    """A quaternion (w, x, y, z) of any length → the nine entries of its rotation, row by row."""
    w, x, y, z = float(quat[0]), float(quat[1]), float(quat[2]), float(quat[3])
    s = 2.0 / (w * w + x * x + y * y + z * z)
    return (
        (1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)),
        (s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x)),
        (s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y)),
    )


@compiled
def _colour(sh: Float32Array, ray: Row, record: Float64Array) -> None:
    """Writes the colour of (1 + K, 3) coefficients seen along the unit `ray` into a record."""
    x, y, z = ray
    xx, yy, zz = x * x, y * y, z * z
    count = sh.shape[0]
    for channel in range(3):
        value = 0.5 + BAND_0 * sh[0, channel]
        if count > 1:
            value += BAND_1 * (z * sh[2, channel] - y * sh[1, channel] - x * sh[3, channel])
        if count > 4:
            value += _A * (x * y * sh[4, channel] - y * z * sh[5, channel] - x * z * sh[7, channel])
            value += _B * (2 * zz - xx - yy) * sh[6, channel] + _C * (xx - yy) * sh[8, channel]
        if count > 9:
            value += _E * x * y * z * sh[10, channel] + _G * z * (2 * zz - 3 * xx - 3 * yy) * sh[12, channel]
            value += _H * z * (xx - yy) * sh[14, channel]
            value -= _F * (4 * zz - xx - yy) * (y * sh[11, channel] + x * sh[13, channel])
            value -= _D * (y * (3 * xx - yy) * sh[9, channel] + x * (xx - 3 * yy) * sh[15, channel])
        record[RED + channel] = max(0.0, value)


@compiled
def _ray(means: Float32Array, sh_quats: Float32Array, i: int, eye: Float64Array) -> Row:
    """The unit direction from the camera's centre to mean i, turned back by `sh_quats` if there are any."""
    x, y, z = means[i, 0] - eye[0], means[i, 1] - eye[1], means[i, 2] - eye[2]
    scale = 1.0 / max(sqrt(x * x + y * y + z * z), 1e-30)
    x, y, z = x * scale, y * scale, z * scale
    if sh_quats.shape[0] > 0:
        a, b, c = _rotation(sh_quats[i])
        x, y, z = (
            a[0] * x + b[0] * y + c[0] * z,
            a[1] * x + b[1] * y + c[1] * z,
            a[2] * x + b[2] * y + c[2] * z,
        )
    return x, y, z


@compiled
def _covariance(
    point: Row,
    quat: Float32Array,
    scale: Float32Array,
    rotation: Float64Array,
    lens: Float64Array,
    size: tuple[int, int],
) -> Row:
    """The blurred 2D covariance (xx, xy, yy), in square pixels, at a point in camera axes."""
    x, y, z = point
    fx, fy, cx, cy = lens[0], lens[1], lens[2], lens[3]
    width, height = size
    wide, high = _MARGIN * width / 2, _MARGIN * height / 2
    # J is linear around the mean. Far outside the picture, where it would make a smear over all of it, it is taken at
    # the nearest direction that is only a little outside.
    tx = _clamped(x / z, -(cx + wide) / fx, (width - cx + wide) / fx)
    ty = _clamped(y / z, -(cy + high) / fy, (height - cy + high) / fy)
    axes = _rotation(quat)
    # Σ = (J W R S) (J W R S)ᵀ: the rows u and v of that 2×3 root, entry by entry, so that Σ is a sum of squares. The
    # dilation of 0.3 px² starts the sum: a Gaussian thinner than a pixel is still drawn as wide as about one.
    xx, xy, yy = _BLUR, 0.0, _BLUR
    for k in range(3):
        px = rotation[0, 0] * axes[0][k] + rotation[0, 1] * axes[1][k] + rotation[0, 2] * axes[2][k]
        py = rotation[1, 0] * axes[0][k] + rotation[1, 1] * axes[1][k] + rotation[1, 2] * axes[2][k]
        pz = rotation[2, 0] * axes[0][k] + rotation[2, 1] * axes[1][k] + rotation[2, 2] * axes[2][k]
        u = fx / z * (px - tx * pz) * scale[k]
        v = fy / z * (py - ty * pz) * scale[k]
        xx, xy, yy = xx + u * u, xy + u * v, yy + v * v
    return xx, xy, yy


@compiled
def pixel_span(centre: float, spread: float, reach: float, length: int) -> tuple[int, int]:
    """First and one past the last of `length` pixels whose centres lie within the Gaussian's reach."""
    # α ≥ 1/255 is an ellipse. Its half width along an axis is √(2 ln(255 · opacity) · variance along that axis),
    # whatever its slant, so that two variances give the exact box and no eigenvalue is needed.
    radius = sqrt(2.0 * reach / _LOG2_E * spread) + _SLACK
    first = _clamped(ceil(centre - radius - 0.5), 0.0, float(length))
    last = _clamped(floor(centre + radius - 0.5) + 1.0, 0.0, float(length))
    return int(first), int(last)


@compiled
def _shape(record: Float64Array, opacity: float, u: float, v: float, covariance: Row) -> None:
    """Writes centre, exponent and opacity into a record."""
    xx, xy, yy = covariance
    # The factor of Σ⁻¹ = UᵀU with U upper triangular: the second square needs dy alone.
    record[CENTRE_X], record[CENTRE_Y] = u, v
    half = 0.5 * _LOG2_E
    record[UX] = sqrt(half * yy / (xx * yy - xy * xy))
    record[UY] = -xy / yy * record[UX]
    record[VY] = sqrt(half / yy)
    record[LOG_OPACITY] = log2(opacity)
    record[REACH] = log(opacity / _ALPHA_MINIMUM) * _LOG2_E


@parallel
def project(
    means: Float32Array,
    quats: Float32Array,
    scales: Float32Array,
    opacities: Float32Array,
    sh: Float32Array,
    sh_quats: Float32Array,
    rotation: Float64Array,
    translation: Float64Array,
    eye: Float64Array,
    lens: Float64Array,
    size: tuple[int, int],
    records: Float64Array,
    depths: Float32Array,
    boxes: Int32Array,
) -> None:
    """Fills `records` (N, 10), `depths` (N,) float32 and `boxes` (N, 4) int32: first and last column and row.

    `boxes` are half open and empty (all 0) for Gaussians that are not drawn. `sh_quats` may have no rows.
    """
    width, height = size
    for i in prange(means.shape[0]):
        boxes[i, :] = 0
        x = rotation[0, 0] * means[i, 0] + rotation[0, 1] * means[i, 1] + rotation[0, 2] * means[i, 2]
        y = rotation[1, 0] * means[i, 0] + rotation[1, 1] * means[i, 1] + rotation[1, 2] * means[i, 2]
        z = rotation[2, 0] * means[i, 0] + rotation[2, 1] * means[i, 1] + rotation[2, 2] * means[i, 2]
        x, y, z = x + translation[0], y + translation[1], z + translation[2]
        # Nobody is told that a Gaussian is not drawn: its box is empty, its record and depth are whatever was there.
        opacity = float(opacities[i])
        if _NEAR <= z <= _FAR and opacity >= _ALPHA_MINIMUM:
            u, v = lens[0] * x / z + lens[2], lens[1] * y / z + lens[3]
            covariance = _covariance((x, y, z), quats[i], scales[i], rotation, lens, size)
            if covariance[0] < 1e18 and covariance[2] < 1e18:  # and not NaN
                reach = log(opacity / _ALPHA_MINIMUM) * _LOG2_E
                x0, x1 = pixel_span(u, covariance[0], reach, width)
                y0, y1 = pixel_span(v, covariance[2], reach, height)
                if x0 < x1 and y0 < y1:
                    boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = x0, x1, y0, y1
                    depths[i] = z
                    _shape(records[i], opacity, u, v, covariance)
                    _colour(sh[i], _ray(means, sh_quats, i, eye), records[i])


@parallel
def view_colours(
    means: Float32Array,
    sh: Float32Array,
    sh_quats: Float32Array,
    eye: Float64Array,
    colours: Float32Array,
) -> None:
    """Fills `colours` (N, 3), not below 0, as seen from `eye`; `sh_quats` may have no rows."""
    count = means.shape[0]
    for part in prange(_PARTS):
        # One record for a piece of the loop: numba would allocate one for each Gaussian.
        record = np.empty(RECORD_WIDTH)
        for i in range(part * count // _PARTS, (part + 1) * count // _PARTS):
            _colour(sh[i], _ray(means, sh_quats, i, eye), record)
            colours[i, :] = record[RED : BLUE + 1]


def empty_records(count: int) -> tuple[Float64Array, Float32Array, Int32Array]:
    """Room for the results of `project`."""
    return (
        np.empty((count, RECORD_WIDTH), np.float64),
        np.empty(count, np.float32),
        np.empty((count, 4), np.int32),
    )

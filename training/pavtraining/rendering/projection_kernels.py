"""Projection and colours with their exact gradients, in numba: the twin of `projection` and `harmonics`.

One pass over the Gaussians forward and one backward, instead of a hundred small tensor operations each. Inside,
numbers are float64. Backward computes forward's intermediate numbers anew (`_prepare`): that is cheaper than to keep 48
of them for each Gaussian and read them back.

The chain, in the names used below. A Gaussian's axes R S, turned into the camera and multiplied with the Jacobian J of
the perspective, give the rows u and v (3,) of a 2×3 root of the 2D covariance:

    u_k = fx / z · (a_xk − tx a_zk) s_k        v_k = fy / z · (a_yk − ty a_zk) s_k
    Σ = [u·u + blur, u·v; u·v, v·v + blur]     det = |u × v|² + blur (|u|² + |v|²) + blur²

a being the axes in the camera, s the scales, (tx, ty) = (x/z, y/z) kept near the picture. det as written is
Lagrange's identity: no difference of products, which would cancel for needles. The factors of Σ⁻¹ are

    UX = √(h Σ_yy / det)    UY = −Σ_xy / Σ_yy · UX    VY = √(h / Σ_yy)    h = ½ log2 e

and backward goes up the same chain: factors → (u·v, Σ_yy, det) → u, v → axes, scales, tx, ty, z → quaternion, mean.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from pavplayer.compilation import Float32Array, Float64Array, compiled, parallel, prange
from pavplayer.rasterizers import rules
from pavplayer.rasterizers.harmonics import BAND_0, BAND_1, BAND_2, BAND_3

_BLUR, _NEAR, _MARGIN = rules.COVARIANCE_BLUR, rules.NEAR_PLANE, rules.FIELD_OF_VIEW_MARGIN
_HALF_LOG2_E = 0.7213475204444817
_A, _B, _C = BAND_2
_D, _E, _F, _G, _H = BAND_3
WORK = 48
"""Numbers of room for one Gaussian: see the constants below."""
_POINT, _AXES, _U, _V, _CROSS, _TANGENT, _QUAT = 0, 3, 12, 15, 18, 21, 23
"""x y z in the camera, the 3×3 axes there, u, v, u × v, the clamped x/z and y/z, the unit quaternion."""


@compiled
def _prepare(
    mean: Float32Array,
    quat: Float32Array,
    scale: Float32Array,
    rotation: Float64Array,
    translation: Float64Array,
    lens: Float64Array,
    size: tuple[int, int],
    work: Float64Array,
) -> None:
    """Fills `work` up to u × v; only the point where the Gaussian is not in front of the camera."""
    for j in range(3):
        work[_POINT + j] = translation[j]
        for k in range(3):
            work[_POINT + j] += rotation[j, k] * mean[k]
    z = work[_POINT + 2]
    if not z >= _NEAR:
        return
    length = 0.0
    for k in range(4):
        length += float(quat[k]) * float(quat[k])
    length = max(sqrt(length), 1e-12)
    w, x, y, s = quat[0] / length, quat[1] / length, quat[2] / length, quat[3] / length
    work[_QUAT], work[_QUAT + 1], work[_QUAT + 2], work[_QUAT + 3] = w, x, y, s
    axes = (
        (1 - 2 * (y * y + s * s), 2 * (x * y - w * s), 2 * (x * s + w * y)),
        (2 * (x * y + w * s), 1 - 2 * (x * x + s * s), 2 * (y * s - w * x)),
        (2 * (x * s - w * y), 2 * (y * s + w * x), 1 - 2 * (x * x + y * y)),
    )
    fx, fy, cx, cy = lens[0], lens[1], lens[2], lens[3]
    wide, high = _MARGIN * size[0] / 2, _MARGIN * size[1] / 2
    tx = min(max(work[_POINT] / z, -(cx + wide) / fx), (size[0] - cx + wide) / fx)
    ty = min(max(work[_POINT + 1] / z, -(cy + high) / fy), (size[1] - cy + high) / fy)
    work[_TANGENT], work[_TANGENT + 1] = tx, ty
    for k in range(3):
        for j in range(3):
            work[_AXES + 3 * j + k] = (
                rotation[j, 0] * axes[0][k] + rotation[j, 1] * axes[1][k] + rotation[j, 2] * axes[2][k]
            )
        depth = work[_AXES + 6 + k]
        work[_U + k] = fx / z * (work[_AXES + k] - tx * depth) * scale[k]
        work[_V + k] = fy / z * (work[_AXES + 3 + k] - ty * depth) * scale[k]
    for k in range(3):
        a, b = (k + 1) % 3, (k + 2) % 3
        work[_CROSS + k] = work[_U + a] * work[_V + b] - work[_U + b] * work[_V + a]


@compiled
def _dot(work: Float64Array, a: int, b: int) -> float:
    total: float = work[a] * work[b] + work[a + 1] * work[b + 1] + work[a + 2] * work[b + 2]
    return total


@compiled
def _basis(x: float, y: float, z: float, count: int, values: Float64Array) -> None:
    """The `count` harmonics along a unit direction."""
    xx, yy, zz = x * x, y * y, z * z
    values[0] = BAND_0
    if count > 1:
        values[1], values[2], values[3] = -BAND_1 * y, BAND_1 * z, -BAND_1 * x
    if count > 4:
        values[4], values[5], values[6] = _A * x * y, -_A * y * z, _B * (2 * zz - xx - yy)
        values[7], values[8] = -_A * x * z, _C * (xx - yy)
    if count > 9:
        values[9], values[10] = -_D * y * (3 * xx - yy), _E * x * y * z
        values[11], values[12] = -_F * y * (4 * zz - xx - yy), _G * z * (2 * zz - 3 * xx - 3 * yy)
        values[13], values[14] = -_F * x * (4 * zz - xx - yy), _H * z * (xx - yy)
        values[15] = -_D * x * (xx - 3 * yy)


@compiled
def _basis_slope(x: float, y: float, z: float, count: int, w: Float64Array) -> tuple[float, float, float]:
    """The gradient by (x, y, z) of Σ w_k · harmonic k."""
    gx, gy, gz = -BAND_1 * w[3], -BAND_1 * w[1], BAND_1 * w[2]
    if count > 4:
        gx += _A * (y * w[4] - z * w[7]) - 2 * _B * x * w[6] + 2 * _C * x * w[8]
        gy += _A * (x * w[4] - z * w[5]) - 2 * _B * y * w[6] - 2 * _C * y * w[8]
        gz += -_A * (y * w[5] + x * w[7]) + 4 * _B * z * w[6]
    if count > 9:
        xx, yy, zz = x * x, y * y, z * z
        gx += -6 * _D * x * y * w[9] + _E * y * z * w[10] + 2 * _F * x * y * w[11] - 6 * _G * x * z * w[12]
        gx += -_F * (4 * zz - 3 * xx - yy) * w[13] + 2 * _H * x * z * w[14] - 3 * _D * (xx - yy) * w[15]
        gy += -3 * _D * (xx - yy) * w[9] + _E * x * z * w[10] - _F * (4 * zz - xx - 3 * yy) * w[11]
        gy += -6 * _G * y * z * w[12] + 2 * _F * x * y * w[13] - 2 * _H * y * z * w[14]
        gy += 6 * _D * x * y * w[15]
        gz += _E * x * y * w[10] - 8 * _F * z * (y * w[11] + x * w[13])
        gz += 3 * _G * (2 * zz - xx - yy) * w[12] + _H * (xx - yy) * w[14]
    return gx, gy, gz


@parallel
def project(
    means: Float32Array,
    quats: Float32Array,
    scales: Float32Array,
    sh: Float32Array,
    rotation: Float64Array,
    translation: Float64Array,
    eye: Float64Array,
    lens: Float64Array,
    size: tuple[int, int],
    means2d: Float32Array,
    factors: Float32Array,
    spreads: Float32Array,
    depths: Float64Array,
    colours: Float32Array,
) -> None:
    """Fills the last five, as `projection.Projected` and `harmonics.colours` have them."""
    count = sh.shape[1]
    for i in prange(means.shape[0]):
        work, values = np.empty(WORK), np.empty(16)
        _prepare(means[i], quats[i], scales[i], rotation, translation, lens, size, work)
        z = work[_POINT + 2]
        depths[i] = z
        means2d[i, :], factors[i, :], spreads[i, :], colours[i, :] = 0, 1, 1, 0
        if not z >= _NEAR:
            continue
        means2d[i, 0] = lens[0] * work[_POINT] / z + lens[2]
        means2d[i, 1] = lens[1] * work[_POINT + 1] / z + lens[3]
        uu, uv, vv = _dot(work, _U, _U), _dot(work, _U, _V), _dot(work, _V, _V)
        xx, yy = uu + _BLUR, vv + _BLUR
        det = _dot(work, _CROSS, _CROSS) + _BLUR * (uu + vv) + _BLUR * _BLUR
        ux = sqrt(_HALF_LOG2_E * yy / det)
        factors[i, 0], factors[i, 1], factors[i, 2] = ux, -uv / yy * ux, sqrt(_HALF_LOG2_E / yy)
        spreads[i, 0], spreads[i, 1] = xx, yy
        x, y, z = means[i, 0] - eye[0], means[i, 1] - eye[1], means[i, 2] - eye[2]
        length = max(sqrt(x * x + y * y + z * z), 1e-30)
        _basis(x / length, y / length, z / length, count, values)
        for c in range(3):
            value = 0.5
            for k in range(count):
                value += values[k] * sh[i, k, c]
            colours[i, c] = max(value, 0.0)


@compiled
def _colour_backward(
    mean: Float32Array,
    sh: Float32Array,
    eye: Float64Array,
    grad_colour: Float64Array,
    grad_mean: Float64Array,
    grad_sh: Float32Array,
) -> None:
    """One Gaussian's colour: writes the gradient by its coefficients, adds that by its mean."""
    count = sh.shape[0]
    x, y, z = mean[0] - eye[0], mean[1] - eye[1], mean[2] - eye[2]
    length = max(sqrt(x * x + y * y + z * z), 1e-30)
    x, y, z = x / length, y / length, z / length
    values, pulls = np.empty(16), np.zeros(16)
    _basis(x, y, z, count, values)
    for c in range(3):
        value = 0.5
        for k in range(count):
            value += values[k] * sh[k, c]
        slope = grad_colour[c] if value >= 0 else 0.0
        for k in range(count):
            grad_sh[k, c] = values[k] * slope
            pulls[k] += sh[k, c] * slope
    if count > 1:
        gx, gy, gz = _basis_slope(x, y, z, count, pulls)
        # The same for the direction to the mean: moving along it changes nothing.
        along = x * gx + y * gy + z * gz
        grad_mean[0] += (gx - along * x) / length
        grad_mean[1] += (gy - along * y) / length
        grad_mean[2] += (gz - along * z) / length


@compiled
def _factors_backward(
    work: Float64Array, grad_factor: Float64Array, grad_u: Float64Array, grad_v: Float64Array
) -> None:
    """Gradients by (UX, UY, VY) → by the rows u and v."""
    uu, uv, vv = _dot(work, _U, _U), _dot(work, _U, _V), _dot(work, _V, _V)
    yy = vv + _BLUR
    det = _dot(work, _CROSS, _CROSS) + _BLUR * (uu + vv) + _BLUR * _BLUR
    ux, vy = sqrt(_HALF_LOG2_E * yy / det), sqrt(_HALF_LOG2_E / yy)
    # UY = −uv / yy · UX passes its gradient on to UX as well; UX² = h yy / det gives the rest.
    grad_ux = grad_factor[0] - grad_factor[1] * uv / yy
    grad_uv = -grad_factor[1] * ux / yy
    grad_yy = grad_ux * ux / (2 * yy) + grad_factor[1] * uv * ux / (yy * yy) - grad_factor[2] * vy / (2 * yy)
    grad_det = -grad_ux * ux / (2 * det)
    for k in range(3):
        a, b = (k + 1) % 3, (k + 2) % 3
        # ∂|u × v|² / ∂u = 2 v × (u × v), and by v 2 (u × v) × u: component k of each.
        across_u = work[_V + a] * work[_CROSS + b] - work[_V + b] * work[_CROSS + a]
        across_v = work[_CROSS + a] * work[_U + b] - work[_CROSS + b] * work[_U + a]
        u, v = work[_U + k], work[_V + k]
        grad_u[k] = 2 * grad_det * (_BLUR * u + across_u) + grad_uv * v
        grad_v[k] = 2 * grad_det * (_BLUR * v + across_v) + grad_uv * u + 2 * grad_yy * v


@compiled
def _quaternion_backward(
    quat: Float32Array, work: Float64Array, by: Float64Array, grad_quat: Float32Array
) -> None:
    """The gradient by a rotation matrix (3, 3) → by the quaternion of any length."""
    w, x, y, z = work[_QUAT], work[_QUAT + 1], work[_QUAT + 2], work[_QUAT + 3]
    gw = -z * by[0, 1] + y * by[0, 2] + z * by[1, 0] - x * by[1, 2] - y * by[2, 0] + x * by[2, 1]
    gx = y * (by[0, 1] + by[1, 0]) + z * (by[0, 2] + by[2, 0]) + w * (by[2, 1] - by[1, 2])
    gx -= 2 * x * (by[1, 1] + by[2, 2])
    gy = x * (by[0, 1] + by[1, 0]) + z * (by[1, 2] + by[2, 1]) + w * (by[0, 2] - by[2, 0])
    gy -= 2 * y * (by[0, 0] + by[2, 2])
    gz = x * (by[0, 2] + by[2, 0]) + y * (by[1, 2] + by[2, 1]) + w * (by[1, 0] - by[0, 1])
    gz -= 2 * z * (by[0, 0] + by[1, 1])
    # The quaternion is normalised: what would only change its length has no effect, and the rest shrinks with it.
    along = w * gw + x * gx + y * gy + z * gz
    length = 0.0
    for k in range(4):
        length += float(quat[k]) * float(quat[k])
    factor = 2 / max(sqrt(length), 1e-12)
    grad_quat[0], grad_quat[1] = factor * (gw - along * w), factor * (gx - along * x)
    grad_quat[2], grad_quat[3] = factor * (gy - along * y), factor * (gz - along * z)


@parallel
def project_backward(
    means: Float32Array,
    quats: Float32Array,
    scales: Float32Array,
    sh: Float32Array,
    rotation: Float64Array,
    translation: Float64Array,
    eye: Float64Array,
    lens: Float64Array,
    size: tuple[int, int],
    grad_means2d: Float64Array,
    grad_factors: Float64Array,
    grad_colours: Float64Array,
    grad_means: Float32Array,
    grad_quats: Float32Array,
    grad_scales: Float32Array,
    grad_sh: Float32Array,
) -> None:
    """Fills the last four, the loss's gradients by the first four, from those by what `project` wrote."""
    fx, fy = lens[0], lens[1]
    for i in prange(means.shape[0]):
        work = np.empty(WORK)
        grad_u, grad_v, grad_mean = np.zeros(3), np.zeros(3), np.zeros(3)
        grad_axes, grad_rotation = np.zeros((3, 3)), np.zeros((3, 3))
        grad_means[i, :], grad_quats[i, :], grad_scales[i, :], grad_sh[i, :, :] = 0, 0, 0, 0
        _prepare(means[i], quats[i], scales[i], rotation, translation, lens, size, work)
        z = work[_POINT + 2]
        if not z >= _NEAR:
            continue
        _colour_backward(means[i], sh[i], eye, grad_colours[i], grad_mean, grad_sh[i])
        _factors_backward(work, grad_factors[i], grad_u, grad_v)
        tx, ty = work[_TANGENT], work[_TANGENT + 1]
        grad_tx, grad_ty, grad_z = 0.0, 0.0, 0.0
        for k in range(3):
            across, down = fx / z * grad_u[k], fy / z * grad_v[k]
            depth = work[_AXES + 6 + k] * scales[i, k]
            grad_tx -= across * depth
            grad_ty -= down * depth
            grad_z -= (grad_u[k] * work[_U + k] + grad_v[k] * work[_V + k]) / z
            toward = -tx * across - ty * down
            grad_scales[i, k] = (
                across * work[_AXES + k] + down * work[_AXES + 3 + k] + toward * work[_AXES + 6 + k]
            )
            grad_axes[0, k], grad_axes[1, k] = across * scales[i, k], down * scales[i, k]
            grad_axes[2, k] = toward * scales[i, k]
        # tx is x / z but where it was clamped: there the covariance no longer depends on it, the centre still does.
        right, low = work[_POINT] / z, work[_POINT + 1] / z
        grad_right = fx * grad_means2d[i, 0] + (grad_tx if tx == right else 0.0)
        grad_low = fy * grad_means2d[i, 1] + (grad_ty if ty == low else 0.0)
        grad_z -= (grad_right * right + grad_low * low) / z
        for k in range(3):
            grad_mean[k] += (
                rotation[0, k] * grad_right / z + rotation[1, k] * grad_low / z + rotation[2, k] * grad_z
            )
            grad_means[i, k] = grad_mean[k]
            for j in range(3):
                grad_rotation[k, j] = (
                    rotation[0, k] * grad_axes[0, j]
                    + rotation[1, k] * grad_axes[1, j]
                    + rotation[2, k] * grad_axes[2, j]
                )
        _quaternion_backward(quats[i], work, grad_rotation, grad_quats[i])

"""Real spherical harmonics up to degree 3, in the order and with the signs of 3D Gaussian splatting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]

BAND_0 = 0.28209479177387814
BAND_1 = 0.4886025119029199
BAND_2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
BAND_3 = (
    0.5900435899266435,
    2.890611442640554,
    0.4570457994644658,
    0.3731763325901154,
    1.445305721320277,
)


def basis(directions: Float64Array, count: int) -> Float64Array:
    """(N, 3) unit directions from the camera to the Gaussians → (N, count) values; count = 1, 4, 9 or 16."""
    x, y, z = directions.T
    xx, yy, zz = x * x, y * y, z * z
    a, b, c = BAND_2
    d, e, f, g, h = BAND_3
    values = [
        np.full_like(x, BAND_0),
        -BAND_1 * y,
        BAND_1 * z,
        -BAND_1 * x,
        a * x * y,
        -a * y * z,
        b * (2 * zz - xx - yy),
        -a * x * z,
        c * (xx - yy),
        -d * y * (3 * xx - yy),
        e * x * y * z,
        -f * y * (4 * zz - xx - yy),
        g * z * (2 * zz - 3 * xx - 3 * yy),
        -f * x * (4 * zz - xx - yy),
        h * z * (xx - yy),
        -d * x * (xx - 3 * yy),
    ]
    return np.stack(values[:count], axis=1)


def colours(coefficients: Float64Array, directions: Float64Array) -> Float64Array:
    """(N, 1 + K, 3) coefficients seen along (N, 3) unit directions → (N, 3) display sRGB, not below 0."""
    values = basis(directions, coefficients.shape[1])
    lit: Float64Array = np.maximum(0.0, 0.5 + np.einsum("nk,nkc->nc", values, coefficients))
    return lit

"""What the head is painted with, by where a point lies on the resting CC0 head (metres): skin, lips, mouth."""

from __future__ import annotations

import numpy as np

from pavfmt.arrays import Float64Array
from pavtraining.sources.noise import spots, value_noise
from pavtraining.sources.scene.surface import bump, smoothstep

SKIN_TONE = (0.890, 0.715, 0.620)
FLUSH = (0.830, 0.475, 0.405)
UNDER_EYE = (0.735, 0.525, 0.490)
FRECKLE = (0.615, 0.375, 0.265)
MOLE = (0.300, 0.180, 0.140)
LIPS = (0.735, 0.395, 0.375)
MOUTH_INSIDE = (0.40, 0.14, 0.13)
GUMS = (0.74, 0.45, 0.43)
NOSTRIL = (0.30, 0.15, 0.12)
TEETH = (0.93, 0.895, 0.81)
TONGUE = (0.72, 0.37, 0.36)
BROW = (0.30, 0.170, 0.105)
LASH_LINE = (0.23, 0.135, 0.115)
WATER_LINE = (0.80, 0.545, 0.515)

LIP_TOP = ((0.0, 0.0045, 0.010, 0.016, 0.021, 0.0245), (0.6786, 0.6798, 0.6782, 0.6746, 0.6696, 0.6668))
LIP_BOTTOM = ((0.0, 0.006, 0.012, 0.018, 0.0225, 0.0245), (0.6578, 0.6582, 0.6600, 0.6634, 0.6658, 0.6668))
"""|x| → y of the outlines of the lips, seen from the front."""
BROW_LINE = (
    (0.0095, 0.016, 0.026, 0.036, 0.044, 0.0515),
    (0.7558, 0.7569, 0.7584, 0.7593, 0.7579, 0.7541),
    (0.0034, 0.0042, 0.0040, 0.0034, 0.0024, 0.0012),
)
"""|x| → y of the brow's middle and its half height."""
MOLES = ((0.0335, 0.6770, 0.0011), (-0.0470, 0.7180, 0.0008))
"""x, y and radius: so that left and right can be told apart."""
NECK_END, NECK_WHOLE = 0.588, 0.628
"""y at which the neck is gone, and above which it is all there."""


def to_linear(srgb: tuple[float, float, float]) -> Float64Array:
    """(3,) display sRGB → linear light."""
    value = np.array(srgb)
    linear: Float64Array = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear


def mixed(colours: Float64Array, share: Float64Array, srgb: tuple[float, float, float]) -> Float64Array:
    """(N, 3) linear colours, the share (N,) of them replaced by a paint."""
    return colours + share[:, None] * (to_linear(srgb) - colours)


def lip_share(points: Float64Array) -> Float64Array:
    """(N,) 1 on the lips, 0 off them, with a soft edge of a millimetre."""
    side = np.abs(points[:, 0])
    top, bottom = np.interp(side, *LIP_TOP), np.interp(side, *LIP_BOTTOM)
    inside = np.minimum(top - points[:, 1], points[:, 1] - bottom)
    share: Float64Array = smoothstep(-0.0010, 0.0014, inside) * (points[:, 2] > 0.11) * (side < 0.0246)
    return share


def on_ear(points: Float64Array) -> Float64Array:
    """(N,) 1 on the outer ears."""
    share = smoothstep(0.070, 0.076, np.abs(points[:, 0]))
    return np.asarray(share * bump(points[:, 1:], (0.715, 0.045), (0.03, 0.03)))


def brow_share(points: Float64Array) -> Float64Array:
    """(N,) how much the skin is darkened by the brow over it."""
    side = np.abs(points[:, 0])
    middle, half = (np.interp(side, BROW_LINE[0], BROW_LINE[i]) for i in (1, 2))
    inside = smoothstep(1.3, 0.3, np.abs(points[:, 1] - middle) / half)
    share: Float64Array = inside * smoothstep(0.008, 0.013, side) * smoothstep(0.053, 0.049, side)
    return share * (points[:, 2] > 0.08)


def freckles(points: Float64Array) -> Float64Array:
    """(N,) over the nose and the cheeks, fewer on the forehead."""
    cheeks = bump(points, (0.032, 0.708, 0.125), (0.017, 0.012, 0.035))
    nose = bump(points, (0.0, 0.712, 0.150), (0.014, 0.012, 0.020))
    forehead = 0.25 * bump(points, (0.0, 0.780, 0.125), (0.045, 0.014, 0.030))
    density = np.clip(np.maximum(cheeks, nose) + forehead, 0, 1)
    density = np.where(density > 0.05, 0.75 * density, 0.0)
    return np.maximum(spots(points, 0.8 * density, 0.0030, 21), 0.7 * spots(points, density, 0.0019, 22))


def skin_albedo(points: Float64Array) -> Float64Array:
    """(N, 3) linear reflectance of skin and lips."""
    colours = np.broadcast_to(to_linear(SKIN_TONE), points.shape).copy()
    cheeks = 0.42 * bump(points, (0.042, 0.697, 0.125), (0.016, 0.013, 0.03))
    nose = 0.42 * bump(points, (0.0, 0.699, 0.158), (0.011, 0.009, 0.014))
    chin = 0.20 * bump(points, (0.0, 0.640, 0.150), (0.014, 0.010, 0.02))
    colours = mixed(colours, np.clip(cheeks + nose + chin + 0.5 * on_ear(points), 0, 0.8), FLUSH)
    hollow = bump(points, (0.025, 0.7235, 0.130), (0.011, 0.0045, 0.02))
    lid = bump(points, (0.030, 0.7465, 0.132), (0.013, 0.0045, 0.02))
    colours = mixed(colours, np.clip(0.34 * hollow + 0.30 * lid, 0, 1), UNDER_EYE)
    colours = mixed(colours, 0.46 * freckles(points), FRECKLE)
    for x, y, radius in MOLES:
        away = np.hypot(points[:, 0] - x, points[:, 1] - y)
        colours = mixed(colours, 0.7 * smoothstep(radius, 0.4 * radius, away) * (points[:, 2] > 0.05), MOLE)
    colours = mixed(colours, 0.5 * brow_share(points), BROW)
    grain = 0.045 * value_noise(points, 0.007, 1) + 0.04 * value_noise(points, 0.0028, 2)
    colours *= (1 + grain + 0.05 * value_noise(points, 0.0011, 3))[:, None]
    colours[:, 1:] *= (1 + 0.045 * value_noise(points, 0.012, 4))[:, None]
    return colours


def lip_albedo(points: Float64Array) -> Float64Array:
    """(N, 3) lips, darker where they meet."""
    grain = 1 + 0.10 * value_noise(points * np.array([1.0, 0.25, 1.0]), 0.0011, 5)
    seam = np.abs(points[:, 1] - 0.6678 - 3.0 * np.minimum(points[:, 0] ** 2, 2e-4)) / 0.0008
    dark = 1 - 0.5 * np.exp(-0.5 * seam * seam)
    return to_linear(LIPS) * (grain * dark)[:, None]


def skin_height(points: Float64Array) -> Float64Array:
    """(N,) metres of relief: pores and fine lines, upright wrinkles on the lips."""
    lips = lip_share(points)
    pores = 3.2e-5 * value_noise(points, 0.0010, 31) + 3e-5 * value_noise(points, 0.0024, 32)
    wrinkles = 1.3e-4 * value_noise(points * np.array([1.0, 0.22, 0.3]), 0.00095, 33)
    brows = 1.2e-4 * brow_share(points) * value_noise(points, 0.0009, 34)
    return np.asarray((1 - lips) * pores + lips * wrinkles + brows)


def skin_gloss(points: Float64Array) -> tuple[Float64Array, Float64Array]:
    """(N,) strength and (N,) roughness of highlights: oilier on nose, brow and chin, wet on the lips."""
    lips = lip_share(points)
    oil = bump(points, (0.0, 0.705, 0.155), (0.012, 0.022, 0.02))
    oil += 0.7 * bump(points, (0.0, 0.785, 0.135), (0.035, 0.014, 0.03))
    oil += 0.6 * bump(points, (0.040, 0.715, 0.125), (0.014, 0.008, 0.02))
    oil += 0.5 * bump(points, (0.0, 0.640, 0.150), (0.010, 0.008, 0.02))
    oil = np.clip(oil, 0, 1)
    uneven = 1 + 0.25 * value_noise(points, 0.0022, 35)
    strength = (0.75 + 0.65 * oil) * uneven * (1 - lips) + 1.7 * lips
    return strength, (0.46 - 0.10 * oil) * (1 - lips) + 0.30 * lips


def teeth_albedo(points: Float64Array) -> Float64Array:
    """(N, 3) teeth and gums, darker toward the back."""
    front = smoothstep(0.095, 0.134, points[:, 2])
    gap = np.abs(points[:, 0] / 0.0072 - np.round(points[:, 0] / 0.0072))
    upper, lower = smoothstep(0.679, 0.682, points[:, 1]), smoothstep(0.6625, 0.6595, points[:, 1])
    white = np.broadcast_to(to_linear(TEETH), points.shape)
    teeth = white * (1 - 0.45 * smoothstep(0.13, 0.02, gap))[:, None]
    return mixed(teeth, np.maximum(upper, lower), GUMS) * (0.33 + 1.0 * front)[:, None]


def tongue_albedo(points: Float64Array) -> Float64Array:
    """(N, 3) the tongue, darker toward the back."""
    front = smoothstep(0.085, 0.130, points[:, 2])
    mottled = 1 + 0.12 * value_noise(points, 0.0014, 6)
    return to_linear(TONGUE) * ((0.25 + 0.75 * front) * mottled)[:, None]

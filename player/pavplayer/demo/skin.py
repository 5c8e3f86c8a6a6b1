"""The colour of skin, lips, teeth and tongue, painted by where a point lies on the CC0 head (metres)."""

from __future__ import annotations

import numpy as np

from pavfmt.model import Float64Array
from pavplayer.demo.lighting import Light, to_linear, to_srgb
from pavplayer.demo.surface import bump, smoothstep, value_noise

SKIN_TONE = (0.868, 0.690, 0.592)
FLUSH = (0.80, 0.47, 0.40)
UNDER_EYE = (0.72, 0.52, 0.48)
LIPS = (0.70, 0.40, 0.37)
MOUTH_INSIDE = (0.36, 0.13, 0.12)
GUMS = (0.74, 0.45, 0.43)
NOSTRIL = (0.30, 0.15, 0.12)
TEETH = (0.92, 0.875, 0.77)
TONGUE = (0.70, 0.36, 0.35)

SOFT_SKIN = (0.42, 0.20, 0.14)
"""How far light bleeds round the terminator in red, green and blue."""

LIP_TOP = ((0.0, 0.0045, 0.010, 0.016, 0.021, 0.0245), (0.6786, 0.6798, 0.6782, 0.6746, 0.6696, 0.6668))
LIP_BOTTOM = ((0.0, 0.006, 0.012, 0.018, 0.0225, 0.0245), (0.6578, 0.6582, 0.6600, 0.6634, 0.6658, 0.6668))
"""|x| → y of the outlines of the lips, seen from the front."""
BROW = (0.29, 0.195, 0.135)
BROW_LINE = (
    (0.0095, 0.016, 0.026, 0.036, 0.044, 0.0515),
    (0.7558, 0.7569, 0.7584, 0.7593, 0.7579, 0.7541),
    (0.0034, 0.0042, 0.0040, 0.0034, 0.0024, 0.0012),
)
"""|x| → y of the brow's middle and its half height."""
MOUTH_CENTRE, EYE_CENTRE = (0.0, 0.669), (0.0289, 0.7365)


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


def _mixed(colours: Float64Array, share: Float64Array, srgb: tuple[float, float, float]) -> Float64Array:
    return colours + share[:, None] * (to_linear(srgb) - colours)


def skin_albedo(points: Float64Array) -> Float64Array:
    """(N, 3) linear reflectance of skin and lips at (N, 3) points of the resting head."""
    colours = np.broadcast_to(to_linear(SKIN_TONE), points.shape).copy()
    cheeks = 0.30 * bump(points, (0.040, 0.694, 0.125), (0.016, 0.013, 0.03))
    nose = 0.45 * bump(points, (0.0, 0.699, 0.158), (0.011, 0.009, 0.014))
    chin = 0.18 * bump(points, (0.0, 0.640, 0.150), (0.014, 0.010, 0.02))
    ears = 0.50 * on_ear(points)
    colours = _mixed(colours, np.clip(cheeks + nose + chin + ears, 0, 0.8), FLUSH)
    hollow = bump(points, (0.025, 0.7235, 0.130), (0.011, 0.0045, 0.02))
    lid = bump(points, (0.030, 0.7465, 0.132), (0.013, 0.0045, 0.02))
    colours = _mixed(colours, np.clip(0.40 * hollow + 0.20 * lid, 0, 1), UNDER_EYE)
    colours = _mixed(colours, 0.45 * brow_share(points), BROW)
    mottled = 1 + 0.035 * value_noise(points, 0.007, 1) + 0.03 * value_noise(points, 0.0028, 2)
    colours *= mottled[:, None]
    colours[:, 1:] *= (1 + 0.03 * value_noise(points, 0.012, 3))[:, None]
    lips = lip_share(points)
    grain = 1 + 0.07 * value_noise(points * np.array([1.0, 0.25, 1.0]), 0.0012, 4)
    return _mixed(colours, 0.88 * lips, LIPS) * np.where(lips > 0.2, grain, 1.0)[:, None]


def skin_colours(points: Float64Array, light: Light, inside: Float64Array) -> Float64Array:
    """(N, 3) display sRGB of lit skin; `inside` (N,) is 1 in the mouth's cavity."""
    albedo = _mixed(skin_albedo(points), inside, MOUTH_INSIDE)
    nostril = bump(points, (0.0062, 0.6925, 0.1475), (0.006, 0.0045, 0.008))
    albedo = _mixed(albedo, nostril * smoothstep(0.30, 0.12, light.openness), NOSTRIL)
    lips = lip_share(points)
    shine = (
        0.10 * light.gloss(14)
        + 0.10 * (1 - lips) * light.gloss(60)
        + 0.16 * lips * (points[:, 1] < 0.6675) * light.gloss(30)
    )
    seam = np.abs(points[:, 1] - 0.6678 - 3.0 * np.minimum(points[:, 0] ** 2, 2e-4)) / 0.0007
    dark = 1 - 0.55 * lips * np.exp(-0.5 * seam * seam)
    lit = albedo * light.diffuse(SOFT_SKIN) * dark[:, None] * (1 - 0.55 * inside)[:, None]
    return to_srgb(lit + ((1 - inside) * shine)[:, None] * np.array([1.0, 0.97, 0.94]))


def teeth_colours(points: Float64Array, light: Light) -> Float64Array:
    """(N, 3) display sRGB; teeth fade into the dark toward the back."""
    front = smoothstep(0.095, 0.134, points[:, 2])
    gap = np.abs(points[:, 0] / 0.0072 - np.round(points[:, 0] / 0.0072))
    upper, lower = smoothstep(0.679, 0.682, points[:, 1]), smoothstep(0.6625, 0.6595, points[:, 1])
    teeth = (
        np.broadcast_to(to_linear(TEETH), points.shape) * (1 - 0.45 * smoothstep(0.16, 0.02, gap))[:, None]
    )
    albedo = _mixed(teeth, np.maximum(upper, lower), GUMS) * (0.2 + 0.8 * front)[:, None]
    grey = light.diffuse((0.3, 0.3, 0.3)).mean(axis=1, keepdims=True)  # no blue of the sky gets in
    return to_srgb(albedo * (0.40 + 0.60 * grey) * np.array([1.05, 0.98, 0.95]))


def tongue_colours(points: Float64Array, light: Light) -> Float64Array:
    """(N, 3) display sRGB."""
    front = smoothstep(0.085, 0.130, points[:, 2])
    mottled = 1 + 0.08 * value_noise(points, 0.002, 5)
    albedo = to_linear(TONGUE) * ((0.2 + 0.8 * front) * mottled)[:, None]
    return to_srgb(albedo * (0.15 + 0.75 * light.diffuse(SOFT_SKIN)))

"""How skin, eyes and hair look: linear colours from a normal, the viewer and the lights, in numba.

Skin lets light bleed round by `_SOFT` and shines twice (a broad and a tight lobe, stronger at grazing angles);
the cornea mirrors a window; hair shines across its strands. All highlights move with the viewer.
"""

from __future__ import annotations

from math import exp, sqrt

from pavfmt.arrays import Float32Array, Float64Array
from pavplayer.compilation import compiled
from pavtraining.sources.scene.texels import GLOSS, ROUGHNESS, SOFTNESS

Row = tuple[float, float, float]
IRIS_RADIUS = 0.0060
"""Metres, across the eye's axis."""
PICTURE_HALF = 0.0135
"""The iris's picture reaches so many metres to either side of the axis."""
LIGHT_KEY, LIGHT_FILL, LIGHT_BACK, LIGHT_UP, WINDOW, WINDOW_RIGHT, WINDOW_UP = range(7)
"""Rows of the lights: directions toward key, fill and back light, the head's up, the window and its axes."""
_KEY_COLOUR = (0.86, 0.815, 0.76)
_FILL_COLOUR = (0.20, 0.215, 0.24)
_BACK_COLOUR = (0.30, 0.30, 0.31)
_SKY_COLOUR = (0.36, 0.37, 0.39)
_GROUND_COLOUR = (0.22, 0.19, 0.175)
_SOFT = (0.42, 0.20, 0.14)
"""How far light bleeds round the terminator of skin in red, green and blue."""
_GLOSS_COLOUR = (1.0, 0.98, 0.96)


@compiled
def unit_row(x: float, y: float, z: float) -> Row:
    """A vector to length 1."""
    scale = 1.0 / sqrt(max(x * x + y * y + z * z, 1e-24))
    return x * scale, y * scale, z * scale


@compiled
def _dot(a: Row, b: Row) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def _row(rows: Float64Array, number: int) -> Row:
    return rows[number, 0], rows[number, 1], rows[number, 2]


@compiled
def _shine(normal: Row, view: Row, light: Row, roughness: float) -> float:
    """A GGX highlight with Schlick's Fresnel term for skin, times the cosine."""
    cosine = _dot(normal, light)
    if cosine <= 0.0:
        return 0.0
    half = unit_row(light[0] + view[0], light[1] + view[1], light[2] + view[2])
    facing = max(_dot(normal, half), 0.0)
    across = max(_dot(normal, view), 0.08)  # at the outline the shadowing term would blow up
    alpha = roughness * roughness
    square = alpha * alpha
    spread = facing * facing * (square - 1.0) + 1.0
    peak = square / (3.14159 * spread * spread)
    fresnel = 0.028 + 0.972 * max(1.0 - _dot(view, half), 0.0) ** 5
    k = alpha / 2.0  # Smith's shadowing by Schlick's approximation
    masked = 1.0 / ((cosine * (1 - k) + k) * (across * (1 - k) + k))
    return peak * fresnel * masked * 0.25 * cosine


@compiled
def _wrapped(cosine: float, wrap: float) -> float:
    return max((cosine + wrap) / (1.0 + wrap), 0.0)


@compiled
def _bled(reach: Row) -> Row:
    """The square roots of shares of light, for `_spread`."""
    return sqrt(max(reach[0], 0.0)), sqrt(max(reach[1], 0.0)), sqrt(max(reach[2], 0.0))


@compiled
def _spread(reach: float, root: float, wrap: float) -> float:
    """A share of light after bleeding through skin, which reddens the hollows: between x and √x."""
    return reach + 1.2 * wrap * (root - reach)


@compiled
def _diffuse(
    channel: int, cosines: tuple[float, float, float, float], reach: Row, roots: Row, softness: float
) -> float:
    """Light on a matt surface; `reach` holds the shares of key, fill and sky that arrive."""
    wrap = _SOFT[channel] * softness
    key = _wrapped(cosines[0], wrap) * _KEY_COLOUR[channel] * _spread(reach[0], roots[0], wrap)
    fill = _wrapped(cosines[1], wrap) * _FILL_COLOUR[channel] * _spread(reach[1], roots[1], wrap)
    back = _wrapped(cosines[2], 0.1) * _BACK_COLOUR[channel] * reach[2]
    up = 0.5 + 0.5 * cosines[3]
    around = up * _SKY_COLOUR[channel] + (1 - up) * _GROUND_COLOUR[channel]
    return key + fill + back + around * _spread(reach[2], roots[2], wrap)


@compiled
def _cosines(normal: Row, lights: Float64Array) -> tuple[float, float, float, float]:
    """Of the angles between a normal and key, fill, back light and up."""
    return (
        _dot(normal, _row(lights, LIGHT_KEY)),
        _dot(normal, _row(lights, LIGHT_FILL)),
        _dot(normal, _row(lights, LIGHT_BACK)),
        _dot(normal, _row(lights, LIGHT_UP)),
    )


@compiled
def skin_colour(
    out: Float64Array, texel: Float64Array, normal: Row, view: Row, lights: Float64Array, reach: Row
) -> None:
    """Skin, lips, teeth, tongue and scalp."""
    key, fill, back = _row(lights, LIGHT_KEY), _row(lights, LIGHT_FILL), _row(lights, LIGHT_BACK)
    rough = texel[ROUGHNESS]
    shine = (
        0.9
        * reach[0]
        * (0.65 * _shine(normal, view, key, rough + 0.12) + 0.35 * _shine(normal, view, key, 0.62 * rough))
    )
    shine += 0.32 * reach[1] * _shine(normal, view, fill, rough)
    shine += 0.30 * reach[2] * _shine(normal, view, back, rough + 0.1)
    grazing = max(1.0 - max(_dot(normal, view), 0.0), 0.0) ** 4
    shine += 0.035 * grazing * reach[2] * reach[2]
    cosines, roots = _cosines(normal, lights), _bled(reach)
    for channel in range(3):
        lit = texel[channel] * _diffuse(channel, cosines, reach, roots, texel[SOFTNESS])
        out[channel] = lit + texel[GLOSS] * shine * _GLOSS_COLOUR[channel]


@compiled
def _iris_colour(iris: Float32Array, across: float, up: float, out: Float64Array) -> None:
    """The eye's picture, linear between its cells."""
    cells = iris.shape[0]
    x = min(max((across / PICTURE_HALF + 1) * 0.5 * cells - 0.5, 0.0), cells - 1.001)
    y = min(max((up / PICTURE_HALF + 1) * 0.5 * cells - 0.5, 0.0), cells - 1.001)
    i, j = int(x), int(y)
    u, v = x - i, y - j
    for channel in range(3):
        low = iris[j, i, channel] * (1 - u) + iris[j, i + 1, channel] * u
        high = iris[j + 1, i, channel] * (1 - u) + iris[j + 1, i + 1, channel] * u
        out[channel] = low * (1 - v) + high * v


@compiled
def _step(low: float, high: float, value: float) -> float:
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@compiled
def _window(normal: Row, view: Row, lights: Float64Array) -> float:
    """The key light mirrored in the cornea: a soft box with a glazing bar, 0..1."""
    facing = 2 * _dot(normal, view)
    # The view direction mirrored at the normal, in the window's axes: where it meets the window is what is seen.
    mirrored = (facing * normal[0] - view[0], facing * normal[1] - view[1], facing * normal[2] - view[2])
    ahead = _dot(mirrored, _row(lights, WINDOW))
    if ahead <= 0.2:
        return 0.0
    x = _dot(mirrored, _row(lights, WINDOW_RIGHT)) / ahead
    y = _dot(mirrored, _row(lights, WINDOW_UP)) / ahead
    inside = _step(0.27, 0.20, abs(x)) * _step(0.33, 0.26, abs(y))
    return inside * (0.45 + 0.55 * _step(0.01, 0.04, abs(x)))


@compiled
def eye_colour(
    out: Float64Array,
    iris: Float32Array,
    place: tuple[float, float],
    socket: Row,
    normal: Row,
    view: Row,
    axes: Float64Array,
    lights: Float64Array,
) -> None:
    """An eyeball: `place` across and up of its axis, `socket` relative to its centre in the head's axes."""
    off = sqrt(place[0] * place[0] + place[1] * place[1])
    within = _step(IRIS_RADIUS, 0.55 * IRIS_RADIUS, off)
    ahead = max(_dot(view, _row(axes, 2)), 0.3)
    shift = 0.0010 * within / ahead  # the iris lies under the cornea
    across = place[0] - shift * _dot(view, _row(axes, 0))
    up = place[1] - shift * _dot(view, _row(axes, 1))
    _iris_colour(iris, across, up, out)
    shade = 1 - 0.60 * _step(0.0006, 0.0056, socket[1])
    shade *= 1 - 0.50 * _step(0.0064, 0.0128, abs(socket[0]))
    shade *= 1 - 0.25 * _step(-0.0034, -0.0060, socket[1])
    on_iris = _step(IRIS_RADIUS + 0.0003, IRIS_RADIUS - 0.0006, off)
    key = _row(lights, LIGHT_KEY)
    along = (place[0] * _dot(key, _row(axes, 0)) + place[1] * _dot(key, _row(axes, 1))) / IRIS_RADIUS
    glow = 1 + 0.85 * on_iris * max(-along, 0.0)  # light gathered on the far side of the iris
    window = 0.95 * _window(normal, view, lights) * shade
    shine = 0.10 * _shine(normal, view, _row(lights, LIGHT_FILL), 0.18)
    reach = (shade, shade, shade)
    cosines, roots = _cosines(normal, lights), _bled(reach)
    for channel in range(3):
        lit = out[channel] * _diffuse(channel, cosines, reach, roots, 0.9) * glow
        out[channel] = lit + window * (1 - 0.4 * out[channel]) + shine


@compiled
def hair_colour(
    out: Float64Array,
    colour: Row,
    normal: Row,
    tangent: Row,
    view: Row,
    lights: Float64Array,
    reach: Row,
    gloss: float,
    across: float,
) -> None:
    """A lock: matt and round, with one white highlight across it and one of its own colour (Kajiya and Kay)."""
    key, fill, back = _row(lights, LIGHT_KEY), _row(lights, LIGHT_FILL), _row(lights, LIGHT_BACK)
    edge = 1 - 0.24 * across * across
    white, tinted = 0.0, 0.0
    # Kajiya and Kay: a strand shines all round, so what counts is the slant against the tangent. The white lobe and
    # the tinted one, of light that went through the strand, are shifted apart along it.
    for number in range(3):
        light = key if number == 0 else (fill if number == 1 else back)
        power = (0.80 * reach[0], 0.30 * reach[1], 0.45 * reach[2])[number]
        cosine = _dot(normal, light)
        half = unit_row(light[0] + view[0], light[1] + view[1], light[2] + view[2])
        slant = _dot(tangent, half)
        lit = power * _step(-0.25, 0.6, cosine)
        white += lit * exp(-((slant - 0.06) ** 2) / 0.012)
        tinted += lit * exp(-((slant + 0.14) ** 2) / 0.050)
    cosines, roots = _cosines(normal, lights), _bled(reach)
    for channel in range(3):
        matt = colour[channel] * _diffuse(channel, cosines, reach, roots, 0.8) * edge * 0.95
        out[channel] = matt + gloss * (0.040 * white + 0.85 * colour[channel] * tinted)

"""Blending of tiles and its exact backward pass, in numba.

Forward is the player's: the same records, tile lists and steps (`pavplayer.rasterizers.blending`).

Backward. A pixel's light is L = Σ_i T_i α_i c_i with T_i = Π_{j<i} (1 − α_j), over the Gaussians that were blended
before it stopped, and T_end is what is left. With G the loss's gradient by L and G_T that by T_end,

    ∂loss/∂c_i = T_i α_i G
    ∂loss/∂α_i = T_i (c_i · G) − R_i / (1 − α_i),    R_i = Σ_{j>i} T_j α_j (c_j · G) + T_end G_T

as every later T_j, and T_end, has the factor 1 − α_i. R_i is the worth of all that lies behind. Others walk back to
front, which needs to know where each pixel stopped and divides T by 1 − α at each step to get it back, losing digits.
Here the walk is front to back again: R starts as the whole picture's L · G + T_end G_T, which forward has left, and
each Gaussian's own share is taken off it. T is multiplied exactly as it was in forward, by the same operations, so a
pixel stops at the very Gaussian where it stopped; R is a difference, but it is divided by 1 − α ≥ 0.001 only.

The clamp: where α would be above 0.999 it does not depend on anything, so its slope is 0. The threshold α ≥ 1/255 and
the stop are steps; the gradient is that of the sum as it stands, given who is in it.

From α to the record: α = 2^e with e = LOG_OPACITY − u² − (VY dy)², u = UX dx + UY dy. So with s = α ∂loss/∂α and
ln 2 = dα/(α de), all nine numbers of a record need only these sums over the pixels of a tile, which `_gather` combines:
Σ s, Σ s dy, Σ s dy², Σ s u, Σ s u dy, Σ s u dx, and Σ α T G for the three channels. No pixel evaluates nine formulas.

Every entry of a tile's list gets its own row of gradients; they are added up in the order of the list, so the
sums are the same bits for any number of threads.
"""

from __future__ import annotations

from math import exp2, log, log2

import numpy as np

from pavplayer.compilation import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    compiled,
    contracted,
    inlined,
    next_turn,
    parallel,
    prange,
)
from pavplayer.rasterizers import rules
from pavplayer.rasterizers.binning import TILE
from pavplayer.rasterizers.blending import (
    BATCH,
    BATCH_WIDTH,
    all_stopped,
    approximate_exp2,
    blend_tile,
    start_tile,
)
from pavplayer.rasterizers.projection import (
    BLUE,
    CENTRE_X,
    CENTRE_Y,
    GREEN,
    LOG_OPACITY,
    REACH,
    RED,
    UX,
    UY,
    VY,
    pixel_span,
)

GRADIENT_WIDTH = 9
"""CENTRE_X, CENTRE_Y, UX, UY, VY, opacity, RED, GREEN, BLUE."""

_PIXELS = TILE * TILE
_REST, _BY_RED, _BY_GREEN, _BY_BLUE = _PIXELS, 2 * _PIXELS, 3 * _PIXELS, 4 * _PIXELS
_STATE = 5 * _PIXELS
"""State of a tile going backward: T, R, then the three planes of G."""

_ALPHA_MINIMUM = rules.ALPHA_MINIMUM
_NEAR, _FAR = rules.NEAR_PLANE, rules.FAR_PLANE
_LOG_ALPHA_MINIMUM = np.float32(log2(rules.ALPHA_MINIMUM))
_ALPHA_MAXIMUM = np.float32(rules.ALPHA_MAXIMUM)
_LIMIT = np.float32(rules.TRANSMITTANCE_MINIMUM)
_ONE, _ZERO = np.float32(1), np.float32(0)
_LN_2 = log(2.0)
_LOG2_E = 1.4426950408889634


@parallel
def fill_records(
    means2d: Float64Array,
    factors: Float64Array,
    spreads: Float64Array,
    opacities: Float64Array,
    colours: Float64Array,
    depths: Float64Array,
    size: tuple[int, int],
    records: Float64Array,
    boxes: Int32Array,
) -> None:
    """The arrays of `projection.Projected` as the player's records (N, 10) and boxes (N, 4)."""
    width, height = size
    for i in prange(len(means2d)):
        boxes[i, :] = 0
        opacity = opacities[i]
        if not (_NEAR <= depths[i] <= _FAR and opacity >= _ALPHA_MINIMUM):
            continue
        if not (spreads[i, 0] < 1e18 and spreads[i, 1] < 1e18):
            continue
        reach = log(opacity / _ALPHA_MINIMUM) * _LOG2_E
        x0, x1 = pixel_span(means2d[i, 0], spreads[i, 0], reach, width)
        y0, y1 = pixel_span(means2d[i, 1], spreads[i, 1], reach, height)
        if x0 < x1 and y0 < y1:
            boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = x0, x1, y0, y1
            records[i, CENTRE_X], records[i, CENTRE_Y] = means2d[i, 0], means2d[i, 1]
            records[i, UX], records[i, UY], records[i, VY] = factors[i, 0], factors[i, 1], factors[i, 2]
            records[i, LOG_OPACITY], records[i, REACH] = log2(opacity), reach
            records[i, RED], records[i, GREEN], records[i, BLUE] = colours[i, 0], colours[i, 1], colours[i, 2]


@parallel
def blend(
    records: Float64Array,
    boxes: Int32Array,
    starts: Int64Array,
    entries: Int32Array,
    light: Float32Array,
    transmittance: Float32Array,
    threads: int,
) -> None:
    """Σ α·T·colour into `light` (H, W, 3) and what T is left into `transmittance` (H, W)."""
    height, width = transmittance.shape
    columns, counter = -(-width // TILE), np.zeros(1, np.int64)
    for _ in prange(threads):
        state = np.empty(4 * _PIXELS, np.float32)
        batch = np.empty((BATCH, BATCH_WIDTH))
        borders = np.empty((BATCH, 4), np.int32)
        tile = next_turn(counter)
        while tile < len(starts) - 1:
            left, top = tile % columns * TILE, tile // columns * TILE
            listed = entries[starts[tile] : starts[tile + 1]]
            start_tile(state, left, top, width, height)
            blend_tile(records, boxes, listed, left, top, state, batch, borders)
            _write(state, left, top, light, transmittance)
            tile = next_turn(counter)


@compiled
def _write(
    state: Float32Array, left: int, top: int, light: Float32Array, transmittance: Float32Array
) -> None:
    for row in range(min(TILE, transmittance.shape[0] - top)):
        for column in range(min(TILE, transmittance.shape[1] - left)):
            at = row * TILE + column
            transmittance[top + row, left + column] = abs(state[at])
            for channel in range(3):
                light[top + row, left + column, channel] = state[at + (channel + 1) * _PIXELS]


@compiled
def _load(
    state: Float32Array,
    left: int,
    top: int,
    light: Float32Array,
    transmittance: Float32Array,
    grad_light: Float32Array,
    grad_transmittance: Float32Array,
) -> None:
    """A tile before its first Gaussian: T = 1, R = the whole pixel's light · G, and G."""
    start_tile(state, left, top, transmittance.shape[1], transmittance.shape[0])
    for row in range(min(TILE, transmittance.shape[0] - top)):
        for column in range(min(TILE, transmittance.shape[1] - left)):
            at, y, x = row * TILE + column, top + row, left + column
            rest = transmittance[y, x] * grad_transmittance[y, x]
            for channel in range(3):
                rest += light[y, x, channel] * grad_light[y, x, channel]
                state[at + _BY_RED + channel * _PIXELS] = grad_light[y, x, channel]
            state[at + _REST] = rest


@inlined
def _blend_step_backward(
    exponent: np.float32, transmittance: np.float32, rest: np.float32, dot: np.float32
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """One Gaussian at one pixel: log2 α, T, R and c · G → the new T and R, α T, and α · ∂loss/∂α."""
    free = approximate_exp2(exponent)
    alpha = free if free < _ALPHA_MAXIMUM else _ALPHA_MAXIMUM
    alpha = alpha if exponent >= _LOG_ALPHA_MINIMUM else _ZERO
    clear = _ONE - alpha
    after = transmittance * clear
    goes_on = after > _LIMIT
    weight = alpha * transmittance if goes_on else _ZERO
    stopped = -abs(transmittance) if alpha > _ZERO else transmittance
    # `rest` is R without this Gaussian only now: what lies behind does not include itself.
    rest = rest - weight * dot
    slope = alpha * (transmittance * dot - rest / clear) if goes_on else _ZERO
    slope = slope if free < _ALPHA_MAXIMUM else _ZERO
    return after if goes_on else stopped, rest, weight, slope


@contracted
def _unblend_gaussian(
    state: Float32Array, record: Float64Array, box: Int32Array, left: int, top: int, sums: Float32Array
) -> None:
    """Takes one Gaussian's light off a tile; leaves nine rows of 16 partial sums in `sums`.

    They have an array of their own, so that the compiler sees that nothing overlaps and makes vector code.
    """
    # Rows and lanes as in forward, and bit for bit the same exponents: else a pixel might stop somewhere else.
    red, green, blue = np.float32(record[RED]), np.float32(record[GREEN]), np.float32(record[BLUE])
    step = np.float32(record[UX])
    dx = left + 0.5 - record[CENTRE_X]
    first_dx = np.float32(dx)
    sums[:] = _ZERO
    for row in range(max(box[2] - top, 0), min(box[3] - top, TILE)):
        dy = top + row + 0.5 - record[CENTRE_Y]
        peak = np.float32(record[LOG_OPACITY] - (record[VY] * dy) ** 2)
        start = np.float32(record[UX] * dx + record[UY] * dy)
        high = np.float32(dy)
        base = np.uint64(row * TILE)
        for lane in range(TILE):
            at = base + np.uint64(lane)
            into = np.uint64(lane)
            across = np.float32(lane)
            u = start + step * across
            grad_red = state[at + np.uint64(_BY_RED)]
            grad_green = state[at + np.uint64(_BY_GREEN)]
            grad_blue = state[at + np.uint64(_BY_BLUE)]
            dot = red * grad_red + green * grad_green + blue * grad_blue
            after, rest, weight, slope = _blend_step_backward(
                peak - u * u, state[at], state[at + np.uint64(_REST)], dot
            )
            state[at] = after
            state[at + np.uint64(_REST)] = rest
            turned = slope * u
            sums[into] += slope
            sums[into + np.uint64(TILE)] += slope * high
            sums[into + np.uint64(2 * TILE)] += slope * high * high
            sums[into + np.uint64(3 * TILE)] += turned
            sums[into + np.uint64(4 * TILE)] += turned * high
            sums[into + np.uint64(5 * TILE)] += turned * (first_dx + across)
            sums[into + np.uint64(6 * TILE)] += weight * grad_red
            sums[into + np.uint64(7 * TILE)] += weight * grad_green
            sums[into + np.uint64(8 * TILE)] += weight * grad_blue


@compiled
def _gather(flat: Float32Array, record: Float64Array, gradient: Float32Array) -> None:
    """The sums of `_unblend_gaussian` as one entry's gradients, by the record's own numbers."""
    # d e = −2 u du − 2 VY² dy d(dy) …, with d(dx) = −d CENTRE_X and d(dy) = −d CENTRE_Y; ∂α/∂opacity = α / opacity.
    sums = flat.reshape((GRADIENT_WIDTH, TILE))
    plain, high, square = sums[0].sum(), sums[1].sum(), sums[2].sum()
    turned, turned_high, turned_wide = sums[3].sum(), sums[4].sum(), sums[5].sum()
    ux, uy, vy = record[UX], record[UY], record[VY]
    gradient[0] = 2 * _LN_2 * ux * turned
    gradient[1] = 2 * _LN_2 * (uy * turned + vy * vy * high)
    gradient[2] = -2 * _LN_2 * turned_wide
    gradient[3] = -2 * _LN_2 * turned_high
    gradient[4] = -2 * _LN_2 * vy * square
    gradient[5] = plain / exp2(record[LOG_OPACITY])
    gradient[6], gradient[7], gradient[8] = sums[6].sum(), sums[7].sum(), sums[8].sum()


@parallel
def blend_backward(
    records: Float64Array,
    boxes: Int32Array,
    starts: Int64Array,
    entries: Int32Array,
    light: Float32Array,
    transmittance: Float32Array,
    grad_light: Float32Array,
    grad_transmittance: Float32Array,
    gradients: Float32Array,
    threads: int,
) -> None:
    """∂loss by every entry's record into `gradients` (entries, 9), which starts as zeros.

    `light` and `transmittance` are what `blend` wrote; `grad_light` (H, W, 3) and `grad_transmittance` (H, W) the
    gradients by them.
    """
    columns, counter = -(-transmittance.shape[1] // TILE), np.zeros(1, np.int64)
    for _ in prange(threads):
        state, sums = np.empty(_STATE, np.float32), np.empty(GRADIENT_WIDTH * TILE, np.float32)
        tile = next_turn(counter)
        while tile < len(starts) - 1:
            left, top = tile % columns * TILE, tile // columns * TILE
            state[:] = _ZERO
            _load(state, left, top, light, transmittance, grad_light, grad_transmittance)
            for entry in range(starts[tile], starts[tile + 1]):
                i = entries[entry]
                _unblend_gaussian(state, records[i], boxes[i], left, top, sums)
                _gather(sums, records[i], gradients[entry])
                # Forward looked after each batch whether all had stopped, and went no further; nor does this.
                done = entry - starts[tile] + 1
                if done % BATCH == 0 and all_stopped(state[:_PIXELS]):
                    break
            tile = next_turn(counter)


@compiled
def summed(entries: Int32Array, gradients: Float32Array, totals: Float64Array) -> None:
    """Adds every entry's gradients to its Gaussian's row of `totals` (N, 9), in the order of the entries.

    On one thread: it is a small part of the whole, and threads that add into one row would do so in any order.
    """
    for entry in range(len(entries)):
        row = entries[entry]
        for k in range(GRADIENT_WIDTH):
            totals[row, k] += gradients[entry, k]

"""Front-to-back blending of one tile after another, in numba.

The state of a tile is one flat float32 array of four planes of 16×16 pixels, transmittance T, then red, green and
blue: 4 KiB, which stays in the nearest cache while hundreds of Gaussians pass over it.

The inner loop runs over the 16 pixels of a row and has to become vector code, which nothing in it may prevent:

- *No branch.* Whether α counts, whether it is clamped and whether the pixel goes on are selections between values. A
  pixel that has stopped (§9: for good, before the Gaussian that would bring T to 10^-4 or below) keeps its T with a
  minus sign. Any further Gaussian then gives T(1 − α) < 0, which is below the limit, so it stops again and weighs 0:
  the same selection does both. |T| is what the background shows through.
- *No call.* 2^x is a polynomial (`approximate_exp2`), written out here.
- *Indices that cannot wrap.* They are unsigned, as numba counts negative ones from the end and would test each.
- *Nothing that may overlap.* One array for the state, and results of other shapes in arrays of their own.

α is float32 and so is T: a weight is off by some 10^-7 of itself, a picture by less than a step of eight bits. What is
exact is the decision who covers what, up to that rounding: it is made of the exponent, not of α, as α ≥ 1/255 where
log2 α ≥ log2(1/255), so that the error of `approximate_exp2` does not enter it.
"""

from __future__ import annotations

from math import log2

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
from pavplayer.rasterizers.projection import (
    BLUE,
    CENTRE_X,
    CENTRE_Y,
    GREEN,
    LOG_OPACITY,
    RED,
    UX,
    UY,
    VY,
)

_PIXELS = TILE * TILE
_LOG_ALPHA_MINIMUM = np.float32(log2(rules.ALPHA_MINIMUM))
_ALPHA_MAXIMUM = np.float32(rules.ALPHA_MAXIMUM)
_LIMIT = np.float32(rules.TRANSMITTANCE_MINIMUM)
_ONE, _ZERO, _EIGHTH = np.float32(1), np.float32(0), np.float32(0.125)
BATCH = 16
"""Gaussians that are fetched at once, and then blended; then comes a look whether all pixels have stopped."""
BATCH_WIDTH = 9
"""Columns of a record that blending needs: all but REACH."""

# Interpolation at Chebyshev nodes, close to the best polynomial there is. Working in (x/8) keeps the degree at 6: the
# whole range −8..0 (α below 2^-8 never counts) becomes −1..0, and three squarings bring the rest.
_nodes = np.cos(np.pi * (np.arange(64) + 0.5) / 64) / 2 - 0.5
_fit = np.polynomial.Polynomial.fit(_nodes, 2.0**_nodes, 6, domain=[-1, 1], window=[-1, 1]).coef
_P0, _P1, _P2, _P3, _P4, _P5, _P6 = (np.float32(c) for c in _fit)
"""2^x for −1 ≤ x ≤ 0, to float32 rounding."""


@inlined
def approximate_exp2(x: np.float32) -> np.float32:
    """2^x for −8 ≤ x ≤ 0 as (2^(x/8))^8; outside something finite or infinite that the caller discards."""
    t = x * _EIGHTH
    p = _P0 + t * (_P1 + t * (_P2 + t * (_P3 + t * (_P4 + t * (_P5 + t * _P6)))))
    p = p * p
    p = p * p
    return p * p


@inlined
def blend_step(exponent: np.float32, transmittance: np.float32) -> tuple[np.float32, np.float32]:
    """One Gaussian at one pixel: log2 α and T (negative: stopped) → its weight α·T and the new T."""
    alpha = approximate_exp2(exponent)
    alpha = alpha if alpha < _ALPHA_MAXIMUM else _ALPHA_MAXIMUM
    alpha = alpha if exponent >= _LOG_ALPHA_MINIMUM else _ZERO
    after = transmittance * (_ONE - alpha)
    goes_on = after > _LIMIT
    weight = alpha * transmittance if goes_on else _ZERO
    # A Gaussian that does not cover the pixel must not stop it: with α = 0 the new T is T, which is above the limit
    # for a pixel that goes on, and negative, so "not above", for one that has stopped and stays as it is.
    stopped = -abs(transmittance) if alpha > _ZERO else transmittance
    return weight, after if goes_on else stopped


@contracted
def _blend_gaussian(state: Float32Array, record: Float64Array, box: Int32Array, left: int, top: int) -> None:
    """Blends one Gaussian into a tile."""
    red, green, blue = np.float32(record[RED]), np.float32(record[GREEN]), np.float32(record[BLUE])
    step = np.float32(record[UX])
    dx = left + 0.5 - record[CENTRE_X]  # of the tile's first column, in float64: centres may be far away
    for row in range(max(box[2] - top, 0), min(box[3] - top, TILE)):
        dy = top + row + 0.5 - record[CENTRE_Y]
        # Along a row, log2 α = peak − (start + step · lane)²; these two are all that changes from row to row.
        peak = np.float32(record[LOG_OPACITY] - (record[VY] * dy) ** 2)
        start = np.float32(record[UX] * dx + record[UY] * dy)
        base = np.uint64(row * TILE)
        # All 16 columns, also those outside the box: a vector costs the same, and α leaves them alone.
        for lane in range(TILE):
            at = base + np.uint64(lane)
            u = start + step * np.float32(lane)
            weight, after = blend_step(peak - u * u, state[at])
            state[at] = after
            state[at + np.uint64(_PIXELS)] += weight * red
            state[at + np.uint64(2 * _PIXELS)] += weight * green
            state[at + np.uint64(3 * _PIXELS)] += weight * blue


@contracted
def _weigh_gaussian(
    state: Float32Array,
    shares: Float32Array,
    record: Float64Array,
    box: Int32Array,
    left: int,
    top: int,
    sums: Float32Array,
) -> float:
    """Blends one Gaussian into a tile's T alone; returns Σ share·α·T. `sums` (16,) is room for partial sums."""
    step = np.float32(record[UX])
    sums[:] = _ZERO
    dx = left + 0.5 - record[CENTRE_X]
    for row in range(max(box[2] - top, 0), min(box[3] - top, TILE)):
        dy = top + row + 0.5 - record[CENTRE_Y]
        peak = np.float32(record[LOG_OPACITY] - (record[VY] * dy) ** 2)
        start = np.float32(record[UX] * dx + record[UY] * dy)
        base = np.uint64(row * TILE)
        for lane in range(TILE):
            at = base + np.uint64(lane)
            u = start + step * np.float32(lane)
            weight, after = blend_step(peak - u * u, state[at])
            state[at] = after
            sums[lane] += weight * shares[at]  # a sum for each lane: one for all would chain the additions
    total: float = sums.sum()
    return total


@compiled
def _fetch(
    records: Float64Array, boxes: Int32Array, entries: Int32Array, batch: Float64Array, borders: Int32Array
) -> None:
    """Copies the records and boxes that `entries` list.

    They are scattered over memory. No copy waits for another, as blending would wait, so many come at a time.
    """
    for k in range(len(entries)):
        i = entries[k]
        for column in range(BATCH_WIDTH):
            batch[k, column] = records[i, column]
        for side in range(4):
            borders[k, side] = boxes[i, side]


@compiled
def blend_tile(
    records: Float64Array,
    boxes: Int32Array,
    entries: Int32Array,
    left: int,
    top: int,
    state: Float32Array,
    batch: Float64Array,
    borders: Int32Array,
) -> None:
    """Blends the Gaussians that `entries` list into a tile's state, until all of its pixels have stopped.

    `batch` (BATCH, BATCH_WIDTH) and `borders` (BATCH, 4) are room to work in.
    """
    for first in range(0, len(entries), BATCH):
        fetched = entries[first : first + BATCH]
        _fetch(records, boxes, fetched, batch, borders)
        for k in range(len(fetched)):
            _blend_gaussian(state, batch[k], borders[k], left, top)
        if all_stopped(state[:_PIXELS]):
            break


@compiled
def all_stopped(state: Float32Array) -> bool:
    """Whether every T of a tile, the first plane of its state, is negative."""
    largest = _ZERO
    for at in range(_PIXELS):
        largest = max(largest, state[at])
    return bool(largest <= _ZERO)


@compiled
def start_tile(state: Float32Array, left: int, top: int, width: int, height: int) -> None:
    """T = 1 in the picture and stopped outside it; no light yet."""
    state[:] = _ZERO
    for row in range(min(TILE, height - top)):
        state[row * TILE : row * TILE + min(TILE, width - left)] = _ONE


@compiled
def _write_tile(
    state: Float32Array, left: int, top: int, background: Float32Array, picture: Float32Array
) -> None:
    """Composes a tile over the background and writes it, clipped."""
    for row in range(min(TILE, picture.shape[0] - top)):
        for column in range(min(TILE, picture.shape[1] - left)):
            at = row * TILE + column
            for channel in range(3):
                value = state[at + (channel + 1) * _PIXELS] + abs(state[at]) * background[channel]
                picture[top + row, left + column, channel] = min(max(value, _ZERO), _ONE)


@parallel
def blend_picture(
    records: Float64Array,
    boxes: Int32Array,
    starts: Int64Array,
    entries: Int32Array,
    background: Float32Array,
    picture: Float32Array,
    threads: int,
) -> None:
    """Draws all tiles into `picture` (H, W, 3) float32."""
    height, width = picture.shape[0], picture.shape[1]
    columns, counter = -(-width // TILE), np.zeros(1, np.int64)
    for _ in prange(threads):
        state = np.empty(4 * _PIXELS, np.float32)
        batch, borders = np.empty((BATCH, BATCH_WIDTH)), np.empty((BATCH, 4), np.int32)
        # Tiles on the face take a hundred times as long as empty ones: a thread asks for its next when it is done.
        tile = next_turn(counter)
        while tile < len(starts) - 1:
            left, top = tile % columns * TILE, tile // columns * TILE
            listed = entries[starts[tile] : starts[tile + 1]]
            start_tile(state, left, top, width, height)
            blend_tile(records, boxes, listed, left, top, state, batch, borders)
            _write_tile(state, left, top, background, picture)
            tile = next_turn(counter)


@compiled
def _load_shares(shares: Float32Array, left: int, top: int, tile: Float32Array) -> bool:
    """The shares of a tile's pixels into `tile`; whether any is not zero."""
    tile[:] = np.float32(0)
    for row in range(min(TILE, shares.shape[0] - top)):
        for column in range(min(TILE, shares.shape[1] - left)):
            tile[row * TILE + column] = shares[top + row, left + column]
    return bool(tile.any())


@parallel
def blend_weights(
    records: Float64Array,
    boxes: Int32Array,
    starts: Int64Array,
    entries: Int32Array,
    shares: Float32Array,
    weights: Float32Array,
    threads: int,
) -> None:
    """Σ share·α·T of each entry over its tile into `weights` (entries,), which starts as zeros.

    `shares` (H, W): how much each pixel counts.
    """
    height, width = shares.shape
    columns, counter = -(-width // TILE), np.zeros(1, np.int64)
    for _ in prange(threads):
        state, sums = np.empty(_PIXELS, np.float32), np.empty(TILE, np.float32)
        counted = np.empty(_PIXELS, np.float32)
        tile = next_turn(counter)
        while tile < len(starts) - 1:
            left, top = tile % columns * TILE, tile // columns * TILE
            start_tile(state, left, top, width, height)
            end = starts[tile + 1] if _load_shares(shares, left, top, counted) else starts[tile]
            for entry in range(starts[tile], end):
                i = entries[entry]
                weights[entry] = _weigh_gaussian(state, counted, records[i], boxes[i], left, top, sums)
                if (entry - starts[tile]) % BATCH == BATCH - 1 and all_stopped(state):
                    break
            tile = next_turn(counter)

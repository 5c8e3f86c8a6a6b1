"""Blending weights summed over some of a picture's pixels, or over all in given shares: numba."""

from __future__ import annotations

import numpy as np

from pavplayer.rasterizers.binning import TILE
from pavplayer.rasterizers.blending import _PIXELS, _start, _step
from pavplayer.rasterizers.compilation import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    compiled,
    contracted,
    parallel,
    prange,
)
from pavplayer.rasterizers.projection import CENTRE_X, CENTRE_Y, LOG_OPACITY, UX, UY, VY


@contracted
def _weigh(
    through: Float32Array, shares: Float32Array, record: Float64Array, box: Int32Array, left: int, top: int
) -> float:
    """Blends one Gaussian into a tile's T; returns Σ share·α·T."""
    step = np.float32(record[UX])
    dx = left + 0.5 - record[CENTRE_X]
    total = np.float32(0)
    for row in range(max(box[2] - top, 0), min(box[3] - top, TILE)):
        dy = top + row + 0.5 - record[CENTRE_Y]
        peak = np.float32(record[LOG_OPACITY] - (record[VY] * dy) ** 2)
        start = np.float32(record[UX] * dx + record[UY] * dy)
        base = np.uint64(row * TILE)
        for lane in range(TILE):
            at = base + np.uint64(lane)
            u = start + step * np.float32(lane)
            weight, after = _step(peak - u * u, through[at])
            through[at] = after
            total += weight * shares[at]
    return float(total)


@compiled
def _load(shares: Float32Array, left: int, top: int, tile: Float32Array) -> bool:
    """The shares of a tile's pixels into `tile`; whether any is not zero."""
    tile[:] = np.float32(0)
    for row in range(min(TILE, shares.shape[0] - top)):
        for column in range(min(TILE, shares.shape[1] - left)):
            tile[row * TILE + column] = shares[top + row, left + column]
    return bool(tile.any())


@parallel
def blend_shares(
    records: Float64Array,
    boxes: Int32Array,
    starts: Int64Array,
    entries: Int32Array,
    shares: Float32Array,
    weights: Float32Array,
) -> None:
    """Σ share·α·T of each entry over its tile into `weights` (entries,), which starts as zeros."""
    height, width = shares.shape
    columns = -(-width // TILE)
    for tile in prange(starts.shape[0] - 1):
        left, top = tile % columns * TILE, tile // columns * TILE
        through, counted = np.empty(_PIXELS, np.float32), np.empty(_PIXELS, np.float32)
        _start(through, left, top, width, height)
        if _load(shares, left, top, counted):
            for entry in range(starts[tile], starts[tile + 1]):
                i = entries[entry]
                weights[entry] = _weigh(through, counted, records[i], boxes[i], left, top)

"""Pictures as a linear function of the Gaussians' colours, and its transpose, in numba.

With everything but colours held, a picture over black is Σ w_i c_i, w being the blending weights α T: a sparse matrix
that is never written down. `blended` is its product with any colours, negative ones too; `gathered` the product of its
transpose with a picture. Least squares for colours need nothing else.
"""

from __future__ import annotations

import numpy as np

from pavplayer.camera import Camera
from pavplayer.compilation import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    contracted,
    next_turn,
    parallel,
    prange,
    thread_count,
)
from pavplayer.rasterizers.binning import TILE
from pavplayer.rasterizers.blending import BATCH, BATCH_WIDTH, all_stopped, blend_step, blend_tile, start_tile
from pavplayer.rasterizers.projection import BLUE, CENTRE_X, CENTRE_Y, LOG_OPACITY, RED, UX, UY, VY
from pavplayer.rasterizers.tiles import Tiles

_PIXELS = TILE * TILE
_ZERO = np.float32(0)


@contracted
def _gather(
    state: Float32Array,
    record: Float64Array,
    box: Int32Array,
    left: int,
    top: int,
    lanes: Float32Array,
    sums: Float32Array,
) -> None:
    """Σ w r of one Gaussian in one tile into `sums` (4,): three channels, and Σ w². `state` holds T and r."""
    step = np.float32(record[UX])
    lanes[:] = _ZERO
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
            lanes[lane] += weight * state[at + np.uint64(_PIXELS)]
            lanes[lane + TILE] += weight * state[at + np.uint64(2 * _PIXELS)]
            lanes[lane + 2 * TILE] += weight * state[at + np.uint64(3 * _PIXELS)]
            lanes[lane + 3 * TILE] += weight * weight
    for k in range(4):
        sums[k] = lanes[k * TILE : (k + 1) * TILE].sum()


@parallel
def _blend_layers(
    records: Float64Array,
    boxes: Int32Array,
    starts: Int64Array,
    entries: Int32Array,
    picture: Float32Array,
    threads: int,
) -> None:
    """Colours over black and T into `picture` (H, W, 4), not clipped: the records' colours may be negative."""
    height, width = picture.shape[0], picture.shape[1]
    columns, counter = -(-width // TILE), np.zeros(1, np.int64)
    for _ in prange(threads):
        state = np.empty(4 * _PIXELS, np.float32)
        batch, borders = np.empty((BATCH, BATCH_WIDTH)), np.empty((BATCH, 4), np.int32)
        tile = next_turn(counter)
        while tile < len(starts) - 1:
            left, top = tile % columns * TILE, tile // columns * TILE
            start_tile(state, left, top, width, height)
            listed = entries[starts[tile] : starts[tile + 1]]
            blend_tile(records, boxes, listed, left, top, state, batch, borders)
            for row in range(min(TILE, height - top)):
                for column in range(min(TILE, width - left)):
                    at = row * TILE + column
                    for channel in range(3):
                        picture[top + row, left + column, channel] = state[at + (channel + 1) * _PIXELS]
                    picture[top + row, left + column, 3] = abs(state[at])
            tile = next_turn(counter)


@parallel
def gather_colours(
    records: Float64Array,
    boxes: Int32Array,
    starts: Int64Array,
    entries: Int32Array,
    picture: Float32Array,
    sums: Float32Array,
    threads: int,
) -> None:
    """Σ w r of a `picture` r (H, W, 3), and Σ w², of every entry into `sums` (entries, 4), zeros before."""
    height, width = picture.shape[0], picture.shape[1]
    columns, counter = -(-width // TILE), np.zeros(1, np.int64)
    for _ in prange(threads):
        state, lanes = np.empty(4 * _PIXELS, np.float32), np.empty(4 * TILE, np.float32)
        tile = next_turn(counter)
        while tile < len(starts) - 1:
            left, top = tile % columns * TILE, tile // columns * TILE
            start_tile(state, left, top, width, height)
            for row in range(min(TILE, height - top)):
                for column in range(min(TILE, width - left)):
                    at = row * TILE + column
                    for channel in range(3):
                        state[at + (channel + 1) * _PIXELS] = picture[top + row, left + column, channel]
            for entry in range(starts[tile], starts[tile + 1]):
                i = entries[entry]
                _gather(state, records[i], boxes[i], left, top, lanes, sums[entry])
                if (entry - starts[tile]) % BATCH == BATCH - 1 and all_stopped(state[:_PIXELS]):
                    break
            tile = next_turn(counter)


def blended(tiles: Tiles, camera: Camera, colours: Float32Array) -> Float32Array:
    """(N, 3) colours → (H, W, 4): Σ w c, not clipped, and T."""
    picture = np.empty((camera.height, camera.width, 4), np.float32)
    records = tiles.records.copy()
    records[:, RED : BLUE + 1] = colours
    _blend_layers(records, tiles.boxes, tiles.starts, tiles.entries, picture, thread_count())
    return picture


def gathered(tiles: Tiles, camera: Camera, picture: Float32Array) -> Float64Array:
    """(H, W, 3) r → (N, 4): Σ w r for each channel, and Σ w²."""
    if picture.shape != (camera.height, camera.width, 3):
        raise ValueError(f"a picture of {picture.shape} for {camera.height} × {camera.width} pixels")
    sums = np.zeros((len(tiles.entries), 4), np.float32)
    lists = tiles.records, tiles.boxes, tiles.starts, tiles.entries
    gather_colours(*lists, np.ascontiguousarray(picture, np.float32), sums, thread_count())
    count = len(tiles.records)
    return np.stack([np.bincount(tiles.entries, column, minlength=count) for column in sums.T], axis=1)

"""How much a picture owes to each Gaussian, and how much it would change with it, in numba.

The derivative of a pixel's colour C by anything that moves α of Gaussian i is

    ∂C/∂α_i = T_i (c_i − B_i),

T_i being the light that comes through to it, c_i its colour and B_i the colour behind it, background included. Two
walks over a tile give it without keeping lists per pixel: the first finds C, the second knows at each Gaussian what
has been blended before it, so that what is left of C lies behind. All that is summed is squared, since errors of many
Gaussians that are rounded independently add up in squares; w = α T is the blending weight:

    colour      Σ w²                          per channel
    opacity     Σ w² |c − B|² / o²
    position    Σ w² |c − B|² g gᵀ             g = Q d, the gradient of ln α in pixels (d: pixel − centre)
    log scales  Σ w² |c − B|² (a_kᵀ g)⁴ s_k⁴   a_k: the projected axis k; hence the moments of g of order four
    rotation    Σ w² |c − B|² (a_jᵀ g)² (a_kᵀ g)² (s_j² − s_k²)²

|c − B|² is the mean over a black and a white background. Beside them stands what leaving a Gaussian out would do to
each small window: Σ w · max |c − B|, over channels and both backgrounds.
"""

from __future__ import annotations

import numpy as np

from pavfmt.encoder.pictures import Look
from pavfmt.posing import rotation_from_quaternion
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
from pavplayer.rasterizers import rules
from pavplayer.rasterizers.binning import TILE
from pavplayer.rasterizers.blending import BATCH, BATCH_WIDTH, all_stopped, blend_step, blend_tile, start_tile
from pavplayer.rasterizers.cloud import GaussianCloud
from pavplayer.rasterizers.projection import BLUE, CENTRE_X, CENTRE_Y, GREEN, LOG_OPACITY, RED, UX, UY, VY
from pavplayer.rasterizers.tiles import sort_into_tiles

_PIXELS = TILE * TILE
WINDOW = 4
"""Pixels along the side of a window."""
WINDOWS_ALONG = TILE // WINDOW
WINDOWS = WINDOWS_ALONG * WINDOWS_ALONG
"""Windows of a tile, row by row."""
LEAST_CHANGE = 2e-6
"""Of a window: smaller ones are not told; a hundred of them are a twentieth of a step of 8 bits."""
WEIGHT, COLOUR, CONTRAST, XX, XY, YY, XXXX, XXXY, XXYY, XYYY, YYYY = range(11)
SUMS = 11
"""Σ w, Σ w², Σ q, Σ q g gᵀ and Σ q g⊗g⊗g⊗g, where q = w² |c − B|²."""
_TWO_LN2 = np.float32(2 * np.log(2.0))
_LIMIT = np.float32(1e-4)
_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)


@contracted
def _look_along(
    state: Float32Array, at: int, record: Float64Array, start: np.float32, peak: np.float32, row: Float32Array
) -> None:
    """One Gaussian in one row of a tile, whose first pixel is `at`: w, q and what each pixel would change by.

    `state` has five planes: T, the colours of everything not yet blended, T in the end. `row` (3 · 16) is filled.
    Two arrays and no branches, so that it becomes vector code.
    """
    red, green, blue = np.float32(record[RED]), np.float32(record[GREEN]), np.float32(record[BLUE])
    step = np.float32(record[UX])
    base = np.uint64(at)
    for lane in range(TILE):
        place = base + np.uint64(lane)
        u = start + step * np.float32(lane)
        weight, after = blend_step(peak - u * u, state[place])
        state[place] = after
        r = state[place + np.uint64(_PIXELS)] - weight * red
        g = state[place + np.uint64(2 * _PIXELS)] - weight * green
        b = state[place + np.uint64(3 * _PIXELS)] - weight * blue
        state[place + np.uint64(_PIXELS)] = r
        state[place + np.uint64(2 * _PIXELS)] = g
        state[place + np.uint64(3 * _PIXELS)] = b
        left_over = abs(after)
        inverse = _ONE / (left_over if left_over > _LIMIT else _LIMIT)
        half = _HALF * state[place + np.uint64(4 * _PIXELS)] * inverse
        # The colour behind is B on black and B + t on white, t = 2 half: about the mean of both all is symmetric.
        r = red - r * inverse - half
        g = green - g * inverse - half
        b = blue - b * inverse - half
        contrast = r * r + g * g + b * b + np.float32(3) * half * half
        r, g, b = abs(r), abs(g), abs(b)
        largest = r if r > g else g
        largest = largest if largest > b else b
        row[np.uint64(lane)] = weight
        row[np.uint64(lane + TILE)] = weight * weight * contrast
        row[np.uint64(lane + 2 * TILE)] = weight * (largest + half)


@contracted
def _look(
    state: Float32Array,
    record: Float64Array,
    box: Int32Array,
    left: int,
    top: int,
    row: Float32Array,
    sums: Float32Array,
    windows: Float32Array,
) -> None:
    """One Gaussian in one tile: adds to its `sums`, and to what it is to each of the tile's `windows`."""
    ux, uy, vy = np.float32(record[UX]), np.float32(record[UY]), np.float32(record[VY])
    dx = left + 0.5 - record[CENTRE_X]
    for line in range(max(box[2] - top, 0), min(box[3] - top, TILE)):
        dy = top + line + 0.5 - record[CENTRE_Y]
        peak = np.float32(record[LOG_OPACITY] - (record[VY] * dy) ** 2)
        start = np.float32(record[UX] * dx + record[UY] * dy)
        _look_along(state, line * TILE, record, start, peak, row)
        gx = gy = _ZERO
        for lane in range(TILE):
            weight, q = row[lane], row[lane + TILE]
            if weight > _ZERO:
                u = start + ux * np.float32(lane)
                gx = _TWO_LN2 * u * ux
                gy = _TWO_LN2 * (u * uy + np.float32(vy * dy) * vy)
                xx, xy, yy = gx * gx, gx * gy, gy * gy
                sums[WEIGHT] += weight
                sums[COLOUR] += weight * weight
                sums[CONTRAST] += q
                sums[XX] += q * xx
                sums[XY] += q * xy
                sums[YY] += q * yy
                sums[XXXX] += q * xx * xx
                sums[XXXY] += q * xx * xy
                sums[XXYY] += q * xx * yy
                sums[XYYY] += q * xy * yy
                sums[YYYY] += q * yy * yy
                windows[line // WINDOW * WINDOWS_ALONG + lane // WINDOW] += row[lane + 2 * TILE]


@parallel
def look_at_picture(
    records: Float64Array,
    boxes: Int32Array,
    starts: Int64Array,
    entries: Int32Array,
    size: tuple[int, int],
    sums: Float32Array,
    windows: Float32Array,
    threads: int,
) -> None:
    """Fills `sums` (entries, SUMS) and `windows` (entries, WINDOWS) of one picture, both of zeros before."""
    width, height = size
    columns, counter = -(-width // TILE), np.zeros(1, np.int64)
    for _ in prange(threads):
        state, row = np.empty(5 * _PIXELS, np.float32), np.empty(3 * TILE, np.float32)
        batch, borders = np.empty((BATCH, BATCH_WIDTH)), np.empty((BATCH, 4), np.int32)
        tile = next_turn(counter)
        while tile < len(starts) - 1:
            left, top = tile % columns * TILE, tile // columns * TILE
            start_tile(state, left, top, width, height)
            listed = entries[starts[tile] : starts[tile + 1]]
            blend_tile(records, boxes, listed, left, top, state[: 4 * _PIXELS], batch, borders)
            for at in range(_PIXELS):
                state[at + 4 * _PIXELS] = abs(state[at])
            start_tile(state[:_PIXELS], left, top, width, height)
            for entry in range(starts[tile], starts[tile + 1]):
                i = entries[entry]
                _look(state, records[i], boxes[i], left, top, row, sums[entry], windows[entry])
                if (entry - starts[tile]) % BATCH == BATCH - 1 and all_stopped(state[:_PIXELS]):
                    break
            tile = next_turn(counter)


def look(gaussians: GaussianCloud, camera: Camera) -> Look:
    """One picture's sums for every Gaussian, and what its windows would change by without each."""
    tiles, count = sort_into_tiles(gaussians, camera), len(gaussians.means)
    sums = np.zeros((len(tiles.entries), SUMS), np.float32)
    windows = np.zeros((len(tiles.entries), WINDOWS), np.float32)
    lists = tiles.records, tiles.boxes, tiles.starts, tiles.entries
    look_at_picture(*lists, (camera.width, camera.height), sums, windows, thread_count())
    total: Float64Array = np.stack(
        [np.bincount(tiles.entries, column, minlength=count) for column in sums.T]
    ).astype(np.float64)
    to_pixels, axes = _projected_axes(gaussians, camera)
    scales = np.asarray(gaussians.scales, np.float64).T
    opacities = np.maximum(np.asarray(gaussians.opacities, np.float64), rules.ALPHA_MINIMUM)
    right, down = to_pixels
    tile_numbers = np.repeat(np.arange(len(tiles.starts) - 1), np.diff(tiles.starts))
    rows, columns = np.nonzero(windows > LEAST_CHANGE * WINDOW**2)
    return Look(
        weights=total[WEIGHT],
        colours=total[COLOUR],
        opacities=total[CONTRAST] / opacities**2,
        means=(
            total[XX] * (right * right).sum(axis=0)
            + 2 * total[XY] * (right * down).sum(axis=0)
            + total[YY] * (down * down).sum(axis=0)
        )
        / 3,
        log_scales=np.mean([_fourth(total, axes[k], axes[k]) * scales[k] ** 4 for k in range(3)], axis=0),
        quats=np.mean(
            [
                _fourth(total, axes[j], axes[k]) * (scales[j] ** 2 - scales[k] ** 2) ** 2
                for j, k in ((0, 1), (0, 2), (1, 2))
            ],
            axis=0,
        ),
        gaussians=tiles.entries[rows],
        windows=tile_numbers[rows].astype(np.int64) * WINDOWS + columns,
        changes=windows[rows, columns] / np.float32(WINDOW**2),
    )


def _fourth(total: Float64Array, one: Float64Array, other: Float64Array) -> Float64Array:
    """(N,) Σ q (aᵀ g)² (bᵀ g)² of projected axes a and b, each (2, N), from the moments of g."""
    a = one[0] ** 2, 2 * one[0] * one[1], one[1] ** 2
    b = other[0] ** 2, 2 * other[0] * other[1], other[1] ** 2
    sums: Float64Array = (
        a[0] * b[0] * total[XXXX]
        + (a[0] * b[1] + a[1] * b[0]) * total[XXXY]
        + (a[0] * b[2] + a[1] * b[1] + a[2] * b[0]) * total[XXYY]
        + (a[1] * b[2] + a[2] * b[1]) * total[XYYY]
        + a[2] * b[2] * total[YYYY]
    )
    return sums


def _projected_axes(gaussians: GaussianCloud, camera: Camera) -> tuple[Float64Array, Float64Array]:
    """Pixels that a metre is worth: along the world's axes (2, 3, N), along each of the Gaussian's own (3, 2, N)."""
    points = np.asarray(gaussians.means, np.float64) @ camera.rotation.T + camera.translation
    depth = np.maximum(points[:, 2], rules.NEAR_PLANE)
    right, down, forward = camera.rotation
    along_x = camera.fx / depth * (right[:, None] - forward[:, None] * (points[:, 0] / depth))
    along_y = camera.fy / depth * (down[:, None] - forward[:, None] * (points[:, 1] / depth))
    to_pixels = np.stack([along_x, along_y])
    quats = np.asarray(gaussians.quats, np.float64)
    turned = rotation_from_quaternion(quats / np.linalg.norm(quats, axis=1, keepdims=True))
    return to_pixels, np.einsum("pcn,nck->kpn", to_pixels, turned)

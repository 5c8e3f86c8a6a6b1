"""Which triangle is seen at each sample of a picture: a depth buffer in numba, the same for any thread count.

**How it works.** The picture is cut into bands of rows. One pass lists for each band the triangles that may touch
it; then each band is drawn by one thread, triangle by triangle, into rows that no other thread writes. Inside a
triangle barycentric coordinates go from sample to sample by adding a step, and the nearest triangle stays.

**Why so.** Threads that shared samples would need locks, and which of two equally near triangles stays would hang on
who came first. Here every sample sees its triangles in rising order, whoever draws its band, and the first of equals
stays: the pictures are targets of fits whose numbers must come out the same anywhere.

**Costs.** O(triangles) for the lists, not parallel, and the samples under all bounding boxes. Bands of sixteen rows
are many enough for any number of threads, and few enough that most triangles are in one or two.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np

from pavfmt.arrays import Float64Array, Int32Array
from pavplayer.compilation import compiled, parallel, prange

BAND_ROWS = 16
"""Samples rows that one thread draws at a time."""
NOTHING = -1


@compiled
def _rows(projected: Float64Array, triangle: Int32Array, height: int) -> tuple[int, int]:
    """First and one past the last row of samples whose centres a triangle may cover."""
    a, b, c = projected[triangle[0], 1], projected[triangle[1], 1], projected[triangle[2], 1]
    # Sample centres lie at halves: the first at or below the top is ceil(y − 0.5).
    first = max(ceil(min(a, b, c) - 0.5), 0)
    last = min(floor(max(a, b, c) - 0.5) + 1, height)
    return first, last


@compiled
def _doubled_area(projected: Float64Array, triangle: Int32Array) -> float:
    """Twice the area in samples; negative when seen from the front, for rows count downward."""
    a, b, c = projected[triangle[0]], projected[triangle[1]], projected[triangle[2]]
    area: float = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return area


@compiled
def _is_drawn(projected: Float64Array, triangle: Int32Array, two_sided: bool) -> bool:
    a, b, c = projected[triangle[0], 2], projected[triangle[1], 2], projected[triangle[2], 2]
    # With a corner behind the camera: not clipped but left out, for no camera is that near.
    if not (a > 0.0 and b > 0.0 and c > 0.0):
        return False
    area = _doubled_area(projected, triangle)
    return area < 0.0 or (two_sided and area > 0.0)


@compiled
def _bands_of(projected: Float64Array, triangle: Int32Array, two_sided: bool, height: int) -> tuple[int, int]:
    """First and one past the last band that a triangle may touch."""
    if not _is_drawn(projected, triangle, two_sided):
        return 0, 0
    first, last = _rows(projected, triangle, height)
    if first >= last:
        return 0, 0
    return first // BAND_ROWS, (last - 1) // BAND_ROWS + 1


@compiled
def _band_lists(
    projected: Float64Array, triangles: Int32Array, two_sided_from: int, height: int
) -> tuple[Int32Array, Int32Array]:
    """Per band of rows the triangles that may touch it, in rising order: starts (B + 1,) and entries."""
    # Counted first and filled then, into one array: lists of unknown length in numba cost more than a second pass.
    starts = np.zeros((height + BAND_ROWS - 1) // BAND_ROWS + 1, np.int32)
    for t in range(triangles.shape[0]):
        first, last = _bands_of(projected, triangles[t], t >= two_sided_from, height)
        for band in range(first, last):
            starts[band + 1] += 1
    starts = np.cumsum(starts).astype(np.int32)
    entries, filled = np.empty(starts[-1], np.int32), starts.copy()
    for t in range(triangles.shape[0]):
        first, last = _bands_of(projected, triangles[t], t >= two_sided_from, height)
        for band in range(first, last):
            entries[filled[band]] = t
            filled[band] += 1
    return starts, entries


@compiled
def _draw(
    projected: Float64Array,
    triangle: Int32Array,
    number: int,
    rows: tuple[int, int],
    seen: Int32Array,
    nearness: Float64Array,
) -> None:
    """One triangle into some rows: edge functions, each scaled to be a barycentric coordinate."""
    a, b, c = projected[triangle[0]], projected[triangle[1]], projected[triangle[2]]
    scale = 1.0 / _doubled_area(projected, triangle)
    width = seen.shape[1]
    left = max(ceil(min(a[0], b[0], c[0]) - 0.5), 0)
    right = min(floor(max(a[0], b[0], c[0]) - 0.5) + 1, width)
    step_b, step_c = (c[1] - a[1]) * scale, -(b[1] - a[1]) * scale
    for row in range(rows[0], rows[1]):
        x, y = left + 0.5 - a[0], row + 0.5 - a[1]
        share_b = (x * (c[1] - a[1]) - y * (c[0] - a[0])) * scale
        share_c = (y * (b[0] - a[0]) - x * (b[1] - a[1])) * scale
        for column in range(left, right):
            if share_b >= 0.0 and share_c >= 0.0 and share_b + share_c <= 1.0:
                # Nearness is linear on the picture, depth is not: hence 1 / depth.
                near = a[2] + share_b * (b[2] - a[2]) + share_c * (c[2] - a[2])
                if near > nearness[row, column]:  # not ≥: of equals the first stays
                    nearness[row, column] = near
                    seen[row, column] = number
            share_b += step_b
            share_c += step_c


@parallel
def _draw_bands(
    projected: Float64Array,
    triangles: Int32Array,
    starts: Int32Array,
    entries: Int32Array,
    seen: Int32Array,
    nearness: Float64Array,
) -> None:
    height = seen.shape[0]
    for band in prange(starts.shape[0] - 1):
        top = band * BAND_ROWS
        bottom = min(top + BAND_ROWS, height)
        for place in range(starts[band], starts[band + 1]):
            t = entries[place]
            first, last = _rows(projected, triangles[t], height)
            rows = (max(first, top), min(last, bottom))
            _draw(projected, triangles[t], t, rows, seen, nearness)


def seen_triangles(
    projected: Float64Array, triangles: Int32Array, two_sided_from: int, width: int, height: int
) -> tuple[Int32Array, Float64Array]:
    """(H, W) the nearest triangle at each sample, −1 for none, and (H, W) its nearness there.

    `projected` is (V, 3): column and row in samples, and a nearness above 0 that is linear on the picture
    (1 / depth for a pinhole camera). Triangles from `two_sided_from` on are seen from behind too.
    """
    seen = np.full((height, width), NOTHING, np.int32)
    nearness = np.zeros((height, width))
    starts, entries = _band_lists(projected, triangles, two_sided_from, height)
    _draw_bands(projected, triangles, starts, entries, seen, nearness)
    return seen, nearness

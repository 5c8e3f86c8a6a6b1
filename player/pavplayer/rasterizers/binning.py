"""Depth order and tile lists for the tile rasterizer, in numba.

The Gaussians are sorted once by depth, then dealt out to the tiles in that order (a counting sort): runs of
the sorted Gaussians are counted in parallel, and each run knows where in each tile's list its part begins.
Their records stay where they are: in the file's order, Gaussians of one tile tend to be near each other.
"""

from __future__ import annotations

from math import ceil, floor, sqrt

import numpy as np

from pavplayer.rasterizers.compilation import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt16Array,
    compiled,
    parallel,
    prange,
)
from pavplayer.rasterizers.projection import CENTRE_X, CENTRE_Y, REACH, UX, UY, VY

TILE = 16
"""Pixels along a tile's side."""
RUN_COUNT = 8
"""Runs of sorted Gaussians that are dealt out independently, so in parallel."""
ENTRY_LIMIT = 1 << 28
"""Entries of all tile lists together (4 bytes each): a million Gaussians of 268 tiles each."""
_SLACK = 1e-3
"""Pixels by which a Gaussian's border is widened against rounding; α decides what is covered."""


@compiled
def depth_order(depths: Float32Array, boxes: Int32Array) -> Int32Array:
    """The indices of the Gaussians that are drawn, nearest first; equal float32 depths in index order.

    A radix sort over the bits of the depths, which order like the depths as these are positive.
    """
    count = 0
    order = np.empty(depths.shape[0], np.int32)
    for i in range(depths.shape[0]):
        if boxes[i, 0] < boxes[i, 1]:
            order[count] = i
            count += 1
    order, spare = order[:count], np.empty(count, np.int32)
    bits = depths.view(np.uint32)
    for shift in (0, 11, 22):
        starts = np.zeros(2049, np.int64)
        for k in range(count):
            starts[((bits[order[k]] >> np.uint32(shift)) & np.uint32(2047)) + 1] += 1
        starts = np.cumsum(starts)
        for k in range(count):
            digit = (bits[order[k]] >> np.uint32(shift)) & np.uint32(2047)
            spare[starts[digit]] = order[k]
            starts[digit] += 1
        order, spare = spare, order
    return order


@compiled
def _edge(record: Float64Array, dy: float) -> float:
    """How far right of its centre the Gaussian's border (α = 1/255) is at height `dy`, pixels."""
    rest = max(record[REACH] - (record[VY] * dy) ** 2, 0.0)
    offset: float = (sqrt(rest) - record[UY] * dy) / record[UX]
    return offset


@compiled
def _tile_spans(record: Float64Array, box: Int32Array, spans: UInt16Array) -> int:
    """First and one past the last tile of each row of tiles that hold a pixel centre the Gaussian may cover.

    Writes a row of `spans` (≥ rows, 2) for each row of tiles that the box touches and returns their number.
    """
    first_row, row_count = box[2] // TILE, (box[3] - 1) // TILE + 1 - box[2] // TILE
    left_tile, right_tile = box[0] // TILE, (box[1] - 1) // TILE + 1
    if right_tile - left_tile == 1:
        for k in range(row_count):
            spans[k, 0], spans[k, 1] = left_tile, right_tile
        return row_count
    slope = record[UY] / sqrt(record[UY] ** 2 + record[VY] ** 2)
    outermost = -slope * sqrt(record[REACH]) / record[VY]  # the height of the border's rightmost point
    for k in range(row_count):
        top = (first_row + k) * TILE + 0.5 - record[CENTRE_Y] - _SLACK
        bottom = top + (TILE - 1) + 2 * _SLACK
        right = _edge(record, min(max(outermost, top), bottom))
        left = -_edge(record, -min(max(-outermost, top), bottom))  # the border is symmetric about the centre
        first = max(ceil(record[CENTRE_X] + left - 0.5 - _SLACK), float(box[0]))
        last = min(floor(record[CENTRE_X] + right - 0.5 + _SLACK), float(box[1] - 1))
        spans[k, 0], spans[k, 1] = 0, 0
        if first <= last:
            spans[k, 0], spans[k, 1] = int(first) // TILE, int(last) // TILE + 1
    return row_count


@parallel
def _count_rows(order: Int32Array, boxes: Int32Array, counts: Int64Array) -> None:
    """How many rows of tiles the boxes of each run's Gaussians touch, into `counts` (runs,)."""
    for run in prange(RUN_COUNT):
        total = 0
        for k in range(run * len(order) // RUN_COUNT, (run + 1) * len(order) // RUN_COUNT):
            i = order[k]
            total += (boxes[i, 3] - 1) // TILE + 1 - boxes[i, 2] // TILE
        counts[run] = total


@parallel
def _count(
    order: Int32Array,
    records: Float64Array,
    boxes: Int32Array,
    columns: int,
    first_spans: Int64Array,
    spans: UInt16Array,
    counts: Int64Array,
) -> None:
    """Writes all `spans` and adds to `counts` (runs, tiles) how many Gaussians each run has for each tile."""
    for run in prange(RUN_COUNT):
        at = first_spans[run]
        for k in range(run * len(order) // RUN_COUNT, (run + 1) * len(order) // RUN_COUNT):
            i = order[k]
            row_count = _tile_spans(records[i], boxes[i], spans[at:])
            for row in range(row_count):
                base = (boxes[i, 2] // TILE + row) * columns
                for column in range(spans[at + row, 0], spans[at + row, 1]):
                    counts[run, base + column] += 1
            at += row_count


@parallel
def _deal(
    order: Int32Array,
    boxes: Int32Array,
    columns: int,
    first_spans: Int64Array,
    spans: UInt16Array,
    places: Int64Array,
    entries: Int32Array,
) -> None:
    """Writes the Gaussians' indices into `entries`, each run from its `places` (runs, tiles) on."""
    for run in prange(RUN_COUNT):
        at = first_spans[run]
        for k in range(run * len(order) // RUN_COUNT, (run + 1) * len(order) // RUN_COUNT):
            i = order[k]
            for row in range(boxes[i, 2] // TILE, (boxes[i, 3] - 1) // TILE + 1):
                for column in range(spans[at, 0], spans[at, 1]):
                    entries[places[run, row * columns + column]] = i
                    places[run, row * columns + column] += 1
                at += 1


def tile_lists(
    order: Int32Array, records: Float64Array, boxes: Int32Array, width: int, height: int
) -> tuple[Int64Array, Int32Array]:
    """Starts (tiles + 1,) into `entries`, and entries: rows of `records`, tile by tile, in the order given.

    Tiles are counted along rows, from the picture's top left.
    """
    columns, rows = -(-width // TILE), -(-height // TILE)
    span_counts = np.empty(RUN_COUNT, np.int64)
    _count_rows(order, boxes, span_counts)
    first_spans = np.cumsum(span_counts) - span_counts
    spans = np.empty((int(span_counts.sum()), 2), np.uint16)
    counts = np.zeros((RUN_COUNT, columns * rows), np.int64)
    _count(order, records, boxes, columns, first_spans, spans, counts)
    ends = np.cumsum(counts.T).reshape(columns * rows, RUN_COUNT)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:, -1]])
    if starts[-1] > ENTRY_LIMIT:
        raise ValueError(
            f"the Gaussians cover {starts[-1]} tiles, more than {ENTRY_LIMIT}: draw them smaller"
        )
    entries = np.empty(int(starts[-1]), np.int32)
    _deal(order, boxes, columns, first_spans, spans, np.ascontiguousarray(ends.T) - counts, entries)
    return starts, entries

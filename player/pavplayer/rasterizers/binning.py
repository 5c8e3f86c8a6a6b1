"""Tile lists in depth order for the tile rasterizer, in numba.

The Gaussians are dealt out to the tiles (a counting sort) as they lie in memory, where Gaussians of one tile tend
to be near each other. Then every tile's list is sorted by depth on its own, small enough for the nearest cache. The
other way round, all Gaussians sorted by depth first, every later pass would jump over all of memory.

Dealing out in parallel: the Gaussians are cut into RUN_COUNT runs of neighbours, whatever the number of threads. Each
run counts for itself, `counts[run, tile]`. The running sum over (tile, run), tiles outside, says where in `entries` the
part of each run in each tile's list begins, so that the second pass writes without asking any other run, and the lists
are in index order as if one thread had made them. That order is what the stable sort keeps for equal depths.
"""

from __future__ import annotations

from math import ceil, floor, sqrt

import numpy as np

from pavplayer.compilation import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt16Array,
    UInt32Array,
    compiled,
    next_turn,
    parallel,
    prange,
    thread_count,
)
from pavplayer.rasterizers.projection import CENTRE_X, CENTRE_Y, REACH, UX, UY, VY

TILE = 16
"""Pixels along a tile's side."""
RUN_COUNT = 8
"""Runs of Gaussians that are dealt out independently, so in parallel."""
ENTRY_LIMIT = 1 << 28
"""Entries of all tile lists together (4 bytes each): a million Gaussians of 268 tiles each."""
_SLACK = 1e-3
"""Pixels by which a Gaussian's border is widened against rounding; α decides what is covered."""


@compiled
def _tile_spans(record: Float64Array, box: Int32Array, spans: UInt16Array, at: int) -> int:
    """First and one past the last tile of each row of tiles that hold a pixel centre the Gaussian may cover.

    A slanting needle's box holds many tiles that it does not touch; listing it there would cost more than all the rest.
    So the ellipse's own extent is found for each row of tiles, in closed form.

    Writes a row of `spans` (…, 2), from row `at` on, for each row of tiles that the box touches, and returns the
    row after the last of them.
    """
    x0, x1, first_row, last_row = box[0], box[1] - 1, box[2] // TILE, (box[3] - 1) // TILE
    if x0 // TILE == x1 // TILE:  # one tile wide, as most are: every row has that tile
        for _ in range(first_row, last_row + 1):
            spans[at, 0], spans[at, 1] = x0 // TILE, x1 // TILE + 1
            at += 1
        return at
    uy, vy, reach, wide = record[UY], record[VY], record[REACH], 1 / record[UX]
    # The border is (UX dx + UY dy)² + (VY dy)² = REACH. At the height dy it runs from
    #     dx = (−√(REACH − (VY dy)²) − UY dy) / UX   to   dx = (√(REACH − (VY dy)²) − UY dy) / UX,
    # and over a strip of heights each end is furthest out at the height of the ellipse's outermost point, or at the
    # strip's edge that is nearest to it. `outermost` is the height of the rightmost point; the border is symmetric
    # about the centre, so that of the leftmost is −outermost.
    outermost = -uy * sqrt(reach) / (vy * sqrt(uy * uy + vy * vy))
    for row in range(first_row, last_row + 1):
        top = row * TILE + 0.5 - record[CENTRE_Y] - _SLACK
        bottom = top + (TILE - 1) + 2 * _SLACK
        low, high = min(max(-outermost, top), bottom), min(max(outermost, top), bottom)
        left = -(sqrt(max(reach - (vy * low) ** 2, 0.0)) + uy * low) * wide
        right = (sqrt(max(reach - (vy * high) ** 2, 0.0)) - uy * high) * wide
        first = max(ceil(record[CENTRE_X] + left - 0.5 - _SLACK), float(x0))
        last = min(floor(record[CENTRE_X] + right - 0.5 + _SLACK), float(x1))
        spans[at, 0], spans[at, 1] = 0, 0
        if first <= last:
            spans[at, 0], spans[at, 1] = int(first) // TILE, int(last) // TILE + 1
        at += 1
    return at


@compiled
def _count_rows(boxes: Int32Array) -> Int64Array:
    """(runs,) how many rows of tiles the boxes of each run's Gaussians touch."""
    counts = np.zeros(RUN_COUNT, np.int64)
    for run in range(RUN_COUNT):
        for i in range(run * len(boxes) // RUN_COUNT, (run + 1) * len(boxes) // RUN_COUNT):
            if boxes[i, 0] < boxes[i, 1]:
                counts[run] += (boxes[i, 3] - 1) // TILE + 1 - boxes[i, 2] // TILE
    return counts


@parallel
def _count(
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
        for i in range(run * len(boxes) // RUN_COUNT, (run + 1) * len(boxes) // RUN_COUNT):
            if boxes[i, 0] < boxes[i, 1]:
                end = _tile_spans(records[i], boxes[i], spans, at)
                base = boxes[i, 2] // TILE * columns
                while at < end:
                    for column in range(spans[at, 0], spans[at, 1]):
                        counts[run, base + column] += 1
                    at, base = at + 1, base + columns


@parallel
def _deal(
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
        for i in range(run * len(boxes) // RUN_COUNT, (run + 1) * len(boxes) // RUN_COUNT):
            if boxes[i, 0] < boxes[i, 1]:
                for row in range(boxes[i, 2] // TILE, (boxes[i, 3] - 1) // TILE + 1):
                    for column in range(spans[at, 0], spans[at, 1]):
                        entries[places[run, row * columns + column]] = i
                        places[run, row * columns + column] += 1
                    at += 1


@compiled
def _sort_by_depth(
    entries: Int32Array, bits: UInt32Array, keys: UInt32Array, other_keys: UInt32Array, others: Int32Array
) -> None:
    """Sorts one list by the bits of the depths, which order like the depths as these are positive.

    A radix sort, so that equal depths stay in index order. The last three arrays are room to work in.
    """
    count = len(entries)
    # Four passes over eight bits each, from the lowest. All four histograms come from one look at the keys, as passes
    # do not change them; entry v + 1 counts value v, so that a running sum gives where each value's begin.
    starts = np.zeros((4, 257), np.int64)
    for k in range(count):
        key = bits[entries[k]]
        keys[k] = key
        for digit in range(4):
            starts[digit, ((key >> np.uint32(8 * digit)) & np.uint32(255)) + 1] += 1
    first, second, first_keys, second_keys = entries, others, keys, other_keys
    for digit in range(4):
        if starts[digit].max() == count:
            continue  # all alike here: a head's depths share sign, exponent and often the next bits
        for value in range(256):
            starts[digit, value + 1] += starts[digit, value]
        for k in range(count):
            value = (first_keys[k] >> np.uint32(8 * digit)) & np.uint32(255)
            place = starts[digit, value]
            second[place], second_keys[place] = first[k], first_keys[k]
            starts[digit, value] += 1
        first, second, first_keys, second_keys = second, first, second_keys, first_keys
    # After an odd number of passes the result lies in the other array.
    for k in range(count):
        entries[k] = first[k]


@parallel
def _sort_lists(
    bits: UInt32Array, starts: Int64Array, longest: int, entries: Int32Array, threads: int
) -> None:
    """Sorts every tile's list by depth."""
    # Lists differ in length by orders of magnitude, so threads do not get equal shares of them but ask for the next.
    counter = np.zeros(1, np.int64)
    for _ in prange(threads):
        keys, other_keys = np.empty(longest, np.uint32), np.empty(longest, np.uint32)
        others = np.empty(longest, np.int32)
        tile = next_turn(counter)
        while tile < len(starts) - 1:
            _sort_by_depth(entries[starts[tile] : starts[tile + 1]], bits, keys, other_keys, others)
            tile = next_turn(counter)


def tile_lists(
    depths: Float32Array, records: Float64Array, boxes: Int32Array, width: int, height: int
) -> tuple[Int64Array, Int32Array]:
    """Starts (tiles + 1,) into `entries`, and entries: rows of `records`, tile by tile.

    Each tile's are nearest first, equal float32 depths in index order. Tiles are counted along rows, from the
    picture's top left.
    """
    columns, rows = -(-width // TILE), -(-height // TILE)
    span_counts = _count_rows(boxes)
    first_spans = np.cumsum(span_counts) - span_counts
    spans = np.empty((int(span_counts.sum()), 2), np.uint16)
    counts = np.zeros((RUN_COUNT, columns * rows), np.int64)
    _count(records, boxes, columns, first_spans, spans, counts)
    ends = np.cumsum(counts.T).reshape(columns * rows, RUN_COUNT)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:, -1]])
    if starts[-1] > ENTRY_LIMIT:
        raise ValueError(
            f"the Gaussians cover {starts[-1]} tiles, more than {ENTRY_LIMIT}: draw them smaller"
        )
    entries = np.empty(int(starts[-1]), np.int32)
    _deal(boxes, columns, first_spans, spans, np.ascontiguousarray(ends.T) - counts, entries)
    longest = int(np.diff(starts).max(initial=0))
    _sort_lists(depths.view(np.uint32), starts, longest, entries, thread_count())
    return starts, entries

"""Decoding a mesh compiled: the same integers as `pavfmt.codec.mesh`, an order faster."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Int32Array, Int64Array
from pavfmt.codec.mesh import NONE
from pavfmt.registry import WalkSymbol

Whole = int | np.int64
OpenEdges = dict[Whole, Whole]
"""Edge x · V + y → the third corner of its face; a typed dictionary of numba's."""
BEGIN, END = 0, 1
"""Rows of what was opened last: per y the x, per x the y of an edge x → y."""
NEW, LEFT, RIGHT, BORDER, OTHER = (int(symbol) for symbol in WalkSymbol)


@nb.njit(cache=True, nogil=True)
def _side(
    open_edges: OpenEdges, stack: Int64Array, top: Whole, last: Int64Array, x: Whole, y: Whole, z: Whole
) -> Whole:
    """A face's side x → y, z its third corner, closes the open y → x, or opens; returns the stack's new height."""
    count = last.shape[1]
    if y * count + x in open_edges:
        del open_edges[y * count + x]
        return top
    edge = x * count + y
    if edge in open_edges:
        return top
    open_edges[edge] = z
    last[END, x] = y
    last[BEGIN, y] = x
    stack[top] = edge
    return top + 1


@nb.njit(cache=True, nogil=True)
def decode_walk(
    symbols: NDArray[np.uint8],
    rotations: NDArray[np.uint8],
    numbers: NDArray[np.int64],
    faces: Int32Array,
    parallelograms: Int32Array,
) -> bool:
    """Fills `faces` (F, 3) and `parallelograms` (V, 3); False where the streams do not tell just so many faces."""
    count = len(parallelograms)
    open_edges = nb.typed.Dict.empty(nb.int64, nb.int64)
    stack = np.empty(3 * len(faces) + 3, np.int64)
    last = np.full((2, count), NONE, np.int64)
    found, known = 0, 0
    top: Whole = 0
    symbols_read, rotations_read, numbers_read = 0, 0, 0
    corners = np.empty(3, np.int64)
    while found < len(faces):
        edge: Whole = NONE
        while top > 0 and edge == NONE:
            top -= 1
            if stack[top] in open_edges:
                edge = stack[top]
        if edge == NONE:
            if numbers_read + 3 > len(numbers):
                return False
            for k in range(3):
                number = numbers[numbers_read + k]
                if number > known or (number == 0 and known == count):
                    return False
                corners[k] = number - 1 if number else known
                known += number == 0
            numbers_read += 3
            faces[found] = corners
            found += 1
            a, b, c = corners
            for one, other, third in ((a, b, c), (c, a, b), (b, c, a)):
                top = _side(open_edges, stack, top, last, one, other, third)
            continue
        x, y = edge // count, edge % count
        if symbols_read == len(symbols):
            return False
        symbol = symbols[symbols_read]
        symbols_read += 1
        if symbol == BORDER:
            del open_edges[edge]
            continue
        vertex: Whole = NONE
        if symbol == NEW:
            if known == count:
                return False
            vertex = known
            known += 1
            parallelograms[vertex, 0], parallelograms[vertex, 1], parallelograms[vertex, 2] = (
                x,
                y,
                open_edges[edge],
            )
        elif symbol == LEFT:
            vertex = last[BEGIN, x]
        elif symbol == RIGHT:
            vertex = last[END, y]
        elif symbol == OTHER and numbers_read < len(numbers):
            vertex = numbers[numbers_read]
            numbers_read += 1
        if vertex < 0 or vertex >= known or rotations_read == len(rotations):
            return False
        rotation = rotations[rotations_read]
        rotations_read += 1
        if rotation > 2:
            return False
        corners[0], corners[1], corners[2] = y, x, vertex
        for k in range(3):
            faces[found, (k + rotation) % 3] = corners[k]
        found += 1
        del open_edges[edge]
        top = _side(open_edges, stack, top, last, vertex, y, x)
        top = _side(open_edges, stack, top, last, x, vertex, y)
    return symbols_read == len(symbols) and rotations_read == len(rotations) and numbers_read == len(numbers)


@nb.njit(cache=True, nogil=True)
def add_parallelograms(residuals: NDArray[np.uint16], parallelograms: Int32Array) -> NDArray[np.uint16]:
    """As `pavfmt.codec.mesh.add_parallelograms`."""
    values, before = np.empty(len(residuals), np.int64), 0
    for i in range(len(residuals)):
        x, y, w = parallelograms[i, 0], parallelograms[i, 1], parallelograms[i, 2]
        guess = before if x < 0 else values[x] + values[y] - values[w]
        before = (guess + residuals[i]) & 0xFFFF
        values[i] = before
    return values.astype(np.uint16)

"""Which vertices make which faces, as a walk over the mesh (§6.2): in the spirit of Edgebreaker (Rossignac 1999).

How it works. The walk holds the *open edges*: those of faces already known that may get a face on their other side.
It takes the newest and one symbol says what is across: nothing, a face with the next new vertex, a face with one of
two vertices that are guessed from the edges opened last at either end, or a face with a vertex that is named. That
face's two other sides close an open edge that runs against them, or open. When no edge is open, a new part begins
with three vertices. Encoder and decoder run the same `Walk`, so they agree on what is open without a word about it.
Faces come in the order of the walk and vertices in the order in which it meets them: an encoder renumbers its mesh
first.

Why so. On a closed surface nearly every symbol is NEW, LEFT or RIGHT, and zstd writes such a stream in about two bits
per face, where indices took more than ten. Edgebreaker proper only takes manifold meshes and needs split and merge
codes where handles are; here a vertex is named by its number wherever the guesses fail, which seldom happens, so any
set of triangles can be written: fans, doubled faces, faces that meet in one point.

Positions ride along: a NEW vertex across the edge x → y of the face (x, y, w) is predicted as x + y − w, the fourth
corner of a parallelogram, and only what is left of it is written, modulo 2^16 (`parallelogram_residuals`).

Invariants. An edge x → y is open at most once; a second face on the same side leaves it as it is (`_open`).
`opposite` is the truth about what is open and `_stack` only the order: an edge that was closed meanwhile is passed
over when it is popped. Every loop takes a symbol, closes an edge or ends, so wrong streams cannot make the walk
longer than they are.

Costs. Linear in faces: each opens at most three edges. In Python some 10 µs a face, so this is one of the loops that
have a compiled twin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Int32Array
from pavfmt.codec import compiled
from pavfmt.registry import WalkSymbol

NONE = -1


@dataclass(frozen=True)
class Connectivity:
    """A mesh's faces as the four streams of a walk."""

    symbols: NDArray[np.uint8]
    """One per open edge looked across."""
    rotations: NDArray[np.uint8]
    """One per face found across an edge: where in the stored face y stands."""
    numbers: NDArray[np.uint32]
    """Per face that starts a part its three vertices, 0 for the next new one, else 1 + its number; per OTHER its
    number."""


class Walk:
    """The state that encoding and decoding a mesh share. An edge x → y is the integer x · V + y."""

    def __init__(self, vertex_count: int) -> None:
        self.vertex_count = vertex_count
        self.opposite: dict[int, int] = {}
        """Open edge: the third corner of its face."""
        self.last_begin = [NONE] * vertex_count
        """Per y, the x of the edge x → y opened last."""
        self.last_end = [NONE] * vertex_count
        """Per x, the y of the edge x → y opened last."""
        self._stack: list[int] = []

    def next_edge(self) -> int:
        """The newest edge still open; NONE: a new part begins."""
        stack, opposite = self._stack, self.opposite
        while stack:
            edge = stack.pop()
            if edge in opposite:
                return edge
        return NONE

    def start(self, a: int, b: int, c: int) -> None:
        """The first face of a part: each of its edges closes the opposite one, or opens."""
        for x, y, z in ((a, b, c), (c, a, b), (b, c, a)):
            if self.opposite.pop(y * self.vertex_count + x, NONE) == NONE:
                self._open(x, y, z)

    def cross(self, edge: int, x: int, y: int, v: int) -> None:
        """The face (y, x, v) across the open edge x → y: what `start` does, y → x closing `edge`."""
        count, opposite = self.vertex_count, self.opposite
        del opposite[edge]
        if opposite.pop(y * count + v, NONE) == NONE:
            self._open(v, y, x)
        if opposite.pop(v * count + x, NONE) == NONE:
            self._open(x, v, y)

    def _open(self, x: int, y: int, z: int) -> None:
        edge = x * self.vertex_count + y
        if edge not in self.opposite:
            self.opposite[edge] = z
            self.last_end[x] = y
            self.last_begin[y] = x
            self._stack.append(edge)


@dataclass(frozen=True)
class EncodedMesh:
    """A mesh as a walk, and the order in which that goes."""

    connectivity: Connectivity
    face_order: Int32Array
    """(F,) the given face at each place of the walk."""
    vertex_order: Int32Array
    """(V,) the given vertex at each place; vertices of no face come last."""


class _Encoder:
    """One mesh being encoded."""

    def __init__(self, faces: Int32Array, vertex_count: int) -> None:
        self._faces: list[list[int]] = faces.tolist()
        self._walk = Walk(vertex_count)
        self._is_done = [False] * len(self._faces)
        self._number = [NONE] * vertex_count
        self._vertices: list[int] = []
        self._order: list[int] = []
        self._symbols: list[int] = []
        self._rotations: list[int] = []
        self._numbers: list[int] = []
        self._across: dict[tuple[int, int], list[int]] = {}
        for face, (a, b, c) in enumerate(self._faces):
            for edge in ((a, b), (b, c), (c, a)):
                self._across.setdefault(edge, []).append(face)

    def encode(self) -> EncodedMesh:
        seeds = iter(range(len(self._faces)))
        while len(self._order) < len(self._faces):
            edge = self._walk.next_edge()
            if edge == NONE:
                self._start(next(seed for seed in seeds if not self._is_done[seed]))
            else:
                self._look_across(*divmod(edge, self._walk.vertex_count))
        unused = [vertex for vertex, number in enumerate(self._number) if number == NONE]
        return EncodedMesh(
            Connectivity(
                np.array(self._symbols, dtype=np.uint8),
                np.array(self._rotations, dtype=np.uint8),
                np.array(self._numbers, dtype=np.uint32),
            ),
            np.array(self._order, dtype=np.int32),
            np.array([*self._vertices, *unused], dtype=np.int32),
        )

    def _meet(self, vertex: int) -> bool:
        """Number a vertex; whether it is new."""
        if self._number[vertex] != NONE:
            return False
        self._number[vertex] = len(self._vertices)
        self._vertices.append(vertex)
        return True

    def _start(self, face: int) -> None:
        for vertex in self._faces[face]:
            self._numbers.append(0 if self._meet(vertex) else 1 + self._number[vertex])
        self._is_done[face] = True
        self._order.append(face)
        a, b, c = (self._number[vertex] for vertex in self._faces[face])
        self._walk.start(a, b, c)

    def _look_across(self, x: int, y: int) -> None:
        given_x, given_y = self._vertices[x], self._vertices[y]
        found = (face for face in self._across.get((given_y, given_x), ()) if not self._is_done[face])
        face = next(found, None)
        if face is None:
            self._symbols.append(WalkSymbol.BORDER)
            del self._walk.opposite[x * self._walk.vertex_count + y]
            return
        corners = self._faces[face]
        turns = [k for k in range(3) if corners[k] == given_y and corners[(k + 1) % 3] == given_x]
        rotation = turns[0]
        self._rotations.append(rotation)
        self._is_done[face] = True
        self._order.append(face)
        vertex = corners[(rotation + 2) % 3]
        self._symbols.append(self._symbol(x, y, vertex))
        self._walk.cross(x * self._walk.vertex_count + y, x, y, self._number[vertex])

    def _symbol(self, x: int, y: int, vertex: int) -> WalkSymbol:
        if self._meet(vertex):
            return WalkSymbol.NEW
        number = self._number[vertex]
        if self._walk.last_begin[x] == number:
            return WalkSymbol.LEFT
        if self._walk.last_end[y] == number:
            return WalkSymbol.RIGHT
        self._numbers.append(number)
        return WalkSymbol.OTHER


def encode_mesh(faces: Int32Array, vertex_count: int) -> EncodedMesh:
    """The walk over (F, 3) faces of a mesh with `vertex_count` vertices."""
    return _Encoder(faces, vertex_count).encode()


class BadWalkError(ValueError):
    """Streams that are no mesh."""


@dataclass(frozen=True)
class DecodedMesh:
    """A mesh that a walk has gone over."""

    faces: Int32Array
    """(F, 3)."""
    parallelograms: Int32Array
    """(V, 3) the vertices x, y, w that predict each NEW vertex as x + y − w; −1 for the others."""


def decode_mesh(connectivity: Connectivity, face_count: int, vertex_count: int) -> DecodedMesh:
    """The mesh that was encoded. BadWalkError if the streams are not those of just so many faces."""
    if compiled.twins is not None:
        found = compiled.twins.decode_walk(connectivity, face_count, vertex_count)
        if found is not None:
            return DecodedMesh(*found)
    streams = [
        iter(one.tolist()) for one in (connectivity.symbols, connectivity.rotations, connectivity.numbers)
    ]
    walk = Walk(vertex_count)
    corners = [[NONE] * vertex_count for _ in range(3)]
    faces = _decode_faces(walk, streams, face_count, corners)
    if any(next(stream, None) is not None for stream in streams):
        raise BadWalkError("the walk goes on after the last face")
    return DecodedMesh(
        np.array(faces, dtype=np.int32).reshape(-1, 3),
        np.ascontiguousarray(np.array(corners, dtype=np.int32).T),
    )


def _decode_faces(
    walk: Walk, streams: list[Iterator[int]], face_count: int, parallelograms: list[list[int]]
) -> list[int]:
    """The loop over faces; their corners one after the other.

    Long, and over plain integers in flat lists, because a head has ten thousand faces to wait for.
    """
    new, left, right, border, other = map(int, WalkSymbol)
    symbols, rotations, numbers = streams
    vertex_count, opposite = walk.vertex_count, walk.opposite
    faces: list[int] = []
    known = 0
    while len(faces) < 3 * face_count:
        edge = walk.next_edge()
        if edge == NONE:
            corners, known = _decode_start(numbers, known, vertex_count)
            faces += corners
            walk.start(*corners)
            continue
        x, y = divmod(edge, vertex_count)
        symbol = next(symbols, NONE)
        if symbol == new:
            vertex = known
            known += 1
            if known > vertex_count:
                raise BadWalkError(f"more than {vertex_count} vertices")
            for corner, known_vertex in zip(parallelograms, (x, y, opposite[edge]), strict=True):
                corner[vertex] = known_vertex
        elif symbol == left:
            vertex = walk.last_begin[x]
        elif symbol == border:
            del opposite[edge]
            continue
        elif symbol == right:
            vertex = walk.last_end[y]
        else:
            vertex = next(numbers, NONE) if symbol == other else NONE
        rotation = next(rotations, NONE)
        if not 0 <= vertex < known or not 0 <= rotation < 3:
            raise BadWalkError(f"symbol {symbol}, vertex {vertex} of {known} met, rotation {rotation}")
        faces += ((y, x, vertex), (vertex, y, x), (x, vertex, y))[rotation]
        walk.cross(edge, x, y, vertex)
    return faces


def _decode_start(numbers: Iterator[int], known: int, vertex_count: int) -> tuple[list[int], int]:
    corners = []
    for _ in range(3):
        number = next(numbers, NONE)
        if not 0 <= number <= known or (number == 0 and known == vertex_count):
            raise BadWalkError(f"vertex {number - 1} of {known} met so far begins a part")
        corners.append(number - 1 if number else known)
        known += number == 0
    return corners, known


def parallelogram_residuals(values: NDArray[np.uint16], parallelograms: Int32Array) -> NDArray[np.uint16]:
    """(V,) what is left of each value after its prediction, modulo 2^16.

    A vertex with a parallelogram is predicted by x + y − w; another by the vertex before it, the first by 0.
    """
    whole = values.astype(np.int64)
    x, y, w = parallelograms.T
    guess = np.where(x < 0, np.concatenate([[0], whole[:-1]]), whole[x] + whole[y] - whole[w])
    left: NDArray[np.uint16] = ((whole - guess) & 0xFFFF).astype(np.uint16)
    return left


def add_parallelograms(residuals: NDArray[np.uint16], parallelograms: Int32Array) -> NDArray[np.uint16]:
    """The inverse of `parallelogram_residuals`, one vertex after the other."""
    if compiled.twins is not None:
        found: NDArray[np.uint16] = compiled.twins.add_parallelograms(residuals, parallelograms)
        return found
    values: list[int] = []
    before = 0
    for rest, x, y, w in zip(residuals.tolist(), *parallelograms.T.tolist(), strict=True):
        guess = before if x < 0 else values[x] + values[y] - values[w]
        before = (guess + rest) & 0xFFFF
        values.append(before)
    return np.array(values, dtype=np.uint16)

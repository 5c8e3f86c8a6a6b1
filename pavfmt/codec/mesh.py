"""Which vertices make which faces, as a walk over the mesh (§6.2).

The walk holds the open edges: those of faces already told that may get a face on their other side. It takes the
newest, and one symbol says what is there. Faces come in the order of the walk and vertices in the order in which
it meets them, so an encoder renumbers its mesh first. In the spirit of Edgebreaker (Rossignac 1999), but any
triangle soup can be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Int32Array
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
    """The state that telling and hearing a mesh share. An edge x → y is the integer x · V + y."""

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
class Told:
    """A mesh told, and the order in which it was."""

    connectivity: Connectivity
    face_order: Int32Array
    """(F,) given face of each told one."""
    vertex_order: Int32Array
    """(V,) given vertex of each told one; vertices of no face come last."""


class _Teller:
    """One mesh being told."""

    def __init__(self, faces: Int32Array, vertex_count: int) -> None:
        self._faces: list[list[int]] = faces.tolist()
        self._walk = Walk(vertex_count)
        self._told = [False] * len(self._faces)
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

    def tell(self) -> Told:
        seeds = iter(range(len(self._faces)))
        while len(self._order) < len(self._faces):
            edge = self._walk.next_edge()
            if edge == NONE:
                self._start(next(seed for seed in seeds if not self._told[seed]))
            else:
                self._look_across(*divmod(edge, self._walk.vertex_count))
        unused = [vertex for vertex, number in enumerate(self._number) if number == NONE]
        return Told(
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
        self._told[face] = True
        self._order.append(face)
        a, b, c = (self._number[vertex] for vertex in self._faces[face])
        self._walk.start(a, b, c)

    def _look_across(self, x: int, y: int) -> None:
        given_x, given_y = self._vertices[x], self._vertices[y]
        found = (face for face in self._across.get((given_y, given_x), ()) if not self._told[face])
        face = next(found, None)
        if face is None:
            self._symbols.append(WalkSymbol.BORDER)
            del self._walk.opposite[x * self._walk.vertex_count + y]
            return
        corners = self._faces[face]
        turns = [k for k in range(3) if corners[k] == given_y and corners[(k + 1) % 3] == given_x]
        rotation = turns[0]
        self._rotations.append(rotation)
        self._told[face] = True
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


def tell(faces: Int32Array, vertex_count: int) -> Told:
    """The walk over (F, 3) faces of a mesh with `vertex_count` vertices."""
    return _Teller(faces, vertex_count).tell()


class BadWalkError(ValueError):
    """Streams that tell no mesh."""


@dataclass(frozen=True)
class Heard:
    """A mesh heard."""

    faces: Int32Array
    """(F, 3)."""
    guides: Int32Array
    """(V, 3) the vertices x, y, w that predict each NEW vertex as x + y − w; −1 for the others."""


def hear(connectivity: Connectivity, face_count: int, vertex_count: int) -> Heard:
    """The mesh that was told. BadWalkError if the streams do not tell just so many faces."""
    streams = [
        iter(one.tolist()) for one in (connectivity.symbols, connectivity.rotations, connectivity.numbers)
    ]
    walk = Walk(vertex_count)
    guides = [[NONE] * vertex_count for _ in range(3)]
    faces = _hear(walk, streams, face_count, guides)
    if any(next(stream, None) is not None for stream in streams):
        raise BadWalkError("the walk goes on after the last face")
    return Heard(
        np.array(faces, dtype=np.int32).reshape(-1, 3),
        np.ascontiguousarray(np.array(guides, dtype=np.int32).T),
    )


def _hear(walk: Walk, streams: list[Iterator[int]], face_count: int, guides: list[list[int]]) -> list[int]:
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
            corners, known = _heard_start(numbers, known, vertex_count)
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
            guides[0][vertex], guides[1][vertex], guides[2][vertex] = x, y, opposite[edge]
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


def _heard_start(numbers: Iterator[int], known: int, vertex_count: int) -> tuple[list[int], int]:
    corners = []
    for _ in range(3):
        number = next(numbers, NONE)
        if not 0 <= number <= known or (number == 0 and known == vertex_count):
            raise BadWalkError(f"vertex {number - 1} of {known} met so far begins a part")
        corners.append(number - 1 if number else known)
        known += number == 0
    return corners, known


def residuals(values: NDArray[np.uint16], guides: Int32Array) -> NDArray[np.uint16]:
    """(V,) what is left of each value after its prediction, modulo 2^16.

    A vertex with guides is predicted by x + y − w, the parallelogram; another by the vertex before it, the first by 0.
    """
    whole = values.astype(np.int64)
    x, y, w = guides.T
    guess = np.where(x < 0, np.concatenate([[0], whole[:-1]]), whole[x] + whole[y] - whole[w])
    left: NDArray[np.uint16] = ((whole - guess) & 0xFFFF).astype(np.uint16)
    return left


def predicted(left: NDArray[np.uint16], guides: Int32Array) -> NDArray[np.uint16]:
    """The inverse of `residuals`, one vertex after the other."""
    values: list[int] = []
    before = 0
    for rest, x, y, w in zip(left.tolist(), *guides.T.tolist(), strict=True):
        guess = before if x < 0 else values[x] + values[y] - values[w]
        before = (guess + rest) & 0xFFFF
        values.append(before)
    return np.array(values, dtype=np.uint16)

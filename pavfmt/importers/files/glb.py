"""A minimal glTF-binary reader: JSON, one BIN chunk, accessors (sparse too), node tree, one skin's matrices.

Every index and extent is checked against what is there before anything is allocated.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.errors import EncodeError

MAGIC = 0x46546C67
JSON_CHUNK, BIN_CHUNK = 0x4E4F534A, 0x004E4942
MAX_JSON_BYTES = 16 << 20
MAX_NODES = 100_000

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}

Json = dict[str, Any]
AnyArray = NDArray[Any]


def _fail(message: str) -> EncodeError:
    return EncodeError("bad-glb", message)


def as_object(value: object, where: str) -> Json:
    """`value` if it is a JSON object."""
    if not isinstance(value, dict):
        raise _fail(f"{where} is not an object")
    return value


def as_list(value: object, where: str) -> list[Any]:
    """`value` if it is a JSON array."""
    if not isinstance(value, list):
        raise _fail(f"{where} is not an array")
    return value


def as_count(value: object, where: str, below: int = 1 << 32) -> int:
    """`value` if it is an integer in 0..below−1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < below:
        raise _fail(f"{where} is {value!r}, expected an integer in 0..{below - 1}")
    return value


def as_vector(value: object, width: int, where: str) -> Float64Array:
    """`value` if it is an array of `width` finite numbers."""
    items = as_list(value, where)
    plain = all(isinstance(item, int | float) and not isinstance(item, bool) for item in items)
    if len(items) != width or not plain or not all(abs(item) < 1e30 for item in items):
        raise _fail(f"{where} is not {width} finite numbers")
    return np.array(items, dtype=np.float64)


@dataclass(frozen=True)
class Glb:
    """A parsed glTF-binary file."""

    document: Json
    binary: bytes
    where: str

    def entry(self, kind: str, index: object) -> Json:
        """`document[kind][index]`, an object."""
        entries = as_list(self.document.get(kind, []), f"{self.where}: {kind}")
        number = as_count(index, f"{self.where}: index into {kind}", len(entries))
        return as_object(entries[number], f"{self.where}: {kind}[{number}]")

    def accessor(self, index: object, width: int, count: int | None = None) -> AnyArray:
        """Accessor `index` as (count, width) in its stored type; `count`, if given, must agree."""
        entry = self.entry("accessors", index)
        where = f"{self.where}: accessors[{index}]"
        if WIDTHS.get(str(entry.get("type"))) != width:
            raise _fail(f"{where}.type is {entry.get('type')!r}, expected {width} components")
        found = as_count(entry.get("count"), f"{where}.count")
        if count is not None and found != count:
            raise _fail(f"{where}.count is {found}, expected {count}")
        dtype = self._dtype(entry, where)
        if "bufferView" in entry:
            values = self._view(entry, dtype, found, width, where)
        elif count is None:
            raise _fail(f"{where} has no bufferView")
        else:  # zeros: their number is the caller's, not the file's
            values = np.zeros((found, width), dtype)
        return self._with_sparse(values, entry, where) if "sparse" in entry else values

    def _dtype(self, entry: Json, where: str) -> np.dtype[Any]:
        component = entry.get("componentType")
        if not isinstance(component, int) or component not in COMPONENTS:
            raise _fail(f"{where}.componentType is {component!r}")
        return np.dtype(COMPONENTS[component])

    def _view(self, entry: Json, dtype: np.dtype[Any], count: int, width: int, where: str) -> AnyArray:
        """`count` rows of `width` numbers out of the accessor's buffer view, as a copy."""
        view = self.entry("bufferViews", entry.get("bufferView"))
        as_count(view.get("buffer"), f"{where}: buffer", 1)
        start = as_count(view.get("byteOffset", 0), f"{where}: view offset")
        length = as_count(view.get("byteLength"), f"{where}: view length")
        if start + length > len(self.binary):
            raise _fail(f"{where}: view ends at byte {start + length}, the chunk has {len(self.binary)}")
        offset = as_count(entry.get("byteOffset", 0), f"{where}.byteOffset")
        size = width * dtype.itemsize
        stride = as_count(view.get("byteStride", size), f"{where}: stride", 256) or size
        if stride < size or (count and offset + (count - 1) * stride + size > length):
            raise _fail(f"{where}: {count} rows of {size} bytes do not fit a view of {length} bytes")
        if not count:
            return np.zeros((0, width), dtype)
        strides = (stride, dtype.itemsize)
        return np.ndarray((count, width), dtype, self.binary, start + offset, strides).copy()

    def _with_sparse(self, values: AnyArray, entry: Json, where: str) -> AnyArray:
        sparse = as_object(entry["sparse"], f"{where}.sparse")
        count = as_count(sparse.get("count"), f"{where}.sparse.count", len(values) + 1)
        indices = as_object(sparse.get("indices"), f"{where}.sparse.indices")
        rows = self._view(indices, self._dtype(indices, f"{where}.sparse.indices"), count, 1, where)[:, 0]
        if rows.dtype.kind != "u" or (count and int(rows.max()) >= len(values)):
            raise _fail(f"{where}.sparse: an index lies outside 0..{len(values) - 1}")
        replaced = as_object(sparse.get("values"), f"{where}.sparse.values")
        values[rows] = self._view(replaced, values.dtype, count, values.shape[1], where)
        return values

    def node_parents(self) -> list[int]:
        """Each node's parent, −1 for roots; two parents or a cycle are refused."""
        nodes = as_list(self.document.get("nodes", []), f"{self.where}: nodes")
        if len(nodes) > MAX_NODES:
            raise EncodeError("input-too-large", f"{self.where}: {len(nodes)} nodes, at most {MAX_NODES}")
        parents = [-1] * len(nodes)
        for number in range(len(nodes)):
            children = self.entry("nodes", number).get("children", [])
            for entry in as_list(children, f"{self.where}: children of node {number}"):
                child = as_count(entry, f"{self.where}: child of node {number}", len(nodes))
                if parents[child] >= 0:
                    raise _fail(f"{self.where}: node {child} has two parents")
                parents[child] = number
        self._refuse_cycles(parents)
        return parents

    def _refuse_cycles(self, parents: list[int]) -> None:
        reached = [number for number, parent in enumerate(parents) if parent < 0]
        children: dict[int, list[int]] = {}
        for number, parent in enumerate(parents):
            children.setdefault(parent, []).append(number)
        for number in reached:  # grows while it is walked: breadth first
            reached += children.get(number, [])
        if len(reached) != len(parents):
            raise _fail(f"{self.where}: the node tree has a cycle")

    def local_matrix(self, number: int) -> Float64Array:
        """(4, 4) transform of a node relative to its parent, at rest."""
        node, where = self.entry("nodes", number), f"{self.where}: nodes[{number}]"
        if "matrix" in node:
            return as_vector(node["matrix"], 16, f"{where}.matrix").reshape(4, 4).T
        x, y, z, w = as_vector(node.get("rotation", [0, 0, 0, 1]), 4, f"{where}.rotation")
        norm = x * x + y * y + z * z + w * w
        if norm < 1e-12:
            raise _fail(f"{where}.rotation has zero length")
        matrix = np.eye(4)
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        matrix[:3, :3] += (2 * w * cross + 2 * cross @ cross) / norm
        matrix[:3, :3] *= as_vector(node.get("scale", [1, 1, 1]), 3, f"{where}.scale")
        matrix[:3, 3] = as_vector(node.get("translation", [0, 0, 0]), 3, f"{where}.translation")
        return matrix

    def world_matrix(self, number: int, parents: list[int]) -> Float64Array:
        """(4, 4) transform of a node to world axes, at rest."""
        matrix = self.local_matrix(number)
        while (number := parents[number]) >= 0:
            matrix = self.local_matrix(number) @ matrix
        return matrix


def read_glb(data: bytes, where: str = "GLB") -> Glb:
    """Parse a glTF-binary file. `where` names it in error messages."""
    if len(data) < 12:
        raise _fail(f"{where}: {len(data)} bytes, a header has 12")
    magic, version, length = struct.unpack_from("<III", data)
    if magic != MAGIC or version != 2:
        raise _fail(f"{where}: not a glTF 2 binary (magic {magic:#x}, version {version})")
    if length > len(data):
        raise _fail(f"{where}: declares {length} bytes, {len(data)} are there")
    chunks: dict[int, bytes] = {}
    offset = 12
    while offset + 8 <= length:
        size, kind = struct.unpack_from("<II", data, offset)
        if offset + 8 + size > length:
            raise _fail(f"{where}: chunk at byte {offset} declares {size} bytes, the file ends at {length}")
        chunks.setdefault(kind, data[offset + 8 : offset + 8 + size])
        offset += 8 + size
    if JSON_CHUNK not in chunks:
        raise _fail(f"{where}: no JSON chunk")
    document = as_object(parse_json(chunks[JSON_CHUNK], where), f"{where}: JSON")
    return Glb(document, chunks.get(BIN_CHUNK, b""), where)


def parse_json(data: bytes, where: str, code: str = "bad-glb") -> Any:
    """JSON without NaN and infinity, from at most `MAX_JSON_BYTES`."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    if len(data) > MAX_JSON_BYTES:
        raise EncodeError("input-too-large", f"{where}: {len(data)} bytes of JSON, at most {MAX_JSON_BYTES}")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise EncodeError(code, f"{where}: unreadable JSON: {error}") from error

"""The rig's units: mesh, joints and weights; identity; shapes; correctives; reference.

FORMAT.md, "Rig unit" to "Rig reference unit".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.compression import unzigzag, zigzag
from pavfmt.errors import FormatError, LimitError
from pavfmt.fields import FieldReader, FieldWriter
from pavfmt.limits import VALUES_FLOOR, VALUES_PER_BYTE
from pavfmt.model import Float32Array, Identity, Int32Array, PoseCorrectives, Rig, Shape
from pavfmt.quantization import Affine
from pavfmt.subdivision import edges_of

WEIGHT_ONE = 65535
MAX_REGIONS = 16
NO_PARENT = 0xFFFF


@dataclass(frozen=True)
class RigCore:
    """What the rig unit brings; shapes and correctives arrive in units of their own."""

    profile: str
    faces: Int32Array
    mean_neutral: Float32Array
    subdivisions: int
    joint_names: tuple[str, ...]
    joint_parents: tuple[int, ...]
    mean_joint_positions: Float32Array
    weights: Float32Array
    shape_names: tuple[str, ...]
    essential_shapes: frozenset[int]
    corrective_joints: tuple[int, ...]
    region_names: tuple[str, ...]

    @property
    def base_vertex_count(self) -> int:
        """V0."""
        return len(self.mean_neutral)

    @property
    def face_count(self) -> int:
        """F: faces of level 0."""
        return len(self.faces) << 2 * self.subdivisions


def _spanning_grids(points: Float32Array, step: float) -> tuple[Affine, ...]:
    """One grid per axis over the points' bounding box."""
    return tuple(Affine.stepping(float(axis.min()), float(axis.max()), step) for axis in points.T)


def _encode_points(writer: FieldWriter, points: Float32Array, step: float) -> None:
    grids = _spanning_grids(points, step)
    for grid in grids:
        writer.affine(grid)
    for grid, axis in zip(grids, points.T, strict=True):
        writer.column(grid.quantize(axis), grid.width)


def _decode_points(reader: FieldReader, count: int) -> Float32Array:
    grids = [reader.affine(f"{axis} grid") for axis in "xyz"]
    return np.stack([grid.dequantize(reader.grid_column(count, grid)) for grid in grids], axis=1)


def integer_weights(weights: Float32Array) -> NDArray[np.uint16]:
    """(V, J) rows summing to 1 → integers summing to 65535 exactly; the largest takes the rounding."""
    scaled = weights.astype(np.float64)
    whole = np.rint(scaled / scaled.sum(axis=1, keepdims=True) * WEIGHT_ONE).astype(np.int64)
    rows = np.arange(len(whole))
    whole[rows, np.argmax(whole, axis=1)] += WEIGHT_ONE - whole.sum(axis=1)
    result: NDArray[np.uint16] = whole.astype(np.uint16)
    return result


def encode_rig(writer: FieldWriter, rig: Rig, neutral_step: float) -> None:
    """The body of a rig unit; shapes and correctives are only named."""
    writer.string(rig.profile)
    writer.varint(len(rig.mean_neutral))
    writer.varint(len(rig.faces))
    writer.pack("B", rig.subdivisions)
    writer.varint(rig.joint_count)
    for name, parent, position in zip(
        rig.joint_names, rig.joint_parents, rig.mean_joint_positions, strict=True
    ):
        writer.string(name)
        writer.pack("H3f", NO_PARENT if parent < 0 else parent, *position.tolist())
    writer.varint(len(rig.shapes))
    for shape in rig.shapes:
        writer.string(shape.name)
        writer.pack("B", shape.essential)
    joints = () if rig.correctives is None else rig.correctives.joints
    writer.varint(len(joints))
    for joint in joints:
        writer.varint(joint)
    writer.varint(len(rig.regions))
    for name in rig.regions:
        writer.string(name)
    a, b, c = rig.faces.astype(np.int32).T
    for column in (a, b - a, c - b):
        writer.column(zigzag(column.view(np.uint32), 4), 4)
    _encode_points(writer, rig.mean_neutral, neutral_step)
    for column in integer_weights(rig.weights).T:
        writer.column(column, 2)


def decode_rig(reader: FieldReader) -> RigCore:
    """The inverse of `encode_rig`, with every rule of the text checked."""
    limits = reader.limits
    profile = reader.string("profile")
    start = reader.offset
    vertex_count = reader.varint("vertex count", limits.vertices)
    face_count = reader.varint("face count", limits.faces)
    subdivisions = reader.choice("subdivisions", 2)
    if vertex_count == 0:
        raise FormatError("bad-field", "a rig has at least one vertex", start)
    _check_density("vertices and faces", max(vertex_count, face_count), reader, start)
    names, parents, positions = _decode_joints(reader)
    shape_names, essential = _decode_shape_names(reader, vertex_count)
    corrective_joints = _decode_corrective_joints(reader, len(names))
    regions = _decode_region_names(reader)
    faces = _decode_faces(reader, face_count, vertex_count)
    neutral = _decode_points(reader, vertex_count)
    edges = len(edges_of(faces)) if subdivisions else 0
    weights = _decode_weights(reader, vertex_count + edges, len(names))
    return RigCore(
        profile,
        faces,
        neutral,
        subdivisions,
        names,
        parents,
        positions,
        weights,
        shape_names,
        essential,
        corrective_joints,
        regions,
    )


def _decode_joints(reader: FieldReader) -> tuple[tuple[str, ...], tuple[int, ...], Float32Array]:
    count = reader.varint("joint count", reader.limits.joints)
    names: list[str] = []
    parents: list[int] = []
    positions: list[tuple[float, ...]] = []
    for joint in range(count):
        names.append(reader.string("joint name"))
        start = reader.offset
        (parent,) = reader.unpack("H")
        if (parent == NO_PARENT) != (joint == 0) or (joint and parent >= joint):
            raise FormatError("bad-field", f"joint {joint} has parent {parent}, not an earlier one", start)
        parents.append(-1 if joint == 0 else parent)
        positions.append(reader.floats(3))
    if not names:
        raise FormatError("bad-field", "a rig has at least one joint", reader.offset)
    return tuple(names), tuple(parents), np.array(positions, dtype=np.float32)


def _decode_shape_names(reader: FieldReader, vertex_count: int) -> tuple[tuple[str, ...], frozenset[int]]:
    start = reader.offset
    count = reader.varint("shape count", reader.limits.shapes)
    _check_values("shapes", 3 * count * vertex_count, reader, start)
    names: list[str] = []
    essential: set[int] = set()
    for index in range(count):
        names.append(reader.string("shape name"))
        if reader.choice("shape flags", 2):
            essential.add(index)
    return tuple(names), frozenset(essential)


def _decode_corrective_joints(reader: FieldReader, joint_count: int) -> tuple[int, ...]:
    start, limit = reader.offset, reader.limits.joints
    count = reader.varint("corrective joint count", limit)
    joints = tuple(reader.varint("corrective joint", limit) for _ in range(count))
    if any(joint >= joint_count for joint in joints):
        message = f"correctives follow joints {joints}, there are {joint_count}"
        raise FormatError("index-out-of-range", message, start)
    return joints


def _decode_region_names(reader: FieldReader) -> tuple[str, ...]:
    count = reader.choice("region count", MAX_REGIONS + 1)
    return tuple(reader.string("region name") for _ in range(count))


def _decode_faces(reader: FieldReader, face_count: int, vertex_count: int) -> Int32Array:
    start = reader.offset
    columns = [unzigzag(reader.column(face_count, 4), 4).view(np.int32) for _ in range(3)]
    faces = np.cumsum(np.stack(columns, axis=1), axis=1, dtype=np.int64)
    if faces.size and (int(faces.min()) < 0 or int(faces.max()) >= vertex_count):
        raise FormatError("index-out-of-range", f"a face uses a vertex beyond {vertex_count}", start)
    return faces.astype(np.int32)


def _decode_weights(reader: FieldReader, vertex_count: int, joint_count: int) -> Float32Array:
    start = reader.offset
    _check_values("weights", vertex_count * joint_count, reader, start)
    _check_density("weights", vertex_count * joint_count, reader, start)
    columns = [reader.column(vertex_count, 2) for _ in range(joint_count)]
    whole = np.stack(columns, axis=1)
    if (whole.sum(axis=1, dtype=np.int64) != WEIGHT_ONE).any():
        raise FormatError("bad-field", f"weights of a vertex do not sum to {WEIGHT_ONE}", start)
    return (whole.astype(np.float64) / WEIGHT_ONE).astype(np.float32)


def _check_values(name: str, count: int, reader: FieldReader, offset: int) -> None:
    limit = reader.limits.rig_values
    if count > limit:
        raise LimitError("limit-exceeded", f"{name} need {count} numbers, the limit is {limit}", offset)


def _check_density(name: str, count: int, reader: FieldReader, offset: int) -> None:
    if count > VALUES_FLOOR + VALUES_PER_BYTE * reader.size:
        message = f"{count} {name} in a payload of {reader.size} bytes"
        raise FormatError("bad-field", message, offset)


def encode_identity(writer: FieldWriter, identity: Identity, core: RigCore, step: float) -> None:
    """The body of an identity unit: what this avatar's neutral adds to the decoded mean."""
    _encode_points(writer, identity.neutral - core.mean_neutral, step)
    writer.raw((identity.joint_positions - core.mean_joint_positions).astype("<f4").tobytes())


def decode_identity(reader: FieldReader, core: RigCore) -> Identity:
    """The inverse; both sums are float32 additions."""
    residual = _decode_points(reader, core.base_vertex_count)
    joint_count = len(core.joint_names)
    joints = np.array(reader.floats(3 * joint_count), dtype=np.float32).reshape(joint_count, 3)
    return Identity(core.mean_neutral + residual, core.mean_joint_positions + joints)


def _encode_displacements(writer: FieldWriter, rows: Float32Array, step: float) -> None:
    """(V0, 3) metres as zigzag integers on a grid through 0."""
    grid = Affine.stepping(0.0, max(float(np.abs(rows).max(initial=0.0)), step), step)
    whole = np.rint(rows.astype(np.float64) * 2.0**grid.shift / grid.step).astype(np.int32)
    writer.pack("IB", grid.step, grid.shift)
    for axis in whole.T:
        values = zigzag(np.ascontiguousarray(axis).view(np.uint32), 4)
        width = 1 if int(values.max(initial=0)) < 256 else 2 if int(values.max()) < 65536 else 4
        writer.pack("B", width)
        writer.column(values, width)


def _decode_displacements(reader: FieldReader, count: int) -> Float32Array:
    start = reader.offset
    step, shift = reader.unpack("IB")
    if not Affine(0, step, shift, 1).is_exact:
        raise FormatError("bad-field", f"step {step} · 2^−{shift}", start)
    axes = []
    for _ in range(3):
        start = reader.offset
        width = reader.u8()
        if width not in (1, 2, 4):
            raise FormatError("bad-field", f"a column width of {width} bytes", start)
        values = reader.column(count, width).astype(np.uint32)
        whole = unzigzag(values, 4).view(np.int32).astype(np.float64)
        if float(np.abs(whole).max()) * step >= 1 << 53:
            raise FormatError("bad-field", f"displacements of {step} · 2^−{shift} are not exact", start)
        axes.append((whole * step * 2.0**-shift).astype(np.float32))
    return np.stack(axes, axis=1)


def encode_shape(writer: FieldWriter, index: int, shape: Shape, step: float) -> None:
    """The body of a shape unit."""
    writer.varint(index)
    joints = shape.joint_displacements
    writer.pack("B", joints is not None)
    if joints is not None:
        writer.raw(joints.astype("<f4").tobytes())
    _encode_displacements(writer, shape.displacements, step)


def decode_shape(reader: FieldReader, core: RigCore) -> tuple[int, Shape]:
    """Its index and the shape."""
    start = reader.offset
    index = reader.varint("shape index", reader.limits.shapes)
    if index >= len(core.shape_names):
        raise FormatError("index-out-of-range", f"shape {index} of {len(core.shape_names)}", start)
    joints = None
    if reader.choice("joint displacements flag", 2):
        joint_count = len(core.joint_names)
        joints = np.array(reader.floats(3 * joint_count), dtype=np.float32).reshape(joint_count, 3)
    rows = _decode_displacements(reader, core.base_vertex_count)
    return index, Shape(core.shape_names[index], rows, joints, index in core.essential_shapes)


def encode_correctives(writer: FieldWriter, correctives: PoseCorrectives, step: float) -> None:
    """The body of a correctives unit: nine displacement fields per joint."""
    for rows in correctives.displacements:
        _encode_displacements(writer, rows, step)


def decode_correctives(reader: FieldReader, core: RigCore) -> PoseCorrectives:
    """The inverse of `encode_correctives`."""
    count = 9 * len(core.corrective_joints)
    _check_values("correctives", 3 * count * core.base_vertex_count, reader, reader.offset)
    fields = [_decode_displacements(reader, core.base_vertex_count) for _ in range(count)]
    stacked = np.stack(fields) if fields else np.zeros((0, core.base_vertex_count, 3), dtype=np.float32)
    return PoseCorrectives(core.corrective_joints, stacked)


@dataclass(frozen=True)
class RigReference:
    """A rig kept in a file of its own, shared by many avatars."""

    sha256: bytes
    """Of the whole rig file."""
    name: str
    """A file name or URL hint; the player decides where to look."""


def encode_reference(writer: FieldWriter, reference: RigReference) -> None:
    """The body of a rig-reference unit."""
    writer.raw(reference.sha256)
    writer.string(reference.name)


def decode_reference(reader: FieldReader) -> RigReference:
    """The inverse of `encode_reference`."""
    return RigReference(reader.raw(32), reader.string("rig name"))

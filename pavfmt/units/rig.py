"""A rig and a person: mesh, joints and weights, or a reference to a rig file; identity (§6.2 to §6.4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Int32Array
from pavfmt.codec.fields import FieldReader, FieldWriter, UnitReader
from pavfmt.codec.mesh import (
    BadWalkError,
    Connectivity,
    DecodedMesh,
    add_parallelograms,
    decode_mesh,
    encode_mesh,
    parallelogram_residuals,
)
from pavfmt.codec.quantization import Affine
from pavfmt.codec.subdivision import edges_of
from pavfmt.codec.template_coordinates import TemplateCoordinates, template_coordinates
from pavfmt.errors import EncodeError, FormatError, LimitError
from pavfmt.limits import VALUES_FLOOR, VALUES_PER_BYTE
from pavfmt.model import Identity, Rig
from pavfmt.registry import UnitType

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

    @cached_property
    def face_count(self) -> int:
        """F: faces of level 0."""
        return len(self.faces) << 2 * self.subdivisions

    @cached_property
    def coordinates(self) -> TemplateCoordinates:
        """Where vertices and faces are, for prediction."""
        return template_coordinates(self.mean_neutral, self.faces, self.subdivisions)


def needed_rig(reader: UnitReader, own: bool = False) -> RigCore:
    """The rig among a unit's needs. `own`: it must stand in the same file, as for shapes and correctives."""
    types = (UnitType.RIG,) if own else (UnitType.RIG, UnitType.RIG_REFERENCE)
    core: RigCore = reader.needed("rig", *types)
    return core


def template_faces(reader: UnitReader, faces: Int32Array, level: int) -> Int32Array:
    """(N,) faces that the splits of `level` > 0 made → the template's faces they are within.

    Each must come from a split among the unit's needs, or it is a FormatError.
    """
    splits, roots = faces // 3, np.full(len(faces), -1, dtype=np.int32)
    for type_, block in reader.brought:
        if type_ is UnitType.SPLITS and block.level == level:
            here = (splits >= block.first) & (splits < block.first + len(block.parents))
            roots[here] = block.roots[splits[here] - block.first]
    if (roots < 0).any():
        face = int(faces[np.argmin(roots)])
        raise FormatError(
            "index-out-of-range", f"face {face} is of no split among the unit's needs", reader.start
        )
    return roots


def read_rig(reader: UnitReader) -> RigCore:
    """Of a rig unit, with its template coordinates: found while the first Gaussians are still on their way."""
    core = decode_rig(reader)
    _ = core.coordinates
    return core


def _spanning_grids(points: Float32Array, step: float) -> tuple[Affine, ...]:
    """One grid per axis over the points' bounding box."""
    return tuple(Affine.stepping(float(axis.min()), float(axis.max()), step) for axis in points.T)


def integer_weights(weights: Float32Array, one: int) -> NDArray[np.int64]:
    """(V, J) rows summing to 1 → integers summing to `one` exactly; the largest takes the rounding."""
    scaled = weights.astype(np.float64)
    whole: NDArray[np.int64] = np.rint(scaled / scaled.sum(axis=1, keepdims=True) * one).astype(np.int64)
    rows = np.arange(len(whole))
    whole[rows, np.argmax(whole, axis=1)] += one - whole.sum(axis=1)
    return whole


def encode_rig(writer: FieldWriter, rig: Rig, neutral_step: float, weight_bits: int) -> None:
    """The body of a rig unit; shapes and correctives are only named.

    The mesh must be in the order of its walk (`pavfmt.codec.mesh.encode_mesh`).
    """
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
    parallelograms = _encode_faces(writer, rig)
    _encode_neutral(writer, rig.mean_neutral, neutral_step, parallelograms)
    _encode_weights(writer, rig, weight_bits)


def _encode_faces(writer: FieldWriter, rig: Rig) -> Int32Array:
    """The walk over the mesh; returns the parallelograms that predict its vertices."""
    mesh = encode_mesh(rig.faces, len(rig.mean_neutral))
    for order in (mesh.face_order, mesh.vertex_order):
        if (np.diff(order) != 1).any():
            raise EncodeError("mesh-order", "the mesh is not in the order of its walk")
    streams = mesh.connectivity
    for stream, width in ((streams.symbols, 1), (streams.rotations, 1), (streams.numbers, 4)):
        writer.varint(len(stream))
        writer.column(stream, width)
    return decode_mesh(streams, len(rig.faces), len(rig.mean_neutral)).parallelograms


def _encode_neutral(
    writer: FieldWriter, points: Float32Array, step: float, parallelograms: Int32Array
) -> None:
    grids = _spanning_grids(points, step)
    for grid in grids:
        writer.affine(grid)
    for grid, axis in zip(grids, points.T, strict=True):
        writer.column(parallelogram_residuals(grid.quantize(axis).astype(np.uint16), parallelograms), 2)


def _encode_weights(writer: FieldWriter, rig: Rig, bits: int) -> None:
    """All joints but the last: the base vertices', then what the edge midpoints' differ from their ends' mean."""
    whole = integer_weights(rig.weights, (1 << bits) - 1)[:, :-1]
    base = whole[: len(rig.mean_neutral)]
    writer.pack("B", bits)
    for column in base.T:
        writer.column(column.astype(np.uint16), 2)
    if rig.subdivisions:
        edges = edges_of(rig.faces)
        for column in (whole[len(base) :] - ((base[edges[:, 0]] + base[edges[:, 1]]) >> 1)).T:
            writer.signed_column(column)


def decode_rig(reader: FieldReader) -> RigCore:
    """The inverse of `encode_rig`, with every rule of the text checked."""
    limits = reader.limits
    profile = reader.string("profile")
    start = reader.offset
    vertex_count = reader.varint("vertex count", limits.vertices)
    if vertex_count == 0:
        raise FormatError("bad-field", "a rig has at least one vertex", start)
    _check_density("vertices", vertex_count, reader, start)
    start = reader.offset
    face_count = reader.varint("face count", limits.faces)
    _check_density("faces", face_count, reader, start)
    subdivisions = reader.choice("subdivisions", 2)
    names, parents, positions = _decode_joints(reader)
    shape_names, essential = _decode_shape_names(reader, vertex_count)
    corrective_joints = _decode_corrective_joints(reader, len(names), vertex_count)
    regions = _decode_region_names(reader)
    mesh = _decode_faces(reader, face_count, vertex_count)
    neutral = _decode_neutral(reader, vertex_count, mesh.parallelograms)
    edges = edges_of(mesh.faces) if subdivisions else np.zeros((0, 2), dtype=np.int32)
    weights = _decode_weights(reader, vertex_count, len(names), edges)
    return RigCore(
        profile,
        mesh.faces,
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
    start = reader.offset
    count = reader.varint("joint count", reader.limits.joints)
    if count == 0:
        raise FormatError("bad-field", "a rig has at least one joint", start)
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


def _decode_corrective_joints(reader: FieldReader, joint_count: int, vertex_count: int) -> tuple[int, ...]:
    start, limit = reader.offset, reader.limits.joints
    count = reader.varint("corrective joint count", limit)
    _check_values("correctives", 3 * 9 * count * vertex_count, reader, start)
    joints = []
    for _ in range(count):
        start = reader.offset
        joints.append(reader.varint("corrective joint", limit))
        if joints[-1] >= joint_count:
            message = f"correctives follow joint {joints[-1]}, there are {joint_count}"
            raise FormatError("index-out-of-range", message, start)
    return tuple(joints)


def _decode_region_names(reader: FieldReader) -> tuple[str, ...]:
    count = reader.choice("region count", MAX_REGIONS + 1)
    return tuple(reader.string("region name") for _ in range(count))


def _decode_faces(reader: FieldReader, face_count: int, vertex_count: int) -> DecodedMesh:
    start = reader.offset
    streams = []
    for width, most in ((1, 4 * face_count), (1, face_count), (4, 4 * face_count)):
        count_at = reader.offset
        count = reader.varint("walk length")
        if count > most:
            raise FormatError("bad-field", f"{count} values of a walk over {face_count} faces", count_at)
        streams.append(reader.column(count, width))
    symbols, rotations, numbers = streams
    walk = Connectivity(symbols.astype(np.uint8), rotations.astype(np.uint8), numbers.astype(np.uint32))
    try:
        return decode_mesh(walk, face_count, vertex_count)
    except BadWalkError as error:
        raise FormatError("bad-field", f"connectivity: {error}", start) from None


def _decode_neutral(reader: FieldReader, count: int, parallelograms: Int32Array) -> Float32Array:
    grids = [reader.affine(f"{axis} grid") for axis in "xyz"]
    axes = []
    for grid in grids:
        start = reader.offset
        whole = add_parallelograms(reader.column(count, 2).astype(np.uint16), parallelograms)
        if int(whole.max()) >> grid.bits:
            raise FormatError("bad-field", f"a value of {whole.max()} on a grid of {grid.bits} bits", start)
        axes.append(grid.dequantize(whole))
    return np.stack(axes, axis=1)


def _decode_weights(
    reader: FieldReader, base_count: int, joint_count: int, edges: Int32Array
) -> Float32Array:
    start = reader.offset
    count = (base_count + len(edges)) * joint_count
    _check_values("weights", count, reader, start)
    _check_density("weights", count, reader, start)
    bits = reader.u8()
    if not 1 <= bits <= 16:
        raise FormatError("bad-field", f"weights of {bits} bits, allowed are 1..16", start)
    one = (1 << bits) - 1
    stored = range(joint_count - 1)  # the last joint's weights are what is left
    base = [reader.column(base_count, 2).astype(np.int64) for _ in stored]
    whole = np.zeros((base_count + len(edges), joint_count), dtype=np.int64)
    for joint, column in enumerate(base):
        whole[:base_count, joint] = column
        if len(edges):
            mean = (column[edges[:, 0]] + column[edges[:, 1]]) >> 1
            whole[base_count:, joint] = mean + reader.signed_column(len(edges))
    whole[:, -1] = one - whole.sum(axis=1)
    if int(whole.min()) < 0:
        raise FormatError("bad-field", f"weights of a vertex are negative or sum to more than {one}", start)
    return (whole.astype(np.float64) / one).astype(np.float32)


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


def read_identity(reader: UnitReader) -> Identity:
    """Of an identity unit."""
    return decode_identity(reader, needed_rig(reader))


def _encode_points(writer: FieldWriter, points: Float32Array, step: float) -> None:
    grids = _spanning_grids(points, step)
    for grid in grids:
        writer.affine(grid)
    for grid, axis in zip(grids, points.T, strict=True):
        writer.column(grid.quantize(axis), grid.width)


def _decode_points(reader: FieldReader, count: int) -> Float32Array:
    grids = [reader.affine(f"{axis} grid") for axis in "xyz"]
    return np.stack([grid.dequantize(reader.grid_column(count, grid)) for grid in grids], axis=1)


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

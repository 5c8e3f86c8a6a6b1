"""Shape and correctives units: displacements of vertices, by a weight or by joint rotations (§6.5, §6.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pavfmt.arrays import Float32Array
from pavfmt.codec.fields import FieldReader, FieldWriter, UnitReader
from pavfmt.codec.quantization import Affine
from pavfmt.errors import FormatError
from pavfmt.model import PoseCorrectives, Shape
from pavfmt.units.rig import RigCore, needed_rig


@dataclass(frozen=True)
class NumberedShape:
    """What a shape unit brings."""

    index: int
    """Among the rig's shapes."""
    shape: Shape


def read_shape(reader: UnitReader) -> NumberedShape:
    """Of a shape unit."""
    return NumberedShape(*decode_shape(reader, needed_rig(reader, own=True)))


def read_correctives(reader: UnitReader) -> PoseCorrectives:
    """Of a correctives unit."""
    return decode_correctives(reader, needed_rig(reader, own=True))


def _encode_displacements(writer: FieldWriter, rows: Float32Array, step: float) -> None:
    """(V0, 3) metres as signed integers on a grid through 0."""
    grid = Affine.stepping(0.0, max(float(np.abs(rows).max(initial=0.0)), step), step)
    whole = np.rint(rows.astype(np.float64) * 2.0**grid.shift / grid.step).astype(np.int32)
    writer.pack("IB", grid.step, grid.shift)
    for axis in whole.T:
        writer.signed_column(axis)


def _decode_displacements(reader: FieldReader, count: int) -> Float32Array:
    start = reader.offset
    step, shift = reader.unpack("IB")
    if not Affine(0, step, shift, 1).is_exact:
        raise FormatError("bad-field", f"step {step} · 2^−{shift}", start)
    whole = np.empty((count, 3), dtype=np.int32)
    for axis in whole.T:
        axis[:] = reader.signed_column(count)
        if max(-int(axis.min()), int(axis.max())) * step >= 1 << 53:
            raise FormatError("bad-field", f"displacements of {step} · 2^−{shift} are not exact", start)
    return (whole * (step * 2.0**-shift)).astype(np.float32)  # one exact product, one rounding


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
    fields = [_decode_displacements(reader, core.base_vertex_count) for _ in range(count)]
    stacked = np.stack(fields) if fields else np.zeros((0, core.base_vertex_count, 3), dtype=np.float32)
    return PoseCorrectives(core.corrective_joints, stacked)

"""Unit payloads (§6), down to where entropy coding begins.

Payloads that lean on the rig or the level table find them in the parameters `rig` and `levels`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from construct import Array, Bytes, Computed, If, Int8ul, OneOf, Struct, Switch, Terminated, len_, this

from spec.grammar.fields import (
    ASCENDING,
    COLUMN,
    F32,
    FLAG,
    GRID,
    NEEDS,
    REST,
    SIGNED_COLUMN,
    STRING,
    U8,
    U16,
    U32,
    VARINT,
    Traced,
    named,
)


def listed(count_name: str, name: str, item: Any) -> tuple[Any, Any]:
    """A varint count and that many of something."""
    return count_name / VARINT, name / Array(this[count_name], item)


DIRECTORY = Struct(
    "needs" / NEEDS,
    "count" / VARINT,
    "box" / Array(4, F32),
    "types" / COLUMN,
    "lengths" / COLUMN,
    "levels" / COLUMN,
    "gaussian_counts" / COLUMN,
    "importance" / COLUMN,
    "regions" / COLUMN,
    "spheres" / Array(4, COLUMN),
    "needs_counts" / COLUMN,
    "needs_total" / VARINT,
    "needs_distances" / COLUMN,
    Terminated,
)

WALK_STREAM = Struct("count" / VARINT, "column" / COLUMN)

RIG = Struct(
    "needs" / NEEDS,
    "profile" / STRING,
    "vertex_count" / VARINT,
    "face_count" / VARINT,
    "subdivisions" / FLAG,
    *listed("joint_count", "joints", Struct("name" / STRING, "parent" / U16, "rest" / Array(3, F32))),
    *listed("shape_count", "shapes", Struct("name" / STRING, "essential" / FLAG)),
    *listed("corrective_count", "corrective_joints", VARINT),
    "region_count" / Traced(OneOf(Int8ul, range(17))),
    "regions" / Array(this.region_count, STRING),
    "symbols" / WALK_STREAM,
    "rotations" / WALK_STREAM,
    "numbers" / WALK_STREAM,
    "neutral_grids" / Array(3, GRID),
    "neutral" / Array(3, COLUMN),
    "weight_bits" / Traced(OneOf(Int8ul, range(1, 17))),
    "weights" / Array(this.joint_count - 1, COLUMN),
    "midpoint_weights" / If(this.subdivisions, Array(this.joint_count - 1, SIGNED_COLUMN)),
    Terminated,
)

RIG_REFERENCE = Struct("needs" / NEEDS, "sha256" / Traced(Bytes(32)), "name" / STRING, Terminated)

# How many is said in another unit, the rig: the one reason why a payload cannot be walked alone.
JOINT_NUMBERS = Array(lambda here: 3 * here._params.rig.joint_count, F32)

IDENTITY = Struct(
    "needs" / NEEDS,
    "grids" / Array(3, GRID),
    "points" / Array(3, COLUMN),
    "joints" / JOINT_NUMBERS,
    Terminated,
)

DISPLACEMENTS = Struct(
    "step" / U32, "shift" / Traced(OneOf(Int8ul, range(53))), "axes" / Array(3, SIGNED_COLUMN)
)

SHAPE = Struct(
    "needs" / NEEDS,
    "index" / VARINT,
    "joints_move" / FLAG,
    "joints" / If(this.joints_move, JOINT_NUMBERS),
    "displacements" / DISPLACEMENTS,
    Terminated,
)

CORRECTIVES = Struct(
    "needs" / NEEDS,
    "displacements" / Array(lambda here: 9 * here._params.rig.corrective_count, DISPLACEMENTS),
    Terminated,
)

LEVEL = Struct(
    "binding" / named(Int8ul, face_frame=0, surface_point=1),
    "site" / named(Int8ul, face=0, vertex=1, joint=2),
    "sh_frame" / named(Int8ul, world=0, local=1),
    "sh_degree" / Traced(OneOf(Int8ul, range(4))),
    "split_count" / VARINT,
    "gaussian_count" / VARINT,
    "means" / Array(3, GRID),
    "log_scales" / GRID,
    "quaternions" / GRID,
    "opacities" / GRID,
    "sh0" / GRID,
    "bands" / Array(this.sh_degree, GRID),
)

LEVELS = Struct(
    "needs" / NEEDS,
    "rig_source" / named(Int8ul, none=0, embedded=1, reference=2),
    "level_count" / U8,
    "levels" / Array(this.level_count, LEVEL),
    Terminated,
)

SPLITS = Struct(
    "needs" / NEEDS,
    "level" / U8,
    "first" / VARINT,
    "count" / VARINT,
    "parents" / ASCENDING,
    "barycentrics" / Array(2, COLUMN),
    Terminated,
)


class Attribute(NamedTuple):
    """Columns that share a scale and a residual model."""

    name: str
    columns: int
    centres: int


GRADES = [Attribute("grades", 1, 0)]


def attributes_of_part(level: Any, part: int) -> list[Attribute]:
    """Part 0: all attributes but the SH bands, in order; part b: SH band b."""
    if part:
        coefficients = 2 * part + 1
        return [Attribute(f"sh{part}", 3 * coefficients, coefficients)]
    on_faces = level.binding == 1 and level.site == 0
    # Of colours only G has a centre: R and B are told as differences to it (§6.9).
    fixed = [("means", 3, 3), ("log_scales", 3, 3), ("quaternions", 3, 3), ("opacities", 1, 1), ("sh0", 3, 1)]
    first = [("barycentrics", 2, 2)] if on_faces else []
    return [Attribute(*one) for one in first + fixed]


MODEL = Struct(
    "kind" / Traced(OneOf(Int8ul, range(32))),
    "scale" / If(this.kind >= 16, U8),
    "floor" / If(this.kind >= 16, VARINT),
)


def rice(has_rows: bool) -> Struct:
    """Forms 1 and 2 of a block."""
    # One bit a Gaussian, the last byte filled up. The count stands at the root of the payload, blocks at any depth.
    rows = Traced(Bytes(lambda here: -(-here._root.count // 8)))
    return Struct(
        "models" / Array(len_(this._.attributes), MODEL),
        "quotient_bytes" / VARINT,
        "remainder_bytes" / VARINT,
        *(("rows" / rows,) if has_rows else ()),
        "quotients" / Traced(Bytes(this.quotient_bytes)),
        "remainders" / Traced(Bytes(this.remainder_bytes)),
    )


def block(attributes: Any) -> Struct:
    """A block of the columns of some attributes; `attributes` finds them in the context around."""
    columns = Array(lambda here: sum(one.columns for one in here.attributes), SIGNED_COLUMN)
    return Struct(
        "attributes" / Computed(attributes),
        "form" / Traced(OneOf(Int8ul, range(3))),
        "content" / Switch(this.form, {0: columns, 1: rice(False), 2: rice(True)}),
    )


SCALE = Struct(
    "multiplier" / VARINT,
    "centres" / Array(lambda here: here._.attributes[here._index].centres, VARINT),
)

PART = Struct(
    "attributes" / Computed(lambda here: attributes_of_part(here._.entry, here._index)),
    "scales" / Array(len_(this.attributes), SCALE),
    "length" / VARINT,
    "block" / block(lambda here: here._.attributes),
)

GAUSSIANS = Struct(
    "needs" / NEEDS,
    "level" / U8,
    "entry" / Computed(lambda here: here._params.levels.levels[here.level]),
    "first" / VARINT,
    "count" / VARINT,
    "sites" / ASCENDING,
    "graded" / FLAG,
    "grades" / If(this.graded, block(lambda here: GRADES)),
    "parts" / Array(1 + this.entry.sh_degree, PART),
    Terminated,
)

HAND_OVER = Struct(
    "needs" / NEEDS,
    "level" / U8,
    *listed("successor_count", "successors", VARINT),
    "count" / VARINT,
    "gaussians" / ASCENDING,
    "has_second_values" / FLAG,
    "second_opacities" / If(this.has_second_values, COLUMN),
    "second_log_scales" / If(this.has_second_values, Array(3, COLUMN)),
    Terminated,
)

METADATA = Struct(
    "needs" / NEEDS, *listed("count", "entries", Struct("key" / STRING, "value" / STRING)), Terminated
)

THUMBNAIL = Struct("needs" / NEEDS, "picture" / REST)


def channels(count: Any) -> Struct:
    """A grid, and a column for each channel of a track."""
    return Struct("grid" / GRID, "channels" / Array(count, COLUMN))


TRACK = Struct(
    "needs" / NEEDS,
    "name" / STRING,
    "frames_per_second" / F32,
    "frame_count" / VARINT,
    *listed("shape_count", "shapes", STRING),
    *listed("joint_count", "joints", STRING),
    "moves" / FLAG,
    "weights" / channels(this._.shape_count),
    "rotations" / If(this.joint_count, channels(3 * this._.joint_count)),
    "translation" / If(this.moves, channels(3)),
    Terminated,
)

UNKNOWN = Struct("bytes" / REST)

PAYLOADS = {
    1: DIRECTORY,
    2: RIG,
    3: RIG_REFERENCE,
    4: IDENTITY,
    5: SHAPE,
    6: CORRECTIVES,
    7: LEVELS,
    8: SPLITS,
    9: GAUSSIANS,
    10: HAND_OVER,
    11: METADATA,
    12: THUMBNAIL,
    13: TRACK,
}

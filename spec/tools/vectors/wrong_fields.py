"""One field wrong in an otherwise right unit, by the grammar's names: a table."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pavfmt.registry import UnitType

PAYLOAD = "payload"
"""The byte reported is the payload's first."""
END = "end"
"""The byte reported is the one after the payload as it was."""
NAN = struct.pack("<f", float("nan"))


def varint(value: int) -> bytes:
    """LEB128."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@dataclass(frozen=True)
class Wrong:
    """One field of one unit of a file, and what it is changed to."""

    name: str
    trait: str
    code: str
    base: str
    type: UnitType
    path: str
    value: bytes
    nth: int = 0
    """Of the units of this type."""
    field: int = 0
    """Of the fields of this name."""
    at: str | None = None
    """The field whose byte is reported; None: the one that is changed."""
    at_field: int = 0


OVERLONG = b"\x80\x00"
TEN_BYTES = b"\xff" * 9 + b"\x01"
_T = UnitType

NEEDS = (
    Wrong("needs-itself", "a distance of 0", "bad-needs", "static", _T.GAUSSIANS, "needs.distances", b"\x00"),
    Wrong("needs-before-first", "a distance beyond unit 0", "bad-needs", "static", _T.GAUSSIANS, "needs.distances", b"\x63"),
    Wrong("needs-far-before-first", "a distance of 2^40", "bad-needs", "static", _T.GAUSSIANS, "needs.distances", varint(1 << 40)),
    Wrong("needs-not-declared", "Gaussians that do not need the levels unit", "bad-needs", "static", _T.GAUSSIANS, "needs.distances", b"\x02", at=PAYLOAD),
    Wrong("too-many-needs", "4,097 needs", "limit-exceeded", "static", _T.GAUSSIANS, "needs.count", varint(4097)),
    Wrong("varint-needless-byte", "a varint with a needless last byte", "bad-field", "static", _T.GAUSSIANS, "first", OVERLONG),
    Wrong("varint-of-ten-bytes", "a varint of ten bytes", "bad-field", "static", _T.GAUSSIANS, "first", TEN_BYTES),
)  # fmt: skip

DIRECTORY = (
    Wrong("directory-count", "more entries than 16 a byte", "bad-field", "directory", _T.DIRECTORY, "count", varint(60000)),
    Wrong("directory-box", "a box that is no number", "bad-field", "directory", _T.DIRECTORY, "box", NAN, field=1, at="box"),
    Wrong("directory-type-bits", "bit 16 of a type", "bad-field", "directory", _T.DIRECTORY, "types.data", bytes(10) + b"\x01" * 5 + bytes(5), at="types.kind"),
    Wrong("directory-importance", "importance that is no number", "bad-field", "directory", _T.DIRECTORY, "importance.data", bytes(10) + b"\xc0" * 5 + b"\x7f" * 5, at="importance.kind"),
    Wrong("directory-needs-total", "another number of needs than the entries count", "bad-field", "directory", _T.DIRECTORY, "needs_total", b"\x01"),
)  # fmt: skip

RIG = (
    Wrong("rig-no-vertices", "a rig of no vertices", "bad-field", "face", _T.RIG, "vertex_count", b"\x00"),
    Wrong("rig-too-many-vertices", "2^20 + 1 vertices", "limit-exceeded", "face", _T.RIG, "vertex_count", varint((1 << 20) + 1)),
    Wrong("rig-vertices-for-bytes", "2^20 vertices in a payload of some hundred bytes", "bad-field", "face", _T.RIG, "vertex_count", varint(1 << 20)),
    Wrong("rig-too-many-faces", "2^21 + 1 faces", "limit-exceeded", "face", _T.RIG, "face_count", varint((1 << 21) + 1)),
    Wrong("rig-faces-for-bytes", "2^20 faces in a payload of some hundred bytes", "bad-field", "face", _T.RIG, "face_count", varint(1 << 20)),
    Wrong("rig-subdivisions", "two subdivisions", "bad-field", "face", _T.RIG, "subdivisions", b"\x02"),
    Wrong("rig-no-joints", "a rig of no joints", "bad-field", "face", _T.RIG, "joint_count", b"\x00"),
    Wrong("rig-too-many-joints", "1,025 joints", "limit-exceeded", "face", _T.RIG, "joint_count", varint(1025)),
    Wrong("rig-root-has-parent", "joint 0 with a parent", "bad-field", "face", _T.RIG, "joints.parent", b"\x00\x00"),
    Wrong("rig-later-parent", "a joint whose parent is itself", "bad-field", "face", _T.RIG, "joints.parent", b"\x01\x00", field=1),
    Wrong("rig-joint-infinite", "a joint at infinity", "bad-field", "face", _T.RIG, "joints.rest", struct.pack("<f", float("inf"))),
    Wrong("rig-name-not-utf-8", "a joint's name is not UTF-8", "bad-string", "face", _T.RIG, "joints.name.text", b"\xffaw!"),
    Wrong("rig-name-control", "a control character in a shape's name", "bad-string", "face", _T.RIG, "shapes.name.text", b"jaw\x07pen"),
    Wrong("rig-name-too-long", "a name of 4,097 bytes", "limit-exceeded", "face", _T.RIG, "joints.name.length", varint(4097)),
    Wrong("rig-too-many-shapes", "4,097 shapes", "limit-exceeded", "face", _T.RIG, "shape_count", varint(4097)),
    Wrong("rig-essential", "a flag of 2", "bad-field", "face", _T.RIG, "shapes.essential", b"\x02"),
    Wrong("rig-corrective-joint", "correctives that follow joint 2 of 2", "index-out-of-range", "face", _T.RIG, "corrective_joints", b"\x02"),
    Wrong("rig-corrective-joint-1025", "correctives that follow joint 1,025", "limit-exceeded", "face", _T.RIG, "corrective_joints", varint(1025)),
    Wrong("rig-regions", "17 regions", "bad-field", "face", _T.RIG, "region_count", b"\x11"),
    Wrong("rig-symbols", "more symbols than four a face", "bad-field", "face", _T.RIG, "symbols.count", b"\x7f"),
    Wrong("rig-symbols-vast", "2^40 symbols", "bad-field", "face", _T.RIG, "symbols.count", varint(1 << 40)),
    Wrong("rig-walk-not-used-up", "a face less than the walk tells: its streams are not used up", "bad-field", "face", _T.RIG, "face_count", b"\x07", at="symbols.count"),
    Wrong("rig-grid-no-bits", "a grid of 0 bits", "bad-field", "face", _T.RIG, "neutral_grids.bits", b"\x00", at="neutral_grids.offset"),
    Wrong("rig-grid-17-bits", "a grid of 17 bits", "bad-field", "face", _T.RIG, "neutral_grids.bits", b"\x11", at="neutral_grids.offset"),
    Wrong("rig-grid-shift", "a grid of shift 53", "bad-field", "face", _T.RIG, "neutral_grids.shift", b"\x35", at="neutral_grids.offset"),
    Wrong("rig-grid-not-exact", "a grid whose bracket reaches 2^53", "bad-field", "face", _T.RIG, "neutral_grids.offset", struct.pack("<q", 1 << 53), at="neutral_grids.offset"),
    Wrong("rig-weight-bits", "weights of 17 bits", "bad-field", "face", _T.RIG, "weight_bits", b"\x11", at="weight_bits"),
)  # fmt: skip

RIG_PARTS = (
    Wrong("identity-joint-nan", "a joint of the identity is no number", "bad-field", "face", _T.IDENTITY, "joints", NAN),
    Wrong("identity-needs", "an identity that does not need the rig", "bad-needs", "face", _T.IDENTITY, "needs.distances", b"\x02", at=PAYLOAD),
    Wrong("shape-index", "shape 3 of 3", "index-out-of-range", "face", _T.SHAPE, "index", b"\x03"),
    Wrong("shape-index-4097", "shape 4,097", "limit-exceeded", "face", _T.SHAPE, "index", varint(4097)),
    Wrong("shape-flag", "a flag of 2", "bad-field", "face", _T.SHAPE, "joints_move", b"\x02"),
    Wrong("shape-shift", "displacements of shift 53", "bad-field", "face", _T.SHAPE, "displacements.shift", b"\x35", at="displacements.step"),
    Wrong("shape-column-width", "a signed column of width 3", "bad-field", "face", _T.SHAPE, "displacements.axes.width", b"\x03"),
    Wrong("correctives-width", "a signed column of width 0", "bad-field", "face", _T.CORRECTIVES, "displacements.axes.width", b"\x00", field=4),
)  # fmt: skip

LEVELS = (
    Wrong("levels-rig-source", "rig source 3", "bad-field", "static", _T.LEVELS, "rig_source", b"\x03"),
    Wrong("levels-none", "no level", "bad-field", "static", _T.LEVELS, "level_count", b"\x00"),
    Wrong("levels-17", "17 levels", "limit-exceeded", "static", _T.LEVELS, "level_count", b"\x11"),
    Wrong("levels-binding", "binding 2", "bad-field", "static", _T.LEVELS, "levels.binding", b"\x02"),
    Wrong("levels-face-frame-on-joint", "a face frame on joints", "bad-field", "static", _T.LEVELS, "levels.binding", b"\x00"),
    Wrong("levels-site", "site 3", "bad-field", "static", _T.LEVELS, "levels.site", b"\x03"),
    Wrong("levels-sh-frame", "SH frame 2", "bad-field", "static", _T.LEVELS, "levels.sh_frame", b"\x02"),
    Wrong("levels-sh-degree", "SH degree 4", "bad-field", "static", _T.LEVELS, "levels.sh_degree", b"\x04"),
    Wrong("levels-splits-of-0", "splits of level 0", "bad-field", "face", _T.LEVELS, "levels.split_count", b"\x01", at="levels.binding"),
    Wrong("levels-too-many-gaussians", "a level of 2^24 + 1 Gaussians", "limit-exceeded", "static", _T.LEVELS, "levels.gaussian_count", varint((1 << 24) + 1)),
    Wrong("levels-too-many-splits", "two levels with 2^24 + 1 splits together", "limit-exceeded", "face", _T.LEVELS, "levels.split_count", varint((1 << 24) - 2), field=2),
    Wrong("levels-log-scales", "log scales beyond 64", "bad-field", "static", _T.LEVELS, "levels.log_scales.shift", b"\x00", at="levels.log_scales.offset"),
    Wrong("levels-quaternion-shift", "a quaternion grid of shift 23", "bad-field", "static", _T.LEVELS, "levels.quaternions.shift", b"\x17", at="levels.quaternions.offset"),
)  # fmt: skip

SPLITS = (
    Wrong("splits-of-level-0", "splits of level 0", "index-out-of-range", "face", _T.SPLITS, "level", b"\x00"),
    Wrong("splits-of-no-level", "splits of level 3 of 3", "bad-field", "face", _T.SPLITS, "level", b"\x03"),
    Wrong("splits-beyond", "splits beyond the level's", "index-out-of-range", "face", _T.SPLITS, "first", b"\x7f", at="level"),
    Wrong("splits-none", "no split", "bad-field", "face", _T.SPLITS, "count", b"\x00", at="level"),
    Wrong("splits-rice", "a Rice parameter of 31", "bad-field", "face", _T.SPLITS, "parents.parameter", b"\x1f"),
    Wrong("splits-parents-repeated", "a face split twice", "bad-field", "face", _T.SPLITS, "parents.quotients", b"\x60", nth=1, at="barycentrics.kind"),
)  # fmt: skip

GAUSSIANS = (
    Wrong("gaussians-of-no-level", "level 3 of 3", "bad-field", "static", _T.GAUSSIANS, "level", b"\x03"),
    Wrong("gaussians-beyond", "Gaussians beyond the file's", "index-out-of-range", "static", _T.GAUSSIANS, "first", b"\x7f"),
    Wrong("gaussians-none", "no Gaussian", "bad-field", "static", _T.GAUSSIANS, "count", b"\x00", at="first"),
    Wrong("gaussians-too-many", "2^16 + 1 Gaussians", "limit-exceeded", "static", _T.GAUSSIANS, "count", varint((1 << 16) + 1)),
    Wrong("gaussians-flag", "a grades flag of 2", "bad-field", "static", _T.GAUSSIANS, "graded", b"\x02"),
    Wrong("gaussians-joint", "joint 1 in a file without a rig", "index-out-of-range", "static", _T.GAUSSIANS, "sites.quotients", b"\xff\x40", at=PAYLOAD),
    Wrong("gaussians-multiplier-0", "a multiplier of 0", "bad-field", "static", _T.GAUSSIANS, "parts.scales.multiplier", b"\x00"),
    Wrong("gaussians-multiplier", "a multiplier of 65,536", "bad-field", "static", _T.GAUSSIANS, "parts.scales.multiplier", varint(65536)),
    Wrong("gaussians-multiplier-vast", "a multiplier of 2^27", "bad-field", "static", _T.GAUSSIANS, "parts.scales.multiplier", varint(1 << 27)),
    Wrong("gaussians-centre", "a centre that is not on its grid", "bad-field", "static", _T.GAUSSIANS, "parts.scales.centres", varint(65536), at="parts.scales.multiplier"),
    Wrong("gaussians-block-form", "a block of form 3", "bad-field", "static", _T.GAUSSIANS, "parts.block.form", b"\x03"),
    Wrong("gaussians-block-length", "a block longer than its sections", "bad-column", "static", _T.GAUSSIANS, "parts.length", b"\x7f"),
    Wrong("gaussians-model", "a model of 32", "bad-field", "static", _T.GAUSSIANS, "parts.block.content.models.kind", b"\x20"),
    Wrong("gaussians-section-too-long", "a section of more than 64 bits a value", "bad-column", "static", _T.GAUSSIANS, "sites.quotient_bytes", b"\x7f"),
)  # fmt: skip

HAND_OVER = (
    Wrong("hand-over-level", "level 1 of 1", "bad-field", "hand-over", _T.HAND_OVER, "level", b"\x01"),
    Wrong("hand-over-no-successor", "no successor", "bad-needs", "hand-over", _T.HAND_OVER, "successor_count", b"\x00"),
    Wrong("hand-over-earlier", "an earlier unit as successor", "bad-needs", "hand-over", _T.HAND_OVER, "successors", b"\x03", at="successor_count"),
    Wrong("hand-over-order", "successors that do not ascend", "bad-needs", "hand-over", _T.HAND_OVER, "successors", b"\x04", field=1, at="successor_count"),
    Wrong("hand-over-vast-id", "a successor of id 2^32", "bad-needs", "hand-over", _T.HAND_OVER, "successors", varint(1 << 32), field=1, at="successor_count"),
    Wrong("hand-over-too-many", "2^16 + 1 Gaussians", "limit-exceeded", "hand-over", _T.HAND_OVER, "count", varint((1 << 16) + 1)),
    Wrong("hand-over-none", "no Gaussian", "bad-field", "hand-over", _T.HAND_OVER, "count", b"\x00"),
    Wrong("hand-over-flag", "a flag of 2", "bad-field", "hand-over", _T.HAND_OVER, "has_second_values", b"\x02"),
    Wrong("hand-over-off-its-grid", "a second opacity of 2^12 on a grid of 12 bits", "bad-field", "hand-over", _T.HAND_OVER, "second_opacities.data", b"\x00\x00\x04\x10", at="second_opacities.kind"),
    Wrong("hand-over-not-needed", "Gaussians of a unit that it does not need", "index-out-of-range", "hand-over", _T.HAND_OVER, "gaussians.remainders", b"\x40", at=PAYLOAD),
)  # fmt: skip

REST = (
    Wrong("metadata-empty-key", "an empty key", "bad-field", "static", _T.METADATA, "entries.key.length", b"\x00"),
    Wrong("metadata-key-repeated", "a key twice", "bad-field", "metadata", _T.METADATA, "entries.key.text", b"org.a", field=2, at="entries.key.length", at_field=2),
    Wrong("metadata-control", "a NUL in a value", "bad-string", "static", _T.METADATA, "entries.value.text", b"CC0\x001.0"),
    Wrong("metadata-not-utf-8", "a value that is not UTF-8", "bad-string", "static", _T.METADATA, "entries.value.text", b"CC0\xe91.0"),
    Wrong("metadata-entries", "an entry too many", "short-payload", "static", _T.METADATA, "count", b"\x04", at=END),
    Wrong("thumbnail-of-nothing-known", "a thumbnail that is no PNG, JPEG or WebP", "bad-field", "picture", _T.THUMBNAIL, "picture", b"GIF89a" + bytes(9)),
    Wrong("track-rate-0", "0 frames a second", "bad-field", "face", _T.TRACK, "frames_per_second", bytes(4)),
    Wrong("track-rate-nan", "frames a second are no number", "bad-field", "face", _T.TRACK, "frames_per_second", NAN),
    Wrong("track-frames-for-bytes", "2^20 frames in a hundred bytes", "bad-field", "face", _T.TRACK, "frame_count", varint(1 << 20)),
    Wrong("track-too-many-frames", "2^20 + 1 frames", "limit-exceeded", "face", _T.TRACK, "frame_count", varint((1 << 20) + 1)),
    Wrong("track-flag", "a flag of 2", "bad-field", "face", _T.TRACK, "moves", b"\x02"),
    Wrong("track-long", "a byte after the last field", "long-payload", "face", _T.TRACK, "translation.channels.data", bytes(11), field=2, at=END),
)  # fmt: skip

WRONG_FIELDS = (*NEEDS, *DIRECTORY, *RIG, *RIG_PARTS, *LEVELS, *SPLITS, *GAUSSIANS, *HAND_OVER, *REST)

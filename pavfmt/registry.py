# Written by `python -m spec.tools.registry` from spec/registry.json: edit that, not this.

"""Numeric ids and codes of the format; §6 and §11 say what they stand for."""

from __future__ import annotations

from enum import IntEnum, IntFlag

SIGNATURE = bytes.fromhex("895041560d0a1a0a")
FORMAT_VERSION = (0, 2)
MEDIA_TYPE = "model/vnd.pav"


class UnitType(IntEnum):
    """What a unit carries (§6)."""

    DIRECTORY = 1
    """What stands where: ids, lengths, importance, regions and bounds of all units."""
    RIG = 2
    """The mesh, its joints and weights, and the names of its shapes."""
    RIG_REFERENCE = 3
    """The name and SHA-256 of the file that holds the rig."""
    IDENTITY = 4
    """The person: neutral vertices and joints."""
    SHAPE = 5
    """Displacements of one blendshape."""
    CORRECTIVES = 6
    """Displacements by joint rotations."""
    LEVELS = 7
    """Bindings, counts and grids of all levels."""
    SPLITS = 8
    """Faces of the level before that are split in three."""
    GAUSSIANS = 9
    """Some Gaussians of one level."""
    HAND_OVER = 10
    """Which Gaussians give way once others are there."""
    METADATA = 11
    """Keys and values: title, author, licenses."""
    THUMBNAIL = 12
    """A small picture."""
    TRACK = 13
    """A motion: weights and rotations over time."""


CRITICAL_UNIT_TYPES = frozenset({UnitType.RIG, UnitType.RIG_REFERENCE, UnitType.IDENTITY, UnitType.LEVELS})
"""Known types whose critical flag is set, in every file; the flag of all other known types is clear."""

GAUSSIAN_BYTES_TYPES = frozenset({UnitType.SPLITS, UnitType.GAUSSIANS, UnitType.HAND_OVER})
"""What `gaussian_bytes` of the file header counts, unit headers included (§3)."""

PRIVATE_UNIT_TYPES = range(0x8000, 0x10000)


class CriticalFeature(IntFlag):
    """Bits of the file header's critical features (§3): a reader refuses a file with one it does not know."""

    HAND_OVER = 1
    """Gaussians may give way to others (§6.10)."""


class RigSource(IntEnum):
    """Where a file's rig comes from (§6.7)."""

    NONE = 0
    """No rig: nothing moves but joint 0."""
    EMBEDDED = 1
    """A rig unit of the file itself."""
    EXTERNAL = 2
    """Another file, that a rig reference names."""


class Binding(IntEnum):
    """How a level's Gaussians follow the mesh (§8)."""

    FACE_FRAME = 0
    """Means, rotations and scales live in the frame of a posed face (GaussianAvatars, ProgressiveAvatars)."""
    SURFACE_POINT = 1
    """An offset and a rotation in rest-pose axes, carried by the skinning of a point of the surface (LAM)."""


class Site(IntEnum):
    """What `Gaussians.sites` counts (§6.9)."""

    FACE = 0
    """A face of the level's forest; with SURFACE_POINT the point is `barycentrics` on it."""
    VERTEX = 1
    """A mesh vertex (SURFACE_POINT only): the point is the vertex, its weights are the vertex's."""
    JOINT = 2
    """A joint (SURFACE_POINT only): the point is the origin, fully on that joint. Mesh-less files use joint 0."""


class ShFrame(IntEnum):
    """The axes in which view directions are taken when SH are evaluated (§9)."""

    WORLD = 0
    """World axes: the coefficients do not turn with the face (GaussianAvatars, LAM)."""
    LOCAL = 1
    """The binding's rotation: view directions are turned back by it first."""


class ColumnCodec(IntEnum):
    """How a column's bytes are stored (§5)."""

    STORED = 0
    """As they are."""
    ZSTD = 1
    """One zstd frame that states its content size."""
    CONSTANT = 2
    """One value, for all."""


class ColumnTransform(IntEnum):
    """What was done to a column's values before (§5)."""

    NONE = 0
    """Nothing."""
    DELTA = 1
    """Each is the zigzag of its difference to the one before."""
    ZIGZAG = 2
    """Each is its zigzag."""


class WalkSymbol(IntEnum):
    """What lies across the open edge x → y of a walk over the mesh: nothing, or the face (y, x, v) (§6.2)."""

    NEW = 0
    """v is the next new vertex."""
    LEFT = 1
    """v begins the edge into x that was opened last."""
    RIGHT = 2
    """v ends the edge out of y that was opened last."""
    BORDER = 3
    """No face."""
    OTHER = 4
    """v is named by its number."""


METADATA_KEYS = ("title", "author", "license", "rig-license", "consent", "generator", "rest-camera")
"""Registered keys; others start with a reversed domain name (§6.11)."""

FATAL, DAMAGE = "fatal", "damage"
"""Severities: ends decoding; costs one unit and its dependants (fatal in a critical unit) (§11)."""

ERROR_CODES: dict[str, tuple[str, str]] = {
    "bad-signature": (FATAL, "the file does not begin with the signature"),
    "unsupported-version": (FATAL, "the version is not one this reader knows"),
    "unsupported-feature": (FATAL, "a critical feature bit is set that this reader does not know"),
    "unsupported-unit": (FATAL, "a critical unit has a type that this reader does not know"),
    "file-header-damaged": (FATAL, "the file header's checksum does not match"),
    "file-header-reserved": (FATAL, "a reserved field of the file header is not zero"),
    "critical-unit-damaged": (FATAL, "a critical unit's header or payload checksum does not match"),
    "limit-exceeded": (FATAL, "a count or size is over the limit in force"),
    "rig-mismatch": (FATAL, "the rig supplied does not have the SHA-256 the file names"),
    "unit-header-damaged": (DAMAGE, "a unit header's checksum does not match"),
    "unit-payload-damaged": (DAMAGE, "a unit payload's checksum does not match"),
    "unit-header-reserved": (DAMAGE, "a reserved bit of a unit header is set"),
    "wrong-criticality": (DAMAGE, "a known unit type has the wrong critical flag"),
    "duplicate-unit": (DAMAGE, "a unit id was already used; fatal where the two units differ"),
    "bad-needs": (DAMAGE, "a unit's needs are not earlier units, or lack one its content uses"),
    "short-payload": (DAMAGE, "a payload ends inside a field"),
    "long-payload": (DAMAGE, "bytes are left after a payload's last field"),
    "bad-field": (DAMAGE, "a field holds a value the text does not allow"),
    "bad-string": (DAMAGE, "a string is not UTF-8 or holds control characters"),
    "bad-column": (DAMAGE, "a column's codec, length or zstd frame is wrong"),
    "index-out-of-range": (
        DAMAGE,
        "an index points outside what it counts, or at what is not a declared need",
    ),
    "overlapping-range": (
        FATAL,
        "another unit already brought these Gaussians, splits, shape, or what a file has one of",
    ),
}
"""What a decoder raises or reports: severity and condition (§11).
Encoders and importers have codes of their own.
"""

VERIFY_CODES: dict[str, str] = {
    "prefix": "the bytes end inside a unit or the file header: no damage",
    "rig-not-supplied": "the file names its rig, which was not given: no damage",
    "needs-missing": "an intact unit is unused, since a unit it needs is not there",
    "trailing-bytes": "bytes follow those the file header counts",
    "wrong-total": "a total of the file header is not what was found",
    "wrong-hint": "the directory's level or Gaussian count of a unit is not what it brings",
    "directory-mismatch": "the directory's type, length or offset of a unit is not what was found",
}
"""What only verification reports."""

"""Numeric ids and codes that FORMAT.md registers; `spec/registry.json` is generated from this module."""

from __future__ import annotations

from enum import IntEnum, IntFlag

SIGNATURE = b"\x89PAV\r\n\x1a\n"
FORMAT_VERSION = (0, 2)
MEDIA_TYPE = "model/vnd.pav"
PRIVATE_UNIT_TYPES = range(0x8000, 0x10000)


class UnitType(IntEnum):
    """What a unit carries."""

    DIRECTORY = 1
    RIG = 2
    RIG_REFERENCE = 3
    IDENTITY = 4
    SHAPE = 5
    CORRECTIVES = 6
    LEVELS = 7
    SPLITS = 8
    GAUSSIANS = 9
    HAND_OVER = 10
    METADATA = 11
    THUMBNAIL = 12
    TRACK = 13


CRITICAL_UNIT_TYPES = frozenset({UnitType.RIG, UnitType.RIG_REFERENCE, UnitType.IDENTITY, UnitType.LEVELS})
"""Known types whose critical flag is set, in every file; the flag of all other known types is clear."""

GAUSSIAN_BYTES_TYPES = frozenset({UnitType.SPLITS, UnitType.GAUSSIANS, UnitType.HAND_OVER})
"""What `gaussian_bytes` counts, unit headers included."""


class CriticalFeature(IntFlag):
    """Header bits a reader must know."""

    HAND_OVER = 1


class RigSource(IntEnum):
    """Where a file's rig comes from (levels unit)."""

    NONE = 0
    EMBEDDED = 1
    EXTERNAL = 2


METADATA_KEYS = (
    "title",
    "author",
    "license",
    "rig-license",
    "consent",
    "generator",
    "rest-camera",
)
"""Registered keys; others start with a reversed domain name. `license` and `rig-license` are SPDX expressions."""

FATAL, DAMAGE = "fatal", "damage"
"""Severities: ends decoding; costs one unit and its dependants (fatal in a critical unit)."""

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
"""What a decoder raises or reports: severity and condition. Encoders and importers have codes of their own."""

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

"""The fixed-size structures: one frozen dataclass and one struct each (§3–4)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import astuple, dataclass
from typing import ClassVar

from pavfmt.errors import FormatError, LimitError, UnsupportedError
from pavfmt.limits import Limits
from pavfmt.registry import FORMAT_VERSION, SIGNATURE, CriticalFeature

KNOWN_FEATURES = sum(CriticalFeature)


@dataclass(frozen=True)
class FileHeader:
    """The first 52 bytes. All totals describe the complete avatar, so that a cut keeps them."""

    major: int = FORMAT_VERSION[0]
    minor: int = FORMAT_VERSION[1]
    critical_features: int = 0
    ancillary_features: int = 0
    unit_count: int = 0
    file_bytes: int = 0
    gaussian_bytes: int = 0
    gaussian_count: int = 0
    level_count: int = 0
    sh_degree: int = 0

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<8sHHIIIQQIBBH")
    SIZE: ClassVar[int] = LAYOUT.size + 4

    def pack(self) -> bytes:
        """The 52 bytes."""
        body = self.LAYOUT.pack(SIGNATURE, *astuple(self), 0)
        return body + struct.pack("<I", zlib.crc32(body))

    @classmethod
    def unpack(cls, data: bytes, limits: Limits) -> FileHeader:
        """Check in the order a reader can trust: signature, version, checksum, features, limits."""
        signature, major, minor, *fields, reserved = cls.LAYOUT.unpack_from(data)
        if signature != SIGNATURE:
            raise FormatError("bad-signature", f"found {signature!r}, not {SIGNATURE!r}", 0)
        if major != FORMAT_VERSION[0] or (major == 0 and minor < FORMAT_VERSION[1]):
            message = f"version {major}.{minor}, this reader knows {'.'.join(map(str, FORMAT_VERSION))}"
            raise UnsupportedError("unsupported-version", message, 8)
        if zlib.crc32(data[: cls.LAYOUT.size]) != struct.unpack_from("<I", data, cls.LAYOUT.size)[0]:
            raise FormatError(
                "file-header-damaged", "checksum of bytes 0..47 does not match", cls.LAYOUT.size
            )
        header = cls(major, minor, *fields)
        if unknown := header.critical_features & ~KNOWN_FEATURES:
            bits = [bit for bit in range(32) if unknown >> bit & 1]
            raise UnsupportedError("unsupported-feature", f"unknown critical feature bits {bits}", 12)
        if reserved:
            raise FormatError("file-header-reserved", f"reserved field is {reserved}, not 0", 46)
        header._check_limits(limits)
        return header

    def _check_limits(self, limits: Limits) -> None:
        for name, value, limit, offset in (
            ("unit_count", self.unit_count, limits.units, 20),
            ("gaussian_count", self.gaussian_count, limits.gaussians, 40),
            ("level_count", self.level_count, limits.levels, 44),
        ):
            if value > limit:
                raise LimitError("limit-exceeded", f"{name} is {value}, the limit is {limit}", offset)


@dataclass(frozen=True)
class UnitHeader:
    """The 20 bytes before every payload."""

    type: int
    critical: bool
    id: int
    length: int
    """Bytes of the payload."""
    checksum: int
    """CRC-32 of the payload."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<HBBIII")
    SIZE: ClassVar[int] = LAYOUT.size + 4

    def pack(self) -> bytes:
        """The 20 bytes, its own checksum included."""
        body = self.LAYOUT.pack(self.type, int(self.critical), 0, self.id, self.length, self.checksum)
        return body + struct.pack("<I", zlib.crc32(body))

    @classmethod
    def of(cls, type_: int, critical: bool, id_: int, payload: bytes) -> UnitHeader:
        """The header for a payload."""
        return cls(type_, critical, id_, len(payload), zlib.crc32(payload))

    @classmethod
    def unpack(cls, data: bytes, offset: int) -> UnitHeader:
        """From 20 bytes that stand at `offset`; the checksum is checked before any field is believed."""
        type_, flags, reserved, id_, length, checksum = cls.LAYOUT.unpack_from(data)
        if zlib.crc32(data[: cls.LAYOUT.size]) != struct.unpack_from("<I", data, cls.LAYOUT.size)[0]:
            message = "the unit header's checksum does not match"
            raise FormatError("unit-header-damaged", message, offset)
        if flags > 1 or reserved:
            message = f"flags {flags:#04x}, reserved {reserved}: only bit 0 of the flags is defined"
            raise FormatError("unit-header-reserved", message, offset + 2)
        return cls(type_, flags == 1, id_, length, checksum)


@dataclass(frozen=True)
class DirectoryEntry:
    """One unit after the directory, as a client that fetches ranges needs to know it."""

    id: int
    type: int
    critical: bool
    offset: int
    """Of its unit header, in the file. In a directory being encoded: ignored, the lengths say it."""
    length: int
    """Bytes of its payload."""
    needs: tuple[int, ...] = ()
    level: int | None = None
    gaussian_count: int = 0
    importance: float = 0.0
    """Its share of Σ α·T of the complete avatar, 0..1; of a shape, its share of all shapes' energy."""
    regions: int = 0
    """Bit k: it matters to the rig's region k."""
    sphere: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Centre and radius in metres around what it draws at rest; radius 0: draws nothing."""

    @property
    def end(self) -> int:
        """The byte after the unit, in the file."""
        return self.offset + UnitHeader.SIZE + self.length

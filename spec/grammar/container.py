"""File header and unit headers (§3 and §4)."""

from __future__ import annotations

import zlib

from construct import Checksum, Const, Int8ul, Int16ul, Int32ul, OneOf, RawCopy, Struct, this

from spec.grammar.fields import U8, U16, U32, U64, Traced

SIGNATURE = b"\x89PAV\r\n\x1a\n"

FILE_HEADER = Struct(
    "fields"
    / RawCopy(
        Struct(
            "signature" / Traced(Const(SIGNATURE)),
            "major" / Traced(Const(0, Int16ul)),
            "minor" / U16,
            "critical_features" / U32,
            "ancillary_features" / U32,
            "unit_count" / U32,
            "file_bytes" / U64,
            "gaussian_bytes" / U64,
            "gaussian_count" / U32,
            "level_count" / U8,
            "sh_degree" / U8,
            "reserved" / Traced(Const(0, Int16ul)),
        )
    ),
    "checksum" / Traced(Checksum(Int32ul, zlib.crc32, this.fields.data)),
)
FILE_HEADER_BYTES = 52

UNIT_HEADER = Struct(
    "fields"
    / RawCopy(
        Struct(
            "type" / U16,
            "flags" / Traced(OneOf(Int8ul, (0, 1))),
            "reserved" / Traced(Const(0, Int8ul)),
            "id" / U32,
            "length" / U32,
            "payload_checksum" / U32,
        )
    ),
    "checksum" / Traced(Checksum(Int32ul, zlib.crc32, this.fields.data)),
)
UNIT_HEADER_BYTES = 20

"""The metadata unit: keys and values (§6.11)."""

from __future__ import annotations

from collections.abc import Mapping

from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.errors import FormatError, LimitError


def encode_metadata(writer: FieldWriter, metadata: Mapping[str, str]) -> None:
    """Keys and values, in key order."""
    writer.varint(len(metadata))
    for key in sorted(metadata):
        writer.string(key)
        writer.string(metadata[key])


def decode_metadata(reader: FieldReader) -> dict[str, str]:
    """Keys and values; no key is empty or repeated."""
    start, limit = reader.offset, reader.limits.metadata_bytes
    if reader.size > limit:
        raise LimitError("limit-exceeded", f"metadata of {reader.size} bytes, the limit is {limit}", start)
    result: dict[str, str] = {}
    for _ in range(reader.varint("entry count")):
        start = reader.offset
        key = reader.string("key")
        if not key or key in result:
            raise FormatError("bad-field", f"metadata key {key!r} is empty or repeated", start)
        result[key] = reader.string(f"value of {key!r}")
    return result

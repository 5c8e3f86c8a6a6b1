"""The thumbnail unit: a small picture of the avatar (§6.12)."""

from __future__ import annotations

from dataclasses import dataclass

from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.errors import EncodeError, FormatError, LimitError
from pavfmt.limits import FORMAT_LIMITS

MEDIA_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


@dataclass(frozen=True)
class Thumbnail:
    """A small picture of the avatar."""

    media_type: str
    data: bytes


def encode_thumbnail(writer: FieldWriter, data: bytes) -> None:
    """The picture's own bytes; its signature says what it is. EncodeError if a reader would refuse it."""
    if len(data) > FORMAT_LIMITS.thumbnail_bytes or not data.startswith(tuple(MEDIA_TYPES)):
        raise EncodeError(
            "bad-thumbnail", f"{len(data)} bytes that are no PNG, JPEG or WebP of at most 1 MiB"
        )
    writer.raw(data)


def decode_thumbnail(reader: FieldReader) -> Thumbnail:
    """A PNG, JPEG or WebP; nothing of it is decoded here."""
    start, limit = reader.offset, reader.limits.thumbnail_bytes
    if reader.size > limit:
        raise LimitError("limit-exceeded", f"thumbnail of {reader.size} bytes, the limit is {limit}", start)
    data = reader.rest()
    for signature, media_type in MEDIA_TYPES.items():
        if data.startswith(signature):
            return Thumbnail(media_type, data)
    raise FormatError("bad-field", "the thumbnail is not a PNG, JPEG or WebP", start)

"""Track units: recorded performances (§6.13)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pavfmt.arrays import Float32Array
from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.codec.quantization import MAX_BITS, Affine
from pavfmt.errors import FormatError, LimitError
from pavfmt.limits import VALUES_FLOOR, VALUES_PER_BYTE
from pavfmt.model import Track


def _encode_block(writer: FieldWriter, values: Float32Array, stored: bool) -> None:
    """(T, C) numbers on one 16-bit grid, channel by channel."""
    grid = Affine.spanning(float(values.min(initial=0.0)), float(values.max(initial=0.0)), MAX_BITS)
    writer.affine(grid)
    for channel in values.T:
        writer.column(grid.quantize(channel), grid.width, stored)


def _decode_block(reader: FieldReader, frame_count: int, channel_count: int) -> Float32Array:
    grid = reader.affine("track grid")
    channels = [grid.dequantize(reader.grid_column(frame_count, grid)) for _ in range(channel_count)]
    return np.stack(channels, axis=1) if channels else np.zeros((frame_count, 0), dtype=np.float32)


def _check_density(reader: FieldReader, frame_count: int, channel_count: int, offset: int) -> None:
    if frame_count * channel_count > reader.limits.track_values:
        message = (
            f"a track of {frame_count} × {channel_count} numbers, the limit is {reader.limits.track_values}"
        )
        raise LimitError("limit-exceeded", message, offset)
    if frame_count * max(channel_count, 1) > VALUES_FLOOR + VALUES_PER_BYTE * reader.size:
        message = f"{frame_count} frames of {channel_count} numbers in a payload of {reader.size} bytes"
        raise FormatError("bad-field", message, offset)


def encode_track(writer: FieldWriter, track: Track) -> None:
    """The body of a track unit."""
    writer.string(track.name)
    writer.pack("f", track.frames_per_second)
    writer.varint(track.frame_count)
    for names in (track.shape_names, track.joint_names):
        writer.varint(len(names))
        for name in names:
            writer.string(name)
    writer.pack("B", track.translation is not None)
    blocks = [track.weights]
    if track.rotations is not None:
        blocks.append(track.rotations.reshape(track.frame_count, 3 * len(track.joint_names)))
    if track.translation is not None:
        blocks.append(track.translation)
    body = _encode_blocks(blocks, stored=False)
    if sum(block.size for block in blocks) > VALUES_FLOOR + VALUES_PER_BYTE * len(body):
        body = _encode_blocks(blocks, stored=True)  # too good to be believed: pad by storing
    writer.raw(body)


def _encode_blocks(blocks: Sequence[Float32Array], stored: bool) -> bytes:
    writer = FieldWriter()
    for block in blocks:
        _encode_block(writer, block, stored)
    return writer.getvalue()


def decode_track(reader: FieldReader) -> Track:
    """The inverse of `encode_track`, to 16 bits."""
    name = reader.string("track name")
    start = reader.offset
    (rate,) = reader.floats(1)
    if rate <= 0:
        raise FormatError("bad-field", f"{rate} frames per second", start)
    start = reader.offset
    frame_count = reader.varint("frame count", reader.limits.track_frames)
    shapes, joints = (_decode_names(reader, limit) for limit in (reader.limits.shapes, reader.limits.joints))
    moves = reader.choice("translation flag", 2)
    _check_density(reader, frame_count, len(shapes) + 3 * len(joints) + 3 * moves, start)
    weights = _decode_block(reader, frame_count, len(shapes))
    rotations = None
    if joints:
        rotations = _decode_block(reader, frame_count, 3 * len(joints))
        rotations = rotations.reshape(frame_count, len(joints), 3)
    translation = _decode_block(reader, frame_count, 3) if moves else None
    return Track(name, rate, shapes, weights, joints, rotations, translation)


def _decode_names(reader: FieldReader, limit: int) -> tuple[str, ...]:
    return tuple(reader.string("name") for _ in range(reader.varint("name count", limit)))

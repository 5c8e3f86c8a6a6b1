"""Columns: arrays of unsigned integers, transformed, then entropy coded (§5).

    u8 kind = transform · 16 + codec | varint length | length bytes

Codecs: 0 stored, 1 one zstd frame, 2 constant (one value). Transforms: 0 none, 1 zigzag of the difference to
the value before, modulo 2^(8 width), 2 zigzag. Signed values are in two's complement. Values wider than a byte
are laid out as byte planes, lowest first.
"""

from __future__ import annotations

import numpy as np
import zstandard

from pavfmt.arrays import UnsignedArray
from pavfmt.errors import FormatError
from pavfmt.registry import ColumnCodec, ColumnTransform

ZSTD_LEVEL = 19


DTYPES = {1: np.uint8, 2: np.uint16, 4: np.uint32}
SIGNED_DTYPES = {1: np.int8, 2: np.int16, 4: np.int32}


def zigzag(values: UnsignedArray, width: int) -> UnsignedArray:
    """Signed values in two's complement → 0, 1, 2, … for 0, −1, 1, …"""
    signed = values.view(SIGNED_DTYPES[width])
    mixed: UnsignedArray = ((signed << 1) ^ (signed >> (8 * width - 1))).view(DTYPES[width])
    return mixed


def unzigzag(values: UnsignedArray, width: int) -> UnsignedArray:
    """The inverse of `zigzag`."""
    signed = values.view(SIGNED_DTYPES[width])
    plain: UnsignedArray = ((values >> 1).view(SIGNED_DTYPES[width]) ^ -(signed & 1)).view(DTYPES[width])
    return plain


def _delta(values: UnsignedArray, width: int) -> UnsignedArray:
    steps = np.diff(values, prepend=values.dtype.type(0))
    return zigzag(steps, width)


def _undelta(values: UnsignedArray, width: int) -> UnsignedArray:
    return np.cumsum(unzigzag(values, width), dtype=DTYPES[width])


def _planes(values: UnsignedArray, width: int) -> bytes:
    little = np.ascontiguousarray(values, dtype=np.dtype(DTYPES[width]).newbyteorder("<"))
    return little.view(np.uint8).reshape(-1, width).T.tobytes()


def _from_planes(data: bytes, count: int, width: int) -> UnsignedArray:
    if width == 1:
        return np.frombuffer(data, dtype=np.uint8)
    planes = np.frombuffer(data, dtype=np.uint8).reshape(width, count)
    little = np.dtype(DTYPES[width]).newbyteorder("<")
    return np.ascontiguousarray(planes.T).view(little).reshape(count).astype(DTYPES[width], copy=False)


def compress_column(values: UnsignedArray, width: int, stored: bool = False) -> tuple[int, bytes]:
    """(kind, bytes) of a column, the smallest of the forms; `stored` forbids all but plain bytes."""
    values = np.ascontiguousarray(values, dtype=DTYPES[width])
    plain = _planes(values, width)
    if stored or not len(values):
        return ColumnCodec.STORED, plain
    if (values == values[0]).all():
        return ColumnCodec.CONSTANT, _planes(values[:1], width)
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    forms = [
        (int(ColumnCodec.STORED), plain),
        (int(ColumnCodec.ZSTD), compressor.compress(plain)),
        (
            16 * ColumnTransform.DELTA + ColumnCodec.ZSTD,
            compressor.compress(_planes(_delta(values, width), width)),
        ),
    ]
    if width > 1:  # what is signed has high bytes of all ones and all zeros
        folded = compressor.compress(_planes(zigzag(values, width), width))
        forms.append((16 * ColumnTransform.ZIGZAG + ColumnCodec.ZSTD, folded))
    return min(forms, key=lambda form: len(form[1]))


class ColumnDecompressor:
    """Opens columns; holds the one zstd context a decoder needs."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor()

    def decompress(self, kind: int, data: bytes, count: int, width: int, offset: int) -> UnsignedArray:
        """`count` values of `width` bytes; `offset` is where the column's bytes stand in the file."""
        transform, codec = divmod(kind, 16)
        if codec not in (0, 1, 2) or transform not in (0, 1, 2):
            raise FormatError("bad-column", f"column kind {kind} is not defined", offset)
        if codec == ColumnCodec.CONSTANT:
            if len(data) != width or transform or not count:
                raise FormatError("bad-column", f"a constant column holds {len(data)} bytes", offset)
            return np.full(count, _from_planes(data, 1, width)[0])
        if codec == ColumnCodec.ZSTD:
            data = self._frame(data, count * width, offset)
        if len(data) != count * width:
            raise FormatError("bad-column", f"column of {len(data)} bytes, not {count * width}", offset)
        values = _from_planes(data, count, width)
        if transform == ColumnTransform.NONE:
            return values
        return _undelta(values, width) if transform == ColumnTransform.DELTA else unzigzag(values, width)

    def _frame(self, data: bytes, size: int, offset: int) -> bytes:
        """One zstd frame that states its content size; checked first, since decompress() trusts it."""
        try:
            declared = zstandard.frame_content_size(data)
            if declared != size:
                raise FormatError("bad-column", f"zstd frame declares {declared} bytes, not {size}", offset)
            return self._zstd.decompress(data, max_output_size=size, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise FormatError("bad-column", f"zstd: {error}", offset) from None

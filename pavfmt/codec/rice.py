"""Golomb-Rice codes, all values of a section at once (§5.1).

A value v with parameter k is ⌊v / 2^k⌋ zeros and a one in the section of quotients, and its k lowest bits in the
section of remainders. Bits go from the highest of a byte to the lowest; the last byte of a section is filled up
with zeros.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import FormatError

MAX_PARAMETER = 15
WINDOW = 5
"""Bytes that a remainder of up to 30 bits can touch."""

Int64Array = NDArray[np.int64]


def zigzag(values: NDArray[np.integer]) -> Int64Array:
    """0, 1, 2, … for 0, −1, 1, …"""
    wide = values.astype(np.int64)
    folded: Int64Array = (wide << 1) ^ (wide >> 63)
    return folded


def unzigzag(values: Int64Array) -> Int64Array:
    """The inverse of `zigzag`."""
    plain: Int64Array = (values >> 1) ^ -(values & 1)
    return plain


def encode_quotients(values: Int64Array, parameters: NDArray[np.integer] | int) -> bytes:
    """The unary section of values ≥ 0."""
    ends = np.cumsum((values >> parameters) + 1) - 1
    bits = np.zeros(int(ends[-1]) + 1 if len(ends) else 0, dtype=np.uint8)
    bits[ends] = 1
    return np.packbits(bits).tobytes()


def encode_remainders(values: Int64Array, parameters: NDArray[np.integer]) -> bytes:
    """The section of the lowest bits."""
    widths = parameters.astype(np.int64)
    ends = np.cumsum(widths)
    total = int(ends[-1]) if len(ends) else 0
    places = np.repeat(ends, widths) - 1 - np.arange(total)
    bits = (np.repeat(values, widths) >> places) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()


def decode_quotients(data: bytes, count: int, offset: int) -> Int64Array:
    """`count` quotients, the whole of `data`; `offset` is where it stands in the file."""
    ends = np.flatnonzero(np.unpackbits(np.frombuffer(data, dtype=np.uint8)))
    last = int(ends[count - 1]) if 0 < count <= len(ends) else -1
    if len(ends) != count or last >> 3 != len(data) - 1:
        raise FormatError(
            "bad-column", f"{len(ends)} Rice quotients in {len(data)} bytes, not {count}", offset
        )
    return np.diff(ends, prepend=-1) - 1


class Remainders:
    """Reads the section of remainders, front to back."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._size = len(data)
        self._offset = offset
        self._at = 0
        padded = np.frombuffer(data + bytes(WINDOW), dtype=np.uint8).astype(np.int64)
        self._words = padded[: len(data) + 1]
        for step in range(1, WINDOW):
            self._words = self._words << 8 | padded[step : len(data) + 1 + step]
        """The 40 bits from each byte on."""

    def take(self, parameters: Int64Array) -> Int64Array:
        """The next values, of `parameters` bits each, in the shape of `parameters`."""
        ends = self._at + np.cumsum(parameters.reshape(-1))
        end = int(ends[-1]) if len(ends) else self._at
        if end > 8 * self._size:
            raise FormatError(
                "bad-column", f"Rice remainders need {end} bits of {8 * self._size}", self._offset
            )
        self._at = end
        starts = ends.reshape(parameters.shape) - parameters
        shifted = self._words[starts >> 3] >> (8 * WINDOW - (starts & 7) - parameters)
        values: Int64Array = shifted & ((1 << parameters) - 1)
        return values

    def finish(self) -> None:
        """Nothing but zeros that fill the last byte may be left."""
        spare = 8 * self._size - self._at
        last = int(self._words[self._size - 1] >> (8 * (WINDOW - 1))) if self._size else 0
        if spare >= 8 or last & ((1 << spare) - 1):
            raise FormatError("bad-column", f"{spare} bits are left after the Rice remainders", self._offset)


def bits_of(values: Int64Array, parameters: NDArray[np.integer] | int) -> int:
    """Bits that both sections take together."""
    return int(((values >> parameters) + 1 + parameters).sum())


def best_parameter(values: Int64Array) -> int:
    """The one parameter under which `values` take the fewest bits."""
    return min(range(MAX_PARAMETER + 1), key=lambda k: bits_of(values, k))

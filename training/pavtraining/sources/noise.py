"""Smooth noise and spots in space from an integer hash: the same everywhere, and fast enough for textures."""

from __future__ import annotations

from math import floor

import numpy as np

from pavfmt.arrays import Float64Array
from pavplayer.compilation import compiled, parallel, prange


@compiled
def _hashed(x: int, y: int, z: int, seed: int) -> int:
    """A cell of space → 32 well-mixed bits."""
    # Three primes keep neighbours apart, then shifts and products spread each bit over all.
    # Integers only: the same on every machine.
    mixed = (x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (seed * 2654435761)
    mixed = ((mixed ^ (mixed >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 12)) * 0x297A2D39) & 0xFFFFFFFF
    return mixed ^ (mixed >> 15)


@compiled
def _noise_at(x: float, y: float, z: float, seed: int) -> float:
    i, j, k = floor(x), floor(y), floor(z)
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = 0.0
    for a in range(2):
        for b in range(2):
            for c in range(2):
                share = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
                total += share * ((_hashed(i + a, j + b, k + c, seed) & 0xFFFF) / 32767.5 - 1.0)
    return total


@parallel
def _fill_noise(points: Float64Array, cell: float, seed: int, values: Float64Array) -> None:
    for row in prange(points.shape[0]):
        x, y, z = points[row, 0] / cell, points[row, 1] / cell, points[row, 2] / cell
        values[row] = _noise_at(x + 1000.0, y + 1000.0, z + 1000.0, seed)


def value_noise(points: Float64Array, cell: float, seed: int) -> Float64Array:
    """(N, 3) points in metres → (N,) smooth noise in −1..1 with bumps of size `cell`."""
    values = np.empty(len(points))
    _fill_noise(np.ascontiguousarray(points), cell, seed, values)
    return values


@parallel
def _fill_spots(
    points: Float64Array, density: Float64Array, cell: float, seed: int, values: Float64Array
) -> None:
    for row in prange(points.shape[0]):
        values[row] = 0.0
        if density[row] <= 0.0:
            continue
        x, y, z = points[row, 0] / cell, points[row, 1] / cell, points[row, 2] / cell
        i, j, k = floor(x), floor(y), floor(z)
        # A spot may reach over from any neighbouring cell; the strongest shows.
        for cell_number in range(27):
            a, b, c = i + cell_number // 9 - 1, j + cell_number // 3 % 3 - 1, k + cell_number % 3 - 1
            bits = _hashed(a + 1000, b + 1000, c + 1000, seed)
            if (bits & 0xFF) / 255.0 >= density[row]:
                continue
            place = _hashed(a + 1000, b + 1000, c + 1000, seed + 77)
            dx = x - a - (place & 0x3FF) / 1023.0
            dy = y - b - ((place >> 10) & 0x3FF) / 1023.0
            dz = z - c - ((place >> 20) & 0x3FF) / 1023.0
            radius = 0.13 + 0.17 * ((bits >> 8) & 0xFF) / 255.0
            near = 1.0 - (dx * dx + dy * dy + dz * dz) / (radius * radius)
            if near > 0.0:
                values[row] = max(
                    values[row], min(1.0, 1.6 * near) * (0.45 + 0.55 * ((bits >> 16) & 0xFF) / 255.0)
                )


def spots(points: Float64Array, density: Float64Array, cell: float, seed: int) -> Float64Array:
    """(N, 3) points → (N,) 0..1: soft round spots of some thirds of `cell`, as many as `density` (N,) says."""
    values = np.empty(len(points))
    _fill_spots(np.ascontiguousarray(points), np.ascontiguousarray(density), cell, seed, values)
    return values

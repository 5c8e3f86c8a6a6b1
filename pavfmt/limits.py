"""Ceilings of the format, checked before anything is allocated (FORMAT.md, "Limits")."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a reader accepts. The defaults are the format's own ceilings; a reader may lower them."""

    unit_bytes: int = 1 << 26
    gaussians: int = 1 << 24
    gaussians_per_unit: int = 1 << 16
    levels: int = 16
    vertices: int = 1 << 20
    faces: int = 1 << 21
    splits: int = 1 << 24
    joints: int = 1 << 10
    shapes: int = 1 << 12
    rig_values: int = 1 << 27
    """Of V × J weights, and of V0 × 3 × (shapes + corrective features)."""
    units: int = 1 << 20
    needs: int = 1 << 12
    string_bytes: int = 1 << 12
    metadata_bytes: int = 1 << 16
    thumbnail_bytes: int = 1 << 20
    track_frames: int = 1 << 20
    track_values: int = 1 << 26


FORMAT_LIMITS = Limits()
EXPANSION = 4
"""A unit brings at most 64 + EXPANSION × payload bytes Gaussians or splits, so memory follows arrived
bytes."""
EXPANSION_FLOOR = 64
VALUES_PER_BYTE = 64
"""A rig unit brings at most VALUES_FLOOR + VALUES_PER_BYTE × payload bytes vertices, faces or weights (V × J), a
track unit as many numbers."""
VALUES_FLOOR = 4096

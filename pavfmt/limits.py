# Written by `python -m spec.tools.registry` from spec/registry.json: edit that, not this.

"""Ceilings of the format, checked before anything is allocated (§10)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a reader accepts. The defaults are the format's own ceilings; a reader may lower them."""

    unit_bytes: int = 1 << 26
    """Payload bytes of a unit."""
    units: int = 1 << 20
    """Units."""
    gaussians: int = 1 << 24
    """Gaussians."""
    gaussians_per_unit: int = 1 << 16
    """Gaussians of a unit."""
    levels: int = 16
    """Levels."""
    vertices: int = 1 << 20
    """Vertices of the base mesh."""
    faces: int = 1 << 21
    """Faces of the base mesh."""
    splits: int = 1 << 24
    """Splits."""
    joints: int = 1 << 10
    """Joints."""
    shapes: int = 1 << 12
    """Shapes."""
    rig_values: int = 1 << 27
    """V · J weights; 3 · V0 · shapes; 3 · V0 · 9 n of n corrective joints."""
    needs: int = 1 << 12
    """Needs of a unit."""
    string_bytes: int = 1 << 12
    """Bytes of a string."""
    metadata_bytes: int = 1 << 16
    """Bytes of the metadata."""
    thumbnail_bytes: int = 1 << 20
    """Bytes of the thumbnail."""
    track_frames: int = 1 << 20
    """Frames of a track."""
    track_values: int = 1 << 26
    """Numbers in a block of a track."""


FORMAT_LIMITS = Limits()

ENTRIES_PER_BYTE = 16
"""A payload of n bytes has at most 16 n of these:

Entries of a directory; needs of all its entries together (§6.1).
"""
EXPANSION_FLOOR = 64
EXPANSION_PER_BYTE = 4
"""A payload of n bytes has at most 64 + 4 n of these:

Gaussians or splits of a unit, so that memory follows arrived bytes (§6.8, §6.9, §6.10).
"""
VALUES_FLOOR = 4096
VALUES_PER_BYTE = 64
"""A payload of n bytes has at most 4096 + 64 n of these:

Vertices, faces or weights V · J of a rig unit; numbers of a track unit (§6.2, §6.13).
"""

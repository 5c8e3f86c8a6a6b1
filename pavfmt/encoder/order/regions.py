"""Which named regions and which part of space a unit's Gaussians touch: hints in the directory (§6.1).

For clients that fetch ranges: one that looks at the eyes takes the units whose bit for the eyes is set. Nothing that
is drawn depends on them, so they may be as coarse as bits of whole units are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.codec.subdivision import edges_of
from pavfmt.model import Avatar, Rig
from pavfmt.registry import Site

NOTICEABLE_METRES = 2.5e-4
"""Half a pixel at the measuring distance."""


def _vertex_bits(rig: Rig) -> NDArray[np.uint16]:
    """(V,) region bits; an edge midpoint belongs where either end does."""
    bits = np.zeros(len(rig.mean_neutral), dtype=np.uint16)
    for index, mask in enumerate(rig.regions.values()):
        bits |= np.where(mask, np.uint16(1 << index), np.uint16(0))
    if rig.subdivisions:
        edges = edges_of(rig.faces)
        bits = np.concatenate([bits, bits[edges[:, 0]] | bits[edges[:, 1]]])
    return bits


def shape_region_bits(rig: Rig, index: int) -> int:
    """Bits of the regions in which a shape moves something by NOTICEABLE_METRES or more."""
    moved = np.linalg.norm(rig.shapes[index].displacements, axis=1) >= NOTICEABLE_METRES
    masks = enumerate(rig.regions.values())
    return sum(1 << region for region, mask in masks if bool((moved & mask).any()))


def region_bits(avatar: Avatar) -> list[NDArray[np.uint16]]:
    """Per level (N,) region bits of every Gaussian: as measured, else by the site."""
    sited = site_region_bits(avatar)
    measured = [level.gaussians.regions for level in avatar.levels]
    return [bits if own is None else own for own, bits in zip(measured, sited, strict=True)]


def site_region_bits(avatar: Avatar) -> list[NDArray[np.uint16]]:
    """Per level (N,) bits of the regions each Gaussian's site lies in; joints lie in none."""
    rig = avatar.rig
    if rig is None or not rig.regions:
        return [np.zeros(len(level.gaussians), dtype=np.uint16) for level in avatar.levels]
    vertices = _vertex_bits(rig)
    base = np.bitwise_or.reduce(vertices[rig.faces], axis=1)
    faces = np.tile(base, 4**rig.subdivisions)
    result = []
    for level in avatar.levels:
        if level.splits is not None:
            faces = np.repeat(faces[level.splits.parents], 3)
        sites = level.gaussians.sites
        table = {Site.FACE: faces, Site.VERTEX: vertices, Site.JOINT: np.zeros(rig.joint_count, np.uint16)}
        result.append(table[level.site][sites])
    return result


def bounding_sphere(points: Float64Array) -> tuple[float, float, float, float]:
    """(N, 3) points → x, y, z of the centre of their bounding box, and the radius that holds all; metres."""
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    return (*map(float, centre), max(radius, 1e-6))  # type: ignore[return-value]

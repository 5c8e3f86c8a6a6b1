"""Putting a mesh in the order of its walk (`pavfmt.codec.mesh`, §6.2), and all that refers to its faces and vertices.

Connectivity is written as a walk over the mesh at about 3 bits a face, and a reader numbers vertices and faces as it
meets them. To keep the given order would take a permutation in the file, 7 kB for FLAME's vertices alone and more for
its faces (spec/decisions/0011-mesh-walk.md); so everything that is indexed by them is renumbered here instead, before
anything else is decided. Nothing that is seen depends on the numbers, but which Gaussian is in front at equal depth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pavfmt.arrays import Int32Array
from pavfmt.codec.mesh import encode_mesh
from pavfmt.codec.subdivision import edges_of
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Identity, Level, PoseCorrectives, Rig
from pavfmt.registry import Site


@dataclass(frozen=True)
class Order:
    """Given → written indices, of the whole (perhaps subdivided) mesh."""

    faces: Int32Array
    """(F,) the written index of each given face."""
    vertices: Int32Array
    """(V,) the written index of each given vertex."""
    base_vertices: Int32Array
    """(V0,) the other way: the given base vertex of each written one."""


def _inverse(order: Int32Array) -> Int32Array:
    result = np.empty(len(order), dtype=np.int32)
    result[order] = np.arange(len(order), dtype=np.int32)
    return result


def renumbered_rig(rig: Rig) -> tuple[Rig, Order]:
    """The rig in the order of its walk, and what became of its numbers."""
    walk = encode_mesh(rig.faces, len(rig.mean_neutral))
    back, number = walk.vertex_order, _inverse(walk.vertex_order)
    faces = number[rig.faces[walk.face_order]]
    face_number, vertex_number = _inverse(walk.face_order), number
    vertex_count = len(number) + (len(edges_of(rig.faces)) if rig.subdivisions else 0)
    if len(rig.weights) != vertex_count:
        raise EncodeError("bad-shape", f"weights of {len(rig.weights)} vertices, the mesh has {vertex_count}")
    if rig.subdivisions:
        count = len(faces)
        face_number = np.concatenate([face_number + k * count for k in range(4)])
        vertex_number = np.concatenate([number, len(number) + _edge_numbers(rig.faces, faces, number)])
    correctives = rig.correctives
    if correctives is not None:
        correctives = PoseCorrectives(correctives.joints, correctives.displacements[:, back])
    moved = replace(
        rig,
        faces=faces,
        mean_neutral=rig.mean_neutral[back],
        weights=rig.weights[_inverse(vertex_number)],
        shapes=tuple(replace(shape, displacements=shape.displacements[back]) for shape in rig.shapes),
        correctives=correctives,
        regions={name: np.asarray(mask)[back] for name, mask in rig.regions.items()},
    )
    return moved, Order(face_number, vertex_number, back)


def _edge_numbers(given: Int32Array, written: Int32Array, number: Int32Array) -> Int32Array:
    """(E,) the written number of each given edge."""
    moved = np.sort(number[edges_of(given)], axis=1).astype(np.int64)
    edges = edges_of(written).astype(np.int64)
    base = len(number)
    found = np.searchsorted(edges[:, 0] * base + edges[:, 1], moved[:, 0] * base + moved[:, 1])
    return found.astype(np.int32)


def renumbered(avatar: Avatar) -> Avatar:
    """The same avatar over its renumbered mesh: it poses and draws the same."""
    if avatar.rig is None:
        return avatar
    rig, order = renumbered_rig(avatar.rig)
    identity = avatar.identity
    if identity is not None:
        identity = Identity(identity.neutral[order.base_vertices], identity.joint_positions)
    levels = tuple(_renumbered_level(level, number, order) for number, level in enumerate(avatar.levels))
    return replace(avatar, rig=rig, identity=identity, levels=levels)


def _renumbered_level(level: Level, number: int, order: Order) -> Level:
    gaussians, splits = level.gaussians, level.splits
    if level.site is Site.VERTEX:
        gaussians = replace(gaussians, sites=order.vertices[gaussians.sites])
    elif level.site is Site.FACE and number == 0:
        gaussians = replace(gaussians, sites=order.faces[gaussians.sites])
    if splits is not None and number == 1:
        splits = replace(splits, parents=order.faces[splits.parents])
    return replace(level, gaussians=gaussians, splits=splits)

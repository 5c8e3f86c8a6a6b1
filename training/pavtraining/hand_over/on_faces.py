"""Gaussians moved from the frames of faces to those of others: the same at rest, all but the same in other poses.

A base takes level 0, and level 1 has no faces but those of split ones. So originals that hang on faces go to
the first children of these: a child's first edge and plane are its parent's, so it turns as its parent does in every
pose, and only its size and centre answer to a stretched face a little otherwise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pavfmt.arrays import Float64Array, Int32Array
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Gaussians, Level, Pose, Splits
from pavfmt.posing import (
    face_frames,
    forest_corners,
    pose_mesh,
    quaternion_from_rotation,
    quaternion_product,
)
from pavfmt.registry import Binding, ShFrame

THIRD = np.float32(1 / 3)


def is_on_faces(avatar: Avatar) -> bool:
    """Whether every level hangs on face frames."""
    return all(level.binding is Binding.FACE_FRAME for level in avatar.levels)


def flattened(avatar: Avatar) -> Avatar:
    """One level on the faces of the mesh, from an avatar of any number of levels on face frames; of one, as it is.

    Raises EncodeError where one level hands over to another, or SH turn with faces that are put into others.
    """
    if any(level.parents is not None for level in avatar.levels):
        raise EncodeError("bad-level", "the avatar hands over already")
    if len(avatar.levels) == 1:
        return avatar
    if any(level.sh_frame is ShFrame.LOCAL for level in avatar.levels):
        raise EncodeError("bad-site", "levels whose SH turn with their faces cannot be put into one")
    corners = _rest_corners(avatar, avatar.levels)
    parts, ancestors = [], np.arange(len(corners[0]), dtype=np.int32)
    for number, level in enumerate(avatar.levels):
        if level.splits is not None:
            ancestors = np.repeat(ancestors[level.splits.parents], 3)
        own = level.gaussians
        sites = ancestors[own.sites]
        parts.append(_moved(own, corners[number][own.sites], corners[0][sites], sites))
    return replace(avatar, levels=(Level(_together(parts), Binding.FACE_FRAME),))


def on_children(avatar: Avatar, level: Level) -> Level:
    """A level of Gaussians on the mesh's faces → the same on the first children of those, split in the middle."""
    parents, place = np.unique(level.gaussians.sites, return_inverse=True)
    thirds = np.full((len(parents), 3), THIRD, np.float32)
    splits = Splits(parents.astype(np.int32), thirds)
    empty = level.gaussians.take(np.zeros(0, np.int64))
    whole, children = _rest_corners(avatar, (Level(empty), Level(empty, splits=splits)))
    own = level.gaussians
    sites = (3 * place).astype(np.int32)
    return replace(level, gaussians=_moved(own, whole[own.sites], children[sites], sites), splits=splits)


def _rest_corners(avatar: Avatar, levels: tuple[Level, ...]) -> list[Float64Array]:
    assert avatar.rig is not None  # nothing else has faces
    mesh = pose_mesh(avatar.rig, avatar.identity, Pose())
    return forest_corners(mesh.vertices, mesh.faces, levels)


def _moved(own: Gaussians, here: Float64Array, there: Float64Array, sites: Int32Array) -> Gaussians:
    """Gaussians of faces with corners (N, 3, 3) `here` → of those `there`."""
    turns, sizes, centres = face_frames(here)
    other_turns, other_sizes, other_centres = face_frames(there)
    between = other_turns.transpose(0, 2, 1) @ turns
    means = np.einsum("nkl,nl->nk", turns, own.means.astype(np.float64)) * sizes[:, None] + centres
    means = np.einsum("nlk,nl->nk", other_turns, means - other_centres) / other_sizes[:, None]
    quats = quaternion_product(quaternion_from_rotation(between), own.quats.astype(np.float64))
    return replace(
        own,
        sites=sites,
        means=means.astype(np.float32),
        quats=quats.astype(np.float32),
        log_scales=(own.log_scales + np.log(sizes / other_sizes)[:, None]).astype(np.float32),
    )


def _together(parts: list[Gaussians]) -> Gaussians:
    """All of them, with zeros for the SH bands that some lack; importance is not kept."""
    widest = max(part.shN.shape[1] for part in parts)
    padded = [np.pad(part.shN, ((0, 0), (0, widest - part.shN.shape[1]), (0, 0))) for part in parts]
    names = ("sites", "means", "quats", "log_scales", "opacities", "sh0")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Gaussians(**columns, shN=np.concatenate(padded))

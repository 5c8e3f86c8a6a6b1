"""Encoding an avatar over a rig file that exists: one rig, many identities.

    shared = shared_avatar(avatar, rig_file)
    encode(shared, rig_file=rig_file, rig_name="rig.pav")

What two avatars share is everything but the neutral face and the joints' places: topology, skinning weights, joint
tree, shapes and correctives. The avatar's own neutral becomes its identity, told as the difference to the rig file's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pavfmt.decoding.decoder import decode
from pavfmt.encoder.renumbering import renumbered
from pavfmt.errors import EncodeError, PavError
from pavfmt.model import Avatar, Float32Array, Identity, Rig

SHAPE_TOLERANCE = 5e-4
"""Metres that a vertex of a shape or corrective may lie from the rig file's, whose steps may be coarse."""
WEIGHT_TOLERANCE = 0.03
"""A share of one: the file's weights may be whole numbers of few bits."""
SAME_NEUTRAL = 3e-4
"""Metres: a neutral no farther from the rig file's than its steps may be needs no identity of its own."""


def shared_avatar(avatar: Avatar, rig_file: bytes) -> Avatar:
    """The avatar over the rig of a rig file, with its own neutral as its identity: it draws the same at rest.

    Raises EncodeError "other-rig" where more than the neutral and the joints' places differ.
    """
    if avatar.rig is None:
        raise EncodeError("no-rig", "an avatar without a rig cannot share one")
    avatar, rig = renumbered(avatar), rig_in(rig_file)
    own = avatar.rig
    assert own is not None
    _check_same(own, rig)
    neutral, joints = own.mean_neutral, own.mean_joint_positions
    if avatar.identity is not None:
        neutral, joints = avatar.identity.neutral, avatar.identity.joint_positions
    rig = replace(rig, regions=own.regions)
    same_joints = np.array_equal(joints, rig.mean_joint_positions)
    if same_joints and _farthest(neutral, rig.mean_neutral) <= SAME_NEUTRAL:
        # kept exact here: the encoder moves the Gaussians over to the file's
        return replace(avatar, rig=replace(rig, mean_neutral=neutral), identity=None)
    return replace(avatar, rig=rig, identity=Identity(neutral, joints))


def rig_in(rig_file: bytes) -> Rig:
    """The rig of a rig file, with all its shapes."""
    try:
        scene = decode(rig_file)
    except PavError as error:
        raise EncodeError("bad-rig-file", f"the rig file cannot be read: {error}") from None
    rig, core = scene.rig(), scene.core
    if rig is None or core is None:
        raise EncodeError("bad-rig-file", "there is no rig in the rig file")
    if len(rig.shapes) != len(core.shape_names) or (rig.correctives is None) != (not core.corrective_joints):
        raise EncodeError("bad-rig-file", "the rig file is cut or damaged: shapes are missing")
    return rig


def _check_same(own: Rig, rig: Rig) -> None:
    """EncodeError unless the two differ only in what an identity carries."""
    if own.subdivisions != rig.subdivisions or not np.array_equal(own.faces, rig.faces):
        raise _other("its faces")
    if own.joint_names != rig.joint_names or own.joint_parents != rig.joint_parents:
        raise _other("its joints")
    if [shape.name for shape in own.shapes] != [shape.name for shape in rig.shapes]:
        raise _other("the names of its shapes")
    if own.weights.shape != rig.weights.shape or np.abs(own.weights - rig.weights).max() > WEIGHT_TOLERANCE:
        raise _other("its skinning weights")
    for one, other in zip(own.shapes, rig.shapes, strict=True):
        _check_close(f"shape {one.name!r}", one.displacements, other.displacements)
        if (one.joint_displacements is None) != (other.joint_displacements is None):
            raise _other(f"shape {one.name!r}")
        if one.joint_displacements is not None and other.joint_displacements is not None:
            _check_close(f"shape {one.name!r}", one.joint_displacements, other.joint_displacements)
    if (own.correctives is None) != (rig.correctives is None):
        raise _other("its pose correctives")
    if own.correctives is not None and rig.correctives is not None:
        if own.correctives.joints != rig.correctives.joints:
            raise _other("its pose correctives")
        _check_close("its pose correctives", own.correctives.displacements, rig.correctives.displacements)


def _check_close(what: str, own: Float32Array, other: Float32Array) -> None:
    if own.shape != other.shape:
        raise _other(what)
    farthest = _farthest(own, other)
    if farthest > SHAPE_TOLERANCE:
        raise _other(f"{what}, by {1000 * farthest:.2f} mm")


def _farthest(one: Float32Array, other: Float32Array) -> float:
    return float(np.linalg.norm(one.astype(np.float64) - other, axis=-1).max(initial=0.0))


def _other(what: str) -> EncodeError:
    return EncodeError("other-rig", f"the avatar's rig is not the rig file's: they differ in {what}")

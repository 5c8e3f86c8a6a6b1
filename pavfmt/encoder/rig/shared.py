"""Encoding an avatar over a rig file that exists: one rig, many identities (§6.3, §6.4).

    shared = shared_avatar(avatar, rig_file)
    encode(shared, rig_file=rig_file, rig_name="rig.pav")

What two avatars share is everything but the neutral face and the joints' positions: topology, skinning weights, joint
tree, shapes and correctives. The avatar's own neutral becomes its identity, written as the difference to the rig
file's. Heads of one exporter differ in nothing else (12 mm at most between two LAM heads), so that the second of them
takes about 60 kB less (spec/decisions/0012-shared-rig.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pavfmt.arrays import Float32Array
from pavfmt.decoding.decoder import decode
from pavfmt.encoder.rig.renumbering import renumbered
from pavfmt.encoder.rig.units import structural_difference
from pavfmt.errors import EncodeError, PavError
from pavfmt.model import Avatar, Identity, Rig
from pavfmt.units.rig import RigCore

SHAPE_TOLERANCE = 5e-4
"""Metres that a vertex of a shape or corrective may lie from the rig file's, whose steps may be coarse."""
WEIGHT_TOLERANCE = 0.03
"""A share of one: the file's weights may be whole numbers of few bits."""
SAME_NEUTRAL = 3e-4
"""Metres: a neutral no farther from the rig file's than its steps may be needs no identity of its own."""


def shared_avatar(avatar: Avatar, rig_file: bytes) -> Avatar:
    """The avatar over the rig of a rig file, with its own neutral as its identity: it draws the same at rest.

    Raises EncodeError "other-rig" where more than the neutral and the joints' positions differ.
    """
    if avatar.rig is None:
        raise EncodeError("no-rig", "an avatar without a rig cannot share one")
    avatar, (rig, core) = renumbered(avatar), rig_in(rig_file)
    own = avatar.rig
    assert own is not None
    _check_same(own, rig, core)
    neutral, joints = own.mean_neutral, own.mean_joint_positions
    if avatar.identity is not None:
        neutral, joints = avatar.identity.neutral, avatar.identity.joint_positions
    rig = replace(rig, regions=own.regions)
    same_joints = np.array_equal(joints, rig.mean_joint_positions)
    if same_joints and _farthest(neutral, rig.mean_neutral) <= SAME_NEUTRAL:
        # kept exact here: the encoder moves the Gaussians over to the file's
        return replace(avatar, rig=replace(rig, mean_neutral=neutral), identity=None)
    return replace(avatar, rig=rig, identity=Identity(neutral, joints))


def rig_in(rig_file: bytes) -> tuple[Rig, RigCore]:
    """The rig of a rig file with all its shapes, and what its rig unit brings.

    Raises EncodeError "bad-rig-file" where it cannot be read or a shape is missing.
    """
    try:
        scene = decode(rig_file)
    except PavError as error:
        raise EncodeError("bad-rig-file", f"the rig file cannot be read: {error}") from None
    rig, core = scene.rig(), scene.core
    if rig is None or core is None:
        raise EncodeError("bad-rig-file", "there is no rig in the rig file")
    if len(rig.shapes) != len(core.shape_names) or (rig.correctives is None) != (not core.corrective_joints):
        raise EncodeError("bad-rig-file", "the rig file is cut or damaged: shapes are missing")
    return rig, core


def _check_same(own: Rig, rig: Rig, core: RigCore) -> None:
    """EncodeError unless the two differ only in what an identity carries."""
    difference = structural_difference(own, core)
    if difference is not None:
        raise _other(difference)
    if own.weights.shape != rig.weights.shape or np.abs(own.weights - rig.weights).max() > WEIGHT_TOLERANCE:
        raise _other("its skinning weights")
    for one, other in zip(own.shapes, rig.shapes, strict=True):
        _check_close(f"shape {one.name!r}", one.displacements, other.displacements)
        _check_close(f"shape {one.name!r}", one.joint_displacements, other.joint_displacements)
    ours, theirs = own.correctives, rig.correctives
    if (() if ours is None else ours.joints) != core.corrective_joints:
        raise _other("its pose correctives")
    if ours is not None and theirs is not None:
        _check_close("its pose correctives", ours.displacements, theirs.displacements)


def _check_close(what: str, own: Float32Array | None, other: Float32Array | None) -> None:
    if own is None or other is None:
        if own is not other:
            raise _other(what)
        return
    if own.shape != other.shape:
        raise _other(what)
    farthest = _farthest(own, other)
    if farthest > SHAPE_TOLERANCE:
        raise _other(f"{what}, by {1000 * farthest:.2f} mm")


def _farthest(one: Float32Array, other: Float32Array) -> float:
    return float(np.linalg.norm(one.astype(np.float64) - other, axis=-1).max(initial=0.0))


def _other(what: str) -> EncodeError:
    return EncodeError("other-rig", f"the avatar's rig is not the rig file's: they differ in {what}")

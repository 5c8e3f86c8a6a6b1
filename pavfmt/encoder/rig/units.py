"""The units that bring a rig and a person: rig, identity, shapes, correctives (§6.2, §6.4 to §6.6).

The bodies of the rig and the identity are encoded before anything else, and decoded again at once: Gaussians are
bound to the mesh as a reader will have it, not as it was given (`pavfmt.encoder.rig.rebinding`), so their units
depend on what rounding has made of these two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from pavfmt.codec.columns import ColumnDecompressor
from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.decoding.decoder import decode
from pavfmt.encoder.draft import Draft
from pavfmt.encoder.options import EncodeOptions
from pavfmt.encoder.order.regions import shape_region_bits
from pavfmt.errors import EncodeError
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import Avatar, Identity, Rig
from pavfmt.registry import UnitType
from pavfmt.units.rig import (
    RigCore,
    RigReference,
    decode_identity,
    decode_rig,
    encode_correctives,
    encode_identity,
    encode_reference,
    encode_rig,
    encode_shape,
)


@dataclass(frozen=True)
class RigUnits:
    """The bodies of the rig and identity units, and what they are once decoded."""

    body: bytes = b""
    """Of the rig unit, or of the rig reference; empty without a rig."""
    is_external: bool = False
    """Whether the rig is in a file of its own, which the body names (§6.3)."""
    identity_body: bytes = b""
    rig: Rig | None = None
    identity: Identity | None = None

    def decoded(self, avatar: Avatar) -> Avatar:
        """`avatar` over the decoded rig and identity; its Gaussians are not moved."""
        return replace(avatar, rig=self.rig, identity=self.identity)


def rig_units(
    avatar: Avatar, options: EncodeOptions, rig_file: bytes | None = None, rig_name: str = ""
) -> RigUnits:
    """Of an avatar whose mesh is in the order of its walk. With a rig file, the rig is what that holds.

    Raises EncodeError "other-rig" where that is not the avatar's.
    """
    rig, identity = avatar.rig, avatar.identity
    if rig is None:
        return RigUnits()
    if rig_file is None:
        body = _body(lambda w: encode_rig(w, rig, options.neutral_step, options.weight_bits))
        core = decode_rig(_reader(body))
    else:
        reference = RigReference(hashlib.sha256(rig_file).digest(), rig_name)
        body, core = _body(lambda w: encode_reference(w, reference)), _core_in(rig_file, rig)
    decoded = replace(rig, mean_neutral=core.mean_neutral, weights=core.weights)
    if identity is None:
        return RigUnits(body, rig_file is not None, rig=decoded)
    identity_body = _body(lambda w: encode_identity(w, identity, core, options.neutral_step))
    personal = decode_identity(_reader(identity_body), core)
    return RigUnits(body, rig_file is not None, identity_body, decoded, personal)


def motion_units(
    draft: Draft, rig: Rig, rig_id: int, options: EncodeOptions
) -> tuple[list[Callable[[], int]], list[Callable[[], int]]]:
    """What brings the rig's motion: functions that add one unit to the draft and return its id, in sending order.

    First those of the essential shapes, until which the avatar does not count as animatable; then correctives and the
    other shapes. Shapes go by energy (sum of squared displacements), largest first: what moves most is missed most.
    """
    energy = [float(np.sum(shape.displacements.astype(np.float64) ** 2)) for shape in rig.shapes]
    order = sorted(range(len(rig.shapes)), key=lambda k: (-energy[k], k))
    total = sum(energy) or 1.0

    def shape(index: int) -> int:
        return draft.add(
            UnitType.SHAPE,
            (rig_id,),
            lambda w: encode_shape(w, index, rig.shapes[index], options.shape_step),
            importance=energy[index] / total,
            regions=shape_region_bits(rig, index),
        )

    def correctives() -> int:
        assert rig.correctives is not None
        moved = rig.correctives
        return draft.add(
            UnitType.CORRECTIVES, (rig_id,), lambda w: encode_correctives(w, moved, options.shape_step)
        )

    essential = [partial(shape, index) for index in order if rig.shapes[index].essential]
    others: list[Callable[[], int]] = [] if rig.correctives is None else [correctives]
    others += [partial(shape, index) for index in order if not rig.shapes[index].essential]
    return list(essential), others


def _core_in(rig_file: bytes, rig: Rig) -> RigCore:
    """What a rig file brings, if it is this rig's: the same faces, joints and names of shapes."""
    core = decode(rig_file).core
    if core is None or structural_difference(rig, core) is not None:
        raise EncodeError("other-rig", "the rig file does not hold the avatar's rig")
    return core


def structural_difference(rig: Rig, core: RigCore) -> str | None:
    """In what the two are rigs of a different kind, so that no identity could make up for it; None: in nothing."""
    if core.subdivisions != rig.subdivisions or not np.array_equal(core.faces, rig.faces):
        return "its faces"
    if (core.joint_names, core.joint_parents) != (rig.joint_names, rig.joint_parents):
        return "its joints"
    if core.shape_names != tuple(shape.name for shape in rig.shapes):
        return "the names of its shapes"
    return None


def _body(encode_body: Callable[[FieldWriter], None]) -> bytes:
    writer = FieldWriter()
    encode_body(writer)
    return writer.getvalue()


def _reader(body: bytes) -> FieldReader:
    return FieldReader(body, 0, FORMAT_LIMITS, ColumnDecompressor())

"""The units that bring a rig and a person: rig, or a reference to one, and identity (§6.2 to §6.4).

The bodies of the rig and the identity are encoded before anything else, and decoded again at once: Gaussians are
bound to the mesh as a reader will have it, not as it was given (`pavfmt.encoder.rig.rebinding`), so their units
depend on what rounding has made of these two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pavfmt.codec.columns import ColumnDecompressor
from pavfmt.codec.fields import FieldReader, FieldWriter, UnitReader
from pavfmt.container.framing import Frame, Framing
from pavfmt.encoder.options import EncodeOptions
from pavfmt.errors import EncodeError
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import Avatar, Identity, Rig
from pavfmt.registry import UnitType
from pavfmt.units.rig import (
    RigCore,
    RigReference,
    decode_identity,
    decode_rig,
    encode_identity,
    encode_reference,
    encode_rig,
    read_rig,
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


def _core_in(rig_file: bytes, rig: Rig) -> RigCore:
    """What a rig file brings, if it is this rig's: the same faces, joints and names of shapes."""
    framing = Framing()
    framing.feed(rig_file)
    frames = (frame for frame in framing.frames() if isinstance(frame, Frame))
    found = next((frame for frame in frames if frame.header.type == UnitType.RIG), None)
    core = None if found is None else read_rig(_unit_reader(found))
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


def _unit_reader(frame: Frame) -> UnitReader:
    at, header = frame.payload_offset, frame.header
    return UnitReader(frame.payload, at, FORMAT_LIMITS, ColumnDecompressor(), header.id, UnitType.RIG)

"""The rig and identity units of an avatar, and what a decoder will make of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pavfmt.codec.columns import ColumnDecompressor
from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.decoding.decoder import decode
from pavfmt.encoder.options import EncodeOptions
from pavfmt.errors import EncodeError
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import Avatar, Identity, Rig
from pavfmt.units.rig import RigCore, decode_identity, decode_rig, encode_identity, encode_rig


@dataclass(frozen=True)
class RigParts:
    """The bodies of the units, and what they hold once decoded."""

    rig_body: bytes = b""
    identity_body: bytes = b""
    rig: Rig | None = None
    identity: Identity | None = None

    def decoded(self, avatar: Avatar) -> Avatar:
        """`avatar` over the decoded parts; its Gaussians are not moved."""
        return replace(avatar, rig=self.rig, identity=self.identity)


def rig_parts(avatar: Avatar, options: EncodeOptions, rig_file: bytes | None = None) -> RigParts:
    """Of an avatar whose mesh is in the order of its walk. With a rig file, the rig is what that holds."""
    rig, identity = avatar.rig, avatar.identity
    if rig is None:
        return RigParts()
    if rig_file is None:
        rig_body = _body(lambda w: encode_rig(w, rig, options.neutral_step, options.weight_bits))
        core = decode_rig(_reader(rig_body))
    else:
        rig_body, core = b"", _core_in(rig_file, rig)
    decoded = replace(rig, mean_neutral=core.mean_neutral, weights=core.weights)
    if identity is None:
        return RigParts(rig_body, rig=decoded)
    identity_body = _body(lambda w: encode_identity(w, identity, core, options.neutral_step))
    return RigParts(rig_body, identity_body, decoded, decode_identity(_reader(identity_body), core))


def _core_in(rig_file: bytes, rig: Rig) -> RigCore:
    """What a rig file brings, if it is this rig's: the same faces, joints and names of shapes."""
    core = decode(rig_file).core
    names = tuple(shape.name for shape in rig.shapes)
    if (
        core is None
        or core.subdivisions != rig.subdivisions
        or not np.array_equal(core.faces, rig.faces)
        or (core.joint_names, core.joint_parents) != (rig.joint_names, rig.joint_parents)
        or core.shape_names != names
    ):
        raise EncodeError("other-rig", "the rig file does not hold the avatar's rig")
    return core


def _body(encode_body: Callable[[FieldWriter], None]) -> bytes:
    writer = FieldWriter()
    encode_body(writer)
    return writer.getvalue()


def _reader(body: bytes) -> FieldReader:
    return FieldReader(body, 0, FORMAT_LIMITS, ColumnDecompressor())

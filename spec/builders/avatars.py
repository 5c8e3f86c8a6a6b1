"""Encoded avatars that vectors and many tests read; each is made once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import get_args

from pavfmt.encoder import EncodeOptions, Precision, encode, encode_rig_file
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.model import Avatar
from pavfmt.tools.synthetic import ToyKind, synthetic_avatar, toy_avatar
from pavplayer.demo import RIG_FILE

KINDS: tuple[ToyKind, ...] = get_args(ToyKind)
PRECISION = Precision(kept_importance=0.999)
"""Vectors stay as they were made: without the weakest Gaussians, which an encoder that nobody looks for now keeps."""
SMALL_UNITS = EncodeOptions(PRECISION, first_unit_bytes=200, unit_bytes=300, unit_share=0.0)
"""So that a toy has several Gaussian units a level."""
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(40)
"""What passes for a thumbnail: it begins as a PNG does."""


@cache
def toy(
    kind: ToyKind = "face", sh_degree: int = 1, subdivided: bool = False, picture: bool = False
) -> Avatar:
    """A toy of one of the KINDS, with or without a thumbnail."""
    avatar = toy_avatar(kind, sh_degree=sh_degree, subdivided=subdivided)
    return replace(avatar, thumbnail=PICTURE) if picture else avatar


@cache
def toy_file(
    kind: ToyKind = "face", sh_degree: int = 1, subdivided: bool = False, picture: bool = False
) -> bytes:
    """The toy, encoded in small units."""
    return encode(toy(kind, sh_degree, subdivided, picture), SMALL_UNITS)


@cache
def rig_file(kind: ToyKind = "face") -> bytes:
    """A file of the toy's rig alone (§6.2)."""
    rig = toy(kind).rig
    assert rig is not None, "a static toy has no rig"
    return encode_rig_file(rig, SMALL_UNITS)


@cache
def external_file(kind: ToyKind = "face") -> bytes:
    """The toy without its rig, which it names (§6.3)."""
    return encode(toy(kind), SMALL_UNITS, rig_file=rig_file(kind), rig_name="toy-rig.pav")


@cache
def head_file() -> bytes:
    """A seeded head of 3,000 Gaussians on the CC0 rig, in two levels."""
    rig = read_cc0_rig(RIG_FILE)
    avatar = synthetic_avatar(rig, 3_000, levels=2, sh_degree=1)
    return encode(avatar, EncodeOptions(PRECISION, unit_bytes=4096, importance_per="face"))

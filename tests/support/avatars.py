"""Encoded avatars that many tests read; each is made once."""

from dataclasses import replace
from functools import cache

from pavfmt.encoder import EncodeOptions, encode, encode_rig_file
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.tools.synthetic import synthetic_avatar, toy_avatar
from pavplayer.demo import RIG_FILE

KINDS = ("face", "surface", "mixed", "static")
SMALL_UNITS = EncodeOptions(first_unit_bytes=200, unit_bytes=300, unit_share=0.0)
"""So that a toy has several Gaussian units a level."""
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(40)


@cache
def toy(kind="face", sh_degree=1, subdivided=False, picture=False):
    avatar = toy_avatar(kind, sh_degree=sh_degree, subdivided=subdivided)
    return replace(avatar, thumbnail=PICTURE) if picture else avatar


@cache
def toy_file(kind="face", sh_degree=1, subdivided=False, picture=False):
    return encode(toy(kind, sh_degree, subdivided, picture), SMALL_UNITS)


@cache
def rig_file(kind="face"):
    return encode_rig_file(toy(kind).rig, SMALL_UNITS)


@cache
def external_file(kind="face"):
    return encode(toy(kind), SMALL_UNITS, rig_file=rig_file(kind), rig_name="toy-rig.pav")


@cache
def head_file():
    """A seeded head of 3,000 Gaussians on the CC0 rig, in two levels."""
    rig = read_cc0_rig(RIG_FILE)
    avatar = synthetic_avatar(rig, 3_000, levels=2, sh_degree=1)
    return encode(avatar, EncodeOptions(unit_bytes=4096, importance_per="face"))

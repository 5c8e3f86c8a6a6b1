"""From an avatar to the bytes of a `.pav` file.

encode(avatar)                                      # opacity × area decides the order
encode(avatar, importance=rendered_importance(avatar, renderer))
"""

from __future__ import annotations

from pavfmt.encoder.importance import (
    opacity_area_importance,
    rendered_importance,
    stored_importance,
)
from pavfmt.encoder.options import EncodeOptions
from pavfmt.encoder.writing import encode, encode_rig_file

__all__ = [
    "EncodeOptions",
    "encode",
    "encode_rig_file",
    "opacity_area_importance",
    "rendered_importance",
    "stored_importance",
]

"""From an avatar to the bytes of a `.pav` file.

encode(avatar)                                      # opacity × area decides the order
encode(avatar, importance=rendered_importance(avatar, renderer))
"""

from __future__ import annotations

from pavfmt.encoder.options import PRESETS, EncodeOptions, Precision, precision_near
from pavfmt.encoder.order.importance import (
    opacity_area_importance,
    rendered_importance,
    stored_importance,
)
from pavfmt.encoder.planning import without_invisible
from pavfmt.encoder.quality import fitted_precision, precision_for
from pavfmt.encoder.writing import encode, encode_rig_file

__all__ = [
    "PRESETS",
    "EncodeOptions",
    "Precision",
    "encode",
    "encode_rig_file",
    "fitted_precision",
    "opacity_area_importance",
    "precision_for",
    "precision_near",
    "rendered_importance",
    "stored_importance",
    "without_invisible",
]

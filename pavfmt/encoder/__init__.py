"""From an avatar to the bytes of a `.pav` file.

    from pavfmt.encoder import EncodeOptions, encode, precision_near

    data = encode(avatar)                                            # order and steps by opacity × area
    data = encode(avatar, EncodeOptions(precision=precision_near(54.0)))

With a renderer (`pavplayer.importance.open_renderer()`) order and steps follow what is seen, and the precision is
searched for a quality in dB:

    importance = rendered_importance(avatar, renderer)
    found = tuned(avatar, EncodeOptions(), importance, renderer, decibels=PRESETS["balanced"])
    data = encode(found.avatar, found.options, importance, seen=found.seen)

How it works: `planning` decides which Gaussians are written, as which integers, in what order; `schedule` decides
which unit comes when; `emission` turns units into bytes. `pruning`, `rebinding`, `renumbering`, `precision` and
`order/` are steps of the plan; `quality` searches over plans.
`choices` makes options of what is asked for in words.
"""

from __future__ import annotations

from pavfmt.encoder.encoding import encode, encode_rig_file
from pavfmt.encoder.options import PRESETS, EncodeOptions, Precision, precision_near
from pavfmt.encoder.order.importance import (
    opacity_area_importance,
    rendered_importance,
    stored_importance,
)
from pavfmt.encoder.pruning import pruned
from pavfmt.encoder.quality import Tuned, tuned

__all__ = [
    "PRESETS",
    "EncodeOptions",
    "Precision",
    "Tuned",
    "encode",
    "encode_rig_file",
    "opacity_area_importance",
    "precision_near",
    "pruned",
    "rendered_importance",
    "stored_importance",
    "tuned",
]

"""What reading and writing a progressive checkpoint share: names, versions, and opacities as logits."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from pavfmt.arrays import Float32Array, Float64Array
from pavfmt.errors import EncodeError
from pavfmt.importers.files.glb import parse_json
from pavfmt.importers.files.source import open_limited
from pavfmt.registry import Binding, ShFrame, Site

FORMAT_NAME = "pav-progressive"
FORMAT_VERSION = 3
MANIFEST = "avatar.json"
THUMBNAIL = "thumbnail.bin"
BAD = "bad-checkpoint"


def word(value: IntEnum) -> str:
    """What stands for it in `avatar.json`: "face-frame" for FACE_FRAME."""
    return value.name.lower().replace("_", "-")


BINDINGS = {word(one): one for one in Binding}
SITES = {word(one): one for one in Site}
SH_FRAMES = {word(one): one for one in ShFrame}

MAX_LOGIT = 16.0
"""sigmoid(±16) is 1.1e-7 from 1 and 0: opacities of exactly 0 and 1 come back within that."""


def is_progressive(path: str | Path) -> bool:
    """Whether `path` is a checkpoint folder of this form (or its `avatar.json`), of whatever version."""
    try:
        document = read_manifest(checkpoint_folder(Path(path)))
    except (EncodeError, OSError):
        return False
    return isinstance(document, dict) and document.get("format") == FORMAT_NAME


def checkpoint_folder(path: Path) -> Path:
    """The folder meant by it or by its `avatar.json`."""
    return path.parent if path.name == MANIFEST else path


def read_manifest(folder: Path) -> Any:
    """The JSON value in `avatar.json`."""
    return parse_json(open_limited(folder / MANIFEST), MANIFEST, BAD)


def opacities_from_logits(logits: Float32Array) -> Float32Array:
    """The sigmoid, without overflow, in float64 inside; relatively exact also near 0, where tanh would not be."""
    small = np.exp(-np.abs(logits.astype(np.float64)))
    return np.where(logits < 0, small / (1 + small), 1 / (1 + small)).astype(np.float32)


def logits_from_opacities(opacities: Float32Array) -> Float32Array:
    """The inverse, clipped to ±`MAX_LOGIT`: comes back within 1e-6."""
    edge = float(np.exp(-MAX_LOGIT))
    inside: Float64Array = np.clip(opacities.astype(np.float64), edge, 1 - edge)
    return np.log(inside / (1 - inside)).astype(np.float32)

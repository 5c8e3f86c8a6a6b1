"""Anything the decoder gives, as nested tuples that compare bit by bit."""

from dataclasses import fields, is_dataclass
from enum import Enum

import numpy as np

from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.scene import SceneArrays
from pavfmt.errors import PavError


def frozen(value):
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, PavError):
        return type(value).__name__, value.code, value.offset
    if isinstance(value, Enum):
        return type(value).__name__, value.name
    if is_dataclass(value):
        return type(value).__name__, *(frozen(getattr(value, item.name)) for item in fields(value))
    if isinstance(value, dict):
        return tuple(sorted((key, frozen(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    return tuple(sorted(value)) if isinstance(value, set | frozenset) else value


def frozen_scene(scene):
    """All that a scene shows, without how it came about."""
    parts = (scene.header, scene.core, scene.identity, scene.shapes, scene.correctives, scene.table)
    hints = (scene.metadata, scene.thumbnail, scene.tracks, scene.hand_overs, scene.active_units)
    blocks = {level: some.blocks for level, some in scene.splits.items()}
    shown = (scene.arrays(), scene.effective() if scene.hand_overs else None, scene.snapshot())
    return frozen((parts, hints, blocks, shown))


def history(pieces, close=True, limits=None):
    """The events, errors included, of bytes that come in `pieces`, of which some may be (offset, bytes)."""
    decoder, seen = Decoder(limits) if limits else Decoder(), []
    try:
        for piece in pieces:
            decoder.feed_at(*piece) if isinstance(piece, tuple) else decoder.feed(piece)
            for event in decoder.events():
                seen.append(frozen(event))
        if close:
            decoder.close()
            for event in decoder.events():
                seen.append(frozen(event))
    except PavError as error:
        seen.append(frozen(error))
    return seen, decoder.scene


def begins(small, large):
    """Whether a prefix's arrays are, bit for bit, the leading part of the whole's."""
    return all(
        getattr(small, item.name).tobytes() == getattr(large, item.name)[: len(small)].tobytes()
        for item in fields(SceneArrays)
    )

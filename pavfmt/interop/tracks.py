"""Recorded performances: ARKit and FLAME `.npz` files and LAM's `bsData.json` → Track."""

from __future__ import annotations

import numpy as np

from pavfmt.errors import EncodeError
from pavfmt.interop.glb import parse_json
from pavfmt.model import Float32Array, Track

FRAMES_PER_SECOND = 30.0


def parse_bs_data(data: bytes, where: str = "bsData.json") -> Track:
    """LAM's blendshape performance: names, one row of weights per frame, frame rate in the metadata."""
    document = parse_json(data, where, "bad-track")
    try:
        names = tuple(str(name) for name in document["names"])
        rows = [frame["weights"] for frame in document["frames"]]
        rate = float(document.get("metadata", {}).get("fps", FRAMES_PER_SECOND))
        weights = np.array(rows, dtype=np.float64).astype(np.float32)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EncodeError("bad-track", f"{where}: not a blendshape performance ({error!r})") from error
    return Track("bsData", checked_rate(rate, where), names, checked_weights(weights, names, where))


def checked_rate(rate: float, where: str) -> float:
    """`rate` if it is a possible number of frames per second."""
    if not 0 < rate <= 1000:
        raise EncodeError("bad-track", f"{where}: {rate} frames per second")
    return rate


def checked_weights(weights: Float32Array, names: tuple[str, ...], where: str) -> Float32Array:
    """`weights` if it is (T, len(names)) and the names differ from one another."""
    if weights.ndim != 2 or weights.shape[1] != len(names) or len(set(names)) != len(names):
        message = f"{where}: weights of shape {weights.shape} for {len(set(names))} distinct names"
        raise EncodeError("bad-track", message)
    return weights

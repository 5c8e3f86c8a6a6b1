"""Recorded performances: ARKit and FLAME `.npz` files and LAM's `bsData.json` → Track."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from pavfmt.arrays import Float32Array
from pavfmt.errors import EncodeError
from pavfmt.importers.files.glb import MAX_JSON_BYTES, parse_json
from pavfmt.importers.files.npz import array_names, float32_array, open_npz, text_array
from pavfmt.importers.files.source import open_limited
from pavfmt.importers.flame import JOINT_NAMES
from pavfmt.model import Track

FRAMES_PER_SECOND = 30.0
"""Where the file does not say."""


def read_tracks(path: str | Path) -> dict[str, Track]:
    """Track name → Track, from a `bsData.json`, an ARKit `.npz` or a FLAME `.npz`."""
    path = Path(path)
    if path.suffix == ".json":
        return {"bsData": parse_bs_data(open_limited(path, MAX_JSON_BYTES), path.name)}
    with open_npz(path) as archive:
        names = array_names(archive)
        if "expr" in names:
            return {path.stem: flame_track(archive, path.stem)}
        stems = [name.removesuffix("_weights") for name in names if name.endswith("_weights")]
        if not stems:
            message = f"{path.name}: neither FLAME's 'expr' nor an array named '…_weights'"
            raise EncodeError("bad-track", message)
        return {stem: arkit_track(archive, stem) for stem in stems}


def arkit_track(archive: zipfile.ZipFile, name: str) -> Track:
    """`<name>_weights` (T, K) and `<name>_names` (K,), 30 frames per second."""
    shape_names = text_array(archive, f"{name}_names")
    weights = float32_array(archive, f"{name}_weights", None, len(shape_names))
    return Track(name, FRAMES_PER_SECOND, shape_names, checked_weights(weights, shape_names, name))


def expression_name(index: int) -> str:
    """The name of FLAME's expression shape `index`: "expr000"."""
    return f"expr{index:03d}"


def flame_track(archive: zipfile.ZipFile, name: str) -> Track:
    """FLAME's motion: expressions, the five joints' axis-angles, translation. Missing rotations are rest."""
    weights = float32_array(archive, "expr", None, None)
    frame_count, present = len(weights), array_names(archive)

    def motion(key: str, width: int) -> Float32Array:
        if key not in present:
            return np.zeros((frame_count, width), np.float32)
        return float32_array(archive, key, frame_count, width)

    eyes = motion("eyes_pose", 6)
    turns = [motion("rotation", 3), motion("neck_pose", 3), motion("jaw_pose", 3), eyes[:, :3], eyes[:, 3:]]
    return Track(
        name,
        FRAMES_PER_SECOND,
        tuple(expression_name(k) for k in range(weights.shape[1])),
        weights,
        JOINT_NAMES,
        np.stack(turns, axis=1),
        motion("translation", 3),
    )


def parse_bs_data(data: bytes, where: str = "bsData.json") -> Track:
    """LAM's blendshape performance: names, one row of weights per frame, frame rate in the metadata."""
    document = parse_json(data, where, "bad-track")
    try:
        names = tuple(str(name) for name in document["names"])
        rows = [frame["weights"] for frame in document["frames"]]
        rate = float(document.get("metadata", {}).get("fps", FRAMES_PER_SECOND))
        with np.errstate(over="ignore"):
            weights = np.array(rows, dtype=np.float64).astype(np.float32)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EncodeError("bad-track", f"{where}: not a blendshape performance ({error!r:.200})") from error
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

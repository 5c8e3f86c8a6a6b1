"""All files of spec/vectors, made anew."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

from pavfmt import verify
from pavfmt.registry import FORMAT_VERSION
from pavplayer.pictures import to_png
from spec.tools.decoded import decoded
from spec.tools.dump import dump
from spec.tools.vectors import prefixes, rendered
from spec.tools.vectors.invalid import invalid
from spec.tools.vectors.unusual import unusual
from spec.tools.vectors.valid import valid
from spec.tools.vectors.vector import Vector

FOLDER = Path(__file__).parents[2] / "vectors"
BY_HAND = {"README.md"}
DUMPED_BYTES = 5000
"""Larger files have no dump: `python -m spec.tools.dump` makes it."""


@cache
def all_vectors() -> dict[str, Vector]:
    """By name, in the order of the index."""
    made = [*valid(), *unusual(), *invalid()]
    vectors = {vector.name: vector for vector in made}
    assert len(vectors) == len(made), "a name twice"
    return vectors


def expectation(vector: Vector) -> dict[str, Any]:
    """What a decoder must print of a vector; what an invalid one breaks must be as its recipe says."""
    rig = all_vectors()[vector.rig].data if vector.rig else None
    state = decoded(vector.data, rig)
    found = [state["error"]] if state["error"] else state["damage"]
    told = [(one["code"], one["offset"]) for one in found]
    if vector.folder == "invalid" and told != [vector.error]:
        raise ValueError(f"{vector.name}: {told}, the recipe says {vector.error}")
    if vector.folder == "valid" and told:
        raise ValueError(f"{vector.name}: {told}")
    return state


def _entry(vector: Vector) -> dict[str, Any]:
    rig = all_vectors()[vector.rig].data if vector.rig else None
    return {
        "name": vector.name,
        "trait": vector.trait,
        "rig": vector.rig,
        "error": vector.error and {"code": vector.error[0], "offset": vector.error[1]},
        "has_dump": _has_dump(vector),
        "findings": [finding.code for finding in verify(vector.data, rig_file=rig)],
    }


def _has_dump(vector: Vector) -> bool:
    return vector.folder == "valid" and len(vector.data) <= DUMPED_BYTES


def index() -> dict[str, Any]:
    """What spec/vectors/index.json says."""
    return {
        "format_version": list(FORMAT_VERSION),
        "license": "CC0-1.0",
        "zstd": ".".join(map(str, zstandard.ZSTD_VERSION)),
        "vectors": [_entry(vector) for vector in all_vectors().values()],
        "prefixes": [_stem(name) for name in prefixes.PREFIXED],
        "pictures": [shot.name for shot in rendered.SHOTS],
    }


def _stem(name: str) -> str:
    return name.split("/")[1]


def files() -> dict[str, bytes]:
    """Every file but the pictures, whose bytes depend on who draws and who compresses."""
    made = {"index.json": _json(index(), indent=1)}
    for name, vector in all_vectors().items():
        made[f"{name}.pav"] = vector.data
        made[f"{name}.json"] = _json(expectation(vector))
        if _has_dump(vector):
            rig = all_vectors()[vector.rig].data if vector.rig else None
            made[f"{name}.txt"] = dump(vector.data, rig).encode()
    for name in prefixes.PREFIXED:
        vector = all_vectors()[name]
        rig = all_vectors()[vector.rig].data if vector.rig else None
        made[f"prefixes/{_stem(name)}.json"] = _json(prefixes.prefixes(vector, rig))
    return made


def _json(content: Any, indent: int | None = None) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=indent) + "\n").encode()


def pictures() -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """Requests with their posed Gaussians, and pictures, by name."""
    made = {}
    for shot in rendered.SHOTS:
        cloud = rendered.posed(all_vectors()[shot.vector].data, shot.pose)
        asked = rendered.request(shot, rendered.camera_of(shot, cloud))
        asked["gaussians"] = rendered.gaussians_json(cloud) if shot.writes_gaussians else None
        made[shot.name] = asked, rendered.picture_of(cloud, rendered.read_camera(asked["camera"]))
    return made


def write() -> int:
    """Make the folder anew; how many files there are."""
    made = files()
    for name, (asked, picture) in pictures().items():
        made[f"rendered/{name}.json"] = _json(asked)
        made[f"rendered/{name}.png"] = to_png(picture)
    for part in ("valid", "unusual", "invalid", "prefixes", "rendered"):
        shutil.rmtree(FOLDER / part, ignore_errors=True)
        (FOLDER / part).mkdir(parents=True)
    for name, content in made.items():
        (FOLDER / name).write_bytes(content)
    return len(made)


def differences() -> list[str]:
    """What of spec/vectors is not what the recipe makes. The bytes of vectors only where zstd is the same."""
    made = files()
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()} - BY_HAND
    drawn = {f"rendered/{shot.name}.{suffix}" for shot in rendered.SHOTS for suffix in ("json", "png")}
    lines = [f"{name} is missing" for name in sorted((made.keys() | drawn) - there)]
    lines += [f"{name} is not of the recipe" for name in sorted(there - made.keys() - drawn)]
    same = (name for name in made.keys() & there)
    lines += [f"{name} differs" for name in sorted(same) if (FOLDER / name).read_bytes() != made[name]]
    return lines + list(_picture_differences(drawn & there))


def read_png(path: Path) -> np.ndarray:
    """(H, W, 3) in 0..1."""
    from PIL import Image

    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64) / 255


def _picture_differences(there: Iterable[str]) -> Iterable[str]:
    for name, (asked, picture) in pictures().items():
        if f"rendered/{name}.json" not in there or f"rendered/{name}.png" not in there:
            continue
        stored = json.loads((FOLDER / f"rendered/{name}.json").read_text())
        if not _close(stored, json.loads(json.dumps(asked))):
            yield f"rendered/{name}.json differs"
        rms, peak = rendered.distance(picture, read_png(FOLDER / f"rendered/{name}.png"))
        if rms > rendered.RMS or peak > rendered.PEAK:
            yield f"rendered/{name}.png differs: rms {rms:.4f}, peak {peak:.4f}"


def _close(one: Any, other: Any) -> bool:
    """Equal, but for numbers that rounding may move."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-8 * max(1.0, abs(one))
    return bool(one == other)

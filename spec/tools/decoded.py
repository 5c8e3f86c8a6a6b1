"""What `pavfmt` decodes, as the JSON that conformance is judged by (spec/schemas/decoded.json).

python -m spec.tools.decoded [--rig RIG.pav] FILE.pav [FILE.pav …]     one line of JSON per file

This is also the reference of what a decoder under test must print (spec/vectors/README.md).
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pavfmt import Decoder, PavError
from pavfmt.container.headers import FileHeader
from pavfmt.decoding import events as ev
from pavfmt.decoding.scene import Scene
from pavfmt.model import Track

Json = dict[str, Any]
FIRST = 4
"""Values that a digest shows."""
EMPTY = np.zeros(0, dtype=np.float32)


def decoded(data: bytes, rig_file: bytes | None = None) -> Json:
    """The scene of `data`, or the error that refuses it."""
    decoder = Decoder()
    if rig_file is not None:
        decoder.supply_rig(rig_file)
    decoder.feed(data)
    decoder.close()
    damage = []
    try:
        for event in decoder.events():
            if isinstance(event, ev.UnitDamaged):
                damage.append({"code": event.code, "offset": event.error_offset, "unit": event.unit})
    except PavError as error:
        return {"error": {"code": error.code, "offset": error.offset}}
    damage.sort(key=lambda one: (one["offset"], one["code"]))
    return {"error": None, "damage": damage, **scene_json(decoder.scene)}


def scene_json(scene: Scene) -> Json:
    """Everything in a scene that FORMAT.md fixes to the bit."""
    picture = scene.thumbnail
    return {
        "header": None if scene.header is None else _header(scene.header),
        "active": sorted(scene.active_units),
        "visible": scene.is_visible,
        "animatable": scene.is_animatable,
        "metadata": dict(sorted(scene.metadata.items())),
        "thumbnail": picture and {"media_type": picture.media_type, "data": _bytes_digest(picture.data)},
        "rig": _rig(scene),
        "levels": _levels(scene),
        "splits": list(_splits(scene)),
        "gaussians": _gaussians(scene),
        "tracks": [_track(unit, track) for unit, track in sorted(scene.tracks.items())],
    }


def digest(values: np.ndarray) -> Json:
    """How many numbers, their CRC-32 as little-endian bytes, and the first few."""
    flat = np.ascontiguousarray(values).reshape(-1)
    is_float = flat.dtype.kind == "f"
    flat = flat.astype("<f4") + np.float32(0) if is_float else flat.astype("<i4")  # no −0
    return {"count": len(flat), "crc32": f"{zlib.crc32(flat.tobytes()):08x}", "first": flat[:FIRST].tolist()}


def _bytes_digest(data: bytes) -> Json:
    return {"count": len(data), "crc32": f"{zlib.crc32(data):08x}", "first": list(data[:FIRST])}


def _header(header: FileHeader) -> Json:
    fields = dict(vars(header))
    return {"version": [fields.pop("major"), fields.pop("minor")], **fields}


def _rig(scene: Scene) -> Json | None:
    core, own, correctives = scene.core, scene.identity, scene.correctives
    if core is None:
        return None
    return {
        "profile": core.profile,
        "faces": digest(core.faces),
        "subdivisions": core.subdivisions,
        "mean_neutral": digest(core.mean_neutral),
        "neutral": digest(core.mean_neutral if own is None else own.neutral),
        "weights": digest(core.weights),
        "joint_names": list(core.joint_names),
        "joint_parents": list(core.joint_parents),
        "mean_joint_positions": digest(core.mean_joint_positions),
        "joint_positions": digest(core.mean_joint_positions if own is None else own.joint_positions),
        "shape_names": list(core.shape_names),
        "essential_shapes": sorted(core.essential_shapes),
        "corrective_joints": list(core.corrective_joints),
        "region_names": list(core.region_names),
        "shapes": [
            {
                "index": index,
                "displacements": digest(shape.displacements),
                "joint_displacements": _optional(shape.joint_displacements),
            }
            for index, shape in sorted(scene.shapes.items())
        ],
        "correctives": None if correctives is None else digest(correctives.displacements),
    }


def _optional(values: np.ndarray | None) -> Json | None:
    return None if values is None else digest(values)


def _levels(scene: Scene) -> Json | None:
    if scene.table is None:
        return None
    rows = [
        {
            "binding": int(entry.binding),
            "site": int(entry.site),
            "sh_frame": int(entry.sh_frame),
            "sh_degree": entry.sh_degree,
            "split_count": entry.split_count,
            "gaussian_count": entry.gaussian_count,
        }
        for entry in scene.table.levels
    ]
    return {"rig_source": int(scene.table.rig_source), "levels": rows}


def _splits(scene: Scene) -> Iterator[Json]:
    for level, some in sorted(scene.splits.items()):
        ranges = [np.arange(block.first, block.first + len(block)) for block in some.blocks]
        yield {
            "level": level,
            "indices": digest(np.concatenate(ranges)),
            "parents": digest(np.concatenate([block.parents for block in some.blocks])),
            "barycentrics": digest(np.concatenate([block.barycentrics for block in some.blocks])),
        }


GAUSSIAN_ARRAYS = (
    "indices",
    "levels",
    "sites",
    "barycentrics",
    "means",
    "quats",
    "log_scales",
    "opacities",
    "sh0",
    "shN",
)


def _gaussians(scene: Scene) -> Json:
    arrays = scene.arrays()
    opacities, log_scales = scene.effective()
    return {
        "count": len(arrays),
        **{name: digest(getattr(arrays, name)) for name in GAUSSIAN_ARRAYS},
        "effective_opacities": digest(opacities),
        "effective_log_scales": digest(log_scales),
    }


def _track(unit: int, track: Track) -> Json:
    return {
        "unit": unit,
        "name": track.name,
        "frames_per_second": track.frames_per_second,
        "frames": track.frame_count,
        "shape_names": list(track.shape_names),
        "joint_names": list(track.joint_names),
        "weights": digest(track.weights),
        "rotations": _optional(track.rotations),
        "translation": _optional(track.translation),
    }


def main(arguments: list[str]) -> int:
    """One line per file."""
    parser = argparse.ArgumentParser(prog="python -m spec.tools.decoded", description=__doc__)
    parser.add_argument("--rig", type=Path, help="the rig file that rig references ask for")
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    rig = options.rig.read_bytes() if options.rig else None
    for path in options.files:
        print(json.dumps(decoded(path.read_bytes(), rig)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

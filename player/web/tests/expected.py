"""What the Python reader makes of a file, in the words of `node dist/cli.js`: the TypeScript reader is compared with it.

    python player/web/tests/expected.py FILE.pav [RIG.pav] > FILE.json
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import pavfmt


def digest(values: Any, dtype: str = "<f4") -> dict[str, Any]:
    """Shape, and SHA-256 of the little-endian bytes."""
    array = np.ascontiguousarray(values, dtype)
    return {"shape": list(array.shape), "sha256": hashlib.sha256(array.tobytes()).hexdigest()}


def rig_arrays(rig: pavfmt.Rig, scene: pavfmt.Scene) -> dict[str, Any]:
    """Digests of what the rig and its parts bring."""
    arrays = {
        "rig.faces": digest(rig.faces, "<i4"),
        "rig.mean_neutral": digest(rig.mean_neutral),
        "rig.mean_joints": digest(rig.mean_joint_positions),
        "rig.weights": digest(rig.weights),
    }
    for index in sorted(scene.shapes):
        shape = scene.shapes[index]
        arrays[f"shape.{shape.name}"] = digest(shape.displacements)
        if shape.joint_displacements is not None:
            arrays[f"shape_joints.{shape.name}"] = digest(shape.joint_displacements)
    if scene.correctives is not None:
        arrays["correctives"] = digest(scene.correctives.displacements)
    if scene.identity is not None:
        arrays["identity.neutral"] = digest(scene.identity.neutral)
        arrays["identity.joints"] = digest(scene.identity.joint_positions)
    return arrays


def scene_arrays(scene: pavfmt.Scene) -> dict[str, Any]:
    """Digests of the Gaussians that are there."""
    arrays = scene.arrays()
    integers = {name: digest(getattr(arrays, name), "<i4") for name in ("indices", "levels", "sites")}
    names = ("opacities", "barycentrics", "means", "log_scales", "sh0", "quats", "shN")
    opacities, log_scales = scene.effective()
    return {
        **integers,
        **{name: digest(getattr(arrays, name)) for name in names},
        "effective_opacities": digest(opacities),
        "effective_log_scales": digest(log_scales),
    }


if __name__ == "__main__":
    decoder = pavfmt.Decoder()
    if len(sys.argv) > 2:
        decoder.supply_rig(Path(sys.argv[2]).read_bytes())
    decoder.feed(Path(sys.argv[1]).read_bytes())
    list(decoder.events())
    scene = decoder.scene
    rig = scene.rig()
    arrays = rig_arrays(rig, scene) if rig else {}
    if scene.is_visible:
        arrays |= scene_arrays(scene)
    print(json.dumps({"arrays": arrays}, indent=1))

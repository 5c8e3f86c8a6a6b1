"""The CC0 head rig: MakeHuman's head with 52 ARKit shapes and five joints, in one `.npz`.

Arrays read (metres, +Y up, face +Z): `v_neutral (V, 3)`, `faces (F, 3)`, `face_region (F,)` text,
`expr (K, V, 3)` and `expr_names (K,)`, `joints (J, 3)`, `joint_names`, `joint_parents`, `lbs_weights (V, J)`.
The jaw and the gaze exist as shapes and as joints: drive one of the two.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import EncodeError
from pavfmt.importers.files.npy import read_npz_member
from pavfmt.importers.files.npz import open_npz
from pavfmt.model import BoolArray, Float32Array, Int32Array, Rig, Shape

ESSENTIAL_SHAPES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight")

REGION_NAMES = {
    "body": "skin",
    "helper-l-eye": "left_eye",
    "helper-r-eye": "right_eye",
    "helper-upper-teeth": "upper_teeth",
    "helper-lower-teeth": "lower_teeth",
    "helper-tongue": "tongue",
}
"""The file's names of its parts → ours. A name not listed keeps its own."""

MOVED_REGIONS = {
    "left_lids": ("eyeBlinkLeft",),
    "right_lids": ("eyeBlinkRight",),
    "mouth": ("mouthPucker", "mouthFunnel"),
}
"""Parts the file does not name: the skin that these shapes move by more than `MOVED_METRES`."""

MOVED_METRES = 0.002


def read_cc0_rig(path: str | Path) -> Rig:
    """The rig in `path`, profile "arkit-52". EncodeError where the file is not one."""
    with open_npz(Path(path)) as archive:
        return _rig(archive)


def _floats(archive: zipfile.ZipFile, name: str, *shape: int | None) -> Float32Array:
    return read_npz_member(archive, name, "f", shape).astype(np.float32)


def _integers(archive: zipfile.ZipFile, name: str) -> Int32Array:
    array = read_npz_member(archive, name, "iu")
    if array.size and (array.min() < -1 or array.max() > np.iinfo(np.int32).max):
        raise EncodeError("binding-out-of-range", f"array {name!r} holds indices outside −1 … 2^31 − 1")
    return array.astype(np.int32)


def _names(archive: zipfile.ZipFile, name: str, count: int) -> tuple[str, ...]:
    return tuple(str(entry) for entry in read_npz_member(archive, name, "U", (count,)))


def _rig(archive: zipfile.ZipFile) -> Rig:
    neutral = _floats(archive, "v_neutral", None, 3)
    faces = _integers(archive, "faces")
    displacements = _floats(archive, "expr", None, len(neutral), 3)
    joints = _floats(archive, "joints", None, 3)
    names = _names(archive, "expr_names", len(displacements))
    shapes = tuple(
        Shape(name, rows, essential=name in ESSENTIAL_SHAPES)
        for name, rows in zip(names, displacements, strict=True)
    )
    rig = Rig(
        profile="arkit-52",
        faces=faces,
        mean_neutral=neutral,
        joint_names=_names(archive, "joint_names", len(joints)),
        joint_parents=tuple(int(parent) for parent in _integers(archive, "joint_parents")),
        mean_joint_positions=joints,
        weights=_floats(archive, "lbs_weights", len(neutral), len(joints)),
        shapes=shapes,
    )
    part_of_face = np.array(_names(archive, "face_region", len(faces)))
    return _with_regions(rig, part_of_face)


def _with_regions(rig: Rig, part_of_face: NDArray[np.str_]) -> Rig:
    """`rig` with the file's parts, and the parts that some shapes move, as vertex masks."""
    regions: dict[str, BoolArray] = {}
    for part in sorted(set(part_of_face.tolist())):
        mask = np.zeros(len(rig.mean_neutral), dtype=np.bool_)
        mask[rig.faces[part_of_face == part]] = True
        regions[REGION_NAMES.get(part, part)] = mask
    skin = regions.get("skin", np.ones(len(rig.mean_neutral), dtype=np.bool_))
    by_name = {shape.name: shape.displacements for shape in rig.shapes}
    for region, shape_names in MOVED_REGIONS.items():
        moved = [np.linalg.norm(by_name[name], axis=1) for name in shape_names if name in by_name]
        if moved:
            regions[region] = skin & (np.max(moved, axis=0) > MOVED_METRES)
    return Rig(
        rig.profile,
        rig.faces,
        rig.mean_neutral,
        rig.joint_names,
        rig.joint_parents,
        rig.mean_joint_positions,
        rig.weights,
        rig.shapes,
        regions=regions,
    )

"""The CC0 head rig: MakeHuman's head with 52 ARKit shapes and five joints, in one `.npz`.

Arrays read (metres, +Y up, face +Z): `v_neutral (V, 3)`, `faces (F, 3)`, `face_region (F,)` text,
`expr (K, V, 3)` and `expr_names (K,)`, `joints (J, 3)`, `joint_names`, `joint_parents`, `lbs_weights (V, J)`.
The jaw and the gaze exist as shapes and as joints: drive one of the two.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import BoolArray, Int32Array
from pavfmt.errors import EncodeError
from pavfmt.importers.arkit import ESSENTIAL_SHAPES
from pavfmt.importers.files.npy import read_npz_member
from pavfmt.importers.files.npz import float32_array, open_npz, text_array
from pavfmt.model import Rig, Shape

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


def _integers(archive: zipfile.ZipFile, name: str) -> Int32Array:
    array = read_npz_member(archive, name, "iu")
    if array.size and (array.min() < -1 or array.max() > np.iinfo(np.int32).max):
        raise EncodeError("binding-out-of-range", f"array {name!r} holds indices outside −1 … 2^31 − 1")
    return array.astype(np.int32)


def _rig(archive: zipfile.ZipFile) -> Rig:
    neutral = float32_array(archive, "v_neutral", None, 3)
    faces = _integers(archive, "faces")
    displacements = float32_array(archive, "expr", None, len(neutral), 3)
    joints = float32_array(archive, "joints", None, 3)
    names = text_array(archive, "expr_names", len(displacements))
    shapes = tuple(
        Shape(name, rows, essential=name in ESSENTIAL_SHAPES)
        for name, rows in zip(names, displacements, strict=True)
    )
    rig = Rig(
        profile="arkit-52",
        faces=faces,
        mean_neutral=neutral,
        joint_names=text_array(archive, "joint_names", len(joints)),
        joint_parents=tuple(int(parent) for parent in _integers(archive, "joint_parents")),
        mean_joint_positions=joints,
        weights=float32_array(archive, "lbs_weights", len(neutral), len(joints)),
        shapes=shapes,
    )
    part_of_face = np.array(text_array(archive, "face_region", len(faces)))
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
    return replace(rig, regions=regions)

"""What mutation starts from: the small vectors, and small files of each foreign format."""

import io
import pickle
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import numpy as np

from pavfmt.exporters.progressive import write_progressive
from pavfmt.tools.synthetic import RandomStream, toy_avatar, toy_rig
from tests.support.tiny_lam import glb_bytes, glb_parts, offset_rows, write_ply

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"
LARGEST = 3000
"""Bytes of a `.pav` seed."""


@cache
def pav_seeds():
    """name → bytes of the vectors that play and are small."""
    paths = sorted([*VECTORS.glob("valid/*.pav"), *VECTORS.glob("unusual/*.pav")])
    return {
        path.relative_to(VECTORS).with_suffix("").as_posix(): path.read_bytes()
        for path in paths
        if 52 < path.stat().st_size <= LARGEST
    }


def zipped(files):
    """A zip archive of files, stored."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def npz(**arrays):
    """The bytes of an .npz."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def flame_arrays(vertex_count=6):
    """A FLAME model of six vertices."""
    random = RandomStream(1)
    weights = random.uniform(vertex_count, 5) + 0.1
    return {
        "v_template": random.bell(vertex_count, 3),
        "f": np.array([[0, 1, 2], [2, 3, 4]]),
        "shapedirs": random.bell(vertex_count, 3, 400).astype(np.float32),
        "posedirs": random.bell(vertex_count, 3, 36),
        "J_regressor": np.full((5, vertex_count), 1 / vertex_count),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "kintree_table": np.array([[-1, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
    }


def _lam():
    files = {
        "someone/skin.glb": glb_bytes(*glb_parts()),
        "someone/offset.ply": write_ply({"vertex": offset_rows()}),
    }
    return {"tiny": zipped(files)}


def _gaussianavatars():
    names = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2"]
    names += ["rot_0", "rot_1", "rot_2", "rot_3", "binding_0"]
    table = np.zeros(3, [(name, "<f4") for name in names])
    table["rot_0"], table["binding_0"] = 1, (0, 1, 0)
    files = {
        "point_cloud.ply": write_ply({"vertex": table}),
        "flame_param.npz": npz(shape=np.zeros(300), expr=np.zeros((2, 100)), static_offset=np.zeros((6, 3))),
        "m.pkl": pickle.dumps(flame_arrays(), protocol=2),
    }
    return {"small": zipped(files)}


def _progressive():
    made = {}
    for kind in ("mixed", "static"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "avatar"
            write_progressive(toy_avatar(kind, importance=True), path)
            parts = sorted(part for part in path.rglob("*") if part.is_file())
            made[kind] = zipped({part.relative_to(path).as_posix(): part.read_bytes() for part in parts})
    return made


def _cc0_rig():
    rig = toy_rig(RandomStream(0))
    displacements = np.stack([shape.displacements for shape in rig.shapes])
    arrays = {
        "v_neutral": rig.mean_neutral,
        "faces": rig.faces,
        "face_region": np.array(["body"] * len(rig.faces)),
        "expr": displacements,
        "expr_names": np.array([shape.name for shape in rig.shapes]),
        "joints": rig.mean_joint_positions,
        "joint_names": np.array(rig.joint_names),
        "joint_parents": np.array(rig.joint_parents),
        "lbs_weights": rig.weights,
    }
    return {"octahedron": npz(**arrays)}


@cache
def foreign_seeds(target):
    """name → bytes, of one importer's target."""
    made = {
        "lam": _lam,
        "gaussianavatars": _gaussianavatars,
        "progressive": _progressive,
        "cc0_rig": _cc0_rig,
        "flame_pickle": lambda: {"six vertices": pickle.dumps(flame_arrays(), protocol=2)},
        "flame_npz": lambda: {"six vertices": npz(**flame_arrays())},
        "ply": lambda: {"offsets": write_ply({"vertex": offset_rows()})},
        "glb": lambda: {"tetrahedron": glb_bytes(*glb_parts())},
    }
    return made[target]()

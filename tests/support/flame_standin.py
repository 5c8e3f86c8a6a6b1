"""A stand-in for a FLAME model file, made from the CC0 head rig, and a checkpoint bound to it.

The licensed model cannot be part of the tests. This has its layout, keys, classes and joint tree; its
expression columns are the rig's ARKit shapes. It has 4,833 vertices and nothing of FLAME's data.
"""

import pickle
import sys
import types
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from realdata import DATA

RIG = DATA / "rigs" / "mh_head_arkit52.npz"
NEIGHBOURS = 24


def standin_arrays(seed: int = 7) -> dict[str, np.ndarray]:
    """FLAME's keys, dense float64; five joints with FLAME's parents, small random pose correctives."""
    with np.load(RIG) as rig:
        vertices, joints = rig["v_neutral"].astype(np.float64), rig["joints"].astype(np.float64)
        expressions = np.moveaxis(rig["expr"].astype(np.float64), 0, 2)
        faces, weights = rig["faces"], rig["lbs_weights"].astype(np.float64)
    rng = np.random.default_rng(seed)
    count = len(vertices)
    shapedirs = np.zeros((count, 3, 400))
    shapedirs[:, :, 0] = 0.02 * (vertices - vertices.mean(axis=0))  # one identity mode: size
    shapedirs[:, :, 1] = 0.01 * vertices[:, [0]] * np.array([1.0, 0, 0])  # and one: width
    shapedirs[:, :, 300 : 300 + expressions.shape[2]] = expressions
    return {
        "v_template": vertices,
        "f": faces.astype(np.uint32),
        "shapedirs": shapedirs,
        "posedirs": 2e-4 * rng.standard_normal((count, 3, 36)),
        "J_regressor": np.stack([regressor_row(vertices, joint) for joint in joints]),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], dtype=np.int64),
    }


def regressor_row(vertices: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """(V,) weights, summing to 1, of the vertices nearest to a joint: the smallest that give its position."""
    near = np.argsort(np.linalg.norm(vertices - joint, axis=1))[:NEIGHBOURS]
    system = np.vstack([vertices[near].T, np.ones(NEIGHBOURS)])
    row = np.zeros(len(vertices))
    row[near] = np.linalg.lstsq(system, np.append(joint, 1.0), rcond=None)[0]
    return row


@contextmanager
def pretend_modules():
    """Classes under SciPy's and chumpy's names, so that pickles name them although neither is there."""
    scipy_class = type("csc_matrix", (), {"__module__": "scipy.sparse._csc"})
    chumpy_class = type("Ch", (), {"__module__": "chumpy.ch"})
    names = {"scipy": {}, "scipy.sparse": {}, "scipy.sparse._csc": {"csc_matrix": scipy_class}}
    names |= {"chumpy": {}, "chumpy.ch": {"Ch": chumpy_class}}
    before = {name: sys.modules.get(name) for name in names}
    for name, content in names.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(content)
    try:
        yield scipy_class, chumpy_class
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


def sparse_state(dense: np.ndarray) -> dict[str, object]:
    """The `__dict__` of SciPy's csc_matrix."""
    columns, rows = np.nonzero(dense.T)
    starts = np.searchsorted(columns, np.arange(dense.shape[1] + 1)).astype(np.int32)
    return {
        "_shape": dense.shape,
        "maxprint": 50,
        "indices": rows.astype(np.int32),
        "indptr": starts,
        "data": dense.T[columns, rows],
        "_has_sorted_indices": True,
    }


def write_flame_pickle(path: Path, arrays: dict[str, np.ndarray], protocol: int = 2) -> Path:
    """FLAME's pickle: a sparse regressor, chumpy objects for the template and the shapes."""
    with pretend_modules() as (scipy_class, chumpy_class):
        document: dict[str, object] = {"bs_style": "lbs", "bs_type": "lrotmin", **arrays}
        sparse = scipy_class()
        vars(sparse).update(sparse_state(arrays["J_regressor"]))
        document["J_regressor"] = sparse
        for key in ("v_template", "shapedirs"):
            wrapped = chumpy_class()
            vars(wrapped).update({"x": arrays[key], "_dirty_vars": {}, "_itr": None})
            document[key] = wrapped
        path.write_bytes(pickle.dumps(document, protocol=protocol))
    return path


def painted(rows: np.ndarray, names: list[str], arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Discs that cover their faces, grey-pink and lit from above, to be looked at."""
    v0, v1, v2 = (arrays["v_template"][arrays["f"][:, corner]] for corner in range(3))
    normals = np.cross(v1 - v0, v2 - v0)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    light = np.clip(0.45 + 0.55 * normals @ np.array([0.3, 0.6, 0.74]), 0, 1)
    fields = dict(zip(names, np.zeros((len(names), len(rows))), strict=True))
    for channel, tint in enumerate((0.92, 0.72, 0.64)):
        fields[f"f_dc_{channel}"] = (tint * light[rows[:, -1].astype(int)] - 0.5) / 0.28209479
    fields["opacity"] += 4.0
    for axis, size in enumerate((0.5, 0.03, 0.5)):  # axis 1 is the face's normal
        fields[f"scale_{axis}"] += np.log(size)
    fields["rot_0"] += 1.0
    fields["binding_0"] = rows[:, -1]
    return np.stack([fields[name] for name in names], axis=1).astype("<f4")


def write_checkpoint(
    folder: Path, arrays: dict[str, np.ndarray], track: Path, sh_degree: int = 3, paint: bool = False
) -> Path:
    """`point_cloud.ply` and `flame_param.npz` as GaussianAvatars writes them: one Gaussian on every face."""
    folder.mkdir(parents=True, exist_ok=True)
    faces, count = arrays["f"], len(arrays["v_template"])
    rng = np.random.default_rng(11)
    rest_count = 3 * ((sh_degree + 1) ** 2 - 1)
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{k}" for k in range(rest_count)]
    names += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3", "binding_0"]
    rows = rng.standard_normal((len(faces), len(names))).astype("<f4")
    rows[:, :3] *= 0.3
    rows[:, -8:-5] -= 1.0
    rows[:, -1] = rng.permutation(len(faces))
    if paint:
        rows = painted(rows, names, arrays)
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(rows)}"]
    header += [f"property float {name}" for name in names] + ["end_header", ""]
    (folder / "point_cloud.ply").write_bytes("\n".join(header).encode() + rows.tobytes())
    with np.load(track) as motion:
        keys = ("expr", "rotation", "neck_pose", "jaw_pose", "eyes_pose", "translation")
        frames = {key: motion[key] for key in keys}
    shape = np.zeros(300, np.float32)
    shape[:2] = (0.8, -0.5)
    offset = ((0.0 if paint else 1e-3) * rng.standard_normal((1, count, 3))).astype(np.float32)
    dynamic = np.zeros((len(frames["expr"]), 4, 3), np.float32)
    np.savez(folder / "flame_param.npz", shape=shape, static_offset=offset, dynamic_offset=dynamic, **frames)
    return folder

"""FLAME model files (the user's own: `.pkl` as FLAME is published, or `.npz`), and GaussianAvatars' teeth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array, Int32Array
from pavfmt.errors import EncodeError
from pavfmt.importers.files.flame_pickle import as_numbers, load_pickle
from pavfmt.importers.files.npy import has_shape
from pavfmt.importers.files.npz import array_names, float_array, open_npz
from pavfmt.importers.files.source import open_limited

MAX_MODEL_BYTES = 512 << 20
IDENTITY_COUNT, EXPRESSION_COUNT = 300, 100
JOINT_NAMES = ("root", "neck", "jaw", "left_eye", "right_eye")
PARENTS = (-1, 0, 1, 1, 1)
VERTEX_COUNT, FACE_COUNT = 5023, 9976
TEETH_VERTEX_COUNT, TEETH_FACE_COUNT = 120, 168
KEYS = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table")


@dataclass(frozen=True)
class FlameModel:
    """FLAME's arrays under FLAME's names, float64."""

    v_template: Float64Array
    """(V, 3) metres."""
    faces: Int32Array
    """(F, 3)."""
    shapedirs: Float64Array
    """(V, 3, C): identity in columns 0..299, expressions from column 300 on; C may be less than 400."""
    posedirs: Float64Array
    """(V, 3, 36)."""
    J_regressor: Float64Array
    """(5, V)."""
    weights: Float64Array
    """(V, 5)."""

    def __post_init__(self) -> None:
        """Checks shapes, finiteness and faces."""
        count = len(self.v_template)
        wanted: dict[str, tuple[int | None, ...]] = {
            "v_template": (None, 3),
            "faces": (None, 3),
            "shapedirs": (count, 3, None),
            "posedirs": (count, 3, 36),
            "J_regressor": (5, count),
            "weights": (count, 5),
        }
        for name, shape in wanted.items():
            array = getattr(self, name)
            if not has_shape(array.shape, shape):
                message = f"the FLAME model's {name} has shape {array.shape}, expected {shape}"
                raise EncodeError("bad-flame-model", message)
            if not np.isfinite(array).all():
                raise EncodeError("not-finite", f"the FLAME model's {name} holds NaN or infinity")
        if self.faces.size and (self.faces.min() < 0 or self.faces.max() >= count):
            raise EncodeError("bad-flame-model", f"a face of the FLAME model names a vertex beyond {count}")

    @property
    def identity_dirs(self) -> Float64Array:
        """(V, 3, ≤ 300)."""
        return self.shapedirs[:, :, :IDENTITY_COUNT]

    @property
    def expression_dirs(self) -> Float64Array:
        """(V, 3, ≤ 100)."""
        return self.shapedirs[:, :, IDENTITY_COUNT : IDENTITY_COUNT + EXPRESSION_COUNT]

    def neutral(self, shape: Float64Array) -> Float64Array:
        """(V, 3) template with the identity coefficients `shape` (≤ 300,) applied."""
        dirs = self.identity_dirs
        count = min(len(shape), dirs.shape[2])
        # Checkpoints always have 300 coefficients, smaller models fewer directions: zeros beyond cost nothing.
        if np.any(shape[count:]):
            message = f"identity coefficient {count} or a later one is set, the model has {dirs.shape[2]}"
            raise EncodeError("bad-flame-model", message)
        result: Float64Array = self.v_template + dirs[:, :, :count] @ shape[:count]
        return result


def read_flame(path: str | Path) -> FlameModel:
    """A FLAME model from FLAME's own pickle or from an `.npz` with the same keys."""
    path = Path(path)
    if path.suffix == ".npz":
        return model_from(arrays_of_npz(path))
    return model_from(arrays_of_pickle(open_limited(path, MAX_MODEL_BYTES)))


def arrays_of_npz(path: Path) -> dict[str, NDArray[Any]]:
    """FLAME's arrays by name; `faces` is accepted for `f`."""
    with open_npz(path) as archive:
        names = array_names(archive)
        faces = "faces" if "faces" in names and "f" not in names else "f"
        found = {key: faces if key == "f" else key for key in KEYS}
        _refuse_missing([key for key, name in found.items() if name not in names])
        return {key: float_array(archive, name) for key, name in found.items()}


def arrays_of_pickle(data: bytes) -> dict[str, NDArray[Any]]:
    """FLAME's arrays by name."""
    document = load_pickle(data)
    if not isinstance(document, dict):
        raise EncodeError("bad-flame-model", "the pickle does not hold FLAME's dictionary")
    _refuse_missing([key for key in KEYS if key not in document])
    return {key: as_numbers(document[key], key) for key in KEYS}


def model_from(arrays: dict[str, NDArray[Any]]) -> FlameModel:
    """The checked model."""
    tree = arrays["kintree_table"].astype(np.float64)
    # The root's own parent is not looked at: files say −1 or, unsigned, 2^32 − 1.
    if tree.shape != (2, 5) or tuple(tree[0, 1:]) != PARENTS[1:]:
        message = f"kintree_table is not FLAME's: five joints with parents {PARENTS}"
        raise EncodeError("bad-flame-model", message)
    faces = arrays["f"].astype(np.float64)
    if not (np.abs(faces) < 1 << 31).all():  # false for NaN, too, which would become any number below
        raise EncodeError("bad-flame-model", "the FLAME model's faces are not vertex indices")
    doubles = {key: arrays[key].astype(np.float64) for key in KEYS if key not in ("f", "kintree_table")}
    return FlameModel(faces=faces.astype(np.int32), **doubles)


def _refuse_missing(keys: list[str]) -> None:
    if keys:
        raise EncodeError("bad-flame-model", f"the FLAME model has no {', '.join(keys)}")


# GaussianAvatars adds teeth to FLAME's mesh in code, not in a file, and its checkpoints bind Gaussians to their faces
# by number. So order and shape have to be the same here, vertex by vertex: eight rows of 15 behind the lips.
UPPER_LIP = (1713, 1715, 1716, 1735, 1696, 1694, 1657, 3543, 2774, 2811, 2813, 2850, 2833, 2832, 2830)
LOWER_LIP = (1576, 1577, 1773, 1774, 1795, 1802, 1865, 3503, 2948, 2905, 2898, 2881, 2880, 2713, 2712)
UPPER_ROOT, LOWER_ROOT, UPPER_EDGE, LOWER_EDGE = 0, 15, 30, 45
UPPER_ROOT_BACK, UPPER_EDGE_BACK, LOWER_ROOT_BACK, LOWER_EDGE_BACK = 60, 75, 90, 105
STRIPS = (
    (UPPER_ROOT, UPPER_EDGE, "XY"),
    (UPPER_ROOT_BACK, UPPER_EDGE_BACK, "PQ"),
    (UPPER_EDGE_BACK, UPPER_EDGE, "QP"),
    (LOWER_EDGE, LOWER_ROOT, "YX"),
    (LOWER_ROOT_BACK, LOWER_EDGE_BACK, "XY"),
    (LOWER_EDGE_BACK, LOWER_EDGE, "YX"),
)
"""Rows a and b of a strip of 14 quads, and how its first and its last seven are cut in two."""


def teeth_faces() -> Int32Array:
    """(168, 3) vertex indices of the teeth, which follow the 5,023 vertices of FLAME."""
    triangles: list[tuple[int, int, int]] = []
    for a_start, b_start, cuts in STRIPS:
        for quad in range(14):
            a, b = VERTEX_COUNT + a_start + quad, VERTEX_COUNT + b_start + quad
            triangles += {
                "X": [(a, b + 1, b), (a, a + 1, b + 1)],
                "Y": [(a, a + 1, b), (a + 1, b + 1, b)],
                "P": [(a, b, b + 1), (a, b + 1, a + 1)],
                "Q": [(a, b, a + 1), (a + 1, b, b + 1)],
            }[cuts[quad // 7]]
    return np.array(triangles, dtype=np.int32)


def teeth_vertices(template: Float64Array) -> Float64Array:
    """(120, 3) metres: eight rows of 15 behind the lips of FLAME's template."""
    upper, lower = template[list(UPPER_LIP)], template[list(LOWER_LIP)]
    # All distances are multiples of the lips' mean gap, so that the teeth fit small heads and large ones.
    gap = np.linalg.norm(upper - lower, axis=1).mean()
    up, forward = np.array([0, gap, 0]), np.array([0, 0, gap])
    middle = (upper + lower) / 2 - 1.5 * forward
    middle[:, 1] = middle[:, 1].mean()
    upper_edge, lower_edge = middle + 0.1 * up, middle - 0.1 * up - 0.4 * forward
    upper_root, lower_root = upper_edge + 2 * up, lower_edge - 2 * up
    front = (upper_root, lower_root, upper_edge, lower_edge)
    back = tuple(row - forward for row in (upper_root, upper_edge, lower_root, lower_edge))
    return np.concatenate([*front, *back])


def add_teeth(model: FlameModel) -> FlameModel:
    """The model with GaussianAvatars' teeth: 5,143 vertices, 10,144 faces; its own come first, unchanged."""
    if (len(model.v_template), len(model.faces)) != (VERTEX_COUNT, FACE_COUNT):
        found = f"{len(model.v_template)} vertices, {len(model.faces)} faces"
        raise EncodeError("bad-flame-model", f"teeth can only be added to FLAME's own mesh, not to {found}")
    dirs = model.shapedirs
    lips = (dirs[list(UPPER_LIP)] + dirs[list(LOWER_LIP)]) / 2
    lips[:, :, IDENTITY_COUNT:] = 0  # teeth are where somebody's mouth is, and stay when the lips move
    # The upper ones hang on the neck, which carries the head (FLAME has no joint for it), the lower ones on the jaw.
    weights = np.zeros((TEETH_VERTEX_COUNT, 5))
    for start in (UPPER_ROOT, UPPER_EDGE, UPPER_ROOT_BACK, UPPER_EDGE_BACK):
        weights[start : start + 15, 1] = 1
    weights[:, 2] = 1 - weights[:, 1]
    return FlameModel(
        v_template=np.concatenate([model.v_template, teeth_vertices(model.v_template)]),
        faces=np.concatenate([model.faces, teeth_faces()]),
        shapedirs=np.concatenate([dirs, np.tile(lips, (8, 1, 1))]),
        # They are rigid, and no joint is regressed from them: FLAME's joints stay where they were.
        posedirs=np.concatenate([model.posedirs, np.zeros((TEETH_VERTEX_COUNT, 3, 36))]),
        J_regressor=np.concatenate([model.J_regressor, np.zeros((5, TEETH_VERTEX_COUNT))], axis=1),
        weights=np.concatenate([model.weights, weights]),
    )

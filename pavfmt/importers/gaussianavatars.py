"""A GaussianAvatars checkpoint (`point_cloud.ply` + `flame_param.npz`) and a FLAME model → Avatar."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from pavfmt.arrays import Float32Array, Float64Array, Int32Array
from pavfmt.errors import EncodeError
from pavfmt.importers.files.npy import has_shape
from pavfmt.importers.files.npz import array_names, float_array, open_npz
from pavfmt.importers.files.ply import MAX_HEADER_BYTES, Table, columns, read_ply_header
from pavfmt.importers.files.source import open_limited
from pavfmt.importers.flame import (
    FACE_COUNT,
    JOINT_NAMES,
    PARENTS,
    TEETH_FACE_COUNT,
    TEETH_VERTEX_COUNT,
    VERTEX_COUNT,
    FlameModel,
    add_teeth,
    read_flame,
)
from pavfmt.importers.gaussian_ply import read_gaussian_table
from pavfmt.importers.tracks import expression_name, flame_track
from pavfmt.model import Avatar, Gaussians, Identity, Level, PoseCorrectives, Rig, Shape, Track
from pavfmt.registry import Binding, ShFrame, Site

ESSENTIAL_COUNT = 10
"""FLAME's expressions are ordered by variance: the first ones carry what the face needs to look alive."""
REST_COUNTS = (0, 9, 24, 45)
"""How many `f_rest` properties SH degrees 0 to 3 have."""


def is_gaussianavatars(path: Path) -> bool:
    """Whether a PLY file, or the one in a folder, has Gaussians bound to faces.

    EncodeError "bad-ply" where the path itself is a PLY file whose header cannot be read.
    """
    try:
        with find_point_cloud(path).open("rb") as stream:
            start = stream.read(MAX_HEADER_BYTES)
        elements = read_ply_header(start, path.name) if start.startswith(b"ply") else []
    except EncodeError:
        if path.is_dir():  # it may hold anything, and need not be a checkpoint
            return False
        raise
    return any("binding_0" in (field for field, _ in fields) for _, _, fields in elements)


def read_gaussianavatars(path: str | Path, flame_path: str | Path | None) -> Avatar:
    """The avatar of a checkpoint (its PLY, its folder, or the training run's folder) on a FLAME model.

    EncodeError "flame-model-needed" without one: the checkpoint holds no mesh.
    """
    if flame_path is None:
        message = f"{Path(path).name} is a GaussianAvatars checkpoint: give the FLAME model it was trained on"
        raise EncodeError("flame-model-needed", message)
    ply = find_point_cloud(Path(path))
    gaussians = read_gaussians(open_limited(ply), ply.name)
    with open_npz(ply.with_name("flame_param.npz")) as archive:
        static_offset = read_static_offset(archive)
        model = fitting_model(read_flame(flame_path), gaussians.sites, static_offset)
        neutral = model.neutral(float_array(archive, "shape", None))
        track = flame_track(archive, "flame_param")
    if static_offset is not None:
        neutral = neutral + static_offset
    rig = rig_from(model)
    joints = model.J_regressor @ neutral
    return Avatar(
        levels=(Level(gaussians, Binding.FACE_FRAME, Site.FACE, ShFrame.WORLD),),
        rig=rig,
        identity=Identity(neutral.astype(np.float32), joints.astype(np.float32)),
        metadata={"title": title_of(ply)},
        tracks=(on_rig(track, rig),),
    )


def find_point_cloud(path: Path) -> Path:
    """The checkpoint's PLY: the path itself, in the folder, or in the last `point_cloud/iteration_N`."""
    if not path.is_dir():
        return path
    if (path / "point_cloud.ply").is_file():
        return path / "point_cloud.ply"
    runs = [*path.glob("point_cloud/iteration_*"), *path.glob("iteration_*")]
    numbered = [(int(run.name[10:]), run) for run in runs if run.name[10:].isdecimal()]
    found = [(number, run) for number, run in numbered if (run / "point_cloud.ply").is_file()]
    if not found:
        message = f"{path.name}: no point_cloud.ply in it or in point_cloud/iteration_N"
        raise EncodeError("missing-file", message)
    return max(found)[1] / "point_cloud.ply"


def title_of(ply: Path) -> str:
    """The name of the folder that holds the checkpoint, above GaussianAvatars' own folders."""
    folder = ply.resolve().parent
    if folder.name.startswith("iteration_"):
        folder = folder.parent
    return folder.parent.name if folder.name == "point_cloud" else folder.name


def read_gaussians(data: bytes, where: str) -> Gaussians:
    """The PLY's rows: face-local means, log scales, rotations (w, x, y, z), logits, SH, faces."""
    table = read_gaussian_table(data, where)
    return Gaussians(
        sites=read_binding(table.rows, where),
        means=table.means,
        quats=table.quats,
        log_scales=table.log_scales,
        opacities=table.opacities,
        sh0=columns(table.rows, ("f_dc_0", "f_dc_1", "f_dc_2"), where)[:, None, :],
        shN=read_rest(table.rows, where),
    )


def read_rest(table: Table, where: str) -> Float32Array:
    """(N, K, 3) higher SH bands from the channel-major `f_rest` properties."""
    count = sum(name.startswith("f_rest_") for name in table.dtype.names or ())
    if count not in REST_COUNTS:
        raise EncodeError("missing-property", f"{where}: {count} f_rest properties, expected 0, 9, 24 or 45")
    rest = columns(table, [f"f_rest_{k}" for k in range(count)], where)
    return np.ascontiguousarray(rest.reshape(len(table), 3, count // 3).transpose(0, 2, 1))


def read_binding(table: Table, where: str) -> Int32Array:
    """(N,) face indices, stored as floats: whole numbers from 0 up."""
    values = columns(table, ("binding_0",), where)[:, 0]
    bad = np.flatnonzero((values != np.floor(values)) | (values < 0) | (values >= 1 << 24))
    if len(bad):
        message = f"{where}: binding_0 is {values[bad[0]]} in row {bad[0]}, not a face index"
        raise EncodeError("binding-out-of-range", message)
    return values.astype(np.int32)


def read_static_offset(archive: zipfile.ZipFile) -> Float64Array | None:
    """(V, 3) metres, if the file has one. `dynamic_offset`, nearly the whole file, is never read."""
    if "static_offset" not in array_names(archive):
        return None
    offset = float_array(archive, "static_offset")
    offset = offset[0] if offset.ndim == 3 and len(offset) == 1 else offset
    if not has_shape(offset.shape, (None, 3)):
        raise EncodeError("bad-shape", f"static_offset has shape {offset.shape}, expected (V, 3)")
    return offset


def fitting_model(model: FlameModel, faces: Int32Array, static_offset: Float64Array | None) -> FlameModel:
    """The model with or without teeth, as the checkpoint needs it."""
    rows = None if static_offset is None else len(static_offset)
    top = int(faces.max(initial=0))
    is_flame = (len(model.v_template), len(model.faces)) == (VERTEX_COUNT, FACE_COUNT)
    on_teeth = is_flame and FACE_COUNT <= top < FACE_COUNT + TEETH_FACE_COUNT
    if on_teeth and rows == VERTEX_COUNT:
        row = int(np.argmax(faces >= FACE_COUNT))
        message = f"row {row} is bound to face {faces[row]}, one of the teeth, and static_offset has no teeth"
        raise EncodeError("teeth-missing", message)
    if is_flame and (on_teeth or rows == VERTEX_COUNT + TEETH_VERTEX_COUNT):
        model = add_teeth(model)
    if top >= len(model.faces):
        row = int(np.argmax(faces >= len(model.faces)))
        message = f"row {row} is bound to face {faces[row]}, the mesh has {len(model.faces)}"
        raise EncodeError("binding-out-of-range", message)
    if rows not in (None, len(model.v_template)):
        message = f"static_offset has {rows} rows, the mesh {len(model.v_template)} vertices"
        raise EncodeError("bad-shape", message)
    return model


def rig_from(model: FlameModel) -> Rig:
    """The part of the avatar that every avatar on the same FLAME model shares."""
    directions = np.moveaxis(model.expression_dirs, 2, 0)
    shapes = tuple(
        Shape(
            expression_name(k),
            displacements.astype(np.float32),
            (model.J_regressor @ displacements).astype(np.float32),
            essential=k < ESSENTIAL_COUNT,
        )
        for k, displacements in enumerate(directions)
    )
    sums = model.weights.sum(axis=1, keepdims=True)
    if (model.weights < 0).any() or (np.abs(sums - 1) > 1e-2).any():
        raise EncodeError("bad-weights", "the FLAME model's skinning weights do not sum to 1")
    correctives = None
    if model.posedirs.any():
        moved = np.moveaxis(model.posedirs, 2, 0).astype(np.float32)
        correctives = PoseCorrectives((1, 2, 3, 4), moved)
    return Rig(
        profile="flame",
        faces=model.faces,
        mean_neutral=model.v_template.astype(np.float32),
        joint_names=JOINT_NAMES,
        joint_parents=PARENTS,
        mean_joint_positions=(model.J_regressor @ model.v_template).astype(np.float32),
        weights=(model.weights / sums).astype(np.float32),
        shapes=shapes,
        correctives=correctives,
    )


def on_rig(track: Track, rig: Rig) -> Track:
    """The track with only the expressions that the rig has."""
    kept = min(len(track.shape_names), len(rig.shapes))
    return replace(track, shape_names=track.shape_names[:kept], weights=track.weights[:, :kept])

"""Writing a progressive checkpoint: spec/progressive-checkpoint.md says what stands where.

A fit runs for hours and may be stopped at any time, so a checkpoint is written into a folder beside its own and then
renamed; the one it replaces is renamed aside first and put back if that fails. There is never half a checkpoint.
"""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import EncodeError
from pavfmt.importers.progressive_form import (
    FORMAT_NAME,
    FORMAT_VERSION,
    MANIFEST,
    THUMBNAIL,
    is_progressive,
    logits_from_opacities,
    word,
)
from pavfmt.model import Avatar, Level, Rig, Track


def write_progressive(avatar: Avatar, folder: str | Path, *, force: bool = False) -> None:
    """Write `avatar` as a checkpoint folder, which appears under its name whole or not at all.

    An existing checkpoint is replaced with `force` only; anything else of that name never is.
    Raises EncodeError "exists", "no-folder" or "unwritable-file".
    """
    target = Path(folder).resolve()
    _check_target(target, force)
    mark = secrets.token_hex(4)
    draft = target.with_name(f".{target.name}.{mark}.writing")
    try:
        draft.mkdir()
        _write_all(avatar, draft)
        _put_in_place(draft, target, target.with_name(f".{target.name}.{mark}.replaced"))
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror or error}"
        raise EncodeError("unwritable-file", message) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _check_target(target: Path, force: bool) -> None:
    if not target.parent.is_dir():
        raise EncodeError("no-folder", f"there is no folder {target.parent}")
    if not target.exists():
        return
    if not force:
        raise EncodeError("exists", f"{target} exists; force is needed to replace it")
    if not is_progressive(target):
        raise EncodeError("exists", f"{target} is no checkpoint of this form, so it is not replaced")


def _put_in_place(draft: Path, target: Path, aside: Path) -> None:
    if not target.exists():
        draft.rename(target)
        return
    target.rename(aside)
    try:
        draft.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    shutil.rmtree(aside)


def _save(folder: Path, name: str, array: NDArray[np.generic]) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.npy").open("xb") as stream:
        np.lib.format.write_array(stream, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def _write_all(avatar: Avatar, folder: Path) -> None:
    if avatar.rig is not None:
        _write_rig(avatar.rig, folder / "rig")
    if avatar.identity is not None:
        _save(folder / "identity", "neutral", avatar.identity.neutral)
        _save(folder / "identity", "joints", avatar.identity.joint_positions)
    for number, level in enumerate(avatar.levels):
        _write_level(level, folder / f"level_{number}")
    for number, track in enumerate(avatar.tracks):
        _write_track(track, folder / f"track_{number}")
    if avatar.thumbnail is not None:
        (folder / THUMBNAIL).write_bytes(avatar.thumbnail)
    text = json.dumps(_manifest(avatar), ensure_ascii=False, indent=1, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _write_rig(rig: Rig, folder: Path) -> None:
    base_count, joint_count = len(rig.mean_neutral), rig.joint_count
    _save(folder, "faces", rig.faces)
    _save(folder, "mean_neutral", rig.mean_neutral)
    _save(folder, "mean_joints", rig.mean_joint_positions)
    _save(folder, "weights", rig.weights)
    shapes = np.zeros((len(rig.shapes), base_count, 3), np.float32)
    joints = np.zeros((len(rig.shapes), joint_count, 3), np.float32)
    for number, shape in enumerate(rig.shapes):
        shapes[number] = shape.displacements
        if shape.joint_displacements is not None:
            joints[number] = shape.joint_displacements
    _save(folder, "shapes", shapes)
    if any(shape.joint_displacements is not None for shape in rig.shapes):
        _save(folder, "shape_joints", joints)
    if rig.correctives is not None:
        _save(folder, "correctives", rig.correctives.displacements)
    if rig.regions:
        _save(folder, "regions", np.stack([np.asarray(mask, np.bool_) for mask in rig.regions.values()]))


def _write_level(level: Level, folder: Path) -> None:
    gaussians = level.gaussians
    for name in ("sites", "means", "quats", "log_scales", "sh0", "shN"):
        _save(folder, name, getattr(gaussians, name))
    _save(folder, "logit_opacities", logits_from_opacities(gaussians.opacities))
    for name in ("barycentrics", "importance"):
        if getattr(gaussians, name) is not None:
            _save(folder, name, getattr(gaussians, name))
    if level.parents is not None:
        _save(folder, "parents", level.parents)
    if level.beginning is not None:
        _save(folder, "beginning_rows", level.beginning.rows)
        _save(folder, "beginning_logit_opacities", logits_from_opacities(level.beginning.opacities))
        _save(folder, "beginning_log_scales", level.beginning.log_scales)
    if level.splits is not None:
        _save(folder, "split_parents", level.splits.parents)
        _save(folder, "split_barycentrics", level.splits.barycentrics)


def _write_track(track: Track, folder: Path) -> None:
    for name in ("weights", "rotations", "translation"):
        if getattr(track, name) is not None:
            _save(folder, name, getattr(track, name))


def _manifest(avatar: Avatar) -> dict[str, Any]:
    return {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "thumbnail": avatar.thumbnail is not None,
        "identity": avatar.identity is not None,
        "metadata": dict(avatar.metadata),
        "rig": None if avatar.rig is None else _rig_manifest(avatar.rig),
        "levels": [_level_manifest(level) for level in avatar.levels],
        "tracks": [_track_manifest(track) for track in avatar.tracks],
    }


def _rig_manifest(rig: Rig) -> dict[str, Any]:
    return {
        "profile": rig.profile,
        "subdivisions": rig.subdivisions,
        "joints": list(rig.joint_names),
        "parents": [int(parent) for parent in rig.joint_parents],
        "shapes": [shape.name for shape in rig.shapes],
        "essential": [shape.name for shape in rig.shapes if shape.essential],
        "moves_joints": [shape.name for shape in rig.shapes if shape.joint_displacements is not None],
        "corrective_joints": [] if rig.correctives is None else [int(j) for j in rig.correctives.joints],
        "regions": list(rig.regions),
    }


def _level_manifest(level: Level) -> dict[str, Any]:
    return {
        "binding": word(level.binding),
        "site": word(level.site),
        "sh_frame": word(level.sh_frame),
        "importance": level.gaussians.importance is not None,
        "takes_over": level.parents is not None,
        "beginning": level.beginning is not None,
    }


def _track_manifest(track: Track) -> dict[str, Any]:
    return {
        "name": track.name,
        "frames_per_second": float(track.frames_per_second),
        "shapes": list(track.shape_names),
        "joints": list(track.joint_names),
        "translation": track.translation is not None,
    }

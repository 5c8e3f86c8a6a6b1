"""What moves the head of a capture: FLAME, or the CC0 rig in FLAME's place, and poses from FLAME parameters.

In place of FLAME the CC0 rig's shapes stand, in their order, in the expression columns, and its five joints,
which have FLAME's tree, are FLAME's root, neck, jaw, left and right eye.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pavfmt.arrays import Float64Array
from pavfmt.errors import EncodeError, PavError
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.importers.files.npz import array_names, float_array, open_npz
from pavfmt.importers.flame import PARENTS, read_flame
from pavfmt.importers.gaussianavatars import fitting_model, read_static_offset, rig_from
from pavfmt.importers.tracks import flame_track
from pavfmt.model import Identity, Pose, Rig, Track

RIG_NAME = "rig.npz"
"""A CC0 rig that lies in a capture's folder."""


@dataclass(frozen=True)
class Person:
    """What one file of FLAME parameters says about the head itself."""

    shape: Float64Array
    """Identity coefficients."""
    static_offset: Float64Array | None
    """(V, 3) metres."""


@dataclass(frozen=True)
class FlameParameters:
    """One file of FLAME parameters."""

    person: Person
    track: Track

    def row(self, timestep: int) -> int:
        """Where a timestep is: its own file has one row, a file for all has one for each."""
        return timestep if self.track.frame_count > 1 else 0


def read_parameters(path: Path, where: str) -> FlameParameters:
    """The FLAME parameters in an `.npz`; errors name the frame that asked for them."""
    try:
        with open_npz(path) as archive:
            return FlameParameters(_person(archive), flame_track(archive, path.stem))
    except PavError as error:
        raise EncodeError(error.code, f"{where}: {path.name}: {error.message}") from error


def _person(archive: zipfile.ZipFile) -> Person:
    shape = float_array(archive, "shape") if "shape" in array_names(archive) else np.zeros(0)
    return Person(shape.reshape(-1), read_static_offset(archive))


@dataclass(frozen=True)
class CaptureRig:
    """A rig, the neutral of the person, and what FLAME's parameters are called on it."""

    rig: Rig
    identity: Identity | None

    def pose(self, track: Track, row: int) -> Pose:
        """The pose in one row of a FLAME track. Expressions that the rig does not have are left out."""
        names = [shape.name for shape in self.rig.shapes]
        weights = dict(zip(names, track.weights[row].tolist(), strict=False))
        rotations: dict[str, tuple[float, float, float]] = {}
        if track.rotations is not None:
            turns = track.rotations[row].tolist()
            rotations = {name: (x, y, z) for name, (x, y, z) in zip(self.rig.joint_names, turns, strict=True)}
        x, y, z = (0.0, 0.0, 0.0) if track.translation is None else track.translation[row].tolist()
        return Pose(weights, rotations, (x, y, z))


def open_rig(folder: Path, model: str | Path | None, person: Person) -> CaptureRig:
    """The rig of a capture: a FLAME model file or a CC0 rig, or the rig that lies in its folder."""
    path = folder / RIG_NAME if model is None else Path(model)
    if model is None and not path.is_file():
        raise EncodeError(
            "flame-model-needed", f"{folder.name} is a capture: give the FLAME model it was tracked with"
        )
    return _cc0(path, person) if _is_cc0(path) else _flame(path, person)


def _is_cc0(path: Path) -> bool:
    if path.suffix != ".npz":
        return False
    with open_npz(path) as archive:
        return "v_neutral" in array_names(archive)


def _cc0(path: Path, person: Person) -> CaptureRig:
    rig = read_cc0_rig(path)
    if rig.joint_parents != PARENTS:
        raise EncodeError("bad-skeleton", f"{path.name} does not have FLAME's five joints")
    offset = person.static_offset
    if offset is None or not offset.any():
        return CaptureRig(rig, None)
    if len(offset) != len(rig.mean_neutral):
        message = f"static_offset has {len(offset)} rows, {path.name} {len(rig.mean_neutral)} vertices"
        raise EncodeError("bad-shape", message)
    neutral = (rig.mean_neutral + offset).astype(np.float32)
    return CaptureRig(rig, Identity(neutral, rig.mean_joint_positions))


def _flame(path: Path, person: Person) -> CaptureRig:
    model = fitting_model(read_flame(path), np.zeros(0, np.int32), person.static_offset)
    neutral = model.neutral(person.shape)
    if person.static_offset is not None:
        neutral = neutral + person.static_offset
    joints = model.J_regressor @ neutral
    return CaptureRig(rig_from(model), Identity(neutral.astype(np.float32), joints.astype(np.float32)))

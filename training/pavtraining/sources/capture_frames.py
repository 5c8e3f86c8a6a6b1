"""The lists of frames of a capture: `transforms_{train,val,test}.json` as GaussianAvatars and VHAP write them.

Each entry of "frames" has `file_path`, `flame_param_path`, perhaps `fg_mask_path` (relative to the folder),
`timestep_index`, `camera_index` or `camera_id`, `w h fl_x fl_y cx cy` in pixels and `transform_matrix`, camera to
world in OpenGL's axes (x right, y up, z backward). What an entry lacks of the lens is taken from the top level.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pavfmt.errors import EncodeError
from pavfmt.importers.files.glb import MAX_JSON_BYTES, parse_json
from pavfmt.importers.files.source import open_limited
from pavplayer.camera import Camera
from pavtraining.sources.image_files import MAX_SIDE

CODE = "bad-capture"
SPLITS = ("train", "val", "test")
FROM_OPENGL = np.diag([1.0, -1.0, -1.0])
"""OpenGL's camera axes to ours."""
LENS = ("fl_x", "fl_y", "cx", "cy")
RIGID_TOLERANCE = 1e-3


@dataclass(frozen=True)
class CaptureFrame:
    """One picture of a capture: where its files are and the camera as it was calibrated."""

    where: str
    """Which list and entry it is, for errors."""
    picture: Path
    mask: Path | None
    track: Path
    timestep: int
    camera_name: str
    camera: Camera


def transforms_path(folder: Path, split: str) -> Path:
    """The list of one split."""
    return folder / f"transforms_{split}.json"


def is_capture(path: Path) -> bool:
    """Whether a folder holds a capture."""
    return transforms_path(path, "train").is_file()


def read_frames(folder: Path, split: str) -> list[CaptureFrame]:
    """The frames of "train", "val" or "test"; none if that list is not there."""
    path = transforms_path(folder, split)
    if split != "train" and not path.is_file():
        return []
    document = parse_json(open_limited(path, MAX_JSON_BYTES), path.name, CODE)
    entries = document.get("frames") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise EncodeError(CODE, f"{path.name}: no list 'frames'")
    if not entries and split == "train":
        raise EncodeError(CODE, f"{path.name}: 'frames' is empty")
    return [
        _frame(folder, _Entry(entry, document, f"{path.name}: frame {number}"))
        for number, entry in enumerate(entries)
    ]


def _frame(folder: Path, entry: _Entry) -> CaptureFrame:
    mask = entry.text("fg_mask_path") if entry.has("fg_mask_path") else None
    name = entry.get("camera_id") if entry.has("camera_id") else entry.get("camera_index")
    return CaptureFrame(
        entry.where,
        folder / entry.text("file_path"),
        None if mask is None else folder / mask,
        folder / entry.text("flame_param_path"),
        entry.whole("timestep_index", 0, 1 << 31),
        str(name),
        _camera(entry),
    )


def _camera(entry: _Entry) -> Camera:
    width, height = entry.whole("w", 1, MAX_SIDE), entry.whole("h", 1, MAX_SIDE)
    lens = [entry.number(key) for key in LENS]
    if not (lens[0] > 0 and lens[1] > 0):
        raise entry.error(f"focal lengths {lens[:2]} are not above 0")
    matrix = entry.matrix("transform_matrix")
    turn = matrix[:3, :3]
    if np.abs(turn.T @ turn - np.eye(3)).max() > RIGID_TOLERANCE or np.linalg.det(turn) < 0:
        raise entry.error("'transform_matrix' does not turn rigidly")
    rotation = FROM_OPENGL @ turn.T
    return Camera(rotation, -rotation @ matrix[:3, 3], lens[0], lens[1], lens[2], lens[3], width, height)


class _Entry:
    """One entry of a list, its fields asked for by type."""

    def __init__(self, entry: Any, document: dict[str, Any], where: str) -> None:
        self.where = where
        if not isinstance(entry, dict):
            raise self.error(f"an object is required, not {entry!r:.40}")
        self._fields = document | entry

    def error(self, message: str) -> EncodeError:
        """What is wrong with this entry."""
        return EncodeError(CODE, f"{self.where}: {message}")

    def has(self, key: str) -> bool:
        """Whether it is there and not null."""
        return self._fields.get(key) is not None

    def get(self, key: str) -> Any:
        """A field that must be there."""
        if not self.has(key):
            raise self.error(f"{key!r} is missing")
        return self._fields[key]

    def text(self, key: str) -> str:
        """A path."""
        value = self.get(key)
        if not isinstance(value, str) or not value or "\0" in value:
            raise self.error(f"{key!r} must be a path, found {value!r:.40}")
        return value

    def number(self, key: str) -> float:
        """A finite number."""
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
            raise self.error(f"{key!r} must be a number, found {value!r:.40}")
        return float(value)

    def whole(self, key: str, low: int, high: int) -> int:
        """A whole number in low..high; 550.0 counts as 550."""
        value = self.number(key)
        if value != int(value) or not low <= value <= high:
            raise self.error(f"{key!r} is {value:g}, allowed are whole numbers in {low}..{high}")
        return int(value)

    def matrix(self, key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(4, 4) finite numbers."""
        try:
            matrix = np.array(self.get(key), dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            matrix = np.zeros(0)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise self.error(f"{key!r} must be four rows of four numbers")
        return matrix

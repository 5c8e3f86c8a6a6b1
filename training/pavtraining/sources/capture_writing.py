"""Writing a capture out from the scene, in GaussianAvatars' layout, degraded as captures are.

CAPTURE/
  transforms_train.json   the sixteen cameras at the frames to learn from
  transforms_val.json     a held-out camera at the same frames
  transforms_test.json    all cameras at later frames
  images/00000_00.png     timestep and camera; fg_masks/ the same
  flame_param/00000.npz   one timestep each, shapes of the CC0 rig in the expression columns
  rig.npz                 that rig
"""

from __future__ import annotations

import io
import json
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from pavfmt.errors import EncodeError
from pavfmt.importers.flame import EXPRESSION_COUNT, IDENTITY_COUNT
from pavfmt.model import Pose
from pavplayer.camera import REFERENCE_SIZE, Camera
from pavplayer.demo import RIG_FILE
from pavtraining.sources.capture_frames import FROM_OPENGL
from pavtraining.sources.capture_rig import RIG_NAME
from pavtraining.sources.degradation import Degradation, Degrader
from pavtraining.sources.image_files import png
from pavtraining.sources.scene import SceneSource
from pavtraining.sources.scene.studio import FRAME_COUNT
from pavtraining.sources.view import Size, scaled_camera

TEST_SHARE = 8
"""One timestep to test with for so many to learn from."""


@dataclass(frozen=True)
class Station:
    """One camera of the studio."""

    number: int
    true: Camera
    """What the pictures are taken with."""
    calibrated: Camera
    """What the capture says."""


@dataclass(frozen=True)
class PlannedFrame:
    """One timestep seen by one camera, of one split."""

    split: str
    timestep: int
    station: Station

    @property
    def name(self) -> str:
        """Of its files, without an ending."""
        return f"{self.timestep:05d}_{self.station.number:02d}"


def write_capture(
    scene: SceneSource,
    folder: str | Path,
    frames: int,
    cameras: int | None = None,
    degradation: Degradation | None = None,
    seed: int = 0,
    size: Size = REFERENCE_SIZE,
) -> None:
    """Write a capture of `frames` timesteps to learn from; the folder appears whole or not at all.

    `cameras` is how many of the scene's cameras take part (None: all), `degradation` what goes wrong (None: the
    defaults of `Degradation`), and `size` the pictures' width and height. An existing folder is never replaced.
    """
    target = Path(folder).resolve()
    if target.exists():
        raise EncodeError("exists", f"{target} exists; a capture is written to a new folder")
    if not target.parent.is_dir():
        raise EncodeError("no-folder", f"there is no folder {target.parent}")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.writing")
    degrader = Degrader(Degradation() if degradation is None else degradation, seed)
    try:
        draft.mkdir()
        _write_all(scene, draft, frames, _stations(scene, cameras, degrader, size), degrader)
        draft.rename(target)
    except OSError as error:
        raise EncodeError(
            "unwritable-file", f"{target} cannot be written: {error.strerror or error}"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _stations(scene: SceneSource, cameras: int | None, degrader: Degrader, size: Size) -> list[Station]:
    """The cameras to learn from, spread over all there are, and last the held-out one."""
    count = len(scene.cameras) if cameras is None else cameras
    if not 1 <= count <= len(scene.cameras):
        raise EncodeError("out-of-range", f"{count} cameras: the scene has 1 to {len(scene.cameras)}")
    rows = np.unique(np.linspace(0, len(scene.cameras) - 1, count).round().astype(int))
    chosen = [*(scene.cameras[row] for row in rows), scene.held_out_cameras[1]]
    scaled = [scaled_camera(camera, size) for camera in chosen]
    return [Station(n, camera, degrader.calibrated(camera, n)) for n, camera in enumerate(scaled)]


def _planned_frames(frames: int, stations: Sequence[Station]) -> Iterator[PlannedFrame]:
    for timestep in range(frames):
        for station in stations[:-1]:
            yield PlannedFrame("train", timestep, station)
        yield PlannedFrame("val", timestep, stations[-1])
    for timestep in range(frames, frames + later_count(frames)):
        for station in stations:
            yield PlannedFrame("test", timestep, station)


def later_count(frames: int) -> int:
    """How many timesteps there are to test with."""
    return max(1, frames // TEST_SHARE)


def scene_frame(timestep: int, frames: int) -> int:
    """The frame of the scene's performance: those to learn from are spread over all of its frames to learn from."""
    if timestep < frames:
        return timestep * FRAME_COUNT // frames
    return FRAME_COUNT + 20 * (1 + timestep - frames)


def _write_all(
    scene: SceneSource, folder: Path, frames: int, stations: Sequence[Station], degrader: Degrader
) -> None:
    if frames < 1:
        raise EncodeError("out-of-range", f"{frames} frames: a capture has at least one")
    for name in ("images", "fg_masks", "flame_param"):
        (folder / name).mkdir()
    shutil.copyfile(RIG_FILE, folder / RIG_NAME)
    planned = list(_planned_frames(frames, stations))
    lists: dict[str, list[dict[str, Any]]] = {"train": [], "val": [], "test": []}
    for frame in tqdm(planned, desc="capture", unit="picture", disable=not sys.stderr.isatty()):
        pose = scene.performance.pose(scene_frame(frame.timestep, frames))
        if frame.station.number == 0:
            _write_parameters(scene, folder, frame.timestep, pose, degrader)
        _write_pictures(scene, folder, frame, pose, degrader)
        lists[frame.split].append(_entry(frame))
    for split, entries in lists.items():
        text = json.dumps({"frames": entries}, indent=1)
        (folder / f"transforms_{split}.json").write_text(text, encoding="utf-8")


def _write_pictures(
    scene: SceneSource, folder: Path, frame: PlannedFrame, pose: Pose, degrader: Degrader
) -> None:
    view = scene.drawn(frame.station.true, pose)
    assert view.mask is not None
    picture, mask = degrader.photographed(view.picture, view.mask, frame.timestep, frame.station.number)
    (folder / "images" / f"{frame.name}.png").write_bytes(png(picture))
    (folder / "fg_masks" / f"{frame.name}.png").write_bytes(png(mask))


def _write_parameters(
    scene: SceneSource, folder: Path, timestep: int, pose: Pose, degrader: Degrader
) -> None:
    """FLAME's parameters of one timestep, as they were tracked."""
    shapes, joints = [shape.name for shape in scene.rig.shapes], scene.rig.joint_names
    tracked = degrader.tracked(pose, shapes, joints, timestep)
    turns = np.array([tracked.rotations[name] for name in joints])
    expression = np.zeros((1, EXPRESSION_COUNT))
    expression[0, : len(shapes)] = [tracked.weights[name] for name in shapes]
    arrays = {
        "shape": np.zeros(IDENTITY_COUNT),
        "expr": expression,
        "rotation": turns[None, 0],
        "neck_pose": turns[None, 1],
        "jaw_pose": turns[None, 2],
        "eyes_pose": turns[3:].reshape(1, 6),
        "translation": np.array([tracked.translation]),
        "static_offset": np.zeros((1, len(scene.rig.mean_neutral), 3)),
    }
    stream = io.BytesIO()
    single = {name: array.astype(np.float32) for name, array in arrays.items()}
    np.savez_compressed(stream, **single)  # type: ignore[arg-type]  # NumPy's stub takes them for its flag
    (folder / "flame_param" / f"{timestep:05d}.npz").write_bytes(stream.getvalue())


def _entry(frame: PlannedFrame) -> dict[str, Any]:
    """One frame of a list."""
    camera = frame.station.calibrated
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = camera.rotation.T @ FROM_OPENGL, camera.position
    return {
        "timestep_index": frame.timestep,
        "camera_index": frame.station.number,
        "camera_id": f"{frame.station.number:02d}",
        "file_path": f"images/{frame.name}.png",
        "fg_mask_path": f"fg_masks/{frame.name}.png",
        "flame_param_path": f"flame_param/{frame.timestep:05d}.npz",
        "w": camera.width,
        "h": camera.height,
        "fl_x": camera.fx,
        "fl_y": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "transform_matrix": matrix.tolist(),
    }

"""What the table is about: three finished heads, the scene, and a capture of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Identity, Pose, Rig
from pavplayer.camera import Camera
from pavplayer.evaluation.framings import framings_of
from pavplayer.evaluation.views import EVALUATION_V1
from pavplayer.posing.poser import Poser
from pavtraining.sources import SceneSource, Teacher, View, ViewSource, open_capture, open_teacher
from pavtraining.sources.capture_writing import write_capture

HEADS = ("status", "tesla", "p2-1")
CAPTURE_FRAMES, CAPTURE_CAMERAS, CAPTURE_SIZE = 16, 12, (275, 401)
SCENE_BYTES = 2 << 30
"""Of the cache of training views."""


class Photographed(Protocol):
    """What can be seen from any camera, in any pose."""

    @property
    def rig(self) -> Rig:
        """What moves it."""

    @property
    def identity(self) -> Identity | None:
        """The neutral of this head; None: the rig's mean."""

    def view(self, camera: Camera, pose: Pose) -> View:
        """The true picture."""


@dataclass(frozen=True)
class Subject:
    """One head."""

    name: str
    title: str
    truth: Photographed
    """What prefixes are compared with."""
    source: ViewSource
    """What is learned from."""
    flat: Avatar | None
    """The avatar as its makers left it, one level; None: there is none."""

    def examination(self) -> list[View]:
        """`eval-v1`: every expression that the rig has, from every view."""
        identity, rig = self.truth.identity, self.truth.rig
        neutral = rig.mean_neutral if identity is None else identity.neutral
        cameras = EVALUATION_V1.cameras(neutral)
        poses = EVALUATION_V1.expressions.values()
        return [self.truth.view(camera, pose) for pose in poses for camera in cameras]

    def head_examination(self) -> list[View]:
        """`eval-v2`'s head framing, on white: the head from all around. Of finished heads; none of others."""
        if self.flat is None:
            return []
        (head,) = framings_of(self.flat, Poser(self.flat).frame, only=("head",))
        return [
            self.truth.view(camera, pose) for pose in head.expressions.values() for camera in head.cameras
        ]


def data_folder() -> Path:
    """Where the finished heads are: `PAV_TEST_DATA`, or `shared/data` beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("PAV_TEST_DATA") or beside)


def _head(name: str, work: Path) -> Subject:
    path = data_folder() / "lam" / f"{name}.zip"
    if not path.is_file():
        raise EncodeError("missing-file", f"{path} is not there: PAV_TEST_DATA names the folder with lam/")
    teacher: Teacher = open_teacher(path)
    return Subject(name, f"`{name}`, a finished flat head", teacher, teacher, teacher.avatar)


def _scene(work: Path) -> Subject:
    scene = SceneSource(cache_bytes=SCENE_BYTES)
    return Subject("scene", "the rendered scene", scene, scene, None)


def _capture(work: Path) -> Subject:
    """Degraded photographs of the scene to learn from; the clean scene to be compared with."""
    folder, scene = work / "capture", SceneSource(cache_bytes=SCENE_BYTES)
    if not folder.exists():
        write_capture(scene, folder, CAPTURE_FRAMES, CAPTURE_CAMERAS, size=CAPTURE_SIZE)
    return Subject("capture", "a capture of the scene, degraded", scene, open_capture(folder), None)


def open_subject(name: str, work: Path) -> Subject:
    """One of `SUBJECTS`; files that take long to make are kept in the folder `work`."""
    return SUBJECTS[name](work)


SUBJECTS: Mapping[str, Callable[[Path], Subject]] = {
    **{name: partial(_head, name) for name in HEADS},
    "scene": _scene,
    "capture": _capture,
}

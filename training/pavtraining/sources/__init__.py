"""Sources of truth: a finished avatar (teacher), a capture, or the rendered scene, behind one interface."""

from __future__ import annotations

from pathlib import Path

from pavtraining.sources.capture import Capture, open_capture
from pavtraining.sources.capture_frames import is_capture
from pavtraining.sources.scene import SceneSource
from pavtraining.sources.teacher import Teacher, open_teacher
from pavtraining.sources.view import LazyViews, Mask, Picture, Size, Source, View, scaled_camera

__all__ = [
    "Capture",
    "LazyViews",
    "Mask",
    "Picture",
    "SceneSource",
    "Size",
    "Source",
    "Teacher",
    "View",
    "open_capture",
    "open_source",
    "open_teacher",
    "scaled_camera",
]

SCENE_NAME = "scene"


def open_source(name: str | Path, *, flame: str | Path | None = None, seed: int = 0) -> Source:
    """The source that a path or a name stands for.

    "scene" is the project's own scene; a folder with `transforms_train.json` is a capture; anything else is a
    path to an avatar, a teacher. `flame` is a FLAME model file, for sources that need one (for a capture also a
    CC0 rig), and `seed` picks the training views.
    """
    if str(name) == SCENE_NAME:
        return SceneSource(seed)
    if is_capture(Path(name)):
        return open_capture(name, flame, seed)
    return open_teacher(name, flame, seed)

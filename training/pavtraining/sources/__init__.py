"""Sources of truth: a finished avatar (teacher), a capture, or the rendered scene, behind one interface.

**How it works.** A source answers `training_view(number, size)` for every number from 0 up: a camera, a pose, and
the picture that an avatar in that pose should give from there, display sRGB over the source's grey. Besides it has
the rig that moves the head, the head's own neutral, and held-out views that no number gives. A fit knows nothing
else.

- `Teacher`: a finished avatar. Views are drawn when they are asked for, from sampled cameras in sampled poses
  (`sampling`), so that there are as many as anybody wants.
- `Capture`: photographs, calibrated cameras and tracked FLAME parameters in GaussianAvatars' layout. Everything is
  checked when the folder is opened, so that no fit fails after an hour for a missing file.
- `SceneSource`: a head on the CC0 rig, drawn with skin, hair and eyes. It stands in for a capture wherever there is
  none that may be shown, and is the only source whose truth is known from every side.

**Why so.** Numbers and not an iterator: a resumed fit asks for the view of its step, and two processes never need to
agree on a position. Sizes and not pictures to be scaled: a teacher draws small pictures faster than large ones.

**Invariants.** The same number, size and seed give the same view, bit for bit, whatever was asked before; pictures
may be read-only, for they are handed out again. Held-out views come from other seeds, cameras or frames.

**Costs.** A view costs a drawing or the reading of a file; the last of them stay in a `ViewCache`, half a gigabyte
unless somebody says otherwise.
"""

from __future__ import annotations

from pathlib import Path

from pavtraining.sources.capture import Capture, open_capture
from pavtraining.sources.capture_frames import is_capture
from pavtraining.sources.scene import SceneSource
from pavtraining.sources.teacher import Teacher, open_teacher
from pavtraining.sources.view import LazyViews, Mask, Picture, Size, View, ViewSource, scaled_camera

__all__ = [
    "Capture",
    "LazyViews",
    "Mask",
    "Picture",
    "SceneSource",
    "Size",
    "Teacher",
    "View",
    "ViewSource",
    "open_capture",
    "open_source",
    "open_teacher",
    "scaled_camera",
]

SCENE_NAME = "scene"


def open_source(name: str | Path, *, flame: str | Path | None = None, seed: int = 0) -> ViewSource:
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

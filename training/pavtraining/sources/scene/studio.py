"""The scene as a source of truth: a painted head in a studio with sixteen cameras, performing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pavfmt.model import Identity, Pose, Rig
from pavplayer.camera import REFERENCE_DISTANCE, REFERENCE_SIZE, Camera, centre_and_height
from pavtraining.sources.sampling import stream
from pavtraining.sources.scene.drawing import draw
from pavtraining.sources.scene.head import painted_head, scene_rig
from pavtraining.sources.scene.motion import Motion
from pavtraining.sources.view import LazyViews, Size, View, scaled_camera
from pavtraining.sources.view_cache import DEFAULT_BYTES, ViewMemory

CAMERA_ANGLES = (
    *((yaw, 17.0) for yaw in (-50.0, -25.0, 2.0, 25.0, 50.0)),
    *((yaw, 1.0) for yaw in (-60.0, -36.0, -12.0, 12.0, 36.0, 60.0)),
    *((yaw, -19.0) for yaw in (-50.0, -25.0, -2.0, 25.0, 50.0)),
)
"""Yaw and pitch of the cameras to learn from, in degrees."""
BACK_ANGLES = tuple((yaw, pitch) for yaw in (90.0, 135.0, 180.0, 225.0, 270.0) for pitch in (-8.0, 14.0))
"""For an avatar to be looked at from behind too: give `CAMERA_ANGLES + BACK_ANGLES`."""
HELD_OUT_ANGLES = ((-45.0, 8.0), (-17.0, -9.0), (6.0, 9.0), (47.0, -6.0))
DISTANCE = 0.96
"""Of the measuring distance."""
FRAME_COUNT = 600
"""Frames to learn from; those that follow are held out."""
HELD_OUT_FRAMES = tuple(range(FRAME_COUNT + 20, FRAME_COUNT + 140, 20))


class SceneSource:
    """Pictures of the scene. The head, its performance and the cameras are always the same."""

    background = 1.0

    def __init__(
        self,
        seed: int = 0,
        memory_bytes: int = DEFAULT_BYTES,
        angles: Sequence[tuple[float, float]] = CAMERA_ANGLES,
    ) -> None:
        """`seed` picks the order of the training views, `angles` the cameras' yaw and pitch in degrees."""
        self.seed = seed
        self.cameras = studio_cameras(angles)
        """Those to learn from, 550×802."""
        self.held_out_cameras = studio_cameras(HELD_OUT_ANGLES)
        self.motion = Motion(self.rig)
        self._memory = ViewMemory(memory_bytes)

    @property
    def rig(self) -> Rig:
        """The CC0 head rig."""
        return scene_rig()

    @property
    def identity(self) -> Identity | None:
        """None: the head is the rig's own."""
        return None

    def training_view(self, number: int, size: Size | None = None) -> View:
        """View `number`: all cameras in turn, shuffled, each with a random frame."""
        turn, place = divmod(number, len(self.cameras))
        order = np.argsort(stream(self.seed, 5, turn).uniform(len(self.cameras)), kind="stable")
        frame = int(stream(self.seed, 6, number).uniform() * FRAME_COUNT)
        return self.view(self.cameras[order[place]], self.motion.pose(frame), size)

    @property
    def held_out(self) -> Sequence[View]:
        """Every held-out camera at every held-out frame."""
        count = len(self.held_out_cameras)
        return LazyViews(
            count * len(HELD_OUT_FRAMES),
            lambda n: self.view(
                self.held_out_cameras[n % count], self.motion.pose(HELD_OUT_FRAMES[n // count]), None
            ),
        )

    def view(self, camera: Camera, pose: Pose, size: Size | None = None) -> View:
        """What the head looks like from a camera, in a pose."""
        camera = scaled_camera(camera, size)
        key = (
            camera.view_matrix.tobytes(),
            camera.intrinsics.tobytes(),
            camera.width,
            camera.height,
            repr(pose),
        )
        return self._memory.recall(key, lambda: self.drawn(camera, pose))

    def drawn(self, camera: Camera, pose: Pose) -> View:
        """The same, drawn anew and not remembered."""
        picture, mask = draw(painted_head(), camera, pose, self.background)
        return View(camera, pose, picture, mask)


def studio_cameras(angles: Sequence[tuple[float, float]]) -> tuple[Camera, ...]:
    """Cameras that look at the head, one for each yaw and pitch."""
    centre, height = centre_and_height(scene_rig().mean_neutral)
    width, tall = REFERENCE_SIZE
    away = DISTANCE * REFERENCE_DISTANCE * height
    return tuple(Camera.orbit(centre, away, yaw, pitch, width=width, height=tall) for yaw, pitch in angles)

"""The scene as a source of truth: a painted head in a studio with sixteen cameras, performing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pavfmt.model import Identity, Pose, Rig
from pavplayer.camera import REFERENCE_DISTANCE, REFERENCE_SIZE, Camera, centre_and_height
from pavtraining.sources.sampling import PoseSampler, stream
from pavtraining.sources.scene.drawing import draw
from pavtraining.sources.scene.head import painted_head, scene_rig
from pavtraining.sources.view import LazyViews, Size, View, scaled_camera
from pavtraining.sources.view_cache import DEFAULT_BYTES, ViewCache

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
KEY_FRAMES = 10
"""From one key pose to the next, at 30 frames per second."""
BLINK_FRAMES, BLINK_EVERY = 8, 75
BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
MOTION_SEED = 2_011


class SceneSource:
    """Pictures of the scene. The head, its performance and the cameras are always the same."""

    background = 1.0

    def __init__(
        self,
        seed: int = 0,
        cache_bytes: int = DEFAULT_BYTES,
        angles: Sequence[tuple[float, float]] = CAMERA_ANGLES,
    ) -> None:
        """`seed` picks the order of the training views, `angles` the cameras' yaw and pitch in degrees."""
        self.seed = seed
        self.cameras = studio_cameras(angles)
        """Those to learn from, 550×802."""
        self.held_out_cameras = studio_cameras(HELD_OUT_ANGLES)
        self.performance = Performance(self.rig)
        self._cache = ViewCache(cache_bytes)

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
        return self.view(self.cameras[order[place]], self.performance.pose(frame), size)

    @property
    def held_out(self) -> Sequence[View]:
        """Every held-out camera at every held-out frame."""
        count = len(self.held_out_cameras)
        return LazyViews(
            count * len(HELD_OUT_FRAMES),
            lambda n: self.view(
                self.held_out_cameras[n % count], self.performance.pose(HELD_OUT_FRAMES[n // count]), None
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
        return self._cache.get(key, lambda: self.drawn(camera, pose))

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


class Performance:
    """A performance without end, the same at every call."""

    def __init__(self, rig: Rig, seed: int = MOTION_SEED) -> None:
        self._keys = PoseSampler(rig, seed)
        self._seed = seed

    def pose(self, frame: int) -> Pose:
        """The pose of one frame ≥ 0."""
        key, after = divmod(frame, KEY_FRAMES)
        share = after / KEY_FRAMES
        share = share * share * (3 - 2 * share)
        before, behind = self._keys.pose(key), self._keys.pose(key + 1)
        weights = _between(before.weights, behind.weights, share)
        closed = self._blink(frame)
        if closed > 0:
            weights |= {name: max(weights.get(name, 0.0), closed) for name in BLINKS}
        names = sorted(before.rotations.keys() | behind.rotations.keys())
        still = (0.0, 0.0, 0.0)
        pairs = [(before.rotations.get(name, still), behind.rotations.get(name, still)) for name in names]
        turns = [(1 - share) * np.array(a) + share * np.array(b) for a, b in pairs]
        return Pose(weights, {name: tuple(turn.tolist()) for name, turn in zip(names, turns, strict=True)})

    def _blink(self, frame: int) -> float:
        """How far the eyes are closed by the blink that each stretch of frames has somewhere."""
        stretch, after = divmod(frame, BLINK_EVERY)
        start = int(stream(self._seed, 4, stretch).uniform() * (BLINK_EVERY - BLINK_FRAMES))
        inside = after - start
        return float(np.sin(np.pi * inside / BLINK_FRAMES)) if 0 < inside < BLINK_FRAMES else 0.0


def _between(before: Mapping[str, float], behind: Mapping[str, float], share: float) -> dict[str, float]:
    names = sorted(before.keys() | behind.keys())
    mixed = {name: (1 - share) * before.get(name, 0.0) + share * behind.get(name, 0.0) for name in names}
    return {name: weight for name, weight in mixed.items() if weight}

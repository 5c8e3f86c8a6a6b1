"""A made-up performance for avatars that come without a recording: blinks, brows, a few syllables, a smile, a turning
head.

It ends as it begins, so it can loop. Shapes are ARKit's; what a rig does not have is left out. The demo's page films
its moments, camera included; the viewer offers it as a track.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pavfmt.decoding.scene import Scene
from pavfmt.model import Pose, Track
from pavplayer.evaluation.views import jaw_pose

SECONDS = 5.0
TRACK_NAME, TRACK_FRAMES_PER_SECOND = "demonstration", 30.0
HEAD_JOINTS = ("head", "neckUpper", "neck")
"""The first of these that a rig has is turned."""
YAW_RADIANS, PITCH_RADIANS = 0.22, 0.06
SWING_DEGREES = 14.0
"""How far the camera goes to either side."""

# Shape: (start, full from, full until, end in seconds; weight at full). Entries of one shape add up.
BLINK = ("eyeBlinkLeft", "eyeBlinkRight")
SMILE = ("mouthSmileLeft", "mouthSmileRight")
MOVES: tuple[tuple[tuple[str, ...], tuple[float, float, float, float], float], ...] = (
    (BLINK, (0.30, 0.38, 0.42, 0.58), 1.0),
    (("browInnerUp", "browOuterUpLeft", "browOuterUpRight"), (0.55, 0.85, 1.20, 1.60), 0.8),
    (("eyeWideLeft", "eyeWideRight"), (0.55, 0.85, 1.20, 1.50), 0.6),
    (("jawOpen",), (0.90, 1.10, 1.15, 1.35), 0.55),
    (("mouthFunnel",), (1.25, 1.45, 1.55, 1.80), 0.7),
    (("jawOpen",), (1.35, 1.55, 1.60, 1.85), 0.35),
    (("jawOpen",), (1.80, 2.00, 2.10, 2.35), 0.70),
    (("mouthPucker",), (2.25, 2.45, 2.50, 2.70), 0.6),
    (BLINK, (2.40, 2.47, 2.50, 2.64), 1.0),
    (SMILE, (2.70, 3.15, 4.00, 4.60), 0.85),
    (("cheekSquintLeft", "cheekSquintRight"), (2.80, 3.25, 3.90, 4.50), 0.6),
    (("jawOpen",), (3.00, 3.30, 3.70, 4.10), 0.18),
    (("browDownLeft",), (3.30, 3.55, 3.75, 4.10), 0.5),
    (BLINK, (4.35, 4.43, 4.46, 4.62), 1.0),
)


@dataclass(frozen=True)
class Moment:
    """One frame: the pose, and where the camera stands."""

    pose: Pose
    yaw_degrees: float


def _smoothstep(x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def bump(seconds: float, times: tuple[float, float, float, float]) -> float:
    """0 before the first time and after the last, 1 between the inner two, smooth between."""
    start, full, fading, end = times
    return _smoothstep((seconds - start) / (full - start)) * _smoothstep((end - seconds) / (end - fading))


def weights_at(seconds: float) -> dict[str, float]:
    """ARKit shape weights that are not 0."""
    weights: dict[str, float] = {}
    for names, times, height in MOVES:
        value = height * bump(seconds, times)
        for name in names if value > 0 else ():
            weights[name] = weights.get(name, 0.0) + value
    return weights


def moment_at(seconds: float, scene: Scene) -> Moment:
    """The performance at a time, for the rig of a scene."""
    phase = 2 * np.pi * seconds / SECONDS
    swing = SWING_DEGREES * float(np.sin(phase + np.pi))
    if scene.core is None:
        return Moment(Pose(), 2 * swing)
    weights = weights_at(seconds)
    jaw = jaw_pose(scene, weights.get("jawOpen", 0.0)) or Pose()
    turn = (PITCH_RADIANS * float(np.sin(2 * phase)), YAW_RADIANS * float(np.sin(phase)), 0.0)
    head = next((name for name in HEAD_JOINTS if name in scene.core.joint_names), None)
    rotations = dict(jaw.rotations) | ({} if head is None else {head: turn})
    known = {name: value for name, value in weights.items() if name in scene.core.shape_names}
    return Moment(Pose(known, rotations), swing)


def moments(scene: Scene, frame_count: int) -> Iterator[Moment]:
    """`frame_count` frames of the performance, evenly spaced."""
    return (moment_at(SECONDS * index / frame_count, scene) for index in range(frame_count))


def demonstration(scene: Scene) -> Track:
    """The performance as a track, with the shapes and joints that the rig has."""
    poses = [one.pose for one in moments(scene, round(SECONDS * TRACK_FRAMES_PER_SECOND))]
    shapes = tuple(sorted({name for pose in poses for name in pose.weights}))
    joints = tuple(sorted({name for pose in poses for name in pose.rotations}))
    weights = np.array([[pose.weights.get(name, 0.0) for name in shapes] for pose in poses], np.float32)
    turns = [[pose.rotations.get(name, (0.0, 0.0, 0.0)) for name in joints] for pose in poses]
    rotations = np.array(turns, np.float32) if joints else None
    weights = weights.reshape(len(poses), len(shapes))
    return Track(TRACK_NAME, TRACK_FRAMES_PER_SECOND, shapes, weights, joints, rotations)

"""A short performance for avatars that come without one."""

from __future__ import annotations

import numpy as np

from pavfmt.decoding.scene import Scene
from pavfmt.model import Track
from pavplayer.demo_page.performance import SECONDS, moments

NAME = "demonstration"
FRAMES_PER_SECOND = 30.0


def demonstration(scene: Scene) -> Track:
    """A few seconds of talking and looking about, with the shapes and joints that the rig has."""
    poses = [one.pose for one in moments(scene, round(SECONDS * FRAMES_PER_SECOND))]
    shapes = tuple(sorted({name for pose in poses for name in pose.weights}))
    joints = tuple(sorted({name for pose in poses for name in pose.rotations}))
    weights = np.array([[pose.weights.get(name, 0.0) for name in shapes] for pose in poses], np.float32)
    turns = [[pose.rotations.get(name, (0.0, 0.0, 0.0)) for name in joints] for pose in poses]
    rotations = np.array(turns, np.float32) if joints else None
    return Track(NAME, FRAMES_PER_SECOND, shapes, weights.reshape(len(poses), len(shapes)), joints, rotations)

"""The scene's performance: smooth, sparse, random ARKit weights with blinks and small turns of the head."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pavfmt.model import Pose, Rig
from pavtraining.sources.sampling import PoseSampler, stream

KEY_FRAMES = 10
"""From one key pose to the next, at 30 frames per second."""
BLINK_FRAMES, BLINK_EVERY = 8, 75
BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
MOTION_SEED = 2_011


class Motion:
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

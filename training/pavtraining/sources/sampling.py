"""Random cameras and poses to learn from, each fixed by a seed and a number.

They are continuous draws of our own: none of them is a view or an expression that quality is reported on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pavfmt.model import Identity, Pose, Rig
from pavfmt.tools.synthetic import RandomStream
from pavplayer.camera import REFERENCE_DISTANCE, REFERENCE_FOCAL, REFERENCE_SIZE, Camera, centre_and_height

YAW_DEGREES, PITCH_DEGREES = 42.0, (-14.0, 18.0)
DISTANCES = (0.80, 1.15)
"""Of the measuring distance."""
ALL_AROUND_SHARE, NEAR_SHARE, FAR_SHARE = 0.2, 0.12, 0.06
"""Of cameras: from anywhere on the sphere, from so near that the face fills the picture, from twice as far. The others
stand in front, where a head is looked at most; but a base that never saw the back is a mask."""
ALL_AROUND_PITCH = (-35.0, 62.0)
NEAR_DISTANCES, FAR_DISTANCES = (0.38, 0.55), (1.6, 2.2)
"""Of the measuring distance."""
NEAR_JITTER = 0.18
"""As TARGET_JITTER: what fills the picture then is now an eye, now the mouth, now an ear."""
TARGET_JITTER = 0.05
"""Of the head's height: how far the point looked at strays along each axis."""
NEUTRAL_SHARE = 0.2
ONE_SIDED_SHARE = 0.25
"""How often only one of a left and a right shape moves."""
JAW_SHARE = 0.35
"""How often the mouth opens, over what chance brings."""
JOINT_INSTEAD_SHARE = 0.15
"""How often jaw and gaze go by joints where a rig has shapes for them too."""
MOST_GESTURES = 5
TURN_RADIANS = 0.16
"""The most that neck and head turn about each axis, all their joints together."""
TURNED_SHARE = 0.6
JAW_RADIANS, GAZE_RADIANS = 0.30, 0.28
NEEDS_OPEN_JAW = ("mouthClose", "tongueOut")
"""Without an open jaw these push the lips through each other."""
GAZE = (
    ("eyeLookOutLeft", "eyeLookInRight"),
    ("eyeLookInLeft", "eyeLookOutRight"),
    ("eyeLookUpLeft", "eyeLookUpRight"),
    ("eyeLookDownLeft", "eyeLookDownRight"),
)
"""The eyes look in one direction."""
SIDES = (("Left", "Right"), ("_L", "_R"))
HEAD_JOINTS = ("neck", "head", "neckLower", "neckUpper")
EYE_JOINTS = ("eye.L", "eye.R", "left_eye", "right_eye", "leftEye", "rightEye")


def stream(seed: int, kind: int, number: int) -> RandomStream:
    """Random numbers of one draw: `kind` keeps a sequence's uses apart."""
    return RandomStream((kind << 96) | (seed << 64) | number)


def between(low: float, high: float, uniform: float) -> float:
    """`uniform` in 0..1 spread over low..high."""
    return low + (high - low) * float(uniform)


@dataclass(frozen=True)
class CameraSampler:
    """Cameras around a head: most of them in front of the face, some all around, near and far."""

    centre: tuple[float, float, float]
    height: float
    """Metres, of the neutral mesh."""
    seed: int
    yaw_degrees: float = YAW_DEGREES
    pitch_degrees: tuple[float, float] = PITCH_DEGREES

    @classmethod
    def around(cls, rig: Rig, identity: Identity | None, seed: int) -> CameraSampler:
        """Cameras for the head of a rig; one without a mesh must give its box another way."""
        centre, height = centre_and_height(rig.mean_neutral if identity is None else identity.neutral)
        x, y, z = centre.tolist()
        return cls((x, y, z), height, seed)

    def camera(self, number: int) -> Camera:
        """Camera `number`, 550×802."""
        kind, yaw, pitch, away, *aside = stream(self.seed, 1, number).uniform(7).tolist()
        widest, pitches, distances, jitter = self.yaw_degrees, self.pitch_degrees, DISTANCES, TARGET_JITTER
        if kind < ALL_AROUND_SHARE:
            widest, pitches = 180.0, ALL_AROUND_PITCH
        elif kind < ALL_AROUND_SHARE + NEAR_SHARE:
            distances, jitter = NEAR_DISTANCES, NEAR_JITTER
        elif kind < ALL_AROUND_SHARE + NEAR_SHARE + FAR_SHARE:
            distances = FAR_DISTANCES
        target = np.array(self.centre) + jitter * self.height * (2 * np.array(aside) - 1)
        return Camera.orbit(
            target,
            REFERENCE_DISTANCE * self.height * between(*distances, away),
            between(-widest, widest, yaw),
            between(*pitches, pitch),
            width=REFERENCE_SIZE[0],
            height=REFERENCE_SIZE[1],
            focal_px=REFERENCE_FOCAL,
        )


def gestures(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Shapes that move together: both sides of a face, both eyes; each of the others alone."""
    left = list(names)
    found: list[tuple[str, ...]] = []
    for group in GAZE:
        if all(name in left for name in group):
            found.append(group)
            left = [name for name in left if name not in group]
    for name in list(left):
        other = opposite(name)
        if name in left and other in left:
            found.append((name, other))
            left = [one for one in left if one not in (name, other)]
    return found + [(name,) for name in left]


def opposite(name: str) -> str:
    """The same shape on the other side of the face, or "" where the name has no side."""
    for one, other in SIDES:
        if name.endswith(one):
            return name.removesuffix(one) + other
    return ""


class PoseSampler:
    """Sparse random expressions, the neutral face every now and then, and small turns of the head."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.seed = seed
        self._names = [shape.name for shape in rig.shapes]
        self._joints = rig.joint_names
        self._signed = rig.profile == "flame"
        self._gestures = gestures(self._names)

    def pose(self, number: int) -> Pose:
        """Pose `number`."""
        random = stream(self.seed, 2, number)
        if random.uniform() < NEUTRAL_SHARE:
            return Pose()
        weights = self._expression(random)
        rotations = self._head_turns(random)
        by_joint = bool(random.uniform() < JOINT_INSTEAD_SHARE)
        self._move_jaw(random, weights, rotations, by_joint)
        self._move_gaze(random, weights, rotations, by_joint)
        return Pose(weights, rotations)

    def _head_turns(self, random: RandomStream) -> dict[str, tuple[float, float, float]]:
        joints = [name for name in self._joints if name in HEAD_JOINTS]
        if random.uniform() >= TURNED_SHARE:
            return {}
        return {name: _turn(random, TURN_RADIANS / len(joints)) for name in joints}

    def _expression(self, random: RandomStream) -> dict[str, float]:
        """A few gestures; more of them at once where the shapes are components, as FLAME's are."""
        weights: dict[str, float] = {}
        if not self._gestures:
            return weights
        count = 1 + int(random.uniform() * MOST_GESTURES)
        for _ in range(4 * count if self._signed else count):
            group = self._gestures[int(random.uniform() * len(self._gestures))]
            strength = self._strength(random)
            if len(group) == 2 and group not in GAZE and random.uniform() < ONE_SIDED_SHARE:
                group = (group[int(2 * random.uniform())],)
            weights |= dict.fromkeys(group, strength)
        return weights

    def _strength(self, random: RandomStream) -> float:
        """0..1 for shapes; about a standard deviation either way for components."""
        return float(0.9 * random.bell()) if self._signed else float(np.sqrt(random.uniform()))

    def _move_jaw(
        self,
        random: RandomStream,
        weights: dict[str, float],
        rotations: dict[str, tuple[float, float, float]],
        by_joint: bool,
    ) -> None:
        opened = float(random.uniform()) if random.uniform() < JAW_SHARE else 0.0
        if "jaw" in self._joints and (by_joint or "jawOpen" not in self._names):
            weights.pop("jawOpen", None)
            rotations["jaw"] = (JAW_RADIANS * opened, 0.0, 0.0)
        elif "jawOpen" in self._names:
            opened = weights["jawOpen"] = max(opened, weights.get("jawOpen", 0.0))
        for name in NEEDS_OPEN_JAW:
            if name in weights:
                weights[name] = min(weights[name], opened if opened > 0.3 else 0.0)

    def _move_gaze(
        self,
        random: RandomStream,
        weights: dict[str, float],
        rotations: dict[str, tuple[float, float, float]],
        by_joint: bool,
    ) -> None:
        eyes = [name for name in self._joints if name in EYE_JOINTS]
        if not eyes or not (by_joint or GAZE[0][0] not in self._names):
            return
        for group in GAZE:
            for name in group:
                weights.pop(name, None)
        x, y, _ = _turn(random, GAZE_RADIANS)
        rotations.update(dict.fromkeys(eyes, (x, y, 0.0)))


def _turn(random: RandomStream, most: float) -> tuple[float, float, float]:
    x, y, z = (most * (2 * random.uniform(3) - 1)).tolist()
    return x, y, z

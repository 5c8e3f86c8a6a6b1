"""Shapes in groups, and expressions to start from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pavfmt.decoding.scene import Scene
from pavfmt.model import Pose
from pavplayer.evaluation.views import jaw_pose

NUMBERED_IN_A_GROUP = 20
RANGES = {"expr": (-3.0, 3.0)}
"""First word of a shape's name → the weights worth trying; FLAME's are in standard deviations."""
USUAL_RANGE = (0.0, 1.0)

BOTH = ("Left", "Right")
PRESETS: dict[str, dict[str, float]] = {
    "smile": {"mouthSmile*": 0.8, "cheekSquint*": 0.5, "eyeSquint*": 0.2},
    "laugh": {
        "mouthSmile*": 0.9,
        "cheekSquint*": 0.7,
        "jawOpen": 0.35,
        "eyeSquint*": 0.4,
        "mouthUpperUp*": 0.3,
    },
    "surprise": {"browInnerUp": 0.9, "browOuterUp*": 0.8, "eyeWide*": 0.7, "jawOpen": 0.35},
    "anger": {"browDown*": 0.9, "eyeSquint*": 0.5, "noseSneer*": 0.6, "mouthPress*": 0.5},
    "sadness": {"browInnerUp": 0.8, "mouthFrown*": 0.7, "mouthShrugLower": 0.4},
    "kiss": {"mouthPucker": 0.8, "eyeBlink*": 0.5},
    "eyes shut": {"eyeBlink*": 1.0},
    "wink": {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.6, "mouthSmileLeft": 0.5},
}
"""By the names of ARKit; a star stands for both sides."""


def first_word(name: str) -> str:
    """ "mouth" of mouthSmileLeft, "expr" of expr012."""
    found = re.match(r"[a-zA-Z]?[a-z]*", name)
    return (found.group() if found else "") or name


def breakable(name: str) -> str:
    """A name that a narrow place breaks between its words: with zero-width spaces there."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "\u200b", name)


def grouped(names: Sequence[str]) -> dict[str, list[str]]:
    """Group → its shapes, by their first words; long runs of numbered ones are cut in pieces."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(first_word(name), []).append(name)
    result = {}
    for word, members in groups.items():
        if not (len(members) > NUMBERED_IN_A_GROUP and re.search(r"\d$", members[0])):
            result[word] = members
            continue
        for at in range(0, len(members), NUMBERED_IN_A_GROUP):
            piece = members[at : at + NUMBERED_IN_A_GROUP]
            result[f"{piece[0]} to {piece[-1]}"] = piece
    return result


def weight_range(name: str) -> tuple[float, float]:
    """Lowest and highest weight that a slider offers."""
    return RANGES.get(first_word(name), USUAL_RANGE)


def matches(name: str, asked: str) -> bool:
    """Whether a name contains every word that was typed, in any case."""
    return all(word in name.lower() for word in asked.lower().split())


def presets(scene: Scene) -> dict[str, Pose]:
    """Name → pose: those whose every shape the rig has, "rest" first."""
    names = scene.core.shape_names if scene.core else ()
    found = {"rest": Pose()}
    opened = jaw_pose(scene, 0.7)
    if opened is not None:
        found["mouth open"] = opened
    for preset, weights in PRESETS.items():
        expanded = _both_sides(weights)
        if all(shape in names for shape in expanded):
            found[preset] = Pose(expanded)
    return found


def _both_sides(weights: Mapping[str, float]) -> dict[str, float]:
    sides = {name: BOTH if name.endswith("*") else ("",) for name in weights}
    return {name.rstrip("*") + side: weights[name] for name in weights for side in sides[name]}

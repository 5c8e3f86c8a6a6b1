"""From where an encoder looks at an avatar: all around, near and far, at every part that people look at.

A *framing* is one way of looking: the whole head, everything that is there, a face that fills the picture, the eyes,
the mouth, the hair. Each is a list of sights, one pose seen from one place, and counts as a whole: an eye is a
thousandth of a picture of the head and a third of a picture of the eyes, so each framing has an error of its own
(`pavfmt.encoder.seen.sensitivity`). None of these views and expressions is among those quality is reported on
(`eval-v2`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pavfmt.arrays import Float64Array
from pavfmt.encoder.hand_over import completed
from pavfmt.encoder.pictures import FOCAL, WIDTH, OrbitView
from pavfmt.model import Avatar, Pose, Rig
from pavfmt.posing import STATIC_RIG, PosedGaussians, pose_avatar

HEAD_HEIGHTS = 3.25
"""A head is seen whole from so many of its heights."""
NEAR_SHARE = 0.45
"""A face fills the picture from this share of that distance."""
FAR_FACTOR = 2.0
NEAREST = 0.28
"""Metres, of a rig in metres: nobody looks at an eye from nearer."""
FILLED = {"eyes": 0.8, "mouth": 0.95}
"""Of the picture's width, by a region that is looked at by itself; of the mouth's only the middle third is lips."""
OWN_SIZE = 3.0
"""Standard deviations of the largest Gaussians are framed at least, should all lie in one point."""
SPREAD_PERCENT = 0.3
"""Of the centres per side and axis may lie outside of the box that is framed as everything."""


@dataclass(frozen=True)
class Framing:
    """One way of looking at an avatar."""

    name: str
    sights: tuple[tuple[Pose, OrbitView], ...]


Weights = Mapping[str, float]


def _both(**weights: float) -> dict[str, float]:
    """The shapes of both sides."""
    return {f"{name}{side}": weight for name, weight in weights.items() for side in ("Left", "Right")}


REST: Weights = {}
WIDE: Weights = {"jawOpen": 0.8, **_both(mouthLowerDown=0.5, mouthUpperUp=0.4)}
TONGUE: Weights = {"jawOpen": 0.5, "tongueOut": 0.9}
SMILE: Weights = {"browInnerUp": 0.6, **_both(mouthSmile=0.8, cheekSquint=0.4)}
PUCKER: Weights = {"mouthPucker": 0.9, "jawLeft": 0.3, "cheekPuff": 0.4}
SHUT: Weights = {"eyeBlinkLeft": 0.9, "eyeBlinkRight": 1.0}
LEFT: Weights = {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}
RIGHT: Weights = {"eyeLookInLeft": 0.9, "eyeLookOutRight": 0.9}
UP: Weights = {**_both(eyeLookUp=0.9, eyeWide=0.7)}
DOWN: Weights = {**_both(eyeLookDown=0.9, browOuterUp=0.5)}
JAW_DEGREES = 16.0
GAZE_DEGREES = 20.0

Angles = tuple[float, float]
HEAD: tuple[tuple[Angles, Weights], ...] = (
    ((7, 2), REST),
    ((-33, -4), SMILE),
    ((31, 9), WIDE),
    ((58, -7), SHUT),
    ((-62, 12), REST),
    ((87, -3), PUCKER),
    ((-98, 5), REST),
    ((128, 8), REST),
    ((-145, -9), WIDE),
    ((171, -2), REST),
    ((-167, 22), REST),
    ((14, -34), WIDE),
    ((-11, 47), REST),
    ((95, 62), REST),
)
TURNED: tuple[Angles, ...] = ((3, -2), (-55, 6), (112, 0))
EVERYTHING: tuple[Angles, ...] = ((9, 4), (51, 14), (-80, -4), (130, 3), (-139, 10), (175, -6), (24, 52))
FAR: tuple[Angles, ...] = ((-16, 3), (100, 8))
NEAR: tuple[tuple[Angles, Weights], ...] = (
    ((-5, 3), REST),
    ((24, -6), WIDE),
    ((-27, 10), SMILE),
    ((48, 2), DOWN),
    ((-46, -9), PUCKER),
)
HAIR: tuple[Angles, ...] = ((176, 12), (93, 24), (-88, 18), (-22, 58))
EYES: tuple[tuple[Angles, Weights], ...] = (
    ((4, -2), REST),
    ((-13, 8), LEFT),
    ((20, 3), RIGHT),
    ((-4, -9), UP),
    ((9, 6), DOWN),
    ((-25, -3), SHUT),
    ((11, -4), SMILE),
)
MOUTH: tuple[tuple[Angles, Weights], ...] = (
    ((3, 2), REST),
    ((-12, -5), WIDE),
    ((22, 6), WIDE),
    ((-21, 10), SMILE),
    ((9, -8), TONGUE),
    ((14, 4), PUCKER),
)


def framings_of(avatar: Avatar) -> tuple[Framing, ...]:
    """All framings of an avatar, those first that show more of it; of a static one only `everything`."""
    rig = avatar.rig or STATIC_RIG
    rest = pose_avatar(completed(avatar))
    everything = _everything(avatar, rig, rest)
    neutral = rig.mean_neutral if avatar.identity is None else avatar.identity.neutral
    if avatar.rig is None or not len(neutral):
        return (everything,)
    points = neutral.astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    centre, distance = (low + high) / 2, HEAD_HEIGHTS * float(high[1] - low[1])
    sights = [(pose_of(rig, weights), _view(centre, distance, one)) for one, weights in HEAD]
    turned = turned_pose(rig)
    if turned is not None:
        sights += [(turned, _view(centre, distance, one)) for one in TURNED]
    result = [everything, Framing("head", tuple(sights))]
    near = NEAR_SHARE * distance
    face = _region_points(rig, points, "eye", "mouth")
    middle = centre if face is None else face.mean(axis=0)
    result.append(Framing("face", tuple((pose_of(rig, w), _view(middle, near, one)) for one, w in NEAR)))
    top = centre + np.array([0.0, 0.25 * float(high[1] - low[1]), 0.0])
    result.append(Framing("hair", tuple((Pose(), _view(top, 1.3 * near, one)) for one in HAIR)))
    for name, part, angles in (("eyes", "eye", EYES), ("mouth", "mouth", MOUTH)):
        found = _region_points(rig, points, part)
        if found is not None:
            away = FOCAL * float(np.ptp(found[:, 0])) / (FILLED[name] * WIDTH)
            away = min(max(away, NEAREST), near)
            aim = found.mean(axis=0)
            result.append(Framing(name, tuple((pose_of(rig, w), _view(aim, away, one)) for one, w in angles)))
    return tuple(result)


def _everything(avatar: Avatar, rig: Rig, rest: PosedGaussians) -> Framing:
    """All Gaussians that there are, but a few that lie far outside, from all sides and from twice as far."""
    if not len(rest.means):
        return Framing("everything", ())
    low, high = np.percentile(rest.means, [SPREAD_PERCENT, 100 - SPREAD_PERCENT], axis=0)
    own = OWN_SIZE * float(np.percentile(rest.scales, 100 - SPREAD_PERCENT))
    centre, radius = (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, own) or 1.0
    distance = FOCAL * radius / (0.5 * WIDTH)
    sights = [(Pose(), _view(centre, distance, one)) for one in EVERYTHING]
    sights += [(Pose(), _view(centre, FAR_FACTOR * distance, one)) for one in FAR]
    if avatar.rig is None:
        sights += [(Pose(), _view(centre, distance, one)) for one, _ in HEAD]
        sights += [(Pose(), _view(centre, NEAR_SHARE * distance, one)) for one, _ in NEAR]
    return Framing("everything", tuple(sights))


def _view(target: Float64Array, distance: float, angles: Angles) -> OrbitView:
    x, y, z = target.tolist()
    return OrbitView((x, y, z), distance, *angles)


def _region_points(rig: Rig, points: Float64Array, *parts: str) -> Float64Array | None:
    """(n, 3) neutral positions of the named regions whose names hold one of `parts`."""
    masks = [mask for name, mask in rig.regions.items() if any(part in name for part in parts)]
    found = np.any(masks, axis=0) if masks else np.zeros(0, bool)
    return points[found] if found.any() else None


def pose_of(rig: Rig, weights: Weights) -> Pose:
    """An expression as far as the rig has its shapes; a jaw or eyes that are joints turn instead."""
    names = {shape.name for shape in rig.shapes}
    known = {name: weight for name, weight in weights.items() if name in names}
    rotations: dict[str, tuple[float, float, float]] = {}
    if "jawOpen" in weights and "jawOpen" not in names:
        for joint in rig.joint_names:
            if "jaw" in joint.lower():
                rotations[joint] = (float(np.radians(JAW_DEGREES)) * weights["jawOpen"], 0.0, 0.0)
    gaze = _gaze_radians(weights)
    if gaze is not None and not any(name.startswith("eyeLook") for name in names):
        rotations |= {joint: gaze for joint in rig.joint_names if "eye" in joint.lower()}
    return Pose(known, rotations)


def _gaze_radians(weights: Weights) -> tuple[float, float, float] | None:
    """Axis-angle of eyeballs that look where the shapes say."""
    across = weights.get("eyeLookOutLeft", 0.0) - weights.get("eyeLookInLeft", 0.0)
    down = weights.get("eyeLookDownLeft", 0.0) - weights.get("eyeLookUpLeft", 0.0)
    if not across and not down:
        return None
    return (float(np.radians(GAZE_DEGREES)) * down, float(np.radians(GAZE_DEGREES)) * across, 0.0)


def turned_pose(rig: Rig) -> Pose | None:
    """Head and neck turned aside; None for a rig without such joints."""
    rotations = {}
    for joint in rig.joint_names:
        if joint.lower() == "head":
            rotations[joint] = (float(np.radians(-9)), float(np.radians(-24)), float(np.radians(5)))
        elif "neck" in joint.lower():
            rotations[joint] = (0.0, float(np.radians(-13)), 0.0)
    return Pose(SHUT_ONE, rotations) if rotations else None


SHUT_ONE: Weights = {"eyeBlinkLeft": 0.5}


def by_pose(framings: Sequence[Framing]) -> list[tuple[Pose, list[tuple[int, OrbitView]]]]:
    """Sights with the number of their framing, gathered by pose, so that each pose is taken once."""
    found: list[tuple[Pose, list[tuple[int, OrbitView]]]] = []
    for number, framing in enumerate(framings):
        for pose, view in framing.sights:
            for known, views in found:
                if known == pose:
                    views.append((number, view))
                    break
            else:
                found.append((pose, [(number, view)]))
    return found

"""`eval-v2`: what a viewer may look at.

A *framing* is one way of looking at an avatar: the head from all around, everything the avatar has, the eyes and the
mouth from close by. Each is a set of cameras and expressions (`eval-v2.json` beside this module), as far as the
avatar has what they need; `skipped` says in words what it lacks. `likeness` measures over them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.model import Avatar, Pose, Rig
from pavfmt.posing import STATIC_RIG
from pavplayer.camera import Camera, centre_and_height
from pavplayer.rasterizers import GaussianCloud

CLOSEST, FARTHEST = 0.3, 0.7
"""Metres: close-ups are taken from within these, whatever the size of an eye."""
EYE_SHARE, LIP_SHARE = 0.1, 0.6
"""Of the largest displacement: base vertices that a shape moves more belong to the eyes, the lips."""


@dataclass(frozen=True)
class Framing:
    """One way of looking at an avatar."""

    name: str
    cameras: tuple[Camera, ...]
    angles: tuple[tuple[float, float], ...]
    """Yaw and pitch in degrees of each camera."""
    expressions: Mapping[str, Pose]
    vertices: NDArray[np.intp] | None = None
    """Base vertices of what is looked at closely; None: the whole avatar is."""


@lru_cache(maxsize=1)
def evaluation_v2() -> dict[str, Any]:
    """The set as it stands in `eval-v2.json`."""
    text = files("pavplayer.evaluation").joinpath("eval-v2.json").read_text(encoding="utf-8")
    fields: dict[str, Any] = json.loads(text)
    return fields


def framings_of(
    avatar: Avatar,
    cloud: Callable[[Pose], GaussianCloud],
    fields: Mapping[str, Any] | None = None,
    only: Collection[str] = (),
    scale: float = 1.0,
) -> list[Framing]:
    """The framings of `fields` (default: `eval-v2`) that fit an avatar; `cloud` poses its Gaussians.

    `only` names those wanted (none: all), `scale` is times the size of the pictures: a draft, since a window of so
    many pixels then covers more.

    Eyes and mouth are left out where neither shapes nor named regions say where they are, and expressions as far as
    the rig lacks them. An expression that comes to nothing is not drawn twice.
    """
    fields = evaluation_v2() if fields is None else fields
    rig = avatar.rig or STATIC_RIG
    neutral = rig.mean_neutral if avatar.identity is None else avatar.identity.neutral
    result = []
    for name, framing in fields["framings"].items():
        if only and name not in only:
            continue
        aim = _aim(name, rig, neutral.astype(np.float64), cloud, fields)
        if aim is None:
            continue
        target, distance, vertices = aim
        angles = tuple((float(yaw), float(pitch)) for yaw, pitch in framing["yaw_pitch_degrees"])
        width, height = (max(round(side * scale), 1) for side in fields["image"])
        size: dict[str, Any] = {"width": width, "height": height, "focal_px": fields["focal_px"] * scale}
        cameras = tuple(Camera.orbit(target, distance, *one, **size) for one in angles)
        expressions = poses_of(rig, {n: fields["expressions"][n] for n in framing["expressions"]})
        result.append(Framing(name, cameras, angles, expressions, vertices))
    return result


FRAMINGS = ("head", "everything", "eyes", "mouth")
"""The names of `eval-v2`'s."""
LACKING = {
    "eyes": "the rig has neither both shapes eyeBlinkLeft and eyeBlinkRight nor a region eyes",
    "mouth": "the rig has neither the shape mouthFunnel nor a region mouth",
}


def skipped(
    avatar: Avatar,
    framings: Sequence[Framing],
    fields: Mapping[str, Any] | None = None,
    only: Collection[str] = (),
) -> list[str]:
    """In words: which of the wanted framings and expressions an avatar has not, or only in part, and why."""
    fields, rig = evaluation_v2() if fields is None else fields, avatar.rig or STATIC_RIG
    there = {framing.name for framing in framings}
    wanted = [name for name in fields["framings"] if not only or name in only]
    lines = [f"{name}: {LACKING.get(name, 'the avatar lacks it')}" for name in wanted if name not in there]
    drawn = {name for framing in framings for name in framing.expressions}
    asked = {name for one in wanted if one in there for name in fields["framings"][one]["expressions"]}
    for name, expression in fields["expressions"].items():
        if name not in asked:
            continue
        lacking = _lacking(rig, expression)
        if name not in drawn:
            lines.append(f"expression {name}: without {', '.join(lacking)} it is one that is drawn already")
        elif lacking:
            lines.append(f"expression {name}: drawn without {', '.join(lacking)}, which the rig has not")
    return lines


def _lacking(rig: Rig, expression: Mapping[str, Any]) -> list[str]:
    """Shapes and joints of an expression that a rig has not."""
    shapes = {shape.name for shape in rig.shapes}
    joints = expression.get("joints_axis_angle_degrees", {})
    return [name for name in expression["weights"] if name not in shapes] + [
        name for name in joints if _joint(rig, name) is None
    ]


def poses_of(rig: Rig, expressions: Mapping[str, Mapping[str, Any]]) -> dict[str, Pose]:
    """Expressions as far as the rig has their shapes and joints, those alike but once."""
    shapes = {shape.name for shape in rig.shapes}
    found: dict[str, Pose] = {}
    for name, fields in expressions.items():
        weights = {key: value for key, value in fields["weights"].items() if key in shapes}
        rotations = {}
        for joint, degrees in fields.get("joints_axis_angle_degrees", {}).items():
            number = _joint(rig, joint)
            if number is not None:
                x, y, z = (math.radians(angle) for angle in degrees)
                rotations[rig.joint_names[number]] = (x, y, z)
        pose = Pose(weights, rotations)
        if pose not in found.values():
            found[name] = pose
    return found


def _joint(rig: Rig, name: str) -> int | None:
    """The joint named `head`, or for any other name its parent."""
    if "head" not in rig.joint_names:
        return None
    head = rig.joint_names.index("head")
    if name == "head":
        return head
    parent = int(rig.joint_parents[head])
    return parent if parent >= 0 else None


def _aim(
    name: str,
    rig: Rig,
    neutral: Float64Array,
    cloud: Callable[[Pose], GaussianCloud],
    fields: Mapping[str, Any],
) -> tuple[Float64Array, float, NDArray[np.intp] | None] | None:
    """Target, distance in metres, and what is looked at; None where the avatar does not say where that is."""
    width, focal = fields["image"][0], fields["focal_px"]
    if name in ("eyes", "mouth"):
        vertices = eye_vertices(rig) if name == "eyes" else lip_vertices(rig)
        if vertices is None:
            return None
        points = neutral[vertices]
        distance = focal * float(np.ptp(points[:, 0])) / ((0.7 if name == "eyes" else 0.6) * width)
        return points.mean(axis=0), float(np.clip(distance, CLOSEST, FARTHEST)), vertices
    centres = np.asarray(cloud(Pose()).means, dtype=np.float64)
    if name == "head" and len(neutral):
        centre, tall = centre_and_height(neutral)
        return centre, 3.25 * tall, None
    low, high = np.percentile(centres, [0.5, 99.5], axis=0)
    radius = float(np.linalg.norm(high - low)) / 2 or 1.0
    return (low + high) / 2, focal * radius / (0.45 * width), None


def eye_vertices(rig: Rig) -> NDArray[np.intp] | None:
    """(n,) base vertices that the lids move by more than a tenth of the larger blink's largest displacement."""
    blinks = [_lengths(rig, name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    known = [lengths for lengths in blinks if lengths is not None]
    if len(known) < 2:
        return _region(rig, "eyes")
    largest = np.maximum(*known)
    return np.flatnonzero(largest > EYE_SHARE * largest.max())


def lip_vertices(rig: Rig) -> NDArray[np.intp] | None:
    """(n,) base vertices that `mouthFunnel` moves by more than 0.6 of its largest displacement."""
    lengths = _lengths(rig, "mouthFunnel")
    if lengths is None:
        return _region(rig, "mouth")
    return np.flatnonzero(lengths > LIP_SHARE * lengths.max())


def _lengths(rig: Rig, name: str) -> Float64Array | None:
    for shape in rig.shapes:
        if shape.name == name:
            lengths: Float64Array = np.linalg.norm(shape.displacements.astype(np.float64), axis=1)
            return lengths if lengths.max(initial=0) > 0 else None
    return None


def _region(rig: Rig, name: str) -> NDArray[np.intp] | None:
    mask = rig.regions.get(name)
    return None if mask is None or not mask.any() else np.flatnonzero(mask)

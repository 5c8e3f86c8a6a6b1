"""The views and expressions that picture quality is measured over: fixed sets, read from JSON, and what a rig can."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pavfmt.arrays import Float32Array
from pavfmt.decoding.scene import Scene
from pavfmt.model import Pose
from pavplayer.camera import Camera, Floats, centre_and_height

Pictures = Mapping[str, Float32Array]
"""Expression → (H, W, 3) display sRGB in 0..1."""

MOUTH_OPEN = 0.6
"""Weight, 0..1."""
JAW_RADIANS = 0.35
"""How far a jaw joint turns at weight 1, where a rig has no shape for it."""


def jaw_pose(scene: Scene, weight: float) -> Pose | None:
    """The mouth open by the shape jawOpen, else by the jaw joint; None where there is neither."""
    if scene.core is None:
        return None
    if "jawOpen" in scene.core.shape_names:
        return Pose({"jawOpen": weight})
    if "jaw" in scene.core.joint_names:
        return Pose(rotations={"jaw": (JAW_RADIANS * weight, 0.0, 0.0)})
    return None


def basic_expressions(scene: Scene) -> dict[str, Pose]:
    """ "rest", and "mouth open" where the rig can."""
    opened = jaw_pose(scene, MOUTH_OPEN)
    return {"rest": Pose()} | ({} if opened is None else {"mouth open": opened})


@dataclass(frozen=True)
class EvaluationSet:
    """Every expression is seen from every view."""

    width: int
    height: int
    focal_px: float
    distance_heights: float
    """Camera to target, in heights of the neutral mesh's bounding box."""
    background: tuple[float, float, float]
    views: tuple[tuple[float, float], ...]
    """Yaw and pitch in degrees."""
    expressions: Mapping[str, Pose]

    def cameras(self, neutral: Floats, scale: float = 1.0) -> list[Camera]:
        """One camera for each view of a rig whose neutral vertices are (V, 3); `scale` resizes the pictures."""
        centre, tall = centre_and_height(neutral)
        size = {"width": round(self.width * scale), "height": round(self.height * scale)}
        distance = self.distance_heights * tall
        focal = self.focal_px * scale
        return [
            Camera.orbit(centre, distance, yaw, pitch, focal_px=focal, **size) for yaw, pitch in self.views
        ]


def known_expressions(evaluation: EvaluationSet, scene: Scene) -> dict[str, Pose]:
    """Those whose shapes the rig has; else "rest" and, where a rig can, an open mouth."""
    names = frozenset(scene.core.shape_names) if scene.core else frozenset()
    known = {name: pose for name, pose in evaluation.expressions.items() if names.issuperset(pose.weights)}
    return known if any(pose.weights for pose in known.values()) else basic_expressions(scene)


def evaluation_set(fields: Mapping[str, Any]) -> EvaluationSet:
    """The set that a JSON object describes; KeyError names what is missing."""
    width, height = fields["image"]
    red, green, blue = fields["background"]
    views = tuple((float(yaw), float(pitch)) for yaw, pitch in fields["views_yaw_pitch_degrees"])
    expressions = {name: Pose(weights) for name, weights in fields["expressions"].items()}
    return EvaluationSet(
        int(width),
        int(height),
        float(fields["focal_px"]),
        float(fields["distance_heights"]),
        (float(red), float(green), float(blue)),
        views,
        expressions,
    )


def read_evaluation_set(path: str | Path) -> EvaluationSet:
    """The set in a JSON file."""
    fields: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return evaluation_set(fields)


VIEWS = [[0, 0], [20, 5], [-20, -5], [40, 10], [-40, 0], [10, 15], [-30, -10], [30, 0]]
SMILE = {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "cheekSquintLeft": 0.5, "cheekSquintRight": 0.5}
EVALUATION_V1 = evaluation_set(
    {
        "image": [550, 802],
        "focal_px": 1900.0,
        "background": [1.0, 1.0, 1.0],
        "distance_heights": 3.25,
        "views_yaw_pitch_degrees": VIEWS,
        "expressions": {
            "rest": {},
            "open": {"jawOpen": 0.6},
            "smile": SMILE,
            "blink": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
            "pucker": {"mouthPucker": 0.6, "browInnerUp": 0.8},
        },
    }
)
"""The set that quality is reported on. Encoders and trainers that look at pictures use others."""

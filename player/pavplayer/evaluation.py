"""A fixed set of views and expressions that picture quality is measured over, read from JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pavfmt.model import Pose
from pavplayer.camera import Camera, Floats, centre_and_height


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

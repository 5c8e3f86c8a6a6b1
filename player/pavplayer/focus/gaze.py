"""A place that someone looks at, as the names of the regions there.

A file does not carry its regions' vertices, only their names. Which vertices they are is told by the shapes that have
arrived: those that each one's shapes move (`pavfmt.importers.arkit`).
"""

from __future__ import annotations

import numpy as np

from pavfmt.arrays import Float64Array
from pavfmt.decoding.scene import Scene
from pavfmt.importers.arkit import regions_from_shapes
from pavfmt.model import Pose, Rig
from pavfmt.posing import pose_mesh
from pavplayer.camera import Camera
from pavplayer.focus.names import Focus

NEAR_METRES = 0.02
"""How far from a region one may look and still mean it."""
NEAR_PIXELS = 6.0
"""Vertices so much further from the pixel than the nearest one still count: the one in front is meant."""

NOWHERE = Focus(())


def focus_at_point(scene: Scene, point: Float64Array) -> Focus:
    """The regions nearest to a point (3,) on the head at rest, metres; none where it is near to none."""
    rig = scene.rig()
    if rig is None:
        return NOWHERE
    neutral = rig.mean_neutral if scene.identity is None else scene.identity.neutral
    return _nearest(rig, neutral.astype(np.float64), np.asarray(point, np.float64))


def focus_at_pixel(
    scene: Scene, pixel: tuple[float, float], camera: Camera, pose: Pose | None = None
) -> Focus:
    """The regions at a pixel (column, row) of a picture of the head in a pose; none beside the head."""
    rig = scene.rig()
    if rig is None:
        return NOWHERE
    mesh = pose_mesh(rig, scene.identity, pose or Pose())
    seen = mesh.vertices[: len(rig.mean_neutral)] @ camera.rotation.T + camera.translation
    depths = np.maximum(seen[:, 2], 1e-6)
    columns = camera.fx * seen[:, 0] / depths + camera.cx
    rows = camera.fy * seen[:, 1] / depths + camera.cy
    away = np.hypot(columns - pixel[0], rows - pixel[1])
    at_hand = away <= away.min() + NEAR_PIXELS
    vertex = int(np.argmin(np.where(at_hand, depths, np.inf)))
    if away[vertex] * depths[vertex] / camera.fx > NEAR_METRES:
        return NOWHERE
    return _nearest(rig, mesh.rest_vertices[: len(rig.mean_neutral)], mesh.rest_vertices[vertex])


def _nearest(rig: Rig, vertices: Float64Array, point: Float64Array) -> Focus:
    """All regions that have a vertex as near to the point as the nearest one, within NEAR_METRES."""
    distances = np.linalg.norm(vertices - point, axis=1)
    reach = {name: float(distances[mask].min()) for name, mask in regions_from_shapes(rig.shapes).items()}
    least = min(reach.values(), default=np.inf)
    if least > NEAR_METRES:
        return NOWHERE
    return Focus(tuple(name for name, distance in reach.items() if distance <= least + 1e-9))

"""Reference pictures: a file, a pose and a camera; the posed Gaussians and the picture, with tolerances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt import Pose, decode
from pavfmt.posing import PosedGaussians, pose_avatar
from pavplayer.camera import Camera
from pavplayer.rasterizers.plain import PlainRasterizer

RMS, PEAK = 0.002, 0.012
"""Of display values 0..1, over all pixels and channels: half of an 8-bit step is 0.00196."""
POSED = 1e-6
"""Metres for means and scales, and for quaternions up to their sign."""
SIZE = 72
BACKGROUND = (1.0, 1.0, 1.0)
DIGITS = 9


@dataclass(frozen=True)
class Shot:
    """What is drawn."""

    name: str
    trait: str
    vector: str
    pose: Pose = field(default_factory=Pose)
    turned: tuple[float, float] = (0.0, 0.0)
    """Yaw and pitch of the camera in degrees."""
    writes_gaussians: bool = True
    zoom: float = 1.0


NOD = Pose(
    {"jawOpen": 0.7, "eyeBlinkLeft": 0.4}, {"jaw": (0.25, 0.1, -0.05), "root": (0.0, 0.3, 0.0)}, (0.01, 0, 0)
)
SHOTS = (
    Shot("face", "face frames: shapes, correctives, joints and a translation", "valid/face", NOD, (20, 10)),
    Shot("surface", "surface points: blended rotations", "valid/surface", NOD, (-30, 5)),
    Shot("mixed", "SH in local axes turn with the surface", "valid/mixed", NOD, (35, -10)),
    Shot("subdivided", "a subdivided mesh", "valid/subdivided", NOD),
    Shot("borders", "degenerate faces", "valid/mesh-with-borders"),
    Shot("sh-degree-3", "spherical harmonics of degree 3", "valid/sh-degree-3", turned=(25, 30)),
    Shot("hand-over", "second opacities and scales", "valid/hand-over-values"),
    Shot("ties", "equal depths: file order decides", "valid/equal-depths"),
    Shot("head", "a head with its jaw open", "valid/head", Pose({"jawOpen": 1.0}), (15, 5), False, 2.0),
)


def posed(data: bytes, pose: Pose, rig: bytes | None = None) -> PosedGaussians:
    """All Gaussians in world space, in index order."""
    scene = decode(data)
    snapshot = scene.snapshot()
    assert snapshot is not None
    world = pose_avatar(snapshot.avatar, pose)
    order = snapshot.order
    return PosedGaussians(
        world.means[order],
        world.quats[order],
        world.scales[order],
        world.opacities[order],
        world.sh[order],
        None if world.sh_quats is None else world.sh_quats[order],
    )


def camera_of(shot: Shot, cloud: PosedGaussians) -> Camera:
    """So that all means are in the picture, with some room."""
    low, high = cloud.means.min(axis=0), cloud.means.max(axis=0)
    size = float((high - low).max() + 2 * np.median(cloud.scales.max(axis=1)))
    yaw, pitch = shot.turned
    centre = np.round((low + high) / 2, 4)
    focal = 2.0 * SIZE * shot.zoom
    return Camera.orbit(centre, round(3.2 * size, 4), yaw, pitch, width=SIZE, height=SIZE, focal_px=focal)


def picture_of(cloud: PosedGaussians, camera: Camera) -> NDArray[np.float32]:
    """(H, W, 3) display sRGB by the plain rasterizer."""
    return PlainRasterizer().render(cloud, camera, BACKGROUND)


def request(shot: Shot, camera: Camera) -> dict[str, Any]:
    """Everything a renderer must be told."""
    return {
        "vector": shot.vector,
        "trait": shot.trait,
        "pose": {
            "weights": dict(shot.pose.weights),
            "rotations": {name: list(angles) for name, angles in shot.pose.rotations.items()},
            "translation": list(shot.pose.translation),
        },
        "camera": {
            "rotation": _rounded(camera.rotation),
            "translation": _rounded(camera.translation),
            "fx": camera.fx,
            "fy": camera.fy,
            "cx": camera.cx,
            "cy": camera.cy,
            "width": camera.width,
            "height": camera.height,
        },
        "background": list(BACKGROUND),
        "picture": f"{shot.name}.png",
        "tolerances": {"rms": RMS, "peak": PEAK, "posed": POSED},
    }


def read_camera(fields: Mapping[str, Any]) -> Camera:
    """The camera of a request."""
    return Camera(
        **{**fields, "rotation": np.array(fields["rotation"]), "translation": np.array(fields["translation"])}
    )


def read_pose(fields: Mapping[str, Any]) -> Pose:
    """The pose of a request."""
    rotations = {name: tuple(angles) for name, angles in fields["rotations"].items()}
    return Pose(fields["weights"], rotations, tuple(fields["translation"]))


def gaussians_json(cloud: PosedGaussians) -> dict[str, Any]:
    """Means, quaternions, scales and, where a level's SH are local, what these are turned by, as numbers."""
    names = ("means", "quats", "scales", "sh_quats")
    return {name: _rounded(getattr(cloud, name)) for name in names if getattr(cloud, name) is not None}


def _rounded(values: NDArray[np.floating]) -> Any:
    return np.round(np.asarray(values, dtype=np.float64), DIGITS).tolist()


def distance(picture: NDArray[np.floating], reference: NDArray[np.floating]) -> tuple[float, float]:
    """(rms, peak) over pixels and channels."""
    difference = picture.astype(np.float64) - reference.astype(np.float64)
    return float(np.sqrt(np.mean(difference**2))), float(np.abs(difference).max())

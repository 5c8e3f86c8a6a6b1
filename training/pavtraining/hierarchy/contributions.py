"""How much each Gaussian adds to pictures: W = Σ α·T over their pixels, ProgressiveAvatars' importance."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavfmt.posing import PosedGaussians
from pavplayer.camera import Camera
from pavplayer.posing.tensor_frames import Frames, LocalGaussians, WorldCloud, face_frames, in_world
from pavplayer.posing.tensor_poser import TensorMesh
from pavplayer.rasterizers import Rasterizer
from pavtraining.hierarchy.forest import Forest, IntArray
from pavtraining.sources.view import View

DISC_SCALE = 0.6
"""Standard deviation of the discs that faces are seen by, in face sizes: enough to hide what is behind."""
SEEN_SHARE = 0.1
"""Of a square of the face's size: a triangle that nothing hides reaches about 0.4."""


def _posed(cloud: WorldCloud) -> PosedGaussians:
    """What the player's rasterizers take."""
    names = ("means", "quats", "scales", "opacities", "sh")
    return PosedGaussians(**{name: getattr(cloud, name).detach().cpu().numpy() for name in names})


def importance(
    forest: Forest, surface: TensorMesh, views: Iterable[View], rasterizer: Rasterizer
) -> NDArray[np.float64]:
    """(N,) W over views, each stage drawn with the stages before it: what is on the screen while it arrives."""
    stages = torch.from_numpy(forest.structure.stages)
    totals = np.zeros(len(forest))
    device = forest.parameters.means.device
    with torch.no_grad():
        for view in views:
            cloud = forest.in_world(surface.posed(view.pose).to(device))
            for stage in range(int(stages.max()) + 1):
                shown = torch.nonzero(stages <= stage)[:, 0]
                weights = rasterizer.contributions(_posed(cloud.take(shown.to(device))), view.camera)
                own = (stages[shown] == stage).numpy()
                totals[shown.numpy()[own]] += weights[own]
    return totals


def seen_faces(
    surface: TensorMesh, faces: Tensor, views: Iterable[View], rasterizer: Rasterizer
) -> tuple[IntArray, NDArray[np.float32]]:
    """Which of (F, 3) faces some view sees, and their mean colours (seen, 3) in those pictures.

    The mesh counts as opaque: a thin disc lies on each face.
    """
    count = len(faces)
    discs = LocalGaussians(
        means=torch.zeros(count, 3),
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(count, 1),
        scales=DISC_SCALE * torch.tensor([1.0, 0.05, 1.0]).repeat(count, 1),
        opacities=torch.full((count,), 0.99),
        sh=torch.zeros(count, 1, 3),
    )
    times, light = np.zeros(count, np.int64), np.zeros((count, 3))
    for view in views:
        frames = face_frames(surface.posed(view.pose).vertices[faces])
        weights = rasterizer.contributions(_posed(in_world(discs, frames)), view.camera)
        seen = weights > SEEN_SHARE * _footprints(frames, view.camera)
        times += seen
        light[seen] += _colours_at(frames.centres.numpy()[seen], view)
    sites = np.flatnonzero(times)
    return sites, (light[sites] / times[sites, None]).astype(np.float32)


def _colours_at(points: NDArray[np.float64], view: View) -> NDArray[np.float32]:
    """(N, 3) colours of the pixels that (N, 3) points in metres fall on, or of the nearest at the border."""
    camera = view.camera
    x, y, z = (points @ camera.rotation.T + camera.translation).T
    columns = np.clip(camera.fx * x / z + camera.cx, 0, camera.width - 1).astype(int)
    rows = np.clip(camera.fy * y / z + camera.cy, 0, camera.height - 1).astype(int)
    found: NDArray[np.float32] = view.picture[rows, columns]
    return found


def _footprints(frames: Frames, camera: Camera) -> NDArray[np.float64]:
    """(F,) square pixels that a square of each face's size would cover; infinite seen from behind."""
    toward = torch.from_numpy(camera.position) - frames.centres
    distance = toward.norm(dim=1)
    cosine = (frames.linear[:, :, 1] * toward).sum(1) / (frames.sizes * distance).clamp_min(1e-12)
    pixels = (frames.sizes * camera.fx / distance) ** 2 * cosine
    return torch.where(cosine > 0, pixels, torch.inf).numpy()

"""Drawing on the CPU: projection and SH in torch, blending in numba."""

from __future__ import annotations

import torch
from torch import Tensor

from pavplayer.camera import Camera
from pavtraining.rendering.blending import blend
from pavtraining.rendering.cloud import Rendering, WorldCloud
from pavtraining.rendering.harmonics import colours
from pavtraining.rendering.projection import project


def render(cloud: WorldCloud, camera: Camera, background: Tensor) -> Rendering:
    """A picture of Gaussians that lie in main memory; `background` is (3,)."""
    projected = project(cloud.means, cloud.quats, cloud.scales, camera)
    if projected.means2d.requires_grad:
        projected.means2d.retain_grad()
    eye = torch.from_numpy(camera.position).to(cloud.means)
    lit = colours(cloud.sh, cloud.means, eye, cloud.sh_quats)
    light, through, boxes = blend(projected, cloud.opacities, lit, (camera.width, camera.height))
    visible = boxes[:, 0] < boxes[:, 1]
    return Rendering(
        image=light + through[..., None] * background,
        coverage=1 - through,
        means2d=projected.means2d,
        visible=visible,
        radii=_radii(boxes, projected.means2d.detach()) * visible,
    )


def _radii(boxes: Tensor, centres: Tensor) -> Tensor:
    """(N,) pixels from the centres to the farthest side of the boxes."""
    low, high = boxes[:, 0::2].to(centres), boxes[:, 1::2].to(centres)
    return torch.maximum((centres - low).abs(), (high - centres).abs()).amax(dim=1)

"""Drawing on the CPU, in numba; projection and colours in torch where numba has no kernel for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pavplayer.camera import Camera
from pavplayer.posing.tensor_frames import WorldCloud
from pavplayer.rasterizers.tensor_harmonics import colours
from pavtraining.rendering.blending import blend
from pavtraining.rendering.compiled_projection import is_possible, project_and_light
from pavtraining.rendering.picture import Rendering
from pavtraining.rendering.projection import Projected, project


def render_parts(
    cloud: WorldCloud, camera: Camera, background: Tensor, parts: Sequence[Tensor | None]
) -> list[Rendering]:
    """Pictures of parts of a cloud that lies in main memory; all of it is projected once.

    A part is a mask (N,), or None for all.
    """
    projected, lit = (
        project_and_light(cloud, camera) if is_possible(cloud) else plain_project_and_light(cloud, camera)
    )
    found = []
    for part in parts:
        # Gaussians of no opacity are not drawn and have no gradients
        opacities = cloud.opacities if part is None else cloud.opacities * part
        own = replace(projected, means2d=projected.means2d.view_as(projected.means2d))
        found.append(_drawn(own, opacities, lit, camera, background))
    return found


def plain_project_and_light(cloud: WorldCloud, camera: Camera) -> tuple[Projected, Tensor]:
    """Projection and colours (N, 3) in plain torch, of any precision."""
    eye = torch.from_numpy(camera.position).to(cloud.means)
    lit = colours(cloud.sh, cloud.means, eye, cloud.sh_quats)
    return project(cloud.means, cloud.quats, cloud.scales, camera), lit


def _drawn(
    projected: Projected, opacities: Tensor, lit: Tensor, camera: Camera, background: Tensor
) -> Rendering:
    if projected.means2d.requires_grad:
        projected.means2d.retain_grad()
    light, transmittance, boxes = blend(projected, opacities, lit, (camera.width, camera.height))
    visible = boxes[:, 0] < boxes[:, 1]
    return Rendering(
        image=light + transmittance[..., None] * background,
        coverage=1 - transmittance,
        means2d=projected.means2d,
        visible=visible,
        radii=_radii(boxes, projected.means2d.detach()) * visible,
    )


def _radii(boxes: Tensor, centres: Tensor) -> Tensor:
    """(N,) pixels from the centres to the farthest side of the boxes."""
    low, high = boxes[:, 0::2].to(centres), boxes[:, 1::2].to(centres)
    return torch.maximum((centres - low).abs(), (high - centres).abs()).amax(dim=1)

"""Drawing on CUDA: the player's call of gsplat, whose kernels have gradients, behind the CPU's signature."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pavplayer.camera import Camera
from pavplayer.posing.tensor_frames import WorldCloud
from pavplayer.rasterizers.cuda import drawn, eye_of
from pavplayer.rasterizers.tensor_harmonics import colours
from pavtraining.rendering.picture import Rendering


def render_parts(
    cloud: WorldCloud, camera: Camera, background: Tensor, parts: Sequence[Tensor | None]
) -> list[Rendering]:
    """Pictures of parts of a cloud that lies on the device. A part is a mask (N,), or None for all."""
    shown = [cloud if part is None else cloud.with_opacities(cloud.opacities * part) for part in parts]
    return [_rendering(one, camera, background) for one in shown]


def _rendering(cloud: WorldCloud, camera: Camera, background: Tensor) -> Rendering:
    if not len(cloud):  # gsplat does not take that
        return _empty(camera, background, cloud.means.device)
    lit = colours(cloud.sh, cloud.means, eye_of(camera, cloud.means), cloud.sh_quats)
    light, coverage, notes = drawn(cloud, lit, camera)
    means2d = notes["means2d"]
    if means2d.requires_grad:
        means2d.retain_grad()
    radii = notes["radii"][0].amax(dim=-1).float()
    return Rendering(light + (1 - coverage)[..., None] * background, coverage, means2d, radii > 0, radii)


def _empty(camera: Camera, background: Tensor, device: torch.device) -> Rendering:
    image = background.expand(camera.height, camera.width, 3)
    coverage = torch.zeros(camera.height, camera.width, device=device)
    none = torch.zeros(0, device=device)
    return Rendering(image, coverage, none.reshape(0, 2), none > 0, none)

"""Differentiable rendering: numba tiles on the CPU, gsplat on CUDA, torch gradients on both.

picture = render(cloud, camera).image
loss(picture).backward()
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pavplayer.camera import Camera
from pavtraining.rendering.cloud import Rendering, WorldCloud, concatenated

__all__ = ["Rendering", "WorldCloud", "concatenated", "render"]


def render(
    cloud: WorldCloud,
    camera: Camera,
    background: float | Sequence[float] | Tensor = 1.0,
    device: str | torch.device | None = None,
) -> Rendering:
    """A picture of `cloud` over a background colour: one number, three, or an (H, W, 3) tensor.

    By default it is drawn where the cloud lies; `device` moves it first.
    """
    if device is not None:
        cloud = cloud.to(device)
    colour = torch.as_tensor(background, dtype=cloud.means.dtype, device=cloud.means.device)
    if colour.ndim == 0:
        colour = colour.expand(3)
    if cloud.means.is_cuda:
        from pavtraining.rendering import cuda

        return cuda.render(cloud, camera, colour)
    from pavtraining.rendering import cpu

    return cpu.render(cloud, camera, colour)

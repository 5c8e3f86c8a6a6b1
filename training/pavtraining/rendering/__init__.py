"""Differentiable rendering: numba tiles on the CPU, gsplat on CUDA, torch gradients on both.

    picture = render(cloud, camera).image
    loss(picture).backward()

It draws by the rules of §9, as the player's rasterizers do; `losses` has the losses.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pavplayer.camera import Camera
from pavplayer.posing.tensor_frames import WorldCloud
from pavtraining.rendering.picture import Rendering

__all__ = ["Rendering", "render", "render_parts"]


def render(
    cloud: WorldCloud,
    camera: Camera,
    background: float | Sequence[float] | Tensor = 1.0,
    device: str | torch.device | None = None,
) -> Rendering:
    """A picture of `cloud` over a background colour: one number, three, or an (H, W, 3) tensor.

    By default it is drawn where the cloud lies; `device` moves it first.
    """
    cloud = cloud if device is None else cloud.to(device)
    return render_parts(cloud, camera, [None], background)[0]


def render_parts(
    cloud: WorldCloud,
    camera: Camera,
    parts: Sequence[Tensor | None],
    background: float | Sequence[float] | Tensor = 1.0,
) -> list[Rendering]:
    """One picture for each part of `cloud`, a mask (N,) or None for all: cheaper than apart."""
    colour = torch.as_tensor(background, dtype=cloud.means.dtype, device=cloud.means.device)
    if colour.ndim == 0:
        colour = colour.expand(3)
    if cloud.means.is_cuda:
        from pavtraining.rendering import cuda

        return cuda.render_parts(cloud, camera, colour, parts)
    from pavtraining.rendering import cpu

    return cpu.render_parts(cloud, camera, colour, parts)

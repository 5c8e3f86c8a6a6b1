"""Differentiable rendering: numba tiles on the CPU, gsplat on CUDA, torch gradients on both (§9).

    picture = render(cloud, camera).image
    loss(picture).backward()

The picture is the player's, made by the player's own steps, so that what is fitted is what will be seen. On the CPU it
takes two differentiable functions:

- **Projection and colours**: Gaussians in the world → centres, factors (UX, UY, VY) of the exponent of α, colours.
  `projection` and `tensor_harmonics` are that in plain torch, for any precision and for autograd to differentiate;
  `compiled_projection` is the same with gradients written out (`projection_kernels`), for the float32 clouds that
  fitting consists of. They are tested against each other.
- **Blending**: those → light Σ α·T·colour and the transmittance T left over. `blending` has no plain twin: a torch
  version holds pixels × Gaussians numbers. Its gradients (`blending_kernels`) are tested against a toy
  that does.

Forward is `pavplayer.rasterizers.tiles` step by step: records, tile lists, blending. Only light and T are kept, not
what every pixel met: **backward** walks each tile's list again, front to back as forward did, and at each Gaussian
knows the T that reached it and the light still to come, which is what its gradient takes.

What is exact: the gradient is that of the picture as it is computed, stops and thresholds and all. A Gaussian that
covers a pixel has the gradient of its α there, one that does not has none, and where α is clamped to 0.999 it is 0.
What is left out has no gradient to give: that a Gaussian would cover one pixel more if it grew, that the order
changes, and where a pixel stops are steps of the picture, not slopes. Depths and reach (`spreads`) therefore carry
none.

Sums are the same bits for any number of threads: every entry of every tile's list has its own row of gradients, and
rows are added in the order of the lists, in float64. (On CUDA, gsplat adds by atomics, in any order.)

`losses` compares pictures: L1 and SSIM, whose gradient is written out too (`structure_kernels`).
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

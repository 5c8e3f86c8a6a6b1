"""A tiny differentiable renderer in float64 torch: all pixels times all Gaussians. The oracle for gradients."""

import numpy as np
import torch

from pavplayer.rasterizers import rules
from pavplayer.rasterizers.tensor_harmonics import colours
from pavtraining.rendering.projection import project


def render(cloud, camera, background):
    """(H, W, 3) of float64 tensors, by the project's rules, stops and all."""
    lit = colours(cloud.sh, cloud.means, torch.from_numpy(camera.position), cloud.sh_quats)
    return composed(cloud, lit, camera, background)


def composed(cloud, lit, camera, background):
    """(H, W, C) of Gaussians lit by (N, C), over (C,)."""
    projected = project(cloud.means, cloud.quats, cloud.scales, camera)
    rows, columns = torch.meshgrid(
        *(torch.arange(side, dtype=torch.float64) + 0.5 for side in (camera.height, camera.width)),
        indexing="ij",
    )
    light = torch.zeros(camera.height, camera.width, lit.shape[1], dtype=torch.float64)
    through = torch.ones(camera.height, camera.width, dtype=torch.float64)
    live = torch.ones(camera.height, camera.width, dtype=torch.bool)
    for index in np.argsort(projected.depths.numpy().astype(np.float32), kind="stable"):
        if projected.depths[index] < rules.NEAR_PLANE:
            continue
        (x, y), (ux, uy, vy) = projected.means2d[index], projected.factors[index]
        dx, dy = columns - x, rows - y
        free = cloud.opacities[index] * torch.exp2(-((ux * dx + uy * dy) ** 2) - (vy * dy) ** 2)
        alpha = torch.where(free >= rules.ALPHA_MINIMUM, free.clamp_max(rules.ALPHA_MAXIMUM), 0.0)
        after = through * (1 - alpha)
        live = live & ((alpha == 0) | (after > rules.TRANSMITTANCE_MINIMUM))
        light = light + torch.where(live, alpha * through, 0.0)[..., None] * lit[index]
        through = torch.where(live, after, through)
    return light + through[..., None] * torch.as_tensor(background, dtype=torch.float64)

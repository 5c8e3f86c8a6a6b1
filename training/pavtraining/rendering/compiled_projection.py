"""Projection and colours as one differentiable function of float32 tensors in main memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavplayer.camera import Camera
from pavplayer.posing.tensor_frames import WorldCloud
from pavtraining.rendering import projection_kernels as kernels
from pavtraining.rendering.projection import Projected


def is_possible(cloud: WorldCloud) -> bool:
    """Whether the kernels take this cloud; else plain torch must do."""
    columns = (cloud.means, cloud.quats, cloud.scales, cloud.sh)
    plain = all(column.dtype == torch.float32 and not column.is_cuda for column in columns)
    return plain and cloud.sh_quats is None


def _view(camera: Camera) -> tuple[NDArray[np.float64], ...]:
    """Rotation, translation, eye and lens, as the kernels take them."""
    lens = np.array([camera.fx, camera.fy, camera.cx, camera.cy])
    return camera.rotation, camera.translation, camera.position, lens


class _Project(torch.autograd.Function):
    """Centres, factors, colours, spreads and depths of Gaussians in the world."""

    @staticmethod
    def forward(
        ctx: Any, means: Tensor, quats: Tensor, scales: Tensor, sh: Tensor, camera: Camera
    ) -> tuple[Tensor, ...]:
        ctx.inputs = [np.ascontiguousarray(one.detach().numpy()) for one in (means, quats, scales, sh)]
        ctx.camera = camera
        count = len(means)
        means2d, factors = np.empty((count, 2), np.float32), np.empty((count, 3), np.float32)
        spreads, colours = np.empty((count, 2), np.float32), np.empty((count, 3), np.float32)
        depths = np.empty(count)
        rotation, translation, eye, lens = _view(camera)
        size = (camera.width, camera.height)
        a, b, c, d = ctx.inputs
        kernels.project(
            a, b, c, d, rotation, translation, eye, lens, size, means2d, factors, spreads, depths, colours
        )
        fixed = torch.from_numpy(spreads), torch.from_numpy(depths)
        ctx.mark_non_differentiable(*fixed)
        return torch.from_numpy(means2d), torch.from_numpy(factors), torch.from_numpy(colours), *fixed

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        a, b, c, d = ctx.inputs
        found = [np.empty_like(one) for one in ctx.inputs]
        grad_means2d, grad_factors, grad_colours = (
            np.ascontiguousarray(one.detach().double().numpy()) for one in grad_outputs[:3]
        )
        rotation, translation, eye, lens = _view(ctx.camera)
        kernels.project_backward(
            a,
            b,
            c,
            d,
            rotation,
            translation,
            eye,
            lens,
            (ctx.camera.width, ctx.camera.height),
            grad_means2d,
            grad_factors,
            grad_colours,
            found[0],
            found[1],
            found[2],
            found[3],
        )
        return *(torch.from_numpy(one) for one in found), None


def project_and_light(cloud: WorldCloud, camera: Camera) -> tuple[Projected, Tensor]:
    """What `projection.project` and `harmonics.colours` give, for a cloud that `is_possible`."""
    means2d, factors, colours, spreads, depths = _Project.apply(  # type: ignore[no-untyped-call]
        cloud.means, cloud.quats, cloud.scales, cloud.sh, camera
    )
    return Projected(means2d, factors, spreads, depths), colours

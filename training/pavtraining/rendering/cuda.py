"""Drawing on CUDA with gsplat's kernels, by the same rules and behind the same signature."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from gsplat import rasterization
from torch import Tensor

from pavplayer.camera import Camera
from pavplayer.rasterizers import rules
from pavtraining.rendering.cloud import Rendering, WorldCloud
from pavtraining.rendering.harmonics import colours


def render_parts(
    cloud: WorldCloud, camera: Camera, background: Tensor, parts: Sequence[Tensor | None]
) -> list[Rendering]:
    """Pictures of parts of a cloud that lies on the device. A part is a mask (N,), or None for all."""
    shown = [cloud if part is None else cloud.with_opacities(cloud.opacities * part) for part in parts]
    return [_drawn(one, camera, background) for one in shown]


def _drawn(cloud: WorldCloud, camera: Camera, background: Tensor) -> Rendering:
    device = cloud.means.device
    if not len(cloud):  # gsplat does not take that
        return _empty(camera, background, device)
    eye, view, intrinsics = (
        torch.from_numpy(part).to(device=device, dtype=torch.float32)
        for part in (camera.position, camera.view_matrix, camera.intrinsics)
    )
    pictures, coverage, info = rasterization(
        means=cloud.means,
        quats=cloud.quats,
        scales=cloud.scales,
        opacities=cloud.opacities,
        colors=colours(cloud.sh, cloud.means, eye, cloud.sh_quats),
        viewmats=view[None],
        Ks=intrinsics[None],
        width=camera.width,
        height=camera.height,
        near_plane=rules.NEAR_PLANE,
        far_plane=rules.FAR_PLANE,
        eps2d=rules.COVARIANCE_BLUR,
        packed=False,
        rasterize_mode="classic",
    )
    means2d = info["means2d"]
    if means2d.requires_grad:
        means2d.retain_grad()
    radii = info["radii"][0].amax(dim=-1).float()
    hidden = coverage[0, ..., 0]
    image = pictures[0] + (1 - hidden)[..., None] * background
    return Rendering(image, hidden, means2d, radii > 0, radii)


def _empty(camera: Camera, background: Tensor, device: torch.device) -> Rendering:
    image = background.expand(camera.height, camera.width, 3)
    coverage = torch.zeros(camera.height, camera.width, device=device)
    none = torch.zeros(0, device=device)
    return Rendering(image, coverage, none.reshape(0, 2), none > 0, none)

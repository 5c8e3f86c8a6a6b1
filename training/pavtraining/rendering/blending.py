"""The tile rasterizer as a differentiable function of torch tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavplayer.compilation import thread_count
from pavplayer.rasterizers import binning
from pavplayer.rasterizers.projection import RECORD_WIDTH
from pavtraining.rendering import blending_kernels as kernels
from pavtraining.rendering.projection import Projected


def _doubles(tensor: Tensor) -> NDArray[np.float64]:
    return np.ascontiguousarray(tensor.detach().double().numpy())


def _singles(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().float().numpy())


@dataclass(frozen=True)
class _Tiles:
    """What forward leaves for backward."""

    records: NDArray[np.float64]
    boxes: NDArray[np.int32]
    starts: NDArray[np.int64]
    entries: NDArray[np.int32]
    light: NDArray[np.float32]
    transmittance: NDArray[np.float32]


def _draw(
    means2d: Tensor,
    factors: Tensor,
    opacities: Tensor,
    colours: Tensor,
    spreads: Tensor,
    depths: Tensor,
    size: tuple[int, int],
) -> _Tiles:
    """The picture and its tiles."""
    width, height = size
    records, boxes = np.empty((len(means2d), RECORD_WIDTH)), np.empty((len(means2d), 4), np.int32)
    kernels.fill_records(
        _doubles(means2d),
        _doubles(factors),
        _doubles(spreads),
        _doubles(opacities),
        _doubles(colours),
        _doubles(depths),
        size,
        records,
        boxes,
    )
    starts, entries = binning.tile_lists(_singles(depths), records, boxes, width, height)
    light, transmittance = np.empty((height, width, 3), np.float32), np.empty((height, width), np.float32)
    kernels.blend(records, boxes, starts, entries, light, transmittance, thread_count())
    return _Tiles(records, boxes, starts, entries, light, transmittance)


def _gradients(tiles: _Tiles, grad_light: Tensor, grad_transmittance: Tensor, count: int) -> Tensor:
    """(N, 9) float64, as `kernels.GRADIENT_WIDTH` lists them."""
    rows = np.zeros((len(tiles.entries), kernels.GRADIENT_WIDTH), np.float32)
    kernels.blend_backward(
        tiles.records,
        tiles.boxes,
        tiles.starts,
        tiles.entries,
        tiles.light,
        tiles.transmittance,
        _singles(grad_light),
        _singles(grad_transmittance),
        rows,
        thread_count(),
    )
    totals = np.zeros((count, kernels.GRADIENT_WIDTH))
    kernels.summed(tiles.entries, rows, totals)
    return torch.from_numpy(totals)


class _Blend(torch.autograd.Function):
    """Light (H, W, 3), the T left (H, W) and boxes (N, 4) of projected Gaussians."""

    @staticmethod
    def forward(
        ctx: Any,
        means2d: Tensor,
        factors: Tensor,
        opacities: Tensor,
        colours: Tensor,
        spreads: Tensor,
        depths: Tensor,
        size: tuple[int, int],
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.tiles = _draw(means2d, factors, opacities, colours, spreads, depths, size)
        ctx.count, ctx.dtype = len(means2d), means2d.dtype
        light, transmittance = (
            torch.from_numpy(one.copy()) for one in (ctx.tiles.light, ctx.tiles.transmittance)
        )
        boxes = torch.from_numpy(ctx.tiles.boxes)
        ctx.mark_non_differentiable(boxes)
        return light.to(means2d), transmittance.to(means2d), boxes

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        columns = _gradients(ctx.tiles, grad_outputs[0], grad_outputs[1], ctx.count).to(ctx.dtype)
        return columns[:, :2], columns[:, 2:5], columns[:, 5], columns[:, 6:], None, None, None


def blend(
    projected: Projected, opacities: Tensor, colours: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Σ α·T·colour as (H, W, 3), the T left as (H, W), and the boxes (N, 4) of the pixels covered.

    `opacities` is (N,), `colours` (N, 3), `size` width and height in pixels. A box holds first and one past the
    last column, then row; all 0 where a Gaussian is not drawn. Gradients flow to centres, factors, opacities and
    colours; the numbers inside are float32, whatever the tensors are.
    """
    light, transmittance, boxes = _Blend.apply(  # type: ignore[no-untyped-call]
        projected.means2d,
        projected.factors,
        opacities,
        colours,
        projected.spreads,
        projected.depths,
        size,
    )
    return light, transmittance, boxes

"""The CPU rasterizer: 16×16 tiles in numba, the same bits for any number of threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavplayer.camera import Camera
from pavplayer.rasterizers import binning, blending, projection
from pavplayer.rasterizers.cloud import Background, GaussianCloud


@dataclass(frozen=True)
class Tiles:
    """Projected Gaussians and each tile's list of them, nearest first."""

    order: NDArray[np.int32]
    """(M,) indices of the Gaussians that are drawn, nearest first."""
    records: NDArray[np.float64]
    """(M, 10) in that order, as `projection` lays them out."""
    boxes: NDArray[np.int32]
    starts: NDArray[np.int64]
    entries: NDArray[np.int32]
    """Rows of `records`: tile t's are entries[starts[t] : starts[t + 1]]."""


def _float32(value: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(value, dtype=np.float32)


def sort_into_tiles(gaussians: GaussianCloud, camera: Camera) -> Tiles:
    """Projection, colours, depth order and tile lists."""
    means = _float32(gaussians.means)
    sh_quats = np.zeros((0, 4)) if gaussians.sh_quats is None else gaussians.sh_quats
    records, depths, boxes = projection.empty_records(len(means))
    projection.project(
        means,
        _float32(gaussians.quats),
        _float32(gaussians.scales),
        _float32(gaussians.opacities),
        _float32(gaussians.sh),
        _float32(sh_quats),
        camera.rotation,
        camera.translation,
        camera.position,
        np.array([camera.fx, camera.fy, camera.cx, camera.cy]),
        (camera.width, camera.height),
        records,
        depths,
        boxes,
    )
    order = binning.depth_order(depths, boxes)
    records, boxes = binning.reordered(order, records, boxes)
    starts, entries = binning.tile_lists(records, boxes, camera.width, camera.height)
    return Tiles(order, records, boxes, starts, entries)


def draw(tiles: Tiles, camera: Camera, background: Background) -> NDArray[np.float32]:
    """Blends the tiles: the picture as (H, W, 3) float32."""
    picture = np.empty((camera.height, camera.width, 3), np.float32)
    colour = np.asarray(background, np.float32)
    blending.blend_picture(tiles.records, tiles.boxes, tiles.starts, tiles.entries, colour, picture)
    return picture


class TileRasterizer:
    """Draws on the CPU. The first picture compiles, for some seconds; later runs find that on disk."""

    def render(
        self, gaussians: GaussianCloud, camera: Camera, background: Background = (1.0, 1.0, 1.0)
    ) -> NDArray[np.float32]:
        """The picture as (H, W, 3) float32, display sRGB in 0..1."""
        return draw(sort_into_tiles(gaussians, camera), camera, background)

    def contributions(self, gaussians: GaussianCloud, camera: Camera) -> NDArray[np.float32]:
        """(N,) float32: Σ α·T over the pixels, for each Gaussian."""
        tiles = sort_into_tiles(gaussians, camera)
        weights = np.zeros(len(tiles.entries), np.float32)
        blending.blend_weights(
            tiles.records, tiles.boxes, tiles.starts, tiles.entries, camera.width, camera.height, weights
        )
        totals = np.zeros(len(gaussians.means), np.float32)
        totals[tiles.order] = np.bincount(tiles.entries, weights, minlength=len(tiles.order))
        return totals

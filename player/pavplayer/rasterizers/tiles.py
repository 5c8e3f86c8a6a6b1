"""The CPU rasterizer: 16×16 tiles in numba, the same bits for any number of threads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavplayer.camera import Camera
from pavplayer.compilation import thread_count
from pavplayer.rasterizers import binning, blending, projection
from pavplayer.rasterizers.cloud import Background, GaussianCloud


@dataclass(frozen=True)
class Tiles:
    """Projected Gaussians and each tile's list of them, nearest first."""

    records: NDArray[np.float64]
    """(N, 10) as `projection` lays them out."""
    boxes: NDArray[np.int32]
    starts: NDArray[np.int64]
    entries: NDArray[np.int32]
    """Gaussians: tile t's are entries[starts[t] : starts[t + 1]]."""


SHAPES = {"means": (3,), "quats": (4,), "scales": (3,), "opacities": (), "sh_quats": (4,)}


def _column(gaussians: GaussianCloud, name: str) -> NDArray[np.float32]:
    """One attribute as float32, its shape checked: compiled code does not look before it reads."""
    values = np.ascontiguousarray(getattr(gaussians, name), dtype=np.float32)
    if values.shape != (len(gaussians.means), *SHAPES[name]):
        raise ValueError(f"{name} has shape {values.shape} for {len(gaussians.means)} Gaussians")
    return values


def _coefficients(gaussians: GaussianCloud) -> NDArray[np.float32]:
    """The SH coefficients as float32, their shape checked."""
    values = np.ascontiguousarray(gaussians.sh, dtype=np.float32)
    if values.shape not in [(len(gaussians.means), count, 3) for count in (1, 4, 9, 16)]:
        raise ValueError(f"sh has shape {values.shape} for {len(gaussians.means)} Gaussians")
    return values


def sort_into_tiles(gaussians: GaussianCloud, camera: Camera) -> Tiles:
    """Projection, colours, depth order and tile lists."""
    means, quats, scales, opacities = (
        _column(gaussians, name) for name in ("means", "quats", "scales", "opacities")
    )
    turned = gaussians.sh_quats is not None
    records, depths, boxes = projection.empty_records(len(means))
    projection.project(
        means,
        quats,
        scales,
        opacities,
        _coefficients(gaussians),
        _column(gaussians, "sh_quats") if turned else np.zeros((0, 4), np.float32),
        camera.rotation,
        camera.translation,
        camera.position,
        np.array([camera.fx, camera.fy, camera.cx, camera.cy]),
        (camera.width, camera.height),
        records,
        depths,
        boxes,
    )
    starts, entries = binning.tile_lists(depths, records, boxes, camera.width, camera.height)
    return Tiles(records, boxes, starts, entries)


def draw(tiles: Tiles, camera: Camera, background: Background) -> NDArray[np.float32]:
    """Blends the tiles: the picture as (H, W, 3) float32."""
    picture = np.empty((camera.height, camera.width, 3), np.float32)
    colour = np.asarray(background, np.float32)
    lists = tiles.starts, tiles.entries
    blending.blend_picture(tiles.records, tiles.boxes, *lists, colour, picture, thread_count())
    return picture


class TileRasterizer:
    """Draws on the CPU. The first picture compiles, for some seconds; later runs find that on disk."""

    def render(
        self, gaussians: GaussianCloud, camera: Camera, background: Background = (1.0, 1.0, 1.0)
    ) -> NDArray[np.float32]:
        """The picture as (H, W, 3) float32, display sRGB in 0..1."""
        return draw(sort_into_tiles(gaussians, camera), camera, background)

    def contributions(
        self, gaussians: GaussianCloud, camera: Camera, shares: NDArray[np.floating] | None = None
    ) -> NDArray[np.float32]:
        """(N,) float32: Σ α·T over the pixels, for each Gaussian; each pixel counts its share (H, W)."""
        tiles = sort_into_tiles(gaussians, camera)
        weights = np.zeros(len(tiles.entries), np.float32)
        if shares is None:
            shares = np.ones((camera.height, camera.width), np.float32)
        elif shares.shape != (camera.height, camera.width):
            raise ValueError(f"shares of {shares.shape} for {camera.height} × {camera.width} pixels")
        lists = (tiles.records, tiles.boxes, tiles.starts, tiles.entries)
        blending.blend_weights(*lists, np.ascontiguousarray(shares, np.float32), weights, thread_count())
        return np.bincount(tiles.entries, weights, minlength=len(tiles.records)).astype(np.float32)

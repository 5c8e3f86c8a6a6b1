"""The renderer that an encoder measures with: any rasterizer for pictures and importance, tiles for what lies deeper.

What an encoder asks of pictures beyond that (`look`, `colour_map`) is compiled for the CPU's tiles alone.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.encoder.pictures import FOCAL, HEIGHT, WHITE, WIDTH, Background, Look, OrbitView
from pavfmt.posing import PosedGaussians
from pavplayer.camera import Camera
from pavplayer.rasterizers import Rasterizer, open_rasterizer


def camera_of(view: OrbitView, shrink: int = 1) -> Camera:
    """The encoder's view as a camera: 550×802 pixels, focal length 1,900; all of it `shrink` times smaller."""
    size = {"width": WIDTH // shrink, "height": HEIGHT // shrink, "focal_px": FOCAL / shrink}
    return Camera.orbit(view.target, view.distance, view.yaw_degrees, view.pitch_degrees, **size)  # type: ignore[arg-type]


class TileColourMap:
    """One picture as a linear function of colours (`pavfmt.encoder.pictures.ColourMap`)."""

    def __init__(self, gaussians: PosedGaussians, camera: Camera) -> None:
        from pavplayer.rasterizers.tiles import sort_into_tiles

        self._tiles = sort_into_tiles(gaussians, camera)
        self._camera = camera

    @cached_property
    def colours(self) -> Float64Array:
        """(N, 3) as seen from there; black for what is not drawn."""
        from pavplayer.rasterizers.projection import BLUE, RED

        drawn = self._tiles.boxes[:, 0] < self._tiles.boxes[:, 1]
        return np.where(drawn[:, None], self._tiles.records[:, RED : BLUE + 1], 0.0)

    def blend(self, colours: Float64Array) -> NDArray[np.float32]:
        """(N, 3) → (H, W, 4): the picture over black, not clipped, and T."""
        from pavplayer.rasterizers.linear import blended

        return blended(self._tiles, self._camera, colours.astype(np.float32))

    def gather(self, picture: NDArray[np.float32]) -> Float64Array:
        """(H, W, 3) → (N, 4) Σ α·T·r for each channel, and Σ (α·T)²."""
        from pavplayer.rasterizers.linear import gathered

        return gathered(self._tiles, self._camera, picture)


class EncoderRenderer:
    """A rasterizer as `pavfmt.encoder`'s Renderer."""

    def __init__(self, rasterizer: Rasterizer) -> None:
        self._rasterizer = rasterizer

    def contributions(
        self, gaussians: PosedGaussians, view: OrbitView, shares: NDArray[np.floating] | None = None
    ) -> NDArray[np.floating]:
        """(N,) Σ α·T of each Gaussian over the pixels of one picture, each counting its share (H, W)."""
        return self._rasterizer.contributions(gaussians, camera_of(view), shares)

    def picture(
        self, gaussians: PosedGaussians, view: OrbitView, background: Background = WHITE
    ) -> NDArray[np.floating]:
        """(H, W, 3) the picture over a background."""
        return self._rasterizer.render(gaussians, camera_of(view), background)

    def look(self, gaussians: PosedGaussians, view: OrbitView) -> Look:
        """What the picture owes to each Gaussian, by tiles on the CPU."""
        from pavplayer.rasterizers.sensitivity import look

        return look(gaussians, camera_of(view))

    def colour_map(self, gaussians: PosedGaussians, view: OrbitView, shrink: int) -> TileColourMap:
        """The picture, `shrink` times smaller, as a linear function of colours."""
        return TileColourMap(gaussians, camera_of(view, shrink))

    def worst_window(self, difference: NDArray[np.floating], size: int) -> tuple[float, int, int]:
        """Of (H, W, 3) |differences|: the largest mean of a channel over a window, of 255, and where that is."""
        from pavplayer.windows import worst_window

        return worst_window(difference, size)


def open_renderer(device: str = "auto") -> EncoderRenderer:
    """What `pav encode` measures with."""
    return EncoderRenderer(open_rasterizer(device))

"""A rasterizer that draws a sixteenth of the side, so that the plain one will do in tests of commands."""

import numpy as np

from pavplayer.camera import Camera
from pavplayer.rasterizers.plain import PlainRasterizer


class SmallRasterizer(PlainRasterizer):
    def render(self, gaussians, camera, background=(1.0, 1.0, 1.0)):
        small = Camera(
            camera.rotation,
            camera.translation,
            *(value / 16 for value in (camera.fx, camera.fy, camera.cx, camera.cy)),
            camera.width // 16,
            camera.height // 16,
        )
        return super().render(gaussians, small, background).astype(np.float32)

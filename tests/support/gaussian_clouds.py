"""Seeded Gaussians in front of a small camera, for the rasterizers' tests."""

import numpy as np

from pavfmt.posing import PosedGaussians
from pavplayer.camera import Camera

CAMERA = Camera.orbit((0, 0, 0), 1.0, 20, 10, width=70, height=101, focal_px=150)
BACKGROUND = (0.2, 0.9, 0.4)


def cloud(seed=0, count=300, coefficients=1, spread=0.2, size=0.02, turned=False):
    """Random Gaussians around the origin; all values are exact in float32."""
    random = np.random.default_rng(seed)

    def exact(values):
        return values.astype(np.float32)

    bands = np.where(np.arange(coefficients) == 0, 0.4, 0.15)[None, :, None]
    return PosedGaussians(
        means=exact(random.normal(0, spread, (count, 3))),
        quats=exact(random.normal(size=(count, 4))),
        scales=exact(np.exp(random.normal(np.log(size), 0.7, (count, 3)))),
        opacities=exact(random.uniform(0, 1, count)),
        sh=exact(random.normal(size=(count, coefficients, 3)) * bands),
        sh_quats=exact(random.normal(size=(count, 4))) if turned else None,
    )

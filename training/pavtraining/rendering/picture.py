"""What the differentiable renderer gives back."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Rendering:
    """One picture, and what growth wants to know of it."""

    image: Tensor
    """(H, W, 3) display sRGB over the background, not clipped: light above 1 keeps its gradient."""
    coverage: Tensor
    """(H, W) 1 − T: how much of the background is hidden."""
    means2d: Tensor
    """(N, 2) centres in pixels; keeps its gradient after `backward` where the cloud asks for gradients."""
    visible: Tensor
    """(N,) bool: in front of the camera, opaque enough and inside the picture."""
    radii: Tensor
    """(N,) pixels from the centre to the farthest pixel covered, 0 where not visible."""

"""What the differentiable renderer takes and gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class WorldCloud:
    """N Gaussians in world space, as tensors that may ask for gradients."""

    means: Tensor
    """(N, 3) metres."""
    quats: Tensor
    """(N, 4) rotations (w, x, y, z) of any length: they are normalised here."""
    scales: Tensor
    """(N, 3) standard deviations in metres."""
    opacities: Tensor
    """(N,) 0..1."""
    sh: Tensor
    """(N, 1 + K, 3), K = 0, 3, 8 or 15: colour = 0.5 + 0.28209479 · sh0 + …, display sRGB."""
    sh_quats: Tensor | None = None
    """(N, 4): view directions are turned by the inverse of these before SH are evaluated; None: not turned."""

    def __len__(self) -> int:
        return len(self.means)

    def take(self, rows: Tensor | slice) -> WorldCloud:
        """The Gaussians at `rows`: indices, a mask or a slice."""
        return self._each(lambda column: column[rows])

    def to(self, device: str | torch.device) -> WorldCloud:
        """The same on another device."""
        return self._each(lambda column: column.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> WorldCloud:
        return WorldCloud(
            change(self.means),
            change(self.quats),
            change(self.scales),
            change(self.opacities),
            change(self.sh),
            None if self.sh_quats is None else change(self.sh_quats),
        )

    def with_opacities(self, opacities: Tensor) -> WorldCloud:
        """The same Gaussians, more or less opaque."""
        return replace(self, opacities=opacities)


def concatenated(clouds: Sequence[WorldCloud]) -> WorldCloud:
    """Several clouds of one SH degree as one, in the order given."""
    turned = [cloud.sh_quats for cloud in clouds]
    if any(quats is None for quats in turned) and not all(quats is None for quats in turned):
        still = torch.tensor([1.0, 0.0, 0.0, 0.0])
        turned = [
            still.to(cloud.quats).expand(len(cloud), 4) if quats is None else quats
            for cloud, quats in zip(clouds, turned, strict=True)
        ]
    given = [quats for quats in turned if quats is not None]
    return WorldCloud(
        torch.cat([cloud.means for cloud in clouds]),
        torch.cat([cloud.quats for cloud in clouds]),
        torch.cat([cloud.scales for cloud in clouds]),
        torch.cat([cloud.opacities for cloud in clouds]),
        torch.cat([cloud.sh for cloud in clouds]),
        torch.cat(given) if given else None,
    )


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

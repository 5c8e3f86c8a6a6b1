"""The codec's rounding inside a fit: forward as decoded, backward as if nothing had happened.

All that is known of the codec here is its `Precision`: the step of every attribute of a Gaussian of median
visibility, and the power by which steps shrink with visibility. An encoder's units hold Gaussians of like
visibility, so each one's own stands for its unit's.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavfmt.encoder.options import Precision
from pavtraining.forest import Forest

VISIBILITY_RANGE = (1e-4, 1e5)
FINEST = 1 / 64
"""No step is finer than this share of the base step: a level's strongest Gaussians are few."""


def visibilities(levels: NDArray[np.int64], importance: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N,) importance as multiples of the median of what is seen at all, level by level."""
    found = np.ones(len(levels))
    for level in np.unique(levels):
        rows = levels == level
        positive = importance[rows & (importance > 0)]
        if len(positive):
            found[rows] = np.clip(importance[rows] / np.median(positive), *VISIBILITY_RANGE)
    return found


class CodecRounding:
    """What the encoder will do to each Gaussian of a forest."""

    def __init__(
        self,
        forest: Forest,
        sizes: Tensor,
        height: float,
        importance: NDArray[np.floating],
        precision: Precision | None = None,
    ) -> None:
        """`sizes` (N,) are the face sizes at rest, `height` the neutral mesh's, both in metres."""
        self.precision = precision or Precision()
        levels = forest.structure.levels
        seen = torch.from_numpy(visibilities(levels, importance)).float().to(sizes.device)
        self._log_seen = seen.log()
        medians = torch.ones_like(seen)
        for level in np.unique(levels):
            rows = torch.from_numpy(levels == level).to(sizes.device)
            medians[rows] = sizes[rows].median().to(medians)
        self._mean_base = self.precision.mean_step * height / medians.clamp_min(1e-9)

    def _steps(self, base: float | Tensor, power: float) -> Tensor:
        """(N, 1) steps."""
        return (base * torch.exp(-power * self._log_seen).clamp_min(FINEST))[:, None]

    def __call__(self, columns: dict[str, Tensor]) -> dict[str, Tensor]:
        """Columns as `Forest.columns` gives them, as they would be decoded."""
        p = self.precision
        opacities = _rounded(columns["opacities"][:, None], self._steps(p.opacity_step, p.opacity_power))
        bands, first = [], 0
        for width, step in zip((3, 5, 7), p.band_steps, strict=True):
            part = columns["shN"][:, first : first + width]
            bands.append(_rounded(part, self._steps(step, p.sh0_power)[..., None]))
            first += width
        return {
            "means": _rounded(columns["means"], self._steps(self._mean_base, p.mean_power)),
            "quats": _rounded_quats(columns["quats"], self._steps(p.quat_step, p.quat_power)),
            "log_scales": _rounded(columns["log_scales"], self._steps(p.log_scale_step, p.log_scale_power)),
            "opacities": opacities[:, 0].clamp(0, 1),
            "sh0": _rounded(columns["sh0"], self._steps(p.sh0_step, p.sh0_power)[..., None]),
            "shN": torch.cat(bands, dim=1),
        }


def _rounded(values: Tensor, steps: Tensor) -> Tensor:
    """Multiples of the steps, with the gradient of the values."""
    return values + (torch.round(values.detach() / steps) * steps - values.detach())


def _rounded_quats(quats: Tensor, steps: Tensor) -> Tensor:
    """(N, 4) unit quaternions rounded in stereographic coordinates, with the gradient of what they were."""
    with torch.no_grad():
        upper = torch.where(quats[:, :1] < 0, -quats, quats)
        points = torch.round(upper[:, 1:] / (1 + upper[:, :1]) / steps) * steps
        square = points.square().sum(dim=1, keepdim=True)
        rounded = torch.cat([1 - square, 2 * points], dim=1) / (1 + square)
        near = torch.where((rounded * quats).sum(dim=1, keepdim=True) < 0, -rounded, rounded)
    return quats + (near - quats).detach()

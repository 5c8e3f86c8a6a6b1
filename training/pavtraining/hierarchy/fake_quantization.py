"""The codec's rounding inside a fit: forward as decoded, backward as if nothing had happened.

All that is known of the codec here is its `Precision`: the step of every attribute of a Gaussian of median
visibility, the power by which steps shrink with visibility, and the share of importance that is written.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavfmt.encoder.options import Precision

VISIBILITY_RANGE = (1e-4, 1e5)
UNITS = 22
"""About so many units has a level: the Gaussians of one share their steps."""


def unit_visibilities(
    levels: NDArray[np.int64], importance: NDArray[np.floating], kept_share: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(N,) visibility of each Gaussian's unit, in medians of its level, and whether it is written at all."""
    seen, kept = np.ones(len(levels)), np.zeros(len(levels), np.bool_)
    for level in np.unique(levels):
        rows = np.flatnonzero(levels == level)
        order = rows[np.argsort(-importance[rows], kind="stable")]
        total = np.cumsum(importance[order])
        if total[-1] > 0:
            order = order[: int(np.searchsorted(total, kept_share * total[-1] * (1 - 1e-12))) + 1]
        kept[order] = True
        positive = importance[order][importance[order] > 0]
        own = importance[order] / (np.median(positive) if len(positive) else 1.0)
        own = np.log(np.clip(own, *VISIBILITY_RANGE))
        for unit, part in zip(np.array_split(order, UNITS), np.array_split(own, UNITS), strict=True):
            if len(unit):
                seen[unit] = np.exp(part.mean())
    return seen, kept


class CodecRounding:
    """What the encoder will do to each Gaussian."""

    def __init__(
        self,
        levels: NDArray[np.int64],
        sizes: Tensor,
        height: float,
        importance: NDArray[np.floating],
        precision: Precision | None = None,
    ) -> None:
        """`levels` (N,) are the Gaussians' levels, `sizes` (N,) their face sizes at rest (1 m on a surface point),
        `height` the neutral mesh's, both in metres.
        """
        self.precision = precision or Precision()
        visible, kept = unit_visibilities(levels, importance, self.precision.kept_importance)
        seen = torch.from_numpy(visible).float().to(sizes.device)
        self._log_seen = seen.log()
        self._kept = torch.from_numpy(kept).to(seen)
        medians = torch.ones_like(seen)
        for level in np.unique(levels):
            rows = torch.from_numpy(levels == level).to(sizes.device)
            medians[rows] = sizes[rows].median().to(medians)
        self._mean_base = self.precision.mean_step * height / medians.clamp_min(1e-9)

    def _steps(self, base: float | Tensor, power: float) -> Tensor:
        """(N, 1) steps."""
        return (base * torch.exp(-power * self._log_seen))[:, None]

    def __call__(self, columns: dict[str, Tensor]) -> dict[str, Tensor]:
        """Columns of all Gaussians, named as in `pavfmt.model.Gaussians`, as they would be decoded."""
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
            "opacities": opacities[:, 0].clamp(0, 1) * self._kept,
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

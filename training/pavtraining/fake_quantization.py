"""The codec's rounding inside a fit: forward as decoded, backward as if nothing had happened.

**How it works.** Drawn are not the numbers themselves but what a decoder would make of them: multiples of the steps
that the encoder will choose. Rounding is flat almost everywhere, so its gradient is replaced by that of the identity
(the straight-through estimator of quantization-aware training): x + (round(x) − x) with the bracket held constant.

**Why so.** Rounded after the fit, every Gaussian is off in its own direction, and nothing makes up for it. Rounded
in the fit, the others see the error and lean against it, and numbers settle on the better of the two nearest steps.
It only pays where steps are coarse, so a hierarchy gets a last phase of it and a hand-over's base all of its fit; a
hand-over's originals, whose steps are fine, end worse for it (spec/decisions/0014, found 5).

All that is known of the codec is its `Precision`: the step of every attribute for a Gaussian of median visibility,
the powers by which steps shrink with visibility, and the share of importance that is written at all. The steps of
one unit are one number in a file, hence the units of `unit_visibilities`: the encoder's own boundaries are not known
before the bytes are, but each unit holds neighbours in importance, so about as many equal parts come close.

**Invariants.** Shapes and names are those given. Quaternions are (w, x, y, z), rounded in the stereographic
coordinates (x, y, z) / (1 + w) of the half with w ≥ 0, as a file has them, and come back with the sign they came
with.

**Costs.** A few element-wise operations on every column; a sort of each level's importance when it is made.
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
            # The tolerance keeps the last Gaussian in when the sum of all is asked for and was rounded down.
            order = order[: int(np.searchsorted(total, kept_share * total[-1] * (1 - 1e-12))) + 1]
        kept[order] = True
        positive = importance[order][importance[order] > 0]
        own = importance[order] / (np.median(positive) if len(positive) else 1.0)
        own = np.log(np.clip(own, *VISIBILITY_RANGE))
        for unit, part in zip(np.array_split(order, UNITS), np.array_split(own, UNITS), strict=True):
            if len(unit):
                seen[unit] = np.exp(part.mean())  # the geometric mean: steps go with powers of visibility
    return seen, kept


class FakeQuantization:
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
        # Means are in units of their face: one step in metres is the more of them the smaller the face is.
        self._mean_base = self.precision.mean_step * height / medians.clamp_min(1e-9)

    def _steps(self, base: float | Tensor, power: float) -> Tensor:
        """(N, 1) steps."""
        return (base * torch.exp(-power * self._log_seen))[:, None]

    def __call__(self, columns: dict[str, Tensor]) -> dict[str, Tensor]:
        """Columns of all Gaussians, named as in `pavfmt.model.Gaussians`, as they would be decoded."""
        p = self.precision
        opacities = fake_quantized(
            columns["opacities"][:, None], self._steps(p.opacity_step, p.opacity_power)
        )
        bands, first = [], 0
        for width, step in zip((3, 5, 7), p.band_steps, strict=True):
            part = columns["shN"][:, first : first + width]
            bands.append(fake_quantized(part, self._steps(step, p.sh0_power)[..., None]))
            first += width
        return {
            "means": fake_quantized(columns["means"], self._steps(self._mean_base, p.mean_power)),
            "quats": _fake_quantized_quats(columns["quats"], self._steps(p.quat_step, p.quat_power)),
            "log_scales": fake_quantized(
                columns["log_scales"], self._steps(p.log_scale_step, p.log_scale_power)
            ),
            # What is not written is not there, and has no gradient: only another measurement brings it back.
            "opacities": opacities[:, 0].clamp(0, 1) * self._kept,
            "sh0": fake_quantized(columns["sh0"], self._steps(p.sh0_step, p.sh0_power)[..., None]),
            "shN": torch.cat(bands, dim=1),
        }


def fake_quantized(values: Tensor, steps: Tensor | float) -> Tensor:
    """Multiples of the steps, with the gradient of the values."""
    return values + (torch.round(values.detach() / steps) * steps - values.detach())


def _fake_quantized_quats(quats: Tensor, steps: Tensor) -> Tensor:
    """(N, 4) unit quaternions rounded in stereographic coordinates, with the gradient of what they were."""
    with torch.no_grad():
        # q and −q are one rotation: rounded is the half with w ≥ 0, where the coordinates stay within 1.
        upper = torch.where(quats[:, :1] < 0, -quats, quats)
        points = torch.round(upper[:, 1:] / (1 + upper[:, :1]) / steps) * steps
        rounded = quaternions_from_stereographic(points)
        near = torch.where((rounded * quats).sum(dim=1, keepdim=True) < 0, -rounded, rounded)
    return quats + (near - quats).detach()


def quaternions_from_stereographic(points: Tensor) -> Tensor:
    """(N, 3) stereographic coordinates (x, y, z) / (1 + w) → (N, 4) unit quaternions (w, x, y, z)."""
    square = points.square().sum(dim=1, keepdim=True)
    return torch.cat([1 - square, 2 * points], dim=1) / (1 + square)

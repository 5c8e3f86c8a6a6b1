"""The flat avatar's own Gaussians, as numbers that can be fitted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pavfmt.model import Gaussians
from pavplayer.posing.tensor_frames import LocalGaussians, in_world
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.training_views import Splats, TrainingView, projected

MOST_CERTAIN = 1e-4
"""Opacities are kept so far from 0 and 1, where a logit is infinite."""
BANDS_RATE = 0.05
"""What higher SH bands learn at, as a share of the colour's rate."""


class Originals(torch.nn.Module):
    """N Gaussians that stay where they are bound; all else of them learns."""

    def __init__(self, gaussians: Gaussians, configuration: HandOverConfiguration) -> None:
        super().__init__()
        self._given, self._configuration = gaussians, configuration
        opacities = np.clip(gaussians.opacities, MOST_CERTAIN, 1 - MOST_CERTAIN)
        self.means = _parameter(gaussians.means)
        self.quats = _parameter(gaussians.quats / np.linalg.norm(gaussians.quats, axis=1, keepdims=True))
        self.log_scales = _parameter(gaussians.log_scales)
        self.logits = torch.nn.Parameter(torch.logit(torch.from_numpy(opacities)))
        self.sh0, self.shN = _parameter(gaussians.sh0), _parameter(gaussians.shN)

    def __len__(self) -> int:
        return len(self.means)

    def _columns(self) -> dict[str, Tensor]:
        return {
            "means": self.means,
            "quats": torch.nn.functional.normalize(self.quats, dim=1),
            "log_scales": self.log_scales,
            "opacities": torch.sigmoid(self.logits),
            "sh0": self.sh0,
            "shN": self.shN,
        }

    def splats(self, view: TrainingView, rows: Tensor) -> Splats:
        """Those at `rows` as a view shows them."""
        columns = {name: column[rows] for name, column in self._columns().items()}
        local = LocalGaussians(
            columns["means"],
            columns["quats"],
            columns["log_scales"].exp(),
            columns["opacities"],
            torch.cat([columns["sh0"], columns["shN"]], dim=1),
        )
        return projected(in_world(local, view.own_frames.take(rows), view.sh_is_local), view.truth.camera)

    def rates(self) -> list[dict[str, Any]]:
        """Parameter groups for Adam."""
        given = self._configuration
        pairs = (
            (self.means, given.own_mean_rate),
            (self.quats, given.own_rotation_rate),
            (self.log_scales, given.own_log_scale_rate),
            (self.logits, given.own_opacity_rate),
            (self.sh0, given.own_colour_rate),
            (self.shN, given.own_colour_rate * BANDS_RATE),
        )
        return [{"params": [parameter], "lr": rate} for parameter, rate in pairs]

    def gaussians(self) -> Gaussians:
        """As an avatar has them; sites and importance are as given."""
        with torch.no_grad():
            columns = {name: column.numpy().copy() for name, column in self._columns().items()}
        return replace(self._given, **columns)


def _parameter(values: np.typing.NDArray[np.float32]) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.from_numpy(values.astype(np.float32)))

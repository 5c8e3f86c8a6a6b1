"""Adam over a forest's parameters, whose rows may be added to."""

from __future__ import annotations

import torch
from torch import Tensor

from pavtraining.hierarchy.configuration import HierarchyConfiguration
from pavtraining.hierarchy.forest import COLUMNS, ForestParameters

BETAS = (0.9, 0.999)
EPSILON = 1e-15
"""As in 3D Gaussian splatting: gradients of single Gaussians are tiny."""


def rates(configuration: HierarchyConfiguration) -> dict[str, float]:
    """The learning rate of each column."""
    c = configuration
    return {
        "means": c.position_rate,
        "quats": c.rotation_rate,
        "log_scales": c.scale_rate,
        "logit_opacities": c.opacity_rate,
        "sh0": c.colour_rate,
        "shN": c.harmonics_rate,
        "split_logits": c.barycentric_rate,
    }


class Optimizer:
    """One Adam for every column, each with its own count of steps: some rest while others move."""

    def __init__(self, parameters: ForestParameters, configuration: HierarchyConfiguration) -> None:
        self._rates = rates(configuration)
        self.parameters = ForestParameters(**{k: v.detach().requires_grad_() for k, v in parameters.items()})
        self.first = {name: torch.zeros_like(column) for name, column in parameters.items()}
        """Running means of the gradients."""
        self.second = {name: torch.zeros_like(column) for name, column in parameters.items()}
        """Running means of their squares."""
        self.counts = dict.fromkeys(COLUMNS, 0)
        """Steps of each column."""

    def append(self, rows: ForestParameters) -> None:
        """More rows, without a past; those there keep theirs."""
        columns = {}
        for (name, column), (_, fresh) in zip(self.parameters.items(), rows.items(), strict=True):
            columns[name] = torch.cat([column.detach(), fresh]).requires_grad_()
            for past in (self.first, self.second):
                past[name] = torch.cat([past[name], torch.zeros_like(fresh)])
        self.parameters = ForestParameters(**columns)

    def step(self, factor: float, frozen: Tensor | None = None) -> None:
        """Follow the gradients and forget them; rates are times `factor`. Rows `frozen` (N,) stay."""
        with torch.no_grad():
            for name, column in self.parameters.items():
                if column.grad is None or not column.numel():
                    continue
                gradient, column.grad = column.grad, None
                move = self._move(name, gradient, factor)
                if frozen is not None and name != "split_logits":
                    move[frozen] = 0
                column -= move

    def _move(self, name: str, gradient: Tensor, factor: float) -> Tensor:
        self.counts[name] += 1
        first, second = self.first[name], self.second[name]
        first.lerp_(gradient, 1 - BETAS[0])
        second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        corrections = [1 - beta ** self.counts[name] for beta in BETAS]
        spread = (second / corrections[1]).sqrt_().add_(EPSILON)
        return (first / spread).mul_(factor * self._rates[name] / corrections[0])

"""Where the hierarchy grows: faces that the pictures pull at most."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from pavplayer.camera import Camera
from pavtraining.hierarchy.configuration import HierarchyConfiguration
from pavtraining.hierarchy.forest import IntArray, Structure
from pavtraining.rendering import Rendering


class GradientRecord:
    """Screen-space gradients of every Gaussian since the last growth."""

    def __init__(self, count: int) -> None:
        self.sums: NDArray[np.float64] = np.zeros(count)
        """(N,) lengths of the loss's gradients by the centres, in loss per half picture side."""
        self.seen: IntArray = np.zeros(count, np.int64)
        """(N,) pictures in which each was visible."""

    def add(self, rendering: Rendering, camera: Camera) -> None:
        """After `backward`: what one picture of all Gaussians says."""
        gradient = rendering.means2d.grad
        if gradient is None:
            return
        halves = torch.tensor([camera.width / 2, camera.height / 2]).to(gradient)
        length = (gradient.reshape(-1, 2) * halves).square().sum(-1).sqrt()
        self.sums += length.cpu().numpy()
        self.seen += rendering.visible.cpu().numpy()

    def extend(self, count: int) -> None:
        """Room for `count` Gaussians, and a fresh start for all."""
        self.__init__(count)  # type: ignore[misc]

    @property
    def means(self) -> NDArray[np.float64]:
        """(N,) per picture."""
        return self.sums / np.maximum(self.seen, 1)


def rounds_due(configuration: HierarchyConfiguration, progress: float) -> int:
    """How many rounds of growth should be over at a share of the run."""
    c = configuration
    passed = (progress - c.growth_from) / max(c.growth_until - c.growth_from, 1e-9)
    return int(np.clip(np.floor(passed * c.growth_rounds), 0, c.growth_rounds))


def wanted_count(first: int, configuration: HierarchyConfiguration, rounds: int) -> int:
    """How many Gaussians there should be after so many rounds: a geometric climb from `first`."""
    c = configuration
    return round(first * float((max(c.gaussians, first) / first) ** (rounds / c.growth_rounds)))


def faces_to_split(
    structure: Structure,
    record: GradientRecord,
    wanted: int,
    configuration: HierarchyConfiguration,
    random: np.random.Generator,
) -> IntArray:
    """Rows of the Gaussians whose faces should be split, so that there are at most `wanted` afterwards."""
    leaves = structure.leaves(configuration.depth)
    most = max(wanted - len(structure), 0) // 3
    if configuration.adaptive_growth:
        pull = record.means[leaves]
        leaves, pull = (
            leaves[pull > configuration.growth_threshold],
            pull[pull > configuration.growth_threshold],
        )
        order = np.argsort(-pull, kind="stable")
    else:
        order = np.lexsort([random.uniform(size=len(leaves)), structure.levels[leaves]])
    return np.sort(leaves[order[:most]])

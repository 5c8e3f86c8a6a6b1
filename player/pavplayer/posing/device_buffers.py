"""Arrays on a torch device that grow: what arrives is written behind what is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavplayer.posing.growing import NewGaussians, NewSplits


class Buffer:
    """Rows that are appended. When the room is full it doubles, up to the number of rows announced."""

    def __init__(
        self, device: torch.device, dtype: torch.dtype, width: tuple[int, ...] = (), fill: float = 0
    ) -> None:
        """Rows of shape `width`; rows that are not there yet hold `fill`."""
        self.count = 0
        self.whole = torch.full((0, *width), fill, dtype=dtype, device=device)
        """(capacity, …): replaced when it grows."""
        self._fill = fill

    @property
    def rows(self) -> Tensor:
        """(count, …) what is there, a view."""
        return self.whole[: self.count]

    def append(self, values: NDArray[Any], announced: int) -> None:
        """More rows; `announced` is how many there will be in the end, if the file tells the truth."""
        end = self.count + len(values)
        if end == self.count:
            return
        if end > len(self.whole):
            room = max(end, min(2 * end, announced))
            grown = self.whole.new_full((room, *self.whole.shape[1:]), self._fill)
            grown[: self.count] = self.rows
            self.whole = grown
        self.whole[self.count : end] = torch.from_numpy(np.array(values)).to(self.whole)
        self.count = end


class Splits:
    """The split points of one level. Rows that are not there yet write 0 into the origin, which is 0."""

    def __init__(self, device: torch.device, origin: int) -> None:
        self.parents = Buffer(device, torch.int64, (3,), origin)
        self.beta = Buffer(device, torch.float64, (3,))
        self.points = Buffer(device, torch.int64, (), origin)
        """Their own numbers."""

    def append(self, new: NewSplits, announced: int) -> None:
        """Take in a unit's."""
        for buffer, values in ((self.parents, new.parents), (self.beta, new.beta), (self.points, new.points)):
            buffer.append(values, announced)

    def write(self, points: Tensor) -> None:
        """Into `points` (P, 3), of which the corners are there."""
        corners = points[self.parents.whole]
        points[self.points.whole] = (corners * self.beta.whole[..., None]).sum(1)


class Part:
    """The Gaussians of one binding."""

    def __init__(self, device: torch.device, joint_count: int, origin: int) -> None:
        self.places = Buffer(device, torch.int64, fill=-1)
        """In file order; rows that are not there yet go to the last row, which is nobody's."""
        self.corners = Buffer(device, torch.int64, (3,), origin)
        self.beta = Buffer(device, torch.float64, (3,))
        self.weights = Buffer(device, torch.float32, (joint_count,))
        self.means = Buffer(device, torch.float32, (3,))
        self.quats = Buffer(device, torch.float32, (4,))
        self.scales = Buffer(device, torch.float32, (3,))

    def append(self, new: NewGaussians, announced: int) -> None:
        """Take in a unit's, but for the scales, which a hand-over may change."""
        if len(new.places):
            for name, values in vars(new).items():
                getattr(self, name).append(values, announced)

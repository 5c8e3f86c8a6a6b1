"""How many Gaussians a frame may have."""

from __future__ import annotations

from typing import Protocol

MIN_GAUSSIANS = 1000
LEARNING = 0.25
"""Weight of the last frame in what a Gaussian is found to cost."""
STEADY = 0.05
"""A frame-time budget stays as it is while what it should be is within this share of it."""
GROWTH = 1.5
"""By how much it changes at most from frame to frame."""


class RenderBudget(Protocol):
    """A limit that may learn from the frames drawn under it."""

    @property
    def gaussians(self) -> int:
        """The limit for the next frame."""

    def note(self, drawn: int, seconds: float) -> None:
        """What the last frame had and took."""


class GaussianBudget:
    """Always the same."""

    def __init__(self, gaussians: int) -> None:
        if gaussians < 1:
            raise ValueError(f"a budget needs a Gaussian, not {gaussians}")
        self.gaussians = gaussians

    def note(self, drawn: int, seconds: float) -> None:
        """Nothing to learn."""


class FrameTimeBudget:
    """As many as fit a frame time, by what a Gaussian has cost; all that a frame takes is laid on its Gaussians."""

    def __init__(self, milliseconds: float, begin_with: int = 50_000) -> None:
        if not milliseconds > 0:
            raise ValueError(f"a frame takes some time, not {milliseconds} ms")
        self.milliseconds = milliseconds
        self.gaussians = begin_with
        self._cost: float | None = None

    def note(self, drawn: int, seconds: float) -> None:
        """Learn the cost, and follow it."""
        if drawn < 1:
            return
        cost = 1000 * max(seconds, 1e-9) / drawn
        self._cost = cost if self._cost is None else self._cost + LEARNING * (cost - self._cost)
        wanted = self.milliseconds / self._cost
        if abs(wanted - self.gaussians) > STEADY * self.gaussians:
            bounded = min(max(wanted, self.gaussians / GROWTH), self.gaussians * GROWTH)
            self.gaussians = max(int(bounded), MIN_GAUSSIANS)

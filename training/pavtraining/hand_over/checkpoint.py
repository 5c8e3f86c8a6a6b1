"""What a hand-over has learned so far, so that it can go on in another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pavfmt.errors import EncodeError


@dataclass(frozen=True)
class Phase:
    """One run of Adam."""

    number: int
    """From 0; none is done twice."""
    steps: int
    first_rate: float
    """Share of the configured rates that it begins with,"""
    last_rate: float
    """and ends with, exponentially between."""


MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""Adam's, of one parameter. Parameters that not every step shows have made fewer steps than others."""

StepListener = Callable[[Phase, int, float], None]
"""Called after every step: of which phase, how many of its steps are done, the squared error."""


class Checkpoint:
    """The numbers at the end of every phase, and of the phase that is under way Adam's moments too."""

    def __init__(
        self, arrays: dict[str, NDArray[Any]] | None = None, on_step: StepListener | None = None
    ) -> None:
        """`arrays` are what another process's checkpoint gave."""
        self._kept = dict(arrays or {})
        self._on_step = on_step
        self._current: tuple[Phase, int, torch.optim.Adam] | None = None

    def begin(self, phase: Phase, adam: torch.optim.Adam) -> int:
        """Puts a phase's numbers back, if it was begun before; returns how many of its steps are done."""
        steps = self._kept.get(f"{phase.number}/steps")
        if steps is None:
            return 0
        for number, parameter in enumerate(_parameters(adam)):
            self._restore(f"{phase.number}/{number}", parameter)
            kept = {part: self._kept.get(f"{phase.number}/{number}/{part}") for part in MOMENTS}
            found = {
                part: torch.from_numpy(values.copy()) for part, values in kept.items() if values is not None
            }
            if found:
                adam.state[parameter] = found
        return int(steps)

    def _restore(self, name: str, parameter: torch.Tensor) -> None:
        values = self._kept.get(name)
        if values is None or values.shape != tuple(parameter.shape):
            raise EncodeError("bad-state", "the state is of a fit to another avatar")
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(values.copy()))

    def record(self, phase: Phase, steps: int, adam: torch.optim.Adam, error: float) -> None:
        """So many steps of a phase are done."""
        self._current = (phase, steps, adam)
        if steps == phase.steps:
            self._kept = self.arrays(with_moments=False)
            self._current = None
        if self._on_step is not None:
            self._on_step(phase, steps, error)

    def arrays(self, with_moments: bool = True) -> dict[str, NDArray[Any]]:
        """Everything, for another process."""
        if self._current is None:
            return self._kept
        phase, steps, adam = self._current
        others = {
            name: values for name, values in self._kept.items() if not name.startswith(f"{phase.number}/")
        }
        found = {f"{phase.number}/steps": np.array(steps)}
        for number, parameter in enumerate(_parameters(adam)):
            name = f"{phase.number}/{number}"
            found[name] = parameter.detach().numpy().copy()
            state = adam.state.get(parameter) if with_moments else None
            if state:  # it has none before its first gradient
                found.update({f"{name}/{part}": state[part].numpy().copy() for part in MOMENTS})
        return others | found


def _parameters(adam: torch.optim.Adam) -> list[torch.Tensor]:
    return [parameter for group in adam.param_groups for parameter in group["params"]]

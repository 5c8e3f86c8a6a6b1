"""Running a hand-over from beginning to end."""

from __future__ import annotations

import math
from typing import Any

from pavfmt.errors import EncodeError
from pavfmt.model import Avatar
from pavtraining.hand_over.checkpoint import Checkpoint, Phase
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.method import hand_over
from pavtraining.running import Progress, Run, RunFiles
from pavtraining.state import State, read_state

METHOD = "hand-over"
"""What a state says it is of."""


class HandOverRun(Run):
    """One hand-over over as many processes as it takes."""

    def __init__(
        self,
        avatar: Avatar,
        configuration: HandOverConfiguration,
        files: RunFiles,
        state: State | None = None,
    ) -> None:
        """`state` is what an interrupted run left; its configuration must be this one."""
        super().__init__(files, 0.0 if state is None else float(state.values["seconds"]))
        self.avatar, self.configuration = avatar, configuration
        self._checkpoint = Checkpoint(None if state is None else dict(state.arrays), self._on_step)

    @classmethod
    def resumed(cls, avatar: Avatar, files: RunFiles) -> HandOverRun:
        """From the saved state. EncodeError if it is of another method."""
        state = read_state(files.state)
        if state.values.get("method") != METHOD:
            raise EncodeError("bad-state", "the state is of a fit by another method")
        return cls(avatar, HandOverConfiguration().changed(state.values["configuration"]), files, state)

    def _fitted(self, show: Progress | None) -> Avatar:
        return hand_over(self.avatar, self.configuration, show, self._checkpoint).avatar

    def _state(self) -> State:
        values = {"method": METHOD, "configuration": self.configuration.as_mapping()}
        return State(self._checkpoint.arrays(), values)

    def _on_step(self, phase: Phase, steps: int, error: float) -> None:
        def line() -> dict[str, Any]:
            decibels = min(-10 * math.log10(max(error, 1e-20)), 200.0)
            return {"loss": math.log(error + 1e-20), "psnr": decibels, "phase": phase.number}

        self._after_step(self._steps_before(phase) + steps, line, must_save=steps == phase.steps)

    def _steps_before(self, phase: Phase) -> int:
        given = self.configuration
        own = 0 if given.exact else given.own_steps
        phases = (own, given.scout_steps, given.alone_steps, *given.prefix_steps, given.joint_steps)
        return sum(phases[: phase.number])

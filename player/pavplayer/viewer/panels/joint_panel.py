"""Three sliders for every joint."""

from __future__ import annotations

from typing import Any

import numpy as np

from pavplayer.viewer.panels.widgets import RigPanel, on_hand

MAX_DEGREES = 60.0
STEP = 0.5
AXES = ("X, nod", "Y, shake", "Z, tilt")


class JointPanel(RigPanel):
    """Joint rotations."""

    EMPTY = "No rig has arrived, so there are no joints yet."
    _shown: object = None

    def names(self) -> tuple[str, ...]:
        """Of the joints."""
        return self._player.controlled.avatar.joint_names

    def fill(self, names: tuple[str, ...]) -> None:
        """A folder for each joint; the first two are open."""
        self._gui.add_markdown("Axis-angle in degrees, relative to the parent joint.")
        self._sliders = {name: self._folder(name, index < 2) for index, name in enumerate(names)}

    def update(self) -> None:
        """Fill it once there are names, and follow expressions that turn joints."""
        super().update()
        rotations = self._player.controls.rotations
        if rotations is self._shown:
            return
        self._shown = rotations
        for name, sliders in self._sliders.items():
            degrees = np.degrees(rotations.get(name, (0.0, 0.0, 0.0)))
            for slider, value in zip(sliders, degrees.tolist(), strict=True):
                if abs(slider.value - value) > STEP:  # what came from this slider comes back rounded
                    slider.value = value

    def _folder(self, name: str, expanded: bool) -> list[Any]:
        with self._gui.add_folder(name, expand_by_default=expanded):
            sliders = [self._gui.add_slider(axis, -MAX_DEGREES, MAX_DEGREES, STEP, 0.0) for axis in AXES]
        for slider in sliders:
            on_hand(slider, lambda: self._rotate(name, sliders))
        return sliders

    def _rotate(self, name: str, sliders: list[Any]) -> None:
        x, y, z = np.radians([slider.value for slider in sliders]).tolist()
        self._player.controls.set_rotation(name, (x, y, z))

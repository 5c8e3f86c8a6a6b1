"""Three sliders for every joint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavplayer.viewer.player import Player

if TYPE_CHECKING:
    import viser

MOST_DEGREES = 60.0
STEP = 0.5
AXES = ("X, nod", "Y, shake", "Z, tilt")


class JointPanel:
    """Filled when the rig has arrived."""

    def __init__(self, gui: viser.GuiApi, player: Player) -> None:
        self._gui, self._player = gui, player
        self._sliders: dict[str, list[Any]] = {}
        self._empty = gui.add_markdown("*No rig has arrived, so there are no joints yet.*")
        self._place = gui.add_folder(None)
        self._shown: object = None

    def update(self) -> None:
        """Fill it once there are names, and follow expressions that turn joints."""
        names = self._player.lead.avatar.joint_names
        if names and not self._sliders:
            self._empty.visible = False
            with self._place:
                self._gui.add_markdown("Axis-angle in degrees, relative to the parent joint.")
                self._sliders = {name: self._folder(name, index < 2) for index, name in enumerate(names)}
        turns = self._player.controls.turns
        if turns is not self._shown:
            self._shown = turns
            for name, sliders in self._sliders.items():
                degrees = np.degrees(turns.get(name, (0.0, 0.0, 0.0)))
                for slider, value in zip(sliders, degrees.tolist(), strict=True):
                    if abs(slider.value - value) > STEP:
                        slider.value = value

    def _folder(self, name: str, expanded: bool) -> list[Any]:
        with self._gui.add_folder(name, expand_by_default=expanded):
            sliders = [self._gui.add_slider(axis, -MOST_DEGREES, MOST_DEGREES, STEP, 0.0) for axis in AXES]
        for slider in sliders:
            slider.on_update(lambda event: self._turn(name, sliders, event))
        return sliders

    def _turn(self, name: str, sliders: list[Any], event: Any) -> None:
        if event.client is None:  # it follows an expression
            return
        x, y, z = np.radians([slider.value for slider in sliders]).tolist()
        self._player.controls.set_turn(name, (x, y, z))

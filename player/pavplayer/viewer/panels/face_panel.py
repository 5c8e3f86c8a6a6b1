"""A slider for every blendshape, found by group or by name, and expressions to start from."""

from __future__ import annotations

from typing import Any

from pavfmt.model import Pose
from pavplayer.viewer.panels.widgets import RigPanel, on_hand, show
from pavplayer.viewer.performance.expressions import (
    breakable,
    first_word,
    grouped,
    matches,
    presets,
    weight_range,
)

ALL = "all"
STEP = 0.01


class FacePanel(RigPanel):
    """Shape weights."""

    EMPTY = "No rig has arrived, so there is nothing to move yet."

    def names(self) -> tuple[str, ...]:
        """Of the shapes."""
        return self._player.controlled.avatar.shape_names

    def fill(self, names: tuple[str, ...]) -> None:
        """Expressions, groups, search, and the sliders, of which some are visible."""
        gui, poses = self._gui, presets(self._player.controlled.avatar.scene)
        preset = gui.add_dropdown("expression", tuple(poses))
        preset.on_update(lambda _: self._take(poses[preset.value]))
        again = gui.add_button("all at rest", color="gray", hint="shapes and joints back to 0")
        again.on_click(lambda _: self._take(Pose()))
        self._groups = grouped(names) | {ALL: list(names)}
        self._group = gui.add_dropdown("group", tuple(self._groups), initial_value=next(iter(self._groups)))
        self._filter = gui.add_text("search", initial_value="", hint="words that a shape's name contains")
        for widget in (self._group, self._filter):
            widget.on_update(lambda _: self._show_asked())
        self._sliders = {name: self._slider(name) for name in names}
        self._show_asked()

    def _slider(self, name: str) -> Any:
        low, high = weight_range(name)
        slider = self._gui.add_slider(breakable(name), low, high, STEP, 0.0)
        on_hand(slider, lambda: self._player.controls.set_weight(name, float(slider.value)))
        return slider

    def _show_asked(self) -> None:
        """The sliders whose names match, or else those of the group."""
        asked, group = self._filter.value.strip(), self._groups[self._group.value]
        for name, slider in self._sliders.items():
            show(slider, visible=matches(name, asked) if asked else name in group)

    def _take(self, pose: Pose) -> None:
        """An expression in place of what there is."""
        self._player.controls.change(weights=dict(pose.weights), rotations=dict(pose.rotations))
        for name, slider in self._sliders.items():
            show(slider, value=pose.weights.get(name, 0.0))
        moved = [name for name in pose.weights if name in self._sliders]
        if moved:
            words = {first_word(name) for name in moved}
            group = next(one for one, names in self._groups.items() if moved[0] in names)
            self._group.value = group if len(words) == 1 else ALL

"""A slider for every blendshape, found by group or by name, and expressions to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavfmt.model import Pose
from pavplayer.viewer.performance.expressions import (
    breakable,
    first_word,
    grouped,
    matches,
    presets,
    weight_range,
)
from pavplayer.viewer.player import Player

if TYPE_CHECKING:
    import viser

ALL = "all"
STEP = 0.01


class FacePanel:
    """Filled when the rig has arrived."""

    def __init__(self, gui: viser.GuiApi, player: Player) -> None:
        self._gui, self._player = gui, player
        self._sliders: dict[str, Any] = {}
        self._poses: dict[str, Pose] = {}
        self._empty = gui.add_markdown("*No rig has arrived, so there is nothing to move yet.*")
        self._place = gui.add_folder(None)

    def update(self) -> None:
        """Fill it once there are names."""
        names = self._player.lead.avatar.shape_names
        if names and not self._sliders:
            self._empty.visible = False
            with self._place:
                self._fill(names)

    def _fill(self, names: tuple[str, ...]) -> None:
        gui = self._gui
        self._poses = presets(self._player.lead.avatar.scene)
        self._preset = gui.add_dropdown("expression", tuple(self._poses))
        self._preset.on_update(lambda _: self._take(self._poses[self._preset.value]))
        again = gui.add_button("all at rest", color="gray", hint="shapes and joints back to 0")
        again.on_click(lambda _: self._take(Pose()))
        self._groups = grouped(names)
        self._group = gui.add_dropdown("group", (*self._groups, ALL), initial_value=next(iter(self._groups)))
        self._filter = gui.add_text("search", initial_value="", hint="words that a shape's name contains")
        for widget in (self._group, self._filter):
            widget.on_update(lambda _: self._show_asked())
        for name in names:
            self._sliders[name] = self._slider(name)
        self._show_asked()

    def _slider(self, name: str) -> Any:
        low, high = weight_range(name)
        slider = self._gui.add_slider(breakable(name), low, high, STEP, 0.0)
        slider.on_update(lambda event: self._move(name, float(slider.value), event))
        return slider

    def _move(self, name: str, weight: float, event: Any) -> None:
        if event.client is not None:  # a person did it, not `_take`
            self._player.controls.set_weight(name, weight)

    def _show_asked(self) -> None:
        """The sliders whose names match, or else those of the group."""
        asked, group = self._filter.value.strip(), self._group.value
        for name, slider in self._sliders.items():
            in_group = group == ALL or name in self._groups[group]
            wanted = matches(name, asked) if asked else in_group
            if slider.visible != wanted:
                slider.visible = wanted

    def _take(self, pose: Pose) -> None:
        """An expression in place of what there is."""
        self._player.controls.change(weights=dict(pose.weights), turns=dict(pose.rotations))
        for name, slider in self._sliders.items():
            weight = pose.weights.get(name, 0.0)
            if slider.value != weight:
                slider.value = weight
        moved = [name for name in pose.weights if name in self._sliders]
        if moved:
            words = {first_word(name) for name in moved}
            group = next((one for one, names in self._groups.items() if moved[0] in names), ALL)
            self._group.value = group if len(words) == 1 else ALL

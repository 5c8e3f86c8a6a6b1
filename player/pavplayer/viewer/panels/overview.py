"""The head of the panel: what has arrived, how much of it is drawn, and the slider that says how much that may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavplayer.crowd.budget import GaussianBudget
from pavplayer.viewer.panels.arrival_bar import arrival_html, strip_html
from pavplayer.viewer.panels.readings import crowd_readings, readings, readings_html
from pavplayer.viewer.panels.widgets import show
from pavplayer.viewer.quality import QualityMeter

if TYPE_CHECKING:
    import viser

    from pavplayer.crowd import Crowd
    from pavplayer.viewer.player import Player

MAX_GAUSSIANS = 500_000
"""That the slider of a budget offers."""


class AvatarOverview:
    """Of one avatar: its units, the bytes that are drawn, how like the whole file that is."""

    def __init__(self, gui: viser.GuiApi, player: Player) -> None:
        self._player = player
        self._quality = QualityMeter(player)
        self._total = 0
        self._bar = gui.add_html("")
        self._slider = gui.add_slider("bytes drawn", 0, 1, 1, 1, hint="draws this prefix of the file")
        self._slider.on_update(lambda _: self._cut(int(self._slider.value)))
        self._readings = gui.add_html("")

    def _cut(self, limit: int) -> None:
        self._player.controls.change(limit=None if limit >= self._total else limit)

    def update(self) -> None:
        """Show how things are."""
        self._quality.update()
        self._show_total()
        shown, limit = self._player.controlled, self._player.controls.limit
        bar = arrival_html(shown.avatar.session, shown.arrivals, limit, self._total)
        show(self._bar, content=bar)
        show(self._readings, content=readings_html(readings(self._player, self._quality.latest)))

    def _show_total(self) -> None:
        """The slider reaches to the end of the file, as soon as that is known."""
        total = self._player.controlled.total_bytes
        if total == self._total:
            return
        self._total = total
        self._slider.max = max(1, total)
        if self._player.controls.limit is None:
            self._slider.value = self._slider.max


class CrowdOverview:
    """Of several: a strip each, how many Gaussians each draws, and the budget they share."""

    def __init__(self, gui: viser.GuiApi, player: Player, crowd: Crowd) -> None:
        self._player, self._crowd = player, crowd
        self._bars = gui.add_html("")
        budget = crowd.budget
        if isinstance(budget, GaussianBudget):
            maximum = max(MAX_GAUSSIANS, budget.gaussians)
            hint = "drawn at most, together"
            slider = gui.add_slider("Gaussians", 1000, maximum, 1000, budget.gaussians, hint=hint)
            slider.on_update(lambda _: self._set_budget(budget, int(slider.value)))
        self._readings = gui.add_html("")

    def _set_budget(self, budget: GaussianBudget, gaussians: int) -> None:
        budget.gaussians = gaussians
        self._player.controls.change()

    def update(self) -> None:
        """Show how things are."""
        bars = "".join(
            strip_html(f"{one.name}: {count:,} Gaussians", one.arrivals, one.total_bytes)
            for one, count in zip(self._player.scene.avatar_views, self._crowd.counts, strict=True)
        )
        show(self._bars, content=bars)
        show(self._readings, content=readings_html(crowd_readings(self._player, self._crowd)))

"""The head of the panel: what has arrived, how much of it is drawn, and the slider that says how much that may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavplayer.crowd import GaussianBudget
from pavplayer.viewer.content.crowd_scene import Together
from pavplayer.viewer.panels.arrival_bar import arrival_html, strip_html
from pavplayer.viewer.panels.readings import crowd_readings, readings, readings_html
from pavplayer.viewer.player import Player
from pavplayer.viewer.quality import QualityReading

if TYPE_CHECKING:
    import viser

MOST_GAUSSIANS = 500_000
"""That the slider of a budget offers."""


class SoloOverview:
    """Of one avatar: its units, the bytes that are drawn, how like the whole file that is."""

    def __init__(self, gui: viser.GuiApi, player: Player) -> None:
        self._player = player
        self._quality = QualityReading(player)
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
        lead, limit = self._player.lead, self._player.controls.limit
        bar = arrival_html(lead.avatar.scene, lead.arrivals, limit, self._total)
        table = readings_html(readings(self._player, self._quality.latest))
        for place, content in ((self._bar, bar), (self._readings, table)):
            if place.content != content:
                place.content = content

    def _show_total(self) -> None:
        """The slider reaches to the end of the file, as soon as that is known."""
        total = self._player.lead.total_bytes
        if total == self._total:
            return
        self._total = total
        self._slider.max = max(1, total)
        if self._player.controls.limit is None:
            self._slider.value = self._slider.max


class CrowdOverview:
    """Of several: a strip each, how many Gaussians each draws, and the budget they share."""

    def __init__(self, gui: viser.GuiApi, player: Player, stage: Together) -> None:
        self._player, self._stage = player, stage
        self._bars = gui.add_html("")
        budget = stage.crowd.budget
        if isinstance(budget, GaussianBudget):
            most = max(MOST_GAUSSIANS, budget.gaussians)
            slider = gui.add_slider(
                "Gaussians", 1000, most, 1000, budget.gaussians, hint="drawn at most, together"
            )
            slider.on_update(lambda _: self._afford(budget, int(slider.value)))
        self._readings = gui.add_html("")

    def _afford(self, budget: GaussianBudget, gaussians: int) -> None:
        budget.gaussians = gaussians
        self._player.controls.change()

    def update(self) -> None:
        """Show how things are."""
        counts = self._stage.crowd.counts
        bars = "".join(
            strip_html(f"{actor.name}: {count:,} Gaussians", actor.arrivals, actor.total_bytes)
            for actor, count in zip(self._stage.actors, counts, strict=True)
        )
        table = readings_html(crowd_readings(self._player, self._stage))
        for place, content in ((self._bars, bars), (self._readings, table)):
            if place.content != content:
                place.content = content

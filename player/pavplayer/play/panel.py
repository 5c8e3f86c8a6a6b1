"""The controls in the browser. Widgets write to the player's controls; what they show is brought up to date here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavplayer.play.arrival_bar import arrival_html
from pavplayer.play.face_panel import FacePanel
from pavplayer.play.joint_panel import JointPanel
from pavplayer.play.picture_panel import PicturePanel
from pavplayer.play.player import Player
from pavplayer.play.quality import QualityReading
from pavplayer.play.readings import readings, readings_html
from pavplayer.play.track_panel import TrackPanel

if TYPE_CHECKING:
    import viser

    from pavfmt.model import Track
    from pavplayer.play.browser import Browsers

REFRESH_SECONDS = 0.25
WIDTH = 380
"""Pixels."""


class Panel:
    """All of it."""

    def __init__(
        self,
        server: viser.ViserServer,
        player: Player,
        browsers: Browsers,
        tracks: dict[str, Track],
        name: str,
    ) -> None:
        gui = server.gui
        self._player = player
        self._quality = QualityReading(player)
        self._refreshed_at = float("-inf")
        self._total = 0
        gui.set_panel_label(name)
        gui.configure_theme(show_logo=False, show_share_button=False, control_width="large")
        gui.main_panel.dock_right()
        gui.main_panel.set_width(WIDTH)
        self._bar = gui.add_html("")
        self._slider = gui.add_slider("bytes drawn", 0, 1, 1, 1, hint="draws this prefix of the file")
        self._slider.on_update(lambda _: self._cut(int(self._slider.value)))
        self._readings = gui.add_html("")
        tabs = gui.add_tab_group()
        with tabs.add_tab("Face"):
            self._face = FacePanel(gui, player)
        with tabs.add_tab("Joints"):
            self._joints = JointPanel(gui, player)
        with tabs.add_tab("Track"):
            self._track = TrackPanel(gui, player, tracks)
        with tabs.add_tab("Picture"):
            PicturePanel(gui, player, browsers)

    def _cut(self, limit: int) -> None:
        self._player.controls.change(limit=None if limit >= self._total else limit)

    def update(self) -> None:
        """Show how things are, a few times a second. For the thread that draws."""
        now = self._player.clock()
        if now - self._refreshed_at < REFRESH_SECONDS:
            return
        self._refreshed_at = now
        self._quality.update()
        self._face.update()
        self._joints.update()
        self._track.update()
        self._show_total()
        lead, limit = self._player.lead, self._player.controls.limit
        bar = arrival_html(lead.avatar.scene, lead.arrivals, limit, self._total)
        table = readings_html(readings(self._player, self._quality.latest))
        for place, content in ((self._bar, bar), (self._readings, table)):
            if place.content != content:
                place.content = content

    def _show_total(self) -> None:
        """The slider reaches to the end of the file, as soon as that is known."""
        total = self._player.lead.avatar.total_bytes or self._player.lead.avatar.received_bytes
        if total == self._total:
            return
        self._total = total
        self._slider.max = max(1, total)
        if self._player.controls.limit is None:
            self._slider.value = self._slider.max

"""The controls in the browser. Widgets write to the player's controls; what they show is brought up to date here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavplayer.viewer.panels.face_panel import FacePanel
from pavplayer.viewer.panels.joint_panel import JointPanel
from pavplayer.viewer.panels.overview import AvatarOverview, CrowdOverview
from pavplayer.viewer.panels.picture_panel import add_picture_panel
from pavplayer.viewer.panels.track_panel import TrackPanel

if TYPE_CHECKING:
    import viser

    from pavfmt.model import Track
    from pavplayer.viewer.browser import Browsers
    from pavplayer.viewer.player import Player

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
        gui, crowd = server.gui, player.scene.crowd
        self._player = player
        self._refreshed_at = float("-inf")
        gui.set_panel_label(name)
        gui.configure_theme(show_logo=False, show_share_button=False, control_width="large")
        gui.main_panel.dock_right()
        gui.main_panel.set_width(WIDTH)
        overview = AvatarOverview(gui, player) if crowd is None else CrowdOverview(gui, player, crowd)
        tabs = gui.add_tab_group()
        with tabs.add_tab("Face"):
            face = FacePanel(gui, player)
        with tabs.add_tab("Joints"):
            joints = JointPanel(gui, player)
        with tabs.add_tab("Track"):
            track = TrackPanel(gui, player, tracks)
        with tabs.add_tab("Picture"):
            add_picture_panel(gui, player, browsers)
        self._parts = (overview, face, joints, track)

    def update(self) -> None:
        """Show how things are, a few times a second. For the thread that draws."""
        now = self._player.clock()
        if now - self._refreshed_at < REFRESH_SECONDS:
            return
        self._refreshed_at = now
        for part in self._parts:
            part.update()

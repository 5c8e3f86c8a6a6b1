"""How it is drawn, and pictures to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavplayer.viewer.content.visibility import FADE_SECONDS
from pavplayer.viewer.film import filmed, photographed, turntable
from pavplayer.viewer.player import Player

if TYPE_CHECKING:
    import viser

    from pavplayer.viewer.browser import Browsers

BACKGROUNDS = {"white": (1.0, 1.0, 1.0), "grey": (0.5, 0.5, 0.5), "black": (0.0, 0.0, 0.0)}


class PicturePanel:
    """Background, adaptive size, fades, camera; screenshot and film."""

    def __init__(self, gui: viser.GuiApi, player: Player, browsers: Browsers) -> None:
        self._player = player
        background = gui.add_dropdown("background", tuple(BACKGROUNDS))
        background.on_update(lambda _: player.controls.change(background=BACKGROUNDS[background.value]))
        adaptive = gui.add_checkbox("smaller while moving", True, hint="as small as the machine needs")
        adaptive.on_update(lambda _: player.controls.change(adaptive=adaptive.value))
        fade = gui.add_slider("fade, seconds", 0.0, 2.0, 0.05, FADE_SECONDS, hint="of units that arrive")
        fade.on_update(lambda _: self._fade(fade.value))
        gui.add_button("look from the front", color="gray").on_click(lambda _: browsers.reset())
        gui.add_button("screenshot, PNG", color="gray").on_click(self._photograph)
        self._turn = gui.add_button(
            "turntable, MP4", color="gray", hint="once around, performing the track that plays"
        )
        self._turn.on_click(self._film)
        self._progress = gui.add_progress_bar(0.0, visible=False)

    def _fade(self, seconds: float) -> None:
        for actor in self._player.stage.actors:
            actor.fade_seconds = seconds

    def _photograph(self, event: Any) -> None:
        viewer = self._player.viewers.get(event.client_id)
        if viewer is not None:
            deliver = _download(event.client, "avatar.png")
            self._player.begin(photographed(self._player, viewer.view, deliver))

    def _film(self, event: Any) -> None:
        viewer = self._player.viewers.get(event.client_id)
        if viewer is None:
            return
        self._turn.disabled, self._progress.visible = True, True
        save = _download(event.client, "turntable.mp4")

        def deliver(data: bytes) -> None:
            save(data)
            self._turn.disabled, self._progress.visible = False, False

        shots = turntable(self._player, viewer.view)
        self._player.begin(filmed(self._player, shots, deliver, self._note))

    def _note(self, share: float) -> None:
        self._progress.value = 100.0 * share


def _download(client: Any, name: str) -> Any:
    return lambda data: client.send_file_download(name, data, save_immediately=True)

"""How it is drawn, and pictures to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavplayer.viewer.content.visibility import FADE_SECONDS
from pavplayer.viewer.film import filmed, photographed, turntable

if TYPE_CHECKING:
    import viser

    from pavplayer.viewer.browser import Browsers
    from pavplayer.viewer.player import Player

BACKGROUNDS = {"white": (1.0, 1.0, 1.0), "grey": (0.5, 0.5, 0.5), "black": (0.0, 0.0, 0.0)}


def add_picture_panel(gui: viser.GuiApi, player: Player, browsers: Browsers) -> None:
    """Background, adaptive size, fades, camera; screenshot and film."""
    background = gui.add_dropdown("background", tuple(BACKGROUNDS))
    background.on_update(lambda _: player.controls.change(background=BACKGROUNDS[background.value]))
    adaptive = gui.add_checkbox("smaller while moving", True, hint="as small as the machine needs")
    adaptive.on_update(lambda _: player.controls.change(adaptive=adaptive.value))
    fade = gui.add_slider("fade, seconds", 0.0, 2.0, 0.05, FADE_SECONDS, hint="of units that arrive")
    fade.on_update(lambda _: set_fades(player, fade.value))
    gui.add_button("look from the front", color="gray").on_click(lambda _: browsers.reset())
    photograph = gui.add_button("screenshot, PNG", color="gray")
    photograph.on_click(lambda event: _photograph(player, event))
    hint = "once around, performing the track that plays"
    turn = gui.add_button("turntable, MP4", color="gray", hint=hint)
    progress = gui.add_progress_bar(0.0, visible=False)
    turn.on_click(lambda event: _film(player, event, turn, progress))


def set_fades(player: Player, seconds: float) -> None:
    """Of units that arrive, of all avatars."""
    for avatar_view in player.scene.avatar_views:
        avatar_view.fade_seconds = seconds


def _photograph(player: Player, event: Any) -> None:
    """Of what this browser sees."""
    client = player.clients.get(event.client_id)
    if client is not None:
        player.begin(photographed(player, client.view, _download(event.client, "avatar.png")))


def _film(player: Player, event: Any, button: Any, progress: Any) -> None:
    """Around what this browser looks at; the button waits until it is done."""
    client = player.clients.get(event.client_id)
    if client is None:
        return
    button.disabled, progress.visible = True, True
    save = _download(event.client, "turntable.mp4")

    def deliver(data: bytes) -> None:
        save(data)
        button.disabled, progress.visible = False, False

    def report(share: float) -> None:
        progress.value = 100.0 * share

    player.begin(filmed(player, turntable(player, client.view), deliver, report))


def _download(client: Any, name: str) -> Any:
    return lambda data: client.send_file_download(name, data, save_immediately=True)

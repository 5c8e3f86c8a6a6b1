"""Browsers as clients: viser serves the page, its camera is ours, and our picture is its background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pavplayer.viewer.window_view import WindowView

if TYPE_CHECKING:
    import viser

    from pavplayer.viewer.player import Player

USUAL_WINDOW = (1200, 900)
"""Pixels, of a browser that has not come yet."""


class BrowserScreen:
    """One browser's picture."""

    def __init__(self, server: viser.ViserServer, client: viser.ClientHandle) -> None:
        self._server, self._client = server, client

    def show(self, picture: NDArray[np.uint8], quality: int) -> None:
        """As a JPEG. What the browser has not taken yet is replaced, so a slow one skips pictures."""
        if self._client.client_id not in self._server.get_clients():
            return  # it went a moment ago
        self._client.scene.set_background_image(picture, format="jpeg", jpeg_quality=quality)
        self._client.flush()


def view_from(camera: Any) -> WindowView:
    """viser's camera, which has our axes."""
    from viser.transforms import SO3

    return WindowView(
        np.array(camera.position, np.float64),
        SO3(np.asarray(camera.wxyz)).as_matrix(),
        float(camera.fov),
        int(camera.image_width),
        int(camera.image_height),
    )


class Browsers:
    """Lets browsers in and out, and points them at the head."""

    def __init__(self, server: viser.ViserServer, player: Player) -> None:
        self._server, self._player = server, player
        self._is_placed = False
        server.scene.set_up_direction("+y")
        server.on_client_connect(self._enter)
        server.on_client_disconnect(lambda client: player.remove_client(client.client_id))

    def _enter(self, client: viser.ClientHandle) -> None:
        screen = BrowserScreen(self._server, client)

        def moved(camera: Any) -> None:
            if camera.image_width > 0 and camera.image_height > 0:
                self._player.update_client(client.client_id, screen, view_from(camera))

        client.camera.on_update(moved)
        moved(client.camera)

    def update(self) -> None:
        """Follow the heads until the first of each is to be seen. For the thread that draws."""
        if self._is_placed:
            return
        avatars = [one.avatar for one in self._player.scene.avatar_views]
        self._is_placed = all(avatar.scene.is_visible or avatar.has_ended for avatar in avatars)
        self.reset()

    def reset(self) -> None:
        """Everybody looks at all of it from the front; those to come, too."""
        self._look(self._server.initial_camera, USUAL_WINDOW)
        for client in self._server.get_clients().values():
            size = client.camera.image_width, client.camera.image_height
            self._look(client.camera, size if min(size) > 0 else USUAL_WINDOW)

    def _look(self, through: Any, size: tuple[int, int]) -> None:
        """One of viser's cameras, whose window has so many pixels."""
        camera = self._player.scene.default_camera(size)
        through.position, through.look_at = camera.position, self._player.scene.centre()
        through.fov = 2 * float(np.arctan(size[1] / 2 / camera.fy))

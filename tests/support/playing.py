"""What the player's tests share: a clock that is set, a screen that keeps its pictures, small avatars."""

import numpy as np

from pavplayer import Avatar
from pavplayer.camera import Camera
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from pavplayer.viewer.content.avatar_view import AvatarView
from pavplayer.viewer.content.scene import AvatarScene
from pavplayer.viewer.player import Player
from pavplayer.viewer.window_view import WindowView


def view_of(camera, width, height):
    """A window that shows from top to bottom what a camera shows."""
    fov = 2 * float(np.arctan(camera.height / 2 / camera.fy))
    return WindowView(camera.position, camera.rotation.T, fov, width, height)


CAMERA = Camera.orbit((0, 0, 0), 1.0, 10, 5, width=24, height=30, focal_px=30)
VIEW = view_of(CAMERA, 24, 30)


class SetClock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class KeptPictures:
    """A screen."""

    def __init__(self):
        self.pictures, self.qualities = [], []

    def show(self, picture, quality):
        self.pictures.append(picture.copy())
        self.qualities.append(quality)

    @property
    def last(self):
        return self.pictures[-1].astype(np.float64) / 255


def arrived_avatar(tmp_path, data):
    """With all of it taken in by the avatar_view that is returned, at time 0."""
    path = tmp_path / "head.pav"
    path.write_bytes(data)
    avatar_view = AvatarView(Avatar(path, session=Session(PlainRasterizer())), 0.0)
    while not avatar_view.avatar.has_ended:
        avatar_view.avatar.wait(5)
        avatar_view.update(0.0)
    return avatar_view


def player_of(tmp_path, data):
    """A player, its clock, and the screen of its one client."""
    clock, screen = SetClock(), KeptPictures()
    player = Player(AvatarScene(arrived_avatar(tmp_path, data)), clock)
    player.update_client(0, screen, VIEW)
    return player, clock, screen

"""What the player's tests share: a clock that is set, a screen that keeps its pictures, small avatars."""

import numpy as np

from pavplayer import Avatar
from pavplayer.camera import Camera
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from pavplayer.viewer.content.avatar_view import Actor
from pavplayer.viewer.content.scene import Solo
from pavplayer.viewer.player import Player
from pavplayer.viewer.viewing import view_of

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
    """With all of it taken in by the actor that is returned, at time 0."""
    path = tmp_path / "head.pav"
    path.write_bytes(data)
    actor = Actor(Avatar(path, session=Session(PlainRasterizer())), 0.0)
    while not actor.avatar.has_ended:
        actor.avatar.wait(5)
        actor.update(0.0)
    return actor


def player_of(tmp_path, data):
    """A player, its clock, and the screen of its one viewer."""
    clock, screen = SetClock(), KeptPictures()
    player = Player(Solo(arrived_avatar(tmp_path, data)), clock)
    player.watch(0, screen, VIEW)
    return player, clock, screen

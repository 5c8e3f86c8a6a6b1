"""Toys and heads standing together, for the crowd's tests."""

from pavfmt.model import Pose
from pavplayer.camera import Camera
from pavplayer.crowd import Placement
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.rasterizers.tiles import TileRasterizer
from pavplayer.session import Session
from spec.builders.avatars import head_file, toy_file

POSE = Pose({"jawOpen": 0.7, "eyeBlinkLeft": 0.4}, {"jaw": (0.3, 0.1, 0.0)}, (0.01, 0.0, 0.02))
CAMERA = Camera.orbit((0, 0, 0), 1.0, 10, 5, width=36, height=30, focal_px=45)
BACKGROUND = (0.2, 0.4, 0.6)
APART = [
    Placement((-0.15, 0.0, 0.0), 30.0),
    Placement((0.1, 0.05, -0.3), -100.0, 1.7),
    Placement((0.1, 0, 0.1)),
]


def session_of(data, rig=None, rasterizer=None):
    session = Session(rasterizer or PlainRasterizer())
    if rig is not None:
        session.supply_rig(rig)
    session.feed(data)
    session.update()
    return session


def toys():
    return [session_of(toy_file(kind)) for kind in ("face", "mixed", "surface")]


def heads(count=3):
    """A head of 3,000 Gaussians in a few sessions, drawn by tiles."""
    return [session_of(head_file(), rasterizer=TileRasterizer()) for _ in range(count)]


def dolly(share):
    """A camera that comes near three heads in rows."""
    return Camera.orbit((0.0, 0.05, 0.0), 3.5 - 2.5 * share, 5 * share, width=96, height=72, focal_px=150)

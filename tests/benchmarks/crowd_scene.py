"""A crowd of seeded avatars at given heights on the screen, for the crowd's benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.encoder import EncodeOptions, encode, rendered_importance
from pavfmt.encoder.options import Precision
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.model import Rig
from pavfmt.tools.synthetic import synthetic_avatar
from pavplayer.camera import REFERENCE_FOCAL, Camera, centre_and_height
from pavplayer.crowd import Placement
from pavplayer.demo import RIG_FILE
from pavplayer.importance import open_renderer
from pavplayer.session import Session, open_session

ASPECT = 0.75
"""Width of the room that an avatar gets, as a share of its height."""


def seeded_file(seed: int, gaussian_count: int = 170_000, level_order: str = "major") -> bytes:
    """The avatar of the speed figures, none of its Gaussians left out, ordered by rendered importance."""
    avatar = synthetic_avatar(_rig(), gaussian_count, seed=seed)
    options = EncodeOptions(precision=Precision(kept_importance=1.0), level_order=level_order)
    return encode(avatar, options, rendered_importance(avatar, open_renderer("cpu")))


def _rig() -> Rig:
    return read_cc0_rig(RIG_FILE)


def opened(data: bytes) -> Session:
    """A session on the CPU that has all of a file."""
    session = open_session("cpu")
    session.feed(data)
    session.close()
    session.update()
    return session


def heights_between(low: float, high: float, count: int, spacing: str) -> list[float]:
    """Screen heights, the largest first, equally spaced ("even") or each a like share smaller ("ratio")."""
    space = np.geomspace if spacing == "ratio" else np.linspace
    return [float(one) for one in space(high, low, count)]


@dataclass(frozen=True)
class Seat:
    """Where an avatar is in the picture, pixels."""

    centre: tuple[float, float]
    height: float

    def box(self) -> tuple[slice, slice]:
        """Rows and columns of its room."""
        (x, y), tall, wide = self.centre, self.height, ASPECT * self.height
        return slice(int(y - tall / 2), int(y + tall / 2)), slice(int(x - wide / 2), int(x + wide / 2))


def seats(heights: Sequence[float], width: int) -> tuple[list[Seat], int]:
    """Seats side by side in shelves of a picture so wide, none before another; and the height they need."""
    result, x, top, shelf = [], 0.0, 0.0, 0.0
    for height in heights:
        wide = ASPECT * height
        if x + wide > width:
            x, top, shelf = 0.0, top + shelf, 0.0
        result.append(Seat((x + wide / 2, top + height / 2), height))
        x, shelf = x + wide, max(shelf, height)
    return result, int(np.ceil(top + shelf))


def front_camera(width: int, height: int) -> Camera:
    """At the origin, looking along −Z."""
    return Camera.orbit((0.0, 0.0, -1.0), 1.0, width=width, height=height, focal_px=REFERENCE_FOCAL)


def seated(session: Session, seat: Seat, camera: Camera, yaw_degrees: float) -> Placement:
    """The place from which the neutral mesh is as high on the screen as the seat."""
    centre, tall = centre_and_height(session.framed_points())
    distance = REFERENCE_FOCAL * tall / seat.height
    x, y = (seat.centre[0] - camera.cx) / REFERENCE_FOCAL, (seat.centre[1] - camera.cy) / REFERENCE_FOCAL
    target: NDArray[np.float64] = np.array([x, -y, -1.0]) * distance
    turned = Placement(yaw_degrees=yaw_degrees).points(centre[None])[0]
    a, b, c = (target - turned).tolist()
    return Placement((a, b, c), yaw_degrees)

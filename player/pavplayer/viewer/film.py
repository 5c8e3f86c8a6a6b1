"""Pictures to keep: PNG of what a client sees, MP4 of a turn around it. MP4 needs PyAV."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Pose
from pavplayer.pictures import eight_bit, to_png
from pavplayer.tracks import pose_at
from pavplayer.viewer.window_view import WindowView

if TYPE_CHECKING:
    from pavplayer.viewer.player import Job, Player

FRAMES_PER_SECOND = 30
TURN_SECONDS = 6.0
FILM_HEIGHT = 720
"""Pixels."""
H264_QUALITY = "18"
"""x264's constant rate factor: lower is better."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class FilmFrame:
    """One frame of a film."""

    view: WindowView
    pose: Pose


def turned(view: WindowView, centre: NDArray[np.float64], degrees: float) -> WindowView:
    """A view carried around the vertical through `centre`, (3,) metres; positive toward the person's left."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    around = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    position = centre + around @ (view.position - centre)
    return WindowView(position, around @ view.rotation, view.fov_y, view.width, view.height)


def turntable(player: Player, view: WindowView, seconds: float = TURN_SECONDS) -> list[FilmFrame]:
    """Once around from a view, in the pose of the moment, or performing the track that is played."""
    centre = player.scene.centre()
    count = round(seconds * FRAMES_PER_SECOND)
    track = player.playback.track if player.playback.is_playing else None
    frames = []
    for index in range(count):
        pose = player.pose()
        if track is not None:
            frame = int(index / FRAMES_PER_SECOND * track.frames_per_second) % track.frame_count
            pose = player.controls.added_to(pose_at(track, frame))
        frames.append(FilmFrame(turned(view, centre, 360.0 * index / count), pose))
    return frames


def filmed(
    player: Player, frames: list[FilmFrame], deliver: Callable[[bytes], None], note: Callable[[float], None]
) -> Job:
    """A job: draws the frames one by one, tells the share that is done, and delivers an MP4 file at the end."""
    cameras = [frame.view.camera(min(1.0, FILM_HEIGHT / frame.view.height)) for frame in frames]
    film = Film(cameras[0].width, cameras[0].height)
    for index, (frame, camera) in enumerate(zip(frames, cameras, strict=True)):
        film.add(eight_bit(player.picture(player.cloud(camera, frame.pose), camera)))
        note((index + 1) / len(frames))
        yield None
    deliver(film.finish())


def photographed(player: Player, view: WindowView, deliver: Callable[[bytes], None]) -> Job:
    """A job: delivers what a client sees as a PNG of the window's size."""
    camera = view.camera()
    deliver(to_png(player.picture(player.cloud(camera, player.pose()), camera)))
    yield None


class Film:
    """An MP4 file being made of pictures of one size.

    A row or column over an even number is cut off, as H.264 wants it.
    """

    def __init__(self, width: int, height: int, frames_per_second: int = FRAMES_PER_SECOND) -> None:
        import av

        self._av = av
        self._size = width - width % 2, height - height % 2
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=frames_per_second)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt, self._stream.options = "yuv420p", {"crf": H264_QUALITY, "preset": "fast"}

    def add(self, picture: Picture) -> None:
        """(H, W, 3) sRGB."""
        width, height = self._size
        even = np.ascontiguousarray(picture[:height, :width])
        self._write(self._stream.encode(self._av.VideoFrame.from_ndarray(even, format="rgb24")))

    def finish(self) -> bytes:
        """The file."""
        self._write(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue()

    def _write(self, packets: Iterable[object]) -> None:
        for packet in packets:
            self._container.mux(packet)

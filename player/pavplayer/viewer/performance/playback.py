"""A performance being played: which frame of it is due."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import RLock

from pavfmt.model import Pose, Track
from pavplayer.tracks import pose_at


class Playback:
    """A track, in the middle of being played or held at a frame; it starts over at its end. For any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = RLock()
        self._track: Track | None = None
        self._started: float | None = None
        self._seconds = 0.0

    @property
    def track(self) -> Track | None:
        """What is played; None: nothing."""
        return self._track

    @property
    def is_playing(self) -> bool:
        """Whether it moves."""
        return self._track is not None and self._started is not None

    @property
    def frame(self) -> int:
        """The frame that is due."""
        with self._lock:
            if self._track is None or not self._track.frame_count:
                return 0
            return int(self._position() * self._track.frames_per_second + 1e-6) % self._track.frame_count

    def _position(self) -> float:
        """Seconds of the track; goes on beyond its end."""
        return self._seconds + (0.0 if self._started is None else self._clock() - self._started)

    def load(self, track: Track | None) -> None:
        """Another track, from its start; None: none."""
        with self._lock:
            self._track, self._seconds = track, 0.0
            self._started = None if self._started is None or track is None else self._clock()

    def play(self) -> None:
        """Go on."""
        with self._lock:
            self._started = self._clock() if self._started is None else self._started

    def pause(self) -> None:
        """Hold the frame that is due."""
        with self._lock:
            self._seconds, self._started = self._position(), None

    def seek(self, frame: int) -> None:
        """To a frame, playing or not."""
        with self._lock:
            rate = 1.0 if self._track is None else self._track.frames_per_second
            self._seconds = frame / rate
            self._started = None if self._started is None else self._clock()

    def pose(self) -> Pose:
        """Of the frame that is due; at rest where there is none."""
        with self._lock:
            track = self._track
            return Pose() if track is None or not track.frame_count else pose_at(track, self.frame)

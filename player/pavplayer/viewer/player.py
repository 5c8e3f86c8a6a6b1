"""The player without its server: what is shown to whom, when it is drawn anew, and how large.

One thread calls `tick` again and again; everything that touches avatars happens there (`pavplayer.viewer`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array
from pavfmt.errors import PavError
from pavfmt.model import Pose
from pavplayer.pictures import eight_bit
from pavplayer.viewer.adaptive_size import AdaptiveSize
from pavplayer.viewer.controls import Controls
from pavplayer.viewer.frame_statistics import FrameRate, FrameStatistics
from pavplayer.viewer.performance.playback import Playback
from pavplayer.viewer.threads import one_core_left

if TYPE_CHECKING:
    from pavplayer.camera import Camera
    from pavplayer.posing.cloud import PosedCloud
    from pavplayer.viewer.content.avatar_view import AvatarView
    from pavplayer.viewer.content.scene import ViewerScene
    from pavplayer.viewer.window_view import WindowView

NEVER, FOREVER = float("-inf"), float("inf")
"""Times before and after all others: at FOREVER every fade is over."""
REST_SECONDS = 0.2
"""Without a change for so long, nothing moves."""
MOVING_QUALITY, RESTING_QUALITY = 80, 93
"""Of the JPEG pictures."""

Job = Iterator[object]
"""Long work, a step of which is done in every tick."""


class Screen(Protocol):
    """Where pictures go."""

    def show(self, picture: NDArray[np.uint8], quality: int) -> None:
        """(H, W, 3) sRGB, shown as large as the window; `quality` is that of a JPEG."""


@dataclass
class Client:
    """One browser: where it looks from, and what it was sent last."""

    screen: Screen
    view: WindowView
    moved_at: float = NEVER
    drawn_at: float = NEVER
    is_sharp: bool = False
    """The last picture was one of full size and quality."""
    size: AdaptiveSize = field(default_factory=AdaptiveSize)


class Player:
    """A scene, controls and clients."""

    def __init__(self, scene: ViewerScene, clock: Callable[[], float] = time.monotonic) -> None:
        self.scene = scene
        self.controls = Controls()
        self.playback = Playback(clock)
        self.clients: dict[int, Client] = {}
        self.frame_rate = FrameRate()
        self.last_frame = FrameStatistics()
        self.clock = clock
        self._jobs: deque[Job] = deque()
        self._seen_version = -1
        self._changed_at = NEVER

    @property
    def controlled(self) -> AvatarView:
        """The one whose shapes, bytes and tracks the controls are about."""
        return self.scene.avatar_views[0]

    # For any thread.

    def update_client(self, number: int, screen: Screen, view: WindowView) -> None:
        """A client came, or its window or camera changed."""
        client = self.clients.get(number)
        if client is None:
            client = self.clients[number] = Client(screen, view)
        client.view, client.moved_at = view, self.clock()
        self.controls.changed.set()

    def remove_client(self, number: int) -> None:
        """A client went."""
        self.clients.pop(number, None)

    def begin(self, job: Job) -> None:
        """Have a job done, between pictures."""
        self._jobs.append(job)
        self.controls.changed.set()

    # For the thread that draws.

    def tick(self) -> bool:
        """Take in what came, draw what is due, do a step of a job; False: there was nothing to do.

        One `now` for all of it: what is drawn at the end is as old as the decision to draw it, so a change that comes
        while a picture is made is later than `drawn_at` and makes another one due.
        """
        now = self.clock()
        busy = self._note_changes(now) or self.playback.is_playing
        busy |= self.scene.is_moving(now)
        if busy:
            self._changed_at = now
        due = [client for client in list(self.clients.values()) if self._is_due(client, now)]
        for client in due:
            self._draw(client, now)
        return self._do_job() or bool(due)

    def _note_changes(self, now: float) -> bool:
        """Whether anything came or a control was moved since the last tick."""
        arrived = [self._update(avatar_view, now) for avatar_view in self.scene.avatar_views]
        version = self.controls.version
        # Read before it is drawn by: a change that comes in between is seen in the next tick at the latest.
        changed = any(arrived) or version != self._seen_version
        self._seen_version = version
        return changed

    def _update(self, avatar_view: AvatarView, now: float) -> bool:
        """Whether anything came. One of several avatars may be missing; if it is the only one, that is said."""
        try:
            return bool(avatar_view.update(now))
        except (PavError, OSError):
            if all(one.has_failed and not one.avatar.scene.is_visible for one in self.scene.avatar_views):
                raise
            return True

    def is_moving(self, client: Client, now: float) -> bool:
        """Whether what a client sees changes, or did a moment ago."""
        return now - max(self._changed_at, client.moved_at) < REST_SECONDS

    def is_at_rest(self) -> bool:
        """Every client has the picture of full size."""
        return all(client.is_sharp for client in list(self.clients.values()))

    def _is_due(self, client: Client, now: float) -> bool:
        """Whether something changed since its last picture, or it is time for the sharp one."""
        if client.drawn_at < max(self._changed_at, client.moved_at):
            return True
        return not client.is_sharp and not self.is_moving(client, now)

    def pose(self) -> Pose:
        """Of the track and the controls together."""
        return self.controls.added_to(self.playback.pose())

    def cloud(self, camera: Camera, pose: Pose, now: float = FOREVER) -> PosedCloud | None:
        """What is drawn, by the controls; None: nothing yet."""
        return self.scene.cloud(camera, pose, self.controls.limit, now)

    def picture(self, cloud: PosedCloud | None, camera: Camera) -> Float32Array:
        """(H, W, 3) display sRGB in 0..1."""
        background = self.controls.background
        if cloud is None:
            return np.tile(np.array(background, np.float32), (camera.height, camera.width, 1))
        return self.scene.rasterizer.render(cloud, camera, background)

    def _draw(self, client: Client, now: float) -> None:
        """Small and soon while something moves, and then once of full size, with all fades over."""
        moving = self.is_moving(client, now)
        small = moving and self.controls.adaptive
        with one_core_left() if small else nullcontext():
            seconds = self._send_picture(client, small, now if moving else FOREVER)
        client.is_sharp, client.drawn_at = not small, now
        if moving and self.scene.crowd is not None:
            self.scene.crowd.note_frame(seconds)

    def _send_picture(self, client: Client, small: bool, now: float) -> float:
        """Draw and send; the seconds it took."""
        start = self.clock()
        scale = client.size.next_scale() if small else 1.0
        camera = client.view.camera(scale)
        cloud = self.cloud(camera, self.pose(), now)
        posed = self.clock()
        picture = eight_bit(self.picture(cloud, camera))
        drawn = self.clock()
        client.screen.show(picture, MOVING_QUALITY if small else RESTING_QUALITY)
        sent = self.clock()
        if small:
            client.size.note(sent - start, scale)
        self.frame_rate.note(sent)
        size, count = (camera.width, camera.height), 0 if cloud is None else len(cloud.means)
        self.last_frame = FrameStatistics(size, count, posed - start, drawn - posed, sent - drawn)
        return sent - start

    def _do_job(self) -> bool:
        """One step of the first job; False: there was none."""
        if not self._jobs:
            return False
        # Jobs draw, so they belong to this thread; one step a tick, so the browser is not left waiting for a film.
        if next(self._jobs[0], self) is self:  # a generator's end
            self._jobs.popleft()
        return True

"""The player without its front: what is shown to whom, when it is drawn anew, and how large.

One thread calls `tick` again and again; everything that touches avatars happens there. While anything moves,
pictures are as large as the machine manages; when it has come to rest, one of full size follows.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import PavError
from pavfmt.model import Float32Array, Pose
from pavplayer.camera import Camera
from pavplayer.pictures import eight_bit
from pavplayer.posing.cloud import PosedCloud
from pavplayer.viewer.content.avatar_view import Actor
from pavplayer.viewer.content.scene import Stage
from pavplayer.viewer.controls import Controls
from pavplayer.viewer.meter import Drawn, Meter
from pavplayer.viewer.pacing import Pacing
from pavplayer.viewer.performance.playback import Clock, Playback
from pavplayer.viewer.threads import one_core_left
from pavplayer.viewer.viewing import View

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
class Viewer:
    """Somebody who watches."""

    screen: Screen
    view: View
    moved_at: float = float("-inf")
    drawn_at: float = float("-inf")
    is_sharp: bool = False
    """The last picture was one of full size and quality."""
    pacing: Pacing = field(default_factory=Pacing)


class Player:
    """A stage, controls and viewers."""

    def __init__(self, stage: Stage, clock: Clock = time.monotonic) -> None:
        self.stage = stage
        self.controls = Controls()
        self.playback = Playback(clock)
        self.viewers: dict[int, Viewer] = {}
        self.meter = Meter()
        self.drawn = Drawn()
        self.clock = clock
        self._jobs: deque[Job] = deque()
        self._seen_version = -1
        self._changed_at = float("-inf")

    @property
    def lead(self) -> Actor:
        """The one whose shapes, bytes and tracks the controls are about."""
        return self.stage.actors[0]

    # For any thread.

    def watch(self, number: int, screen: Screen, view: View) -> None:
        """A viewer came, or one's window or camera changed."""
        viewer = self.viewers.get(number)
        if viewer is None:
            viewer = self.viewers[number] = Viewer(screen, view)
        viewer.view, viewer.moved_at = view, self.clock()
        self.controls.changed.set()

    def leave(self, number: int) -> None:
        """A viewer went."""
        self.viewers.pop(number, None)

    def begin(self, job: Job) -> None:
        """Have a job done, between pictures."""
        self._jobs.append(job)
        self.controls.changed.set()

    # For the thread that draws.

    def tick(self) -> bool:
        """Take in what came, draw what is due, do a step of a job; False: there was nothing to do."""
        now = self.clock()
        busy = self._note_changes(now) or self.playback.is_playing
        busy |= self.stage.is_moving(now)
        if busy:
            self._changed_at = now
        due = [viewer for viewer in list(self.viewers.values()) if self._is_due(viewer, now)]
        for viewer in due:
            self._draw(viewer, now)
        return self._do_job() or bool(due)

    def _note_changes(self, now: float) -> bool:
        arrived = [self._update(actor, now) for actor in self.stage.actors]
        version = self.controls.version
        changed = any(arrived) or version != self._seen_version
        self._seen_version = version
        return changed

    def _update(self, actor: Actor, now: float) -> bool:
        """Whether anything came. One of several avatars may be missing; if it is the only one, that is said."""
        try:
            return bool(actor.update(now))
        except (PavError, OSError):
            if all(one.has_failed and not one.avatar.scene.is_visible for one in self.stage.actors):
                raise
            return True

    def is_moving(self, viewer: Viewer, now: float) -> bool:
        """Whether what a viewer sees changes, or did a moment ago."""
        return now - max(self._changed_at, viewer.moved_at) < REST_SECONDS

    def is_at_rest(self) -> bool:
        """Every viewer has the picture of full size."""
        return all(viewer.is_sharp for viewer in list(self.viewers.values()))

    def _is_due(self, viewer: Viewer, now: float) -> bool:
        if viewer.drawn_at < max(self._changed_at, viewer.moved_at):
            return True
        return not viewer.is_sharp and not self.is_moving(viewer, now)

    def pose(self) -> Pose:
        """Of the track and the controls together."""
        return self.controls.over(self.playback.pose())

    def cloud(self, camera: Camera, pose: Pose, now: float = float("inf")) -> PosedCloud | None:
        """What is drawn, by the controls; None: nothing yet."""
        return self.stage.cloud(camera, pose, self.controls.limit, now)

    def picture(self, cloud: PosedCloud | None, camera: Camera) -> Float32Array:
        """(H, W, 3) display sRGB in 0..1."""
        background = self.controls.background
        if cloud is None:
            return np.tile(np.array(background, np.float32), (camera.height, camera.width, 1))
        return self.stage.rasterizer.render(cloud, camera, background)

    def _draw(self, viewer: Viewer, now: float) -> None:
        moving = self.is_moving(viewer, now)
        small = self.controls.adaptive and moving
        with one_core_left() if small else nullcontext():
            seconds = self._draw_at(viewer, viewer.pacing.next_scale() if small else 1.0, moving, now)
        viewer.is_sharp, viewer.drawn_at = not small, now
        if moving:
            self.stage.note(seconds)

    def _draw_at(self, viewer: Viewer, scale: float, moving: bool, now: float) -> float:
        """Draw and send; the seconds it took."""
        start = self.clock()
        camera = viewer.view.camera(scale)
        cloud = self.cloud(camera, self.pose(), now if moving else float("inf"))
        posed = self.clock()
        picture = eight_bit(self.picture(cloud, camera))
        drawn = self.clock()
        small = moving and self.controls.adaptive
        viewer.screen.show(picture, MOVING_QUALITY if small else RESTING_QUALITY)
        sent = self.clock()
        if small:
            viewer.pacing.note(sent - start, scale)
        count = 0 if cloud is None else len(cloud.means)
        self.drawn = Drawn((camera.width, camera.height), count, posed - start, drawn - posed, sent - drawn)
        self.meter.note(sent)
        return sent - start

    def _do_job(self) -> bool:
        if not self._jobs:
            return False
        if next(self._jobs[0], self) is self:  # a generator's end
            self._jobs.popleft()
        return True

"""An avatar to put into a program of one's own: a file or a URL, a pose, a picture.

    import pavplayer

    avatar = pavplayer.Avatar("https://example.org/head.pav")
    avatar.wait_until_visible()
    picture = avatar.frame(avatar.camera(yaw_degrees=20), {"jawOpen": 0.6})

Whoever draws with a renderer of their own takes `posed` or `tensors` instead of `frame`.

The name is also that of `pavfmt.model.Avatar`, a finished avatar as data. Programs that play avatars never meet that
one, and call this one what they mean by it; where both are needed, `pavplayer.Avatar` says which.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavfmt.arrays import Float32Array
from pavfmt.decoding import events as ev
from pavfmt.decoding.scene import Scene
from pavfmt.model import Pose, Track
from pavfmt.units.rig import RigCore
from pavplayer.camera import REFERENCE_SIZE, Camera
from pavplayer.focus import Focus, focus_plan
from pavplayer.posing.cloud import PosedCloud
from pavplayer.rasterizers import Background
from pavplayer.session import WHITE, Session, open_session
from pavplayer.streaming.messages import StreamOptions, StreamStatus
from pavplayer.streaming.session_feed import SessionFeed
from pavplayer.streaming.stream import open_stream

if TYPE_CHECKING:
    from types import TracebackType

    from torch import Tensor

Driven = Mapping[str, float] | Pose | None
"""Shape weights by name, or a whole pose; None: at rest. Names that the rig does not have move nothing."""
TENSORS = ("means", "quats", "scales", "opacities", "sh", "sh_quats")
TICK_SECONDS = 0.05


class Avatar:
    """One avatar, arriving in the background: what is there can be posed and drawn at any time.

    It is a context manager; `close` ends the fetching and keeps what came.
    """

    def __init__(
        self,
        where: str | Path,
        *,
        device: str = "auto",
        rig: str | None = None,
        options: StreamOptions | None = None,
        session: Session | None = None,
        focus: Focus | None = None,
    ) -> None:
        """`where` is a path, an http(s) URL, or "-" for stdin; `rig` is where the rig of an avatar that names
        one is found (None: beside it). `session` brings a rasterizer, a device and limits of one's own
        in place of `device`. `focus` is what to fetch first; `look_at` changes it.
        """
        self.session = session or open_session(device)
        options = options or StreamOptions()
        self._focus = focus
        plan = None if focus is None else focus_plan(focus, self.session.scene)
        self.stream = open_stream(str(where), plan, options)
        self._feed = SessionFeed(self.session, self.stream, rig=rig, options=options)

    def __enter__(self) -> Avatar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Fetch no more; what came stays."""
        self.stream.cancel()

    # What has arrived.

    def update(self) -> list[ev.Event]:
        """Take in what has come since the last call, without waiting.

        Raises PavError if it is no avatar, and FocusError if its rig has no such regions as the focus.
        """
        events = self._feed.update()
        if self._focus is not None and any(ev.contents(events, RigCore)):
            self.look_at(self._focus)
        return events

    def look_at(self, focus: Focus | None) -> None:
        """Fetch what is missing there first; None: in file order. Raises FocusError once the rig is there."""
        if focus is not None and self.scene.core is not None:
            focus.bits_in(self.scene.core.region_names)
        self._focus = focus
        self.stream.replan(None if focus is None else focus_plan(focus, self.scene))

    def wait(self, seconds: float) -> bool:
        """Wait until `update` has something to take in, or until nothing more will come; False: neither yet."""
        return self._feed.wait(seconds)

    def wait_until_visible(self, seconds: float = 60.0) -> None:
        """Take in until there is something to draw. Raises TimeoutError, PavError, or what the source failed of."""
        self._update_until(lambda: self.scene.is_visible, seconds, "nothing to draw")

    def wait_until_complete(self, seconds: float = 600.0) -> None:
        """Take in all of it. Raises as `wait_until_visible` does."""
        self._update_until(lambda: self.has_ended, seconds, "not all of it")

    def _update_until(self, is_there: Any, seconds: float, missing: str) -> None:
        deadline = time.monotonic() + seconds
        self.update()
        while not is_there():
            if self.error is not None:
                raise self.error
            if self.has_ended:
                raise EOFError(f"{missing} in the {self.received_bytes:,} bytes that there are")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{missing} after {seconds:g} s and {self.received_bytes:,} bytes")
            self.wait(TICK_SECONDS)
            self.update()

    @property
    def scene(self) -> Scene:
        """All that has arrived and may be shown."""
        return self.session.scene

    @property
    def received_bytes(self) -> int:
        """Taken in so far."""
        return self.session.received_bytes

    @property
    def total_bytes(self) -> int | None:
        """Of the complete file; None before its header has arrived, or where the header does not say."""
        return (self.scene.header.file_bytes or None) if self.scene.header else None

    @property
    def has_ended(self) -> bool:
        """Nothing more will come."""
        return self._feed.ended

    @property
    def error(self) -> Exception | None:
        """Why something is missing; what came can be drawn all the same."""
        return self._feed.error

    @property
    def status(self) -> StreamStatus:
        """Of the source: bytes, requests, and how it ended."""
        return self.stream.status

    # What can be moved.

    @property
    def shape_names(self) -> tuple[str, ...]:
        """All of the rig's, arrived or not; empty before the rig is there, and without one."""
        return self.scene.core.shape_names if self.scene.core else ()

    @property
    def joint_names(self) -> tuple[str, ...]:
        """All of the rig's."""
        return self.scene.core.joint_names if self.scene.core else ()

    @property
    def tracks(self) -> dict[str, Track]:
        """The performances inside the file, by name; `pavplayer.tracks.pose_at` gives their poses."""
        return {track.name: track for _, track in sorted(self.scene.tracks.items())}

    # What is to be seen.

    def camera(
        self,
        yaw_degrees: float = 0.0,
        pitch_degrees: float = 0.0,
        zoom: float = 1.0,
        size: tuple[int, int] = REFERENCE_SIZE,
    ) -> Camera:
        """One that looks at this avatar; `size` is width and height in pixels."""
        return self.session.camera(yaw_degrees, pitch_degrees, zoom, size)

    def frame(
        self, camera: Camera | None = None, weights: Driven = None, background: Background = WHITE
    ) -> Float32Array:
        """The picture of what is there, (H, W, 3) display sRGB in 0..1; the bare background before that."""
        return self.session.frame(driven_pose(weights), camera, background)

    def posed(self, weights: Driven = None) -> PosedCloud | None:
        """The Gaussians that are there, in world space and in file order, for any renderer; None: none yet.

        These are the arrays that `frame` would draw: NumPy's, or torch's on the session's device. Opacities and
        SH are the same arrays from frame to frame: do not write into them.
        """
        return self.session.posed(driven_pose(weights))

    def tensors(self, weights: Driven = None) -> dict[str, Tensor] | None:
        """`posed` as torch tensors by gsplat's names, sharing the memory of its arrays; None: none yet.

        "sh" is (N, K, 3), sh0 first. "sh_quats" is there if view directions are to be turned by its inverse.
        """
        cloud = self.posed(weights)
        return None if cloud is None else shared_tensors(cloud)


def driven_pose(weights: Driven) -> Pose:
    """Weights as a pose."""
    return weights if isinstance(weights, Pose) else Pose(weights or {})


def shared_tensors(cloud: PosedCloud) -> dict[str, Tensor]:
    """Posed Gaussians as torch tensors in the memory they are in."""
    import torch

    named = {name: getattr(cloud, name) for name in TENSORS}
    with warnings.catch_warnings():  # some are read-only, which torch cannot say of its own
        warnings.filterwarnings("ignore", "The given NumPy array is not writ")
        return {name: torch.as_tensor(values) for name, values in named.items() if values is not None}

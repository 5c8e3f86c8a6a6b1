"""A playing session: bytes in, typed events, a growing scene, and a picture of it whenever one is wanted.

    session = open_session()
    session.feed(first_bytes)
    session.update()
    picture = session.frame(Pose({"jawOpen": 0.5}), session.camera())

Who has a path or a URL takes `pavplayer.Avatar`, which also fetches.

A session puts four things in a row and owns the order they go in:

1. `feed` hands bytes to the decoder, which only stores them. Nothing is looked at, so that whoever receives bytes never
   waits for work and never meets an error about their content.
2. `update` lets the decoder work and reports what came of it, for as long as it is given. Each event that may change
   the picture makes the poser *stale*; nothing is posed here, as many units often come between two pictures.
3. `posed` makes a new poser from the scene if the old one is stale, and poses. A poser is a
   snapshot: it costs several frames to make, as it copies and sorts what is there, and what arrives while it is in use
   does not touch it.
4. `frame` draws what `posed` gives, with the rasterizer the session was opened with.

So any prefix can be drawn, and the picture at the end does not depend on how the bytes were cut: the scene alone
decides (§1), and the session adds no state of its own to it but counts for reports (`bytes_until_visible`
and the like, which are read off the directory where there is one, as units may come in another order than they stand).

Gaussians are posed in main memory by compiled code, or on a torch device (`open_session("cuda")`), where they stay
from posing to drawing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array
from pavfmt.decoding import events as ev
from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.scene import Scene, Snapshot
from pavfmt.limits import FORMAT_LIMITS, Limits
from pavfmt.model import Identity, Pose, PoseCorrectives
from pavfmt.units.directory import Directory
from pavfmt.units.gaussians import GaussianBlock
from pavfmt.units.hand_over import HandOver
from pavfmt.units.rig import RigCore
from pavfmt.units.shapes import NumberedShape
from pavfmt.units.splits import SplitBlock
from pavplayer.camera import REFERENCE_SIZE, Camera, evaluation_camera
from pavplayer.posing.cloud import PosedCloud
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import Background, Rasterizer, cuda_problem, open_rasterizer

if TYPE_CHECKING:
    from pavplayer.posing.tensor_poser import TensorPoser

WHITE: Background = (1.0, 1.0, 1.0)
CHANGES_PICTURE = (RigCore, Identity, NumberedShape, PoseCorrectives, SplitBlock, GaussianBlock, HandOver)
"""Contents of units."""
STATIC_MARGIN = 0.01
"""Share of the opacity at either end of each axis that the camera of a scene without a rig may leave out."""
NOTHING_YET = np.array([[-0.1, -0.15, -0.1], [0.1, 0.15, 0.1]], np.float32)
"""(2, 3) metres: the box a camera looks at before anything has arrived."""


class Session:
    """One avatar being received and drawn. Any prefix will do, the empty one too."""

    def __init__(
        self,
        rasterizer: Rasterizer,
        limits: Limits = FORMAT_LIMITS,
        device: str | None = None,
    ) -> None:
        """`device` is torch's name of where Gaussians are posed ("cuda"); None: main memory, in compiled code."""
        self.rasterizer = rasterizer
        self.decoder = Decoder(limits)
        self.received_bytes = 0
        """Bytes fed so far."""
        self.bytes_until_visible: int | None = None
        """Length of the shortest prefix that draws something; None: not there yet. Exact if the directory is."""
        self.bytes_until_animatable: int | None = None
        """Length of the shortest prefix with Gaussians and all essential shapes; None: not there yet."""
        self.growth: list[int] = []
        """Lengths of the prefixes at which Gaussians were added, if the file comes from its start."""
        self.damage: list[ev.UnitDamaged] = []
        """The units lost so far."""
        self.gaussian_ranges: dict[int, range] = {}
        """Which of the complete file's Gaussians each unit brought, by unit id."""
        self._device = device
        self._poser: Poser | TensorPoser | None = None
        self._stale = True
        self._unit_ends: dict[int, int] = {}
        self._furthest = 0

    @property
    def scene(self) -> Scene:
        """What has arrived and may be shown."""
        return self.decoder.scene

    def feed(self, data: bytes) -> None:
        """The next bytes of the file; raises nothing about their content."""
        self.received_bytes += len(data)
        self.decoder.feed(data)

    def feed_at(self, offset: int, data: bytes) -> None:
        """Bytes that stand at `offset` of the file."""
        self.received_bytes += len(data)
        self.decoder.feed_at(offset, data)

    def supply_rig(self, data: bytes) -> None:
        """The rig file that a RigNamed event asked for."""
        self.decoder.supply_rig(data)

    def close(self) -> None:
        """No more bytes will come."""
        self.decoder.close()

    def update(self, seconds: float | None = None) -> list[ev.Event]:
        """Take in what was fed: the decoder's events since the last call. Raises PavError as it does.

        With `seconds`, it stops at the first event after so long; the next call goes on.
        """
        fresh = []
        ends = None if seconds is None else time.monotonic() + seconds
        for event in self.decoder.events():
            self._note(event)
            fresh.append(event)
            if ends is not None and time.monotonic() >= ends:
                break
        return fresh

    def _note(self, event: ev.Event) -> None:
        if isinstance(event, ev.UnitDamaged):
            self.damage.append(event)
            return
        content = event.content if isinstance(event, ev.UnitArrived) else None
        if isinstance(content, Directory):
            ends = {entry.id: entry.end for entry in content.entries}
            after = min((entry.offset for entry in content.entries), default=self.received_bytes)
            self._unit_ends = ends | ({} if event.unit is None else {event.unit: after})
        # A hand-over may become due with any unit.
        self._stale |= isinstance(content, CHANGES_PICTURE) or bool(self.scene.hand_overs)
        if event.unit is not None:
            self._furthest = max(self._furthest, self._unit_ends.get(event.unit, self.received_bytes))
        if isinstance(content, GaussianBlock):
            self.growth.append(self._furthest)
            self.gaussian_ranges[event.unit or 0] = range(content.first, content.first + len(content))
        self._note_milestones()

    def _note_milestones(self) -> None:
        if self.bytes_until_visible is None and self.scene.is_visible:
            self.bytes_until_visible = self._furthest
        if self.bytes_until_animatable is None and self.scene.is_animatable:
            self.bytes_until_animatable = self._furthest

    def posed(self, pose: Pose | None = None) -> PosedCloud | None:
        """The Gaussians that are there, in world space and in file order; None while there are none.

        They are NumPy arrays, or torch tensors on the session's device if it has one.
        """
        if self._stale:
            self._poser = None  # so that there are not two at a time
            self._poser = self.new_poser() if self._device is None else self._new_tensor_poser()
            self._stale = False
        return None if self._poser is None else self._poser.frame(pose or Pose())

    def _new_tensor_poser(self) -> TensorPoser | None:
        from pavplayer.posing.tensor_poser import TensorPoser  # torch, which the CPU does without

        snapshot = self.scene.snapshot()
        assert self._device is not None
        return None if snapshot is None else TensorPoser(snapshot.avatar, snapshot.order, self._device)

    def new_poser(
        self, rows: NDArray[np.intp] | None = None, snapshot: Snapshot | None = None
    ) -> Poser | None:
        """What poses the Gaussians that are there; None while there are none. The session does not keep it.

        It poses in main memory, whatever the session's device.

        They come in file order, or `rows` of it in the order given. `snapshot` is the scene's own, changed.
        """
        sh = None
        if snapshot is None:
            snapshot = self.scene.snapshot(colours=False)
            sh = None if snapshot is None else self.scene.arrays().sh
        if snapshot is None:
            return None
        order = snapshot.order
        if rows is not None:
            order, sh = order[rows], None if sh is None else sh[rows]
        return Poser(snapshot.avatar, order, sh)

    def frame(
        self, pose: Pose | None = None, camera: Camera | None = None, background: Background = WHITE
    ) -> Float32Array:
        """The picture of what is there, (H, W, 3) display sRGB in 0..1; the bare background before that."""
        camera = camera or self.camera()
        cloud = self.posed(pose)
        if cloud is None:
            return np.tile(np.array(background, np.float32), (camera.height, camera.width, 1))
        return self.rasterizer.render(cloud, camera, background)

    def camera(
        self,
        yaw_degrees: float = 0.0,
        pitch_degrees: float = 0.0,
        zoom: float = 1.0,
        size: tuple[int, int] = REFERENCE_SIZE,
    ) -> Camera:
        """The measuring camera of this avatar, width and height in pixels.

        It is set by the neutral mesh. A scene without a rig is framed by its Gaussians, so its camera moves
        while they arrive.
        """
        return evaluation_camera(self.framed_points(), yaw_degrees, pitch_degrees, zoom, *size)

    def framed_points(self) -> Float32Array:
        """(N, 3) metres whose bounding box the camera looks at."""
        scene = self.scene
        if scene.identity is not None:
            return scene.identity.neutral
        if scene.core is not None:
            return scene.core.mean_neutral
        if scene.has_rig() or not scene.is_visible:
            return NOTHING_YET
        arrays = scene.arrays()
        return opaque_box(arrays.means, arrays.opacities)


def opaque_box(means: Float32Array, opacities: Float32Array) -> Float32Array:
    """(2, 3) low and high corner around Gaussians (N, 3), but for `STATIC_MARGIN` of the opacity at each end.

    It is made high enough that the measuring camera, which goes by the height, sees all of it.
    """
    sides = [_weighted_quantiles(axis, opacities) for axis in means.astype(np.float64).T]
    low, high = np.array(sides).T
    width, height = REFERENCE_SIZE
    across = float(np.hypot(high[0] - low[0], high[2] - low[2]))
    missing = max(across * height / width, 1e-3) - float(high[1] - low[1])
    if missing > 0:
        low[1], high[1] = low[1] - missing / 2, high[1] + missing / 2
    return np.stack([low, high]).astype(np.float32)


def _weighted_quantiles(values: NDArray[np.float64], weights: Float32Array) -> tuple[float, float]:
    """The values between which all but `STATIC_MARGIN` of the weight lies, at each end."""
    order = np.argsort(values, kind="stable")
    shares = np.cumsum(weights[order], dtype=np.float64)
    ends = np.searchsorted(shares, shares[-1] * np.array([STATIC_MARGIN, 1 - STATIC_MARGIN]))
    low, high = values[order[np.minimum(ends, len(values) - 1)]]
    return float(low), float(high)


def open_session(device: str = "auto", limits: Limits = FORMAT_LIMITS) -> Session:
    """A session that poses and draws on "cpu", "cuda", or "auto": CUDA where it works and else the CPU.

    Raises RasterizerUnavailableError, which says what to install.
    """
    rasterizer = open_rasterizer(device)
    if device == "cuda" or (device == "auto" and cuda_problem() is None):
        return Session(rasterizer, limits, "cuda")
    return Session(rasterizer, limits)

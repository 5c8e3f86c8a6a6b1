"""A finished avatar as the truth: its own renders, from sampled cameras in sampled poses, are the targets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.events import UnitDamaged
from pavfmt.decoding.scene import Scene
from pavfmt.errors import EncodeError, FormatError
from pavfmt.fileio import read_bytes
from pavfmt.importers import ImportOptions, read_avatar
from pavfmt.model import Avatar, Identity, Pose, Rig
from pavfmt.posing import STATIC_RIG
from pavfmt.registry import SIGNATURE
from pavplayer.camera import Camera, centre_and_height
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import Rasterizer, open_rasterizer
from pavplayer.session import opaque_box
from pavtraining.sources.sampling import CameraSampler, PoseSampler
from pavtraining.sources.view import LazyViews, Size, View, scaled_camera
from pavtraining.sources.view_cache import DEFAULT_BYTES, ViewCache

HELD_OUT_COUNT = 24
HELD_OUT_SEED = 1_000_003
"""Added to the seed of the training views: other cameras, other poses."""


class Teacher:
    """An avatar that pictures are taken of."""

    background = 1.0

    def __init__(
        self,
        avatar: Avatar,
        order: NDArray[np.integer] | None = None,
        seed: int = 0,
        rasterizer: Rasterizer | None = None,
        cache_bytes: int = DEFAULT_BYTES,
    ) -> None:
        """`seed` picks the training views; the rasterizer is the CPU's unless another is given.

        `order` is the order in which the Gaussians are drawn, as `pavplayer.posing.poser.Poser` takes it.
        """
        self.avatar = avatar
        """The truth itself: a fit may start from its Gaussians."""
        self.seed = seed
        self._rasterizer = rasterizer or open_rasterizer("cpu")
        self._poser = Poser(avatar, order)
        self._cache = ViewCache(cache_bytes)
        self._box = self._framed_box()

    @property
    def rig(self) -> Rig:
        """The avatar's; for a static scene one joint without a mesh."""
        return self.avatar.rig or STATIC_RIG

    @property
    def identity(self) -> Identity | None:
        """The avatar's."""
        return self.avatar.identity

    def training_view(self, number: int, size: Size | None = None) -> View:
        """View `number`, 550×802 unless another size is asked for."""
        return self._cache.get((number, size), lambda: self._sampled(self.seed, number, size))

    @property
    def held_out(self) -> Sequence[View]:
        """Views of another seed, 550×802."""
        return LazyViews(HELD_OUT_COUNT, lambda n: self._sampled(self.seed + HELD_OUT_SEED, n, None))

    def view(self, camera: Camera, pose: Pose) -> View:
        """What the avatar looks like from a camera, in a pose."""
        grey = self.background
        picture = self._rasterizer.render(self._poser.frame(pose), camera, (grey, grey, grey))
        return View(camera, pose, picture)

    def _sampled(self, seed: int, number: int, size: Size | None) -> View:
        camera = CameraSampler(*self._box, seed).camera(number)
        return self.view(scaled_camera(camera, size), PoseSampler(self.rig, seed).pose(number))

    def _framed_box(self) -> tuple[tuple[float, float, float], float]:
        """Centre and height of what the cameras look at: the neutral mesh, or a static scene's Gaussians."""
        neutral = self.rig.mean_neutral if self.identity is None else self.identity.neutral
        if not len(neutral):
            cloud = self._poser.frame(Pose())
            neutral = opaque_box(cloud.means, cloud.opacities)
        centre, height = centre_and_height(neutral)
        x, y, z = centre.tolist()
        return (x, y, z), height


def open_teacher(path: str | Path, flame: str | Path | None = None, seed: int = 0) -> Teacher:
    """The avatar at `path`: a `.pav` or anything `pavfmt.importers` reads; `flame` as it takes it."""
    if not _is_pav(Path(path)):
        return Teacher(read_avatar(path, ImportOptions(flame)), seed=seed)
    snapshot = _whole_scene(Path(path)).snapshot()
    if snapshot is None:
        raise EncodeError("no-gaussians", f"{Path(path).name} draws nothing")
    return Teacher(snapshot.avatar, snapshot.order, seed)


def _whole_scene(path: Path) -> Scene:
    """What is in a `.pav` file, all of it: a truth with holes is refused."""
    decoder = Decoder()
    decoder.feed(read_bytes(str(path)))
    decoder.close()
    for event in decoder.events():
        if isinstance(event, UnitDamaged):
            raise FormatError(event.code, f"{path.name} is damaged", event.error_offset)
    scene = decoder.scene
    wanted = None if scene.header is None else scene.header.gaussian_count
    if scene.gaussian_count != wanted:
        message = f"{path.name} has {scene.gaussian_count} of its {wanted} Gaussians: a teacher must be whole"
        raise EncodeError("incomplete-avatar", message)
    return scene


def _is_pav(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(SIGNATURE)) == SIGNATURE

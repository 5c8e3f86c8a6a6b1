"""A capture as the truth: photographs with masks, calibrated cameras and a tracked FLAME motion, from a folder.

Everything is checked when the folder is opened, so that no fit fails after an hour for a missing file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from pavfmt.errors import EncodeError
from pavfmt.model import Identity, Pose, Rig
from pavtraining.sources.capture_frames import SPLITS, CaptureFrame, read_frames
from pavtraining.sources.capture_rig import FlameParameters, open_rig, read_parameters
from pavtraining.sources.image_files import image_size, read_image, resized
from pavtraining.sources.sampling import stream
from pavtraining.sources.view import LazyViews, Mask, Picture, Size, View, scaled_camera
from pavtraining.sources.view_cache import DEFAULT_BYTES, ViewCache


class Capture:
    """The pictures of a capture. Where one has an alpha channel it is laid over white, as the others are already."""

    background = 1.0

    def __init__(
        self, folder: Path, model: str | Path | None = None, seed: int = 0, cache_bytes: int = DEFAULT_BYTES
    ) -> None:
        """`model` is a FLAME model file or a CC0 rig; None: the rig in the folder. `seed` shuffles the views."""
        self.folder, self.seed = folder, seed
        self.frames = {split: read_frames(folder, split) for split in SPLITS}
        """Of "train", "val" (other cameras) and "test" (later frames)."""
        self._parameters: dict[Path, FlameParameters] = {}
        for frame in self._all_frames:
            self._check(frame)
        self._rig = open_rig(folder, model, self._parameters[self.frames["train"][0].track].person)
        self._cache = ViewCache(cache_bytes)

    @property
    def rig(self) -> Rig:
        """FLAME, or what stands in its place."""
        return self._rig.rig

    @property
    def identity(self) -> Identity | None:
        """The tracked person's."""
        return self._rig.identity

    def training_view(self, number: int, size: Size | None = None) -> View:
        """View `number`: all training pictures in turn, shuffled anew each time."""
        train = self.frames["train"]
        turn, place = divmod(number, len(train))
        order = np.argsort(stream(self.seed, 7, turn).uniform(len(train)), kind="stable")
        return self.view(train[order[place]], size)

    @property
    def held_out(self) -> Sequence[View]:
        """The pictures of "val" and "test"."""
        frames = [*self.frames["val"], *self.frames["test"]]
        return LazyViews(len(frames), lambda number: self.view(frames[number]))

    def view(self, frame: CaptureFrame, size: Size | None = None) -> View:
        """One picture of the capture."""
        return self._cache.get((frame.picture, size), lambda: self._loaded(frame, size))

    def pose(self, frame: CaptureFrame) -> Pose:
        """The pose as it was tracked."""
        parameters = self._parameters[frame.track]
        return self._rig.pose(parameters.track, parameters.row(frame.timestep))

    @cached_property
    def _all_frames(self) -> list[CaptureFrame]:
        return [frame for split in SPLITS for frame in self.frames[split]]

    def _check(self, frame: CaptureFrame) -> None:
        """The frame's files are there, its sizes agree and its parameters are sound."""
        wanted = (frame.camera.width, frame.camera.height)
        for path in (frame.picture, frame.mask):
            size = wanted if path is None else image_size(path, frame.where)
            if size != wanted:
                message = f"{frame.where}: {path} is {size[0]}×{size[1]}, w and h say {wanted[0]}×{wanted[1]}"
                raise EncodeError("bad-shape", message)
        if frame.track not in self._parameters:
            if not frame.track.is_file():
                raise EncodeError(
                    "missing-file", f"{frame.where}: there are no FLAME parameters {frame.track}"
                )
            self._parameters[frame.track] = read_parameters(frame.track, frame.where)
        parameters = self._parameters[frame.track]
        if parameters.row(frame.timestep) >= parameters.track.frame_count:
            count = parameters.track.frame_count
            message = f"{frame.where}: timestep {frame.timestep}, {frame.track.name} has {count} frames"
            raise EncodeError("bad-track", message)

    def _loaded(self, frame: CaptureFrame, size: Size | None) -> View:
        picture = _over_white(read_image(frame.picture, "RGBA", frame.where))
        mask: Mask | None = None
        if frame.mask is not None:
            mask = np.ascontiguousarray(resized(read_image(frame.mask, "L", frame.where), size)[..., 0])
        camera = scaled_camera(frame.camera, size)
        return View(camera, self.pose(frame), resized(picture, size), mask)


def _over_white(pixels: Picture) -> Picture:
    """(H, W, 4) → (H, W, 3)."""
    opacity = pixels[..., 3:]
    return np.asarray(pixels[..., :3] * opacity + (1 - opacity), np.float32)


def open_capture(folder: str | Path, model: str | Path | None = None, seed: int = 0) -> Capture:
    """The capture in a folder, on a FLAME model file or a CC0 rig `.npz`; None: the `rig.npz` in the folder."""
    return Capture(Path(folder), model, seed)

"""What goes wrong between a head and its capture, each as one number; 0 leaves that part as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pavfmt.arrays import Float64Array
from pavfmt.model import Pose
from pavfmt.posing import rotation_from_axis_angle
from pavfmt.tools.synthetic import RandomStream
from pavplayer.camera import Camera
from pavtraining.sources.noise import value_noise
from pavtraining.sources.sampling import stream
from pavtraining.sources.view import Mask, Picture

SLOW_FRAMES = 12
"""Over which the slow half of a tracking error and the exposure come and go."""
REFERENCE_WIDTH = 550
SOLID = 0.15
"""Coverage from which a pixel counts as the head's: the neck fades out and is no border."""
RAGGED_PIXELS = 7.0
"""The size of a ragged border's bumps, in pixels of a picture of that width."""


@dataclass(frozen=True)
class Degradation:
    """How strongly a capture is degraded; the defaults are those of a careful studio with an ordinary tracker."""

    track_weights: float = 0.02
    """Standard deviation of the error of every shape weight, half of it from frame to frame."""
    track_radians: float = 0.0012
    """The same of every joint rotation, about each axis."""
    track_metres: float = 0.00015
    """The same of the translation, along each axis."""
    camera_degrees: float = 0.02
    """Standard deviation of a camera's calibrated rotation, about each axis."""
    camera_metres: float = 0.0002
    """The same of its position."""
    mask_pixels: float = 2.0
    """How far at most a mask's border strays, in pixels of a picture 550 wide; outward it shows the backdrop."""
    backdrop: float = 0.45
    """The grey behind the head, which only ragged masks let show."""
    exposure: float = 0.04
    """Standard deviation of a camera's gain, and of its drift over time."""
    noise: float = 0.012
    """Standard deviation of the sensor's noise, display sRGB."""


NO_DEGRADATION = Degradation(0, 0, 0, 0, 0, 0, 0.45, 0, 0)
"""Nothing goes wrong but rounding to 8 bits."""


@dataclass(frozen=True)
class Degrader:
    """Degrades by seed: the same picture the same way at every call."""

    degradation: Degradation
    seed: int

    def _errors(self, kind: int, number: int, count: int) -> Float64Array:
        """(count,) errors of variance 1 at a time: half of the variance slow, half anew each frame."""
        before, after = divmod(number, SLOW_FRAMES)
        share = 0.5 - 0.5 * np.cos(np.pi * after / SLOW_FRAMES)
        ends = [stream(self.seed, kind, before + k).bell(count) for k in (0, 1)]
        slow = ((1 - share) * ends[0] + share * ends[1]) / np.sqrt((1 - share) ** 2 + share**2)
        quick = stream(self.seed, kind + 1, number).bell(count)
        return np.asarray((slow + quick) / np.sqrt(2))

    def tracked(self, pose: Pose, shapes: list[str], joints: tuple[str, ...], timestep: int) -> Pose:
        """The pose as a tracker finds it."""
        width = len(shapes) + 3 * len(joints) + 3
        errors = self._errors(16, timestep, width)
        strayed = self.degradation.track_weights * errors[: len(shapes)]
        weights = {n: pose.weights.get(n, 0.0) + float(e) for n, e in zip(shapes, strayed, strict=True)}
        turns = self.degradation.track_radians * errors[len(shapes) : -3].reshape(-1, 3)
        rotations = {}
        for name, error in zip(joints, turns, strict=True):
            x, y, z = (np.array(pose.rotations.get(name, (0.0, 0.0, 0.0))) + error).tolist()
            rotations[name] = (x, y, z)
        x, y, z = (np.array(pose.translation) + self.degradation.track_metres * errors[-3:]).tolist()
        return Pose(weights, rotations, (x, y, z))

    def calibrated(self, camera: Camera, number: int) -> Camera:
        """The camera as its calibration finds it."""
        errors = stream(self.seed, 20, number).bell(6)
        turn = rotation_from_axis_angle(np.radians(self.degradation.camera_degrees) * errors[:3])
        rotation = turn @ camera.rotation
        position = camera.position + self.degradation.camera_metres * errors[3:]
        return replace(camera, rotation=rotation, translation=-rotation @ position)

    def photographed(
        self, picture: Picture, mask: Mask, timestep: int, camera_number: int
    ) -> tuple[Picture, Mask]:
        """The picture over white and its mask, as camera, sensor and matting leave them."""
        covered = mask[..., None]
        head = picture - (1 - covered)  # nothing outside the mask
        grain = self._noise(picture.shape, timestep, camera_number) * covered
        exposed = self._gain(timestep, camera_number) * head + grain
        if self.degradation.mask_pixels == 0:
            return np.clip(exposed + (1 - covered), 0, 1).astype(np.float32), mask
        solid = np.clip(covered / SOLID, 0, 1)
        found, faded = self._matte(mask, solid[..., 0], timestep, camera_number)
        backdrop = 1 - (1 - self.degradation.backdrop) * faded[..., None]
        before_backdrop = exposed + (solid - covered) + (1 - solid) * backdrop
        cut_out = found[..., None] * before_backdrop + (1 - found[..., None])
        return np.clip(cut_out, 0, 1).astype(np.float32), (found * faded).astype(np.float32)

    def _gain(self, timestep: int, camera_number: int) -> float:
        always = float(stream(self.seed, 24, camera_number).bell())
        drift = float(self._errors(26 + 2 * camera_number, timestep, 1)[0])
        return 1 + self.degradation.exposure * (always + drift) / 2**0.5

    def _noise(self, shape: tuple[int, ...], timestep: int, camera_number: int) -> Float64Array:
        if self.degradation.noise == 0:
            return np.zeros(shape)
        return self.degradation.noise * self._picture_stream(timestep, camera_number).bell(*shape)

    def _picture_stream(self, timestep: int, camera_number: int) -> RandomStream:
        return stream(self.seed, 22, (timestep << 16) | camera_number)

    def _matte(
        self, mask: Mask, solid: Mask, timestep: int, camera_number: int
    ) -> tuple[Float64Array, Float64Array]:
        """(H, W) a matte whose border strays in and out, and how transparent the head itself is, as at the neck."""
        scale = mask.shape[1] / REFERENCE_WIDTH
        radius = max(1, round(1.5 * self.degradation.mask_pixels * scale))
        smooth = [_box_blurred(values.astype(np.float64), radius) for values in (mask, solid)]
        rows, columns = np.indices(mask.shape).reshape(2, -1) / (RAGGED_PIXELS * scale)
        depth = np.full(len(rows), 3.7 * timestep + 31.3 * camera_number)
        wander = value_noise(np.stack([columns, rows, depth], axis=1), 1.0, self.seed % (1 << 20))
        # The blurred edge rises by 0.14 a pixel at radius 3: 0.30 moves its crossing by 2 pixels.
        level = 0.5 + 0.30 * np.clip(wander, -1, 1).reshape(mask.shape)
        found: Float64Array = np.clip(0.5 + (smooth[1] - level) * (2.5 + radius), 0, 1)
        return found, np.clip(smooth[0] / np.maximum(smooth[1], 1e-6), 0, 1)


def _box_blurred(values: Float64Array, radius: int) -> Float64Array:
    """(H, W) means of means over squares of 2 radius + 1; what is outside counts as 0."""
    for _ in range(4):  # rows, columns, and again
        padded = np.pad(values, ((radius + 1, radius), (0, 0)))
        total = np.cumsum(padded, axis=0)
        values = ((total[2 * radius + 1 :] - total[: -2 * radius - 1]) / (2 * radius + 1)).T
    return values

"""Quality against bytes: what growing prefixes of a file show, over a set of views and expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from pavfmt.arrays import Float32Array
from pavfmt.decoding.scene import Scene
from pavfmt.model import Pose
from pavfmt.tools.inspect import Inspection, inspect
from pavplayer.camera import Camera
from pavplayer.evaluation.figures import Curve, CurvePoint, LevelBoundary, PictureQuality
from pavplayer.evaluation.prefixes import GaussianPrefix, end_of, gaussian_bytes_within, spread_lengths
from pavplayer.evaluation.quality import picture_quality
from pavplayer.evaluation.references import Reference
from pavplayer.packages import require
from pavplayer.rasterizers import Background, Rasterizer
from pavplayer.session import WHITE, Session

Progress = Callable[[int, int], None]
"""Called with the pictures drawn and their number."""


def silent(drawn: int, total: int) -> None:
    """No progress is shown."""


class ReferencePictures:
    """The reference in every expression from every camera, which sessions are compared with picture by picture."""

    def __init__(
        self,
        reference: Reference,
        cameras: Sequence[Camera],
        expressions: Mapping[str, Pose],
        rasterizer: Rasterizer,
        background: Background = WHITE,
        with_flip: bool = False,
    ) -> None:
        if with_flip:
            require("flip_evaluator", extra="bench")
        self.cameras, self.expressions = cameras, expressions
        self._rasterizer, self._background, self._with_flip = rasterizer, background, with_flip
        clouds = [reference.cloud(pose) for pose in expressions.values()]
        self.expected = [rasterizer.render(cloud, one, background) for cloud in clouds for one in cameras]
        """(H, W, 3) each, expression by expression."""

    def quality_of(self, session: Session, progress: Callable[[], None] = lambda: None) -> PictureQuality:
        """What the session shows now; `progress` is called after each picture. Needs numba."""
        pairs = zip(self._pictures(session), self.expected, strict=True)
        return picture_quality(pairs, int(self._with_flip), progress)

    def _pictures(self, session: Session) -> Iterator[Float32Array]:
        """In the order of the reference's; the bare background while there is nothing."""
        for pose in self.expressions.values():
            cloud = session.posed(pose)
            for camera in self.cameras:
                if cloud is None:
                    bare = np.array(self._background, np.float32)
                    yield np.broadcast_to(bare, self.expected[0].shape)
                else:
                    yield self._rasterizer.render(cloud, camera, self._background)


def curve_lengths(whole: Session, total: int, wanted: int) -> list[int]:
    """About `wanted` rising prefix lengths: unit boundaries with new Gaussians, the milestones, all."""
    milestones = (whole.bytes_until_visible, whole.bytes_until_animatable, total)
    kept = {length for length in milestones if length is not None}
    return sorted(kept.union(spread_lengths(whole.growth, max(wanted - len(kept) + 1, 2))))


@dataclass(frozen=True)
class EvaluatedFile:
    """One file, and what is needed to receive it again."""

    name: str
    data: bytes
    whole: Session
    """With all of it."""
    new_session: Callable[[], Session]
    """Fresh ones, with the rig supplied where the file names one."""
    rig_file: bytes | None = None


def measure_curve(
    file: EvaluatedFile, lengths: Sequence[int], pictures: ReferencePictures, progress: Progress = silent
) -> Curve:
    """The curve of one file through prefixes of `lengths`, in bytes.

    Two sessions grow together: one gets prefixes, the other everything but Gaussians first.
    """
    report = inspect(file.data, rig_file=file.rig_file)
    growing, held = file.new_session(), GaussianPrefix(file.new_session(), file.data, report)
    drawn, total = count(1), 2 * len(lengths) * len(pictures.expected)
    points = []

    def advance() -> None:
        progress(next(drawn), total)

    for length in sorted(lengths):
        growing.feed(file.data[growing.received_bytes : length])
        growing.update()
        while held.next_unit is not None and end_of(held.next_unit) <= length:
            held.add_next()
        held.session.update()
        likeness = alone = pictures.quality_of(growing, advance)
        if _rig_parts(growing.scene) != _rig_parts(held.session.scene):
            alone = pictures.quality_of(held.session, advance)
        else:  # both show the same
            for _ in pictures.expected:
                advance()
        scene, size = growing.scene, gaussian_bytes_within(report, length)
        points.append(CurvePoint(length, size, scene.gaussian_count, scene.is_animatable, likeness, alone))
    whole, complete = file.whole, report.complete_file_bytes or len(file.data)
    until = (whole.bytes_until_visible, whole.bytes_until_animatable)
    return Curve(file.name, complete, *until, level_boundaries(report), points)


def _rig_parts(scene: Scene) -> tuple[int, bool]:
    """How many shapes are there, and whether the correctives are."""
    return len(scene.shapes), scene.correctives is not None


def level_boundaries(report: Inspection) -> list[LevelBoundary]:
    """Of the levels that have Gaussians here."""
    ends_by_level: dict[int, list[int]] = {}
    for unit in report.units:
        if unit.type == "gaussians" and unit.level is not None and unit.state == "active":
            ends_by_level.setdefault(unit.level, []).append(end_of(unit))
    return [
        LevelBoundary(level, report.levels[level].gaussian_count, min(ends), max(ends))
        for level, ends in sorted(ends_by_level.items())
    ]

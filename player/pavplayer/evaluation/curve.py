"""Quality against bytes: what growing prefixes of a file show, over a set of views and expressions.

PSNR is over all pixels of all pictures, SSIM and FLIP are means over pictures (1 and 0 are best).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from pavfmt.container.headers import FileHeader
from pavfmt.decoding.scene import Scene
from pavfmt.model import Float32Array, Pose
from pavfmt.registry import GAUSSIAN_BYTES_TYPES
from pavfmt.tools.inspect import Inspection, UnitReport, inspect, type_name
from pavplayer.camera import Camera
from pavplayer.evaluation.metrics import mean_squared_error, psnr_of_error
from pavplayer.evaluation.prefixes import basic_expressions, spread_lengths
from pavplayer.evaluation.references import Reference
from pavplayer.evaluation.views import EvaluationSet
from pavplayer.packages import require
from pavplayer.rasterizers import Background, Rasterizer
from pavplayer.session import WHITE, Session

GAUSSIAN_TYPES = frozenset(type_name(type_) for type_ in GAUSSIAN_BYTES_TYPES)
Progress = Callable[[int, int], None]
"""Called with the pictures drawn and their number."""


@dataclass(frozen=True)
class Likeness:
    """How like the reference some pictures are."""

    psnr: float | None
    """Decibels; None: no difference."""
    worst_psnr: float | None
    """Of the worst single picture."""
    ssim: float
    flip: float | None
    """None: not measured."""


@dataclass(frozen=True)
class CurvePoint:
    """One prefix."""

    file_bytes: int
    gaussian_bytes: int
    """Gaussian units with their split points, base and hand-over data."""
    gaussian_count: int
    animatable: bool
    likeness: Likeness
    """Of the prefix as it is: expressions whose shapes have not come are at rest."""
    held: Likeness
    """With the rig and all shapes there from the start: what the Gaussians alone buy."""


@dataclass(frozen=True)
class LevelBoundary:
    """Where in the file a level's Gaussians are."""

    level: int
    gaussian_count: int
    begins: int
    """Length of the shortest prefix with Gaussians of this level."""
    complete: int
    """And with all of them that are in these bytes."""


@dataclass(frozen=True)
class Curve:
    """One file."""

    name: str
    file_bytes: int
    """Of the complete avatar; the file may be a prefix."""
    visible: int | None
    """Prefix lengths; None: not within the file."""
    animatable: int | None
    levels: list[LevelBoundary]
    points: list[CurvePoint]


@dataclass(frozen=True)
class CurveReport:
    """What `pav curve --json` prints; `spec/schemas/curve.json` describes it."""

    reference: str
    width: int
    height: int
    views: list[tuple[float, float]]
    """Yaw and pitch in degrees."""
    expressions: list[str]
    curves: list[Curve]

    def to_json(self) -> dict[str, object]:
        """Plain dicts and lists."""
        return asdict(self)


def known_expressions(evaluation: EvaluationSet, scene: Scene) -> dict[str, Pose]:
    """Those whose shapes the rig has; else "rest" and, where a rig can, an open mouth."""
    names = frozenset(scene.core.shape_names) if scene.core else frozenset()
    known = {name: pose for name, pose in evaluation.expressions.items() if names.issuperset(pose.weights)}
    return known if any(pose.weights for pose in known.values()) else basic_expressions(scene)


class Judge:
    """Compares sessions with a reference, picture by picture."""

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
        self._expected = [rasterizer.render(cloud, one, background) for cloud in clouds for one in cameras]

    @property
    def picture_count(self) -> int:
        """Pictures drawn for each session."""
        return len(self._expected)

    def judged(self, session: Session, progress: Callable[[], None] = lambda: None) -> Likeness:
        """What the session shows now. Needs numba."""
        from pavplayer.evaluation.structural_similarity import fast_ssim

        errors, similarities, flips = [], [], []
        for picture, expected in zip(self._pictures(session), self._expected, strict=True):
            errors.append(mean_squared_error(picture, expected))
            similarities.append(fast_ssim(picture, expected))
            if self._with_flip:
                flips.append(_flip(picture, expected))
            progress()
        return Likeness(
            _finite(psnr_of_error(float(np.mean(errors)))),
            _finite(psnr_of_error(max(errors))),
            float(np.mean(similarities)),
            float(np.mean(flips)) if flips else None,
        )

    def _pictures(self, session: Session) -> Iterator[Float32Array]:
        """As `_expected` has them; the bare background while there is nothing."""
        for pose in self.expressions.values():
            cloud = session.posed(pose)
            for camera in self.cameras:
                if cloud is None:
                    bare = np.array(self._background, np.float32)
                    yield np.broadcast_to(bare, self._expected[0].shape)
                else:
                    yield self._rasterizer.render(cloud, camera, self._background)


def _flip(picture: Float32Array, expected: Float32Array) -> float:
    """Mean FLIP error (Andersson et al. 2020) at the default 67 pixels per degree."""
    import flip_evaluator

    clipped = (np.ascontiguousarray(np.clip(image, 0, 1)) for image in (expected, picture))
    _, mean, _ = flip_evaluator.evaluate(*clipped, "LDR", applyMagma=False)
    return float(mean)


def _finite(decibels: float) -> float | None:
    return None if decibels == float("inf") else decibels


def lengths_of(whole: Session, total: int, count: int) -> list[int]:
    """About `count` rising prefix lengths: unit boundaries with new Gaussians, the milestones, all."""
    milestones = (whole.bytes_until_visible, whole.bytes_until_animatable, total)
    kept = {length for length in milestones if length is not None}
    return sorted(kept.union(spread_lengths(whole.growth, max(count - len(kept) + 1, 2))))


@dataclass(frozen=True)
class Received:
    """One file, and what is needed to receive it again."""

    name: str
    data: bytes
    whole: Session
    """With all of it."""
    new_session: Callable[[], Session]
    """Fresh ones, with the rig supplied where the file names one."""
    rig_file: bytes | None = None


def curve_of(file: Received, lengths: Sequence[int], judge: Judge, progress: Progress | None = None) -> Curve:
    """The curve of one file through prefixes of rising `lengths`."""
    report = inspect(file.data, rig_file=file.rig_file)
    measure = _Measurement(file, report, judge, progress, 2 * len(lengths) * judge.picture_count)
    points = [measure.point(length) for length in sorted(lengths)]
    return Curve(
        file.name,
        report.complete_file_bytes or len(file.data),
        file.whole.bytes_until_visible,
        file.whole.bytes_until_animatable,
        level_boundaries(report),
        points,
    )


class _Measurement:
    """Two sessions that grow together: one gets prefixes, the other everything but Gaussians first."""

    def __init__(
        self, file: Received, report: Inspection, judge: Judge, progress: Progress | None, total: int
    ) -> None:
        self._data, self._report, self._judge = file.data, report, judge
        self._progress, self._drawn, self._total = progress, 0, total
        self._growing, self._held = file.new_session(), file.new_session()
        self._gaussian_units = [unit for unit in report.units if unit.type in GAUSSIAN_TYPES]
        self._held.feed_at(0, self._data[: FileHeader.SIZE])
        for unit in report.units:
            if unit.type not in GAUSSIAN_TYPES:
                self._hold(unit)
        self._held.update()

    def _hold(self, unit: UnitReport) -> None:
        self._held.feed_at(unit.offset, self._data[unit.offset : unit.offset + (unit.bytes or 0)])

    def _advance(self, pictures: int = 1) -> None:
        self._drawn += pictures
        if self._progress is not None:
            self._progress(self._drawn, self._total)

    def point(self, length: int) -> CurvePoint:
        """The next prefix, longer than the one before."""
        self._growing.feed(self._data[self._growing.received_bytes : length])
        self._growing.update()
        while self._gaussian_units and _end(self._gaussian_units[0]) <= length:
            self._hold(self._gaussian_units.pop(0))
        self._held.update()
        likeness = held = self._judge.judged(self._growing, self._advance)
        if _rig_parts(self._growing.scene) == _rig_parts(self._held.scene):
            self._advance(self._judge.picture_count)
        else:
            held = self._judge.judged(self._held, self._advance)
        scene, size = self._growing.scene, gaussian_bytes_within(self._report, length)
        return CurvePoint(length, size, scene.gaussian_count, scene.is_animatable, likeness, held)


def _end(unit: UnitReport) -> int:
    return unit.offset + (unit.bytes or 0)


def _rig_parts(scene: Scene) -> tuple[int, bool]:
    """How many shapes are there, and whether the correctives are."""
    return len(scene.shapes), scene.correctives is not None


def gaussian_bytes_within(report: Inspection, length: int) -> int:
    """`gaussian_bytes` of the first `length` bytes of the file that was inspected."""
    units = (unit for unit in report.units if unit.type in GAUSSIAN_TYPES)
    return sum(min(max(length - unit.offset, 0), unit.bytes or 0) for unit in units)


def level_boundaries(report: Inspection) -> list[LevelBoundary]:
    """Of the levels that have Gaussians here."""
    by_level: dict[int, list[UnitReport]] = {}
    for unit in report.units:
        if unit.type == "gaussians" and unit.level is not None and unit.state == "active":
            by_level.setdefault(unit.level, []).append(unit)
    return [
        LevelBoundary(
            level,
            report.levels[level].gaussian_count,
            min(map(_end, units)),
            max(map(_end, units)),
        )
        for level, units in sorted(by_level.items())
    ]

"""The tables of ProgressiveAvatars from a file: what shares of its bytes, or of its Gaussians, look like and cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from pavfmt.tools.inspect import Inspection, inspect
from pavplayer.evaluation.comparing import Examination
from pavplayer.evaluation.curve import EvaluatedFile, Progress, ReferencePictures, measure_curve, silent
from pavplayer.evaluation.figures import (
    GAUSSIAN_BYTES,
    GAUSSIANS,
    EvalReport,
    EvaluationBudget,
    PictureQuality,
    ViewSet,
)
from pavplayer.evaluation.first_picture import first_pictures
from pavplayer.evaluation.prefixes import GAUSSIAN_TYPES, GaussianPrefix, end_of

PERCENTS = (5.0, 25.0, 50.0, 100.0)
FRAMES = 9
WARM_FRAMES = 2


def evaluate(
    file: EvaluatedFile,
    examination: Examination,
    percents: Sequence[float] = PERCENTS,
    progress: Progress = silent,
    with_flip: bool = False,
    pictures: ReferencePictures | None = None,
    views: Sequence[tuple[float, float]] = (),
) -> EvalReport:
    """All figures of one file by `eval-v2`; `pictures`, taken from `views`, are of another set beside it.

    Raises RuntimeError where nothing is drawn.
    """
    first = file.whole.bytes_until_visible
    if first is None:
        raise RuntimeError(f"{file.name}: {len(file.data):,} bytes hold nothing to draw yet")
    inspection = inspect(file.data, rig_file=file.rig_file)
    wanted = budget_lengths(inspection, len(file.data), percents)
    lengths = sorted(set(wanted.values()))
    opening = file.new_session()
    opening.feed(file.data[:first])
    opening.update()
    held = {length: held_prefix(file, inspection, length) for length in lengths}
    # All prefixes at once: so the reference, which takes as long to draw as any of them, is drawn once. All of the
    # file is the whole itself.
    parts = [prefix.session for length, prefix in held.items() if length < len(file.data)]
    tests = [session.posed for session in (file.whole, opening, *parts)]
    whole, beginning, *others = examination.likenesses(tests, with_flip, progress)
    found = dict(zip(lengths, [*others, whole], strict=False))
    set_quality = _set_qualities(file, lengths, pictures, progress)
    rows = {}
    for length, prefix in held.items():
        speed = frames_per_second(file, length, examination)
        sizes = (length, prefix.gaussian_bytes, prefix.session.scene.gaussian_count)
        rows[length] = (*sizes, found[length], set_quality.get(length), speed)
    return EvalReport(
        examination.report(file, whole),
        [EvaluationBudget(of, percent, *rows[length]) for (of, percent), length in wanted.items()],
        None if pictures is None else _view_set(pictures, views),
        first,
        opening.scene.gaussian_count,
        beginning[0].psnr,
        first_pictures(file.data, first, file.new_session),
    )


def held_prefix(file: EvaluatedFile, inspection: Inspection, length: int) -> GaussianPrefix:
    """The Gaussians of the first `length` bytes, with the rig and all shapes there from the start."""
    prefix = GaussianPrefix(file.new_session(), file.data, inspection)
    while prefix.next_unit is not None and end_of(prefix.next_unit) <= length:
        prefix.add_next()
    prefix.session.update()
    return prefix


def _set_qualities(
    file: EvaluatedFile, lengths: Sequence[int], pictures: ReferencePictures | None, progress: Progress
) -> dict[int, PictureQuality]:
    """Length → quality over a set of views, where one was asked for."""
    if pictures is None:
        return {}
    return {point.file_bytes: point.held for point in measure_curve(file, lengths, pictures, progress).points}


def _view_set(pictures: ReferencePictures, views: Sequence[tuple[float, float]]) -> ViewSet:
    camera, angles = pictures.cameras[0], [(float(yaw), float(pitch)) for yaw, pitch in views]
    return ViewSet(camera.width, camera.height, angles, list(pictures.expressions))


def budget_lengths(report: Inspection, here: int, percents: Sequence[float]) -> dict[tuple[str, float], int]:
    """(Of what, percent) → the longest prefix of whole units within that share of the complete avatar."""
    totals = (report.complete_gaussian_bytes, report.complete_gaussian_count)
    size, count, steps = 0, 0, [(0, 0, 0)]
    for unit in report.units:
        size += (unit.bytes or 0) if unit.type in GAUSSIAN_TYPES else 0
        count += unit.gaussian_count if unit.type == "gaussians" else 0
        steps.append((min(end_of(unit), here), size, count))
    return {
        (of, percent): here
        if percent >= 100
        else max(step[0] for step in steps if 100 * step[1 + index] <= percent * totals[index])
        for index, of in enumerate((GAUSSIAN_BYTES, GAUSSIANS))
        for percent in percents
    }


def frames_per_second(file: EvaluatedFile, length: int, examination: Examination) -> float | None:
    """Of a prefix, every frame in another expression of the first framing: the median, after some to warm up."""
    framing = examination.framings[0]
    session, poses, times = file.new_session(), list(framing.expressions.values()), []
    session.feed(file.data[:length])
    session.update()
    if not session.scene.is_visible:
        return None
    for number in range(WARM_FRAMES + FRAMES):
        start = time.perf_counter()
        session.frame(poses[number % len(poses)], framing.cameras[0])
        times.append(time.perf_counter() - start)
    return 1 / median(times[WARM_FRAMES:])

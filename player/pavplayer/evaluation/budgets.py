"""The tables of ProgressiveAvatars from a file: what shares of its bytes, or of its Gaussians, look like and cost."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from pavfmt.tools.inspect import Inspection, inspect
from pavplayer.evaluation.curve import EvaluatedFile, Progress, ReferencePictures, measure_curve, silent
from pavplayer.evaluation.figures import GAUSSIAN_BYTES, GAUSSIANS, EvalReport, EvaluationBudget
from pavplayer.evaluation.first_picture import first_pictures
from pavplayer.evaluation.prefixes import GAUSSIAN_TYPES, end_of
from pavplayer.session import Session

PERCENTS = (5.0, 25.0, 50.0, 100.0)
FRAMES = 9
WARM_FRAMES = 2


def evaluate(
    file: EvaluatedFile,
    pictures: ReferencePictures,
    reference: str,
    views: Sequence[tuple[float, float]],
    percents: Sequence[float] = PERCENTS,
    progress: Progress = silent,
) -> EvalReport:
    """All figures of one file. Raises RuntimeError where nothing is drawn."""
    first, header = file.whole.bytes_until_visible, file.whole.scene.header
    if first is None or header is None:
        raise RuntimeError(f"{file.name}: {len(file.data):,} bytes hold nothing to draw yet")
    wanted = budget_lengths(inspect(file.data, rig_file=file.rig_file), len(file.data), percents)
    points = measure_curve(file, sorted({first, *wanted.values()}), pictures, progress).points
    by_length = {point.file_bytes: point for point in points}
    speeds = {length: frames_per_second(file, length, pictures) for length in sorted(set(wanted.values()))}
    budgets = []
    for (of, percent), length in wanted.items():
        point, speed = by_length[length], speeds[length]
        sizes = (length, point.gaussian_bytes, point.gaussian_count)
        budgets.append(EvaluationBudget(of, percent, *sizes, point.held, speed))
    camera, opening = pictures.cameras[0], by_length[first]
    return EvalReport(
        file.name,
        reference,
        camera.width,
        camera.height,
        [(float(yaw), float(pitch)) for yaw, pitch in views],
        list(pictures.expressions),
        device_name(file.whole),
        header.file_bytes,
        header.gaussian_bytes,
        header.gaussian_count,
        budgets,
        first,
        opening.gaussian_count,
        opening.likeness.psnr,
        first_pictures(file.data, first, file.new_session),
    )


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


def frames_per_second(file: EvaluatedFile, length: int, pictures: ReferencePictures) -> float | None:
    """Of a prefix, every frame in another expression: the median, after some to warm up."""
    session, poses, times = file.new_session(), list(pictures.expressions.values()), []
    session.feed(file.data[:length])
    session.update()
    if not session.scene.is_visible:
        return None
    for number in range(WARM_FRAMES + FRAMES):
        start = time.perf_counter()
        session.frame(poses[number % len(poses)], pictures.cameras[0])
        times.append(time.perf_counter() - start)
    return 1 / median(times[WARM_FRAMES:])


def device_name(session: Session) -> str:
    """Of the GPU or the processor that a session poses and draws on."""
    device = getattr(session.rasterizer, "device", None)
    if device is not None:
        import torch

        return str(torch.cuda.get_device_name(device))
    return f"{_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())

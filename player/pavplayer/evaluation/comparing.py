"""A file beside what it was encoded from, by `eval-v2`: figures, and single pictures for who wants to look."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pavfmt.tools.inspect import gaussian_bytes_of, inspect
from pavplayer.evaluation.curve import EvaluatedFile, Progress, silent
from pavplayer.evaluation.figures import FramingLikeness, LikenessReport
from pavplayer.evaluation.framings import Framing, framings_of, skipped
from pavplayer.evaluation.likeness import BACKGROUNDS, Clouds, compared, drawn, likeness
from pavplayer.evaluation.metrics import Picture
from pavplayer.evaluation.quality import flip_error
from pavplayer.evaluation.references import Reference
from pavplayer.packages import require
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import Rasterizer
from pavplayer.session import Session


@dataclass(frozen=True)
class Examination:
    """What a reference is looked at for, and what draws it."""

    reference: Reference
    framings: list[Framing]
    skipped: list[str]
    """What the avatar lacks, in words."""
    rasterizer: Rasterizer

    @classmethod
    def of(
        cls, reference: Reference, rasterizer: Rasterizer, only: Sequence[str] = (), scale: float = 1.0
    ) -> Examination:
        """By `eval-v2`, or by those of its framings that `only` names. RuntimeError where nothing is left of them."""
        avatar = reference.avatar
        framings = framings_of(avatar, Poser(avatar).frame, only=only, scale=scale)
        lacking = skipped(avatar, framings, only=only)
        if not framings:
            raise RuntimeError(f"{reference.name}: nothing to look at ({'; '.join(lacking)})")
        return cls(reference, framings, lacking, rasterizer)

    def likenesses(
        self, tests: Sequence[Clouds], with_flip: bool = False, progress: Progress = silent
    ) -> list[list[FramingLikeness]]:
        """For each test the figures of each framing; FLIP, which is slow, of the first test alone. Needs numba."""
        if with_flip:
            require("flip_evaluator", extra="bench")
        pictures = compared(self.framings, self.reference.cloud, tests, self.rasterizer, progress)
        flips = [flip_error] if with_flip else []
        return likeness(self.framings, pictures, self.reference.avatar, len(tests), flips)

    def pair(
        self, framing: str, camera: int, expression: str, background: str, test: Clouds
    ) -> tuple[Picture, Picture]:
        """One picture of the reference and of a test, (H, W, 3) display sRGB in 0..1."""
        one = next(each for each in self.framings if each.name == framing)
        pose, view, colour = one.expressions[expression], one.cameras[camera], BACKGROUNDS[background]
        reference, (other,) = drawn(self.reference.cloud(pose), [test(pose)], view, colour, self.rasterizer)
        return reference, other

    def report(self, file: EvaluatedFile, framings: list[FramingLikeness]) -> LikenessReport:
        """The figures of a file, with its sizes beside them."""
        camera = self.framings[0].cameras[0]
        return LikenessReport(
            name=file.name,
            reference=self.reference.name,
            width=camera.width,
            height=camera.height,
            device=device_name(file.whole),
            source_gaussian_count=self.reference.avatar.gaussian_count,
            gaussian_count=file.whole.scene.gaussian_count,
            file_bytes=len(file.data),
            gaussian_bytes=gaussian_bytes_of(inspect(file.data, rig_file=file.rig_file)),
            framings=framings,
            skipped=self.skipped,
        )


def examined(
    file: EvaluatedFile, examination: Examination, with_flip: bool = False, progress: Progress = silent
) -> LikenessReport:
    """A whole file against its reference. Raises RuntimeError where it holds nothing to draw."""
    if file.whole.bytes_until_visible is None:
        raise RuntimeError(f"{file.name}: {len(file.data):,} bytes hold nothing to draw yet")
    (found,) = examination.likenesses([file.whole.posed], with_flip, progress)
    return examination.report(file, found)


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

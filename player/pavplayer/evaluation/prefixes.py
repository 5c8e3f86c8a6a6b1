"""Pictures of growing prefixes, and how like the complete avatar they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pavfmt.decoding.scene import Scene
from pavfmt.model import Float32Array, Pose
from pavfmt.tools.cut import bytes_of_percent
from pavplayer.camera import Camera
from pavplayer.evaluation.metrics import mean_squared_error, psnr_of_error
from pavplayer.session import Session

Pictures = Mapping[str, Float32Array]
"""Expression → (H, W, 3) display sRGB in 0..1."""

MOUTH_OPEN = 0.6
JAW_RADIANS = 0.35
"""How far a jaw joint turns at weight 1, where a rig has no shape for it."""
HEAD_JOINTS = ("head", "neckUpper", "neck")


@dataclass(frozen=True)
class Cut:
    """What one prefix shows."""

    received_bytes: int
    gaussian_count: int
    is_animatable: bool
    pictures: Pictures


def jaw_pose(scene: Scene, weight: float) -> Pose | None:
    """The mouth open by the shape jawOpen, else by the jaw joint; None where there is neither."""
    if scene.core is None:
        return None
    if "jawOpen" in scene.core.shape_names:
        return Pose({"jawOpen": weight})
    if "jaw" in scene.core.joint_names:
        return Pose(rotations={"jaw": (JAW_RADIANS * weight, 0.0, 0.0)})
    return None


def basic_expressions(scene: Scene) -> dict[str, Pose]:
    """ "rest", and "mouth open" where the rig can."""
    opened = jaw_pose(scene, MOUTH_OPEN)
    return {"rest": Pose()} | ({} if opened is None else {"mouth open": opened})


def draw_expressions(session: Session, expressions: Mapping[str, Pose], camera: Camera) -> Pictures:
    """What the session shows now."""
    return {name: session.frame(pose, camera) for name, pose in expressions.items()}


def draw_cuts(
    session: Session,
    data: bytes,
    lengths: Sequence[int],
    expressions: Mapping[str, Pose],
    camera: Camera,
    receive: Callable[[Session, bytes], None] | None = None,
) -> Iterator[Cut]:
    """The prefixes of rising `lengths`, fed to a fresh session; `receive` may feed it in its own time."""
    at = 0
    for length in lengths:
        (receive or _feed)(session, data[at:length])
        at = length
        pictures = draw_expressions(session, expressions, camera)
        yield Cut(length, session.scene.gaussian_count, session.scene.is_animatable, pictures)


def _feed(session: Session, data: bytes) -> None:
    session.feed(data)
    session.update()


def psnr_of(pictures: Pictures, reference: Pictures) -> float:
    """Decibels over all pixels of all expressions; infinite where they are equal."""
    errors = [mean_squared_error(pictures[name], reference[name]) for name in reference]
    return psnr_of_error(float(np.mean(errors)))


def spread_lengths(lengths: Sequence[int], count: int) -> list[int]:
    """At most `count` of the rising lengths, first and last among them, about equally spaced in the logarithm."""
    if not lengths:
        return []
    logarithms = np.log(np.maximum(lengths, 1))
    wanted = np.linspace(logarithms[0], logarithms[-1], count)
    return sorted({lengths[int(np.argmin(np.abs(logarithms - one)))] for one in wanted})


def milestone_lengths(whole: Session, total: int, percents: Sequence[float]) -> list[int]:
    """Rising lengths: the first picture, the first animatable one, and the percents of `total` after it."""
    first = whole.bytes_until_visible or 0
    asked = {bytes_of_percent(total, percent) for percent in percents}
    return sorted({first, whole.bytes_until_animatable or first, *(one for one in asked if one > first)})


def captioned_rows(
    cuts: Sequence[Cut], reference: Pictures, total: int
) -> list[list[tuple[str, Float32Array]]]:
    """One row for each expression, for `pavplayer.evaluation.reports.contact_sheet`."""
    return [
        [(_caption(cut, name, reference, total), cut.pictures[name]) for cut in cuts] for name in reference
    ]


def _caption(cut: Cut, name: str, reference: Pictures, total: int) -> str:
    quality = psnr_of({name: cut.pictures[name]}, {name: reference[name]})
    decibels = "identical" if quality == float("inf") else f"{quality:.1f} dB"
    size = f"{shown_bytes(cut.received_bytes)}, {100 * cut.received_bytes / total:.3g} %"
    return f"{size}\n{cut.gaussian_count:,} Gaussians\n{name}, {decibels}"


def shown_bytes(count: int) -> str:
    """In kB or MB, of 1,000 and 1,000,000 bytes."""
    return f"{count / 1e6:,.2f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"

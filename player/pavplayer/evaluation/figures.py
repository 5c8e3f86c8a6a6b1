"""What measurements say: the figures that reports print and `spec/schemas` describes. Plain values, no computing."""

from __future__ import annotations

from dataclasses import asdict, dataclass

GAUSSIAN_BYTES, GAUSSIANS = "gaussian_bytes", "gaussians"
"""What a budget may be a share of."""


@dataclass(frozen=True)
class PictureQuality:
    """How like their references pictures are: PSNR over all their pixels, means of SSIM and FLIP (1 and 0 are best)."""

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
    likeness: PictureQuality
    """Of the prefix as it is: expressions whose shapes have not come are at rest."""
    held: PictureQuality
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


@dataclass(frozen=True)
class EvaluationBudget:
    """The longest prefix within a share of the file, cut after a unit."""

    of: str
    """"gaussian_bytes" or "gaussians": of what the share is."""
    percent: float
    file_bytes: int
    gaussian_bytes: int
    gaussian_count: int
    likeness: PictureQuality
    """With the rig and all shapes there from the start."""
    frames_per_second: float | None
    """Posed and drawn; None: nothing to draw."""


@dataclass(frozen=True)
class FirstPicture:
    """Over one link, from the request until the picture is drawn, compiled code being warm."""

    megabits_per_second: float
    latency_ms: float
    """A round trip."""
    simulated_seconds: float
    """By the model of the link, and the measured time to decode and draw."""
    loopback_seconds: float
    """By the clock, from a real HTTP server on this machine that sends at the link's pace."""


@dataclass(frozen=True)
class EvalReport:
    """What `pav eval --json` prints; `spec/schemas/eval.json` describes it."""

    name: str
    reference: str
    width: int
    height: int
    views: list[tuple[float, float]]
    """Yaw and pitch in degrees."""
    expressions: list[str]
    device: str
    """What posed and drew."""
    file_bytes: int
    """Of the complete avatar, as the next two."""
    gaussian_bytes: int
    gaussian_count: int
    budgets: list[EvaluationBudget]
    first_bytes: int
    """Length of the shortest prefix that draws."""
    first_gaussian_count: int
    first_psnr: float | None
    """dB of that prefix as it is; None: no difference."""
    first_pictures: list[FirstPicture]

    def to_json(self) -> dict[str, object]:
        """Plain dicts and lists."""
        return asdict(self)

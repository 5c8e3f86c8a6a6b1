"""What measurements say: the figures that reports print and `spec/schemas` describes. Plain values, no computing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

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
class WorstWindow:
    """The window of a picture, or of several, that differs most: the mean |difference| of its worst channel."""

    size: int
    """Its side in pixels; less where a picture is smaller."""
    difference: float
    """Of 255."""
    yaw: float
    """Degrees, as of the camera, and pitch."""
    pitch: float
    expression: str
    background: str
    """"white" or "black"."""
    x: int
    y: int
    """Its top left pixel."""

    @property
    def where(self) -> str:
        """In words."""
        return f"yaw {self.yaw:g}°, pitch {self.pitch:g}°, {self.expression}, on {self.background}"


@dataclass(frozen=True)
class PictureLikeness:
    """How close one picture is, over one background."""

    camera: int
    """Which of its framing's."""
    expression: str
    background: str
    psnr: float
    """dB over all pixels; infinite where nothing differs."""
    large: WorstWindow
    small: WorstWindow


@dataclass(frozen=True)
class FramingLikeness:
    """How close the pictures of one framing are: `eval-v2`. Decibels are infinite where nothing differs."""

    framing: str
    pictures: int
    psnr: float
    """dB over all pixels of all pictures, on white."""
    psnr_black: float
    psnr_worst: float
    """Of the worst picture, either background."""
    psnr_region: float
    """dB over the pixels that show the avatar (eyes and mouth: its region's box), the worse background."""
    flip: float | None
    """Mean FLIP on white; None: not measured."""
    large: WorstWindow
    small: WorstWindow
    by_picture: tuple[PictureLikeness, ...] = field(default=(), repr=False)
    """Every picture over both backgrounds."""

    def to_json(self) -> dict[str, object]:
        """Plain values, None for infinite decibels, without the single pictures."""
        fields = asdict(self)
        del fields["by_picture"]
        return {name: None if value == float("inf") else value for name, value in fields.items()}


@dataclass(frozen=True)
class LikenessReport:
    """What `pav compare --json` prints; `spec/schemas/compare.json` describes it."""

    name: str
    reference: str
    width: int
    height: int
    device: str
    """What posed and drew."""
    source_gaussian_count: int
    gaussian_count: int
    """In these bytes of the file."""
    file_bytes: int
    gaussian_bytes: int
    """In these bytes."""
    framings: list[FramingLikeness]
    skipped: list[str]
    """What the avatar lacks and is therefore not looked at, in words."""

    @property
    def left_out(self) -> int:
        """How many Gaussians fewer than the source the file has; a fit may also have more."""
        return max(self.source_gaussian_count - self.gaussian_count, 0)

    @property
    def bytes_per_input(self) -> float:
        """Gaussian bytes per Gaussian of the source: dropping some makes it small."""
        return self.gaussian_bytes / max(self.source_gaussian_count, 1)

    @property
    def bytes_per_kept(self) -> float:
        """Gaussian bytes per Gaussian in the file: what one costs."""
        return self.gaussian_bytes / max(self.gaussian_count, 1)

    def to_json(self) -> dict[str, object]:
        """Plain dicts and lists."""
        return {
            **{name: getattr(self, name) for name in ("name", "reference", "width", "height", "device")},
            "source_gaussian_count": self.source_gaussian_count,
            "gaussian_count": self.gaussian_count,
            "left_out": self.left_out,
            "file_bytes": self.file_bytes,
            "gaussian_bytes": self.gaussian_bytes,
            "bytes_per_input": round(self.bytes_per_input, 4),
            "bytes_per_kept": round(self.bytes_per_kept, 4),
            "framings": [one.to_json() for one in self.framings],
            "skipped": self.skipped,
        }


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
    framings: list[FramingLikeness]
    """With the rig and all shapes there from the start, as the next."""
    set_quality: PictureQuality | None
    """Over a set of views such as `eval-v1`; None: not asked for."""
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
class ViewSet:
    """Over which pictures `set_quality` is measured."""

    width: int
    height: int
    views: list[tuple[float, float]]
    """Yaw and pitch in degrees."""
    expressions: list[str]


@dataclass(frozen=True)
class EvalReport:
    """What `pav eval --json` prints; `spec/schemas/eval.json` describes it."""

    likeness: LikenessReport
    """Of all that is there."""
    budgets: list[EvaluationBudget]
    view_set: ViewSet | None
    first_bytes: int
    """Length of the shortest prefix that draws."""
    first_gaussian_count: int
    first_psnr: float
    """dB of that prefix as it is, in the first framing; infinite: no difference."""
    first_pictures: list[FirstPicture]

    def to_json(self) -> dict[str, object]:
        """Plain dicts and lists."""
        budgets: list[dict[str, Any]] = []
        for one in self.budgets:
            fields = asdict(one)
            fields["framings"] = [framing.to_json() for framing in one.framings]
            budgets.append(fields)
        return {
            "likeness": self.likeness.to_json(),
            "budgets": budgets,
            "view_set": self.view_set and asdict(self.view_set),
            "first_bytes": self.first_bytes,
            "first_gaussian_count": self.first_gaussian_count,
            "first_psnr": None if self.first_psnr == float("inf") else self.first_psnr,
            "first_pictures": [asdict(one) for one in self.first_pictures],
        }

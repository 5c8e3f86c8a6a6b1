"""What an encoder may choose. The defaults are measured on head avatars: sizes of units in
spec/decisions/0006-unit-sizes.md, precision in 0013-prediction-and-precision.md, what hands over in
0014-fitted-hand-over.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Precision:
    """Quantization steps of a Gaussian of median visibility.

        options = EncodeOptions(precision=precision_near(54.0))

    A unit's step is this times (its visibility)^−power: what is seen more is written finer. Visibility is the mean
    importance of its Gaussians, as a multiple of the level's median. The powers are those that cost least at equal
    quality; the balance between the steps, too. To be finer or coarser, scale them all (`scaled`, `precision_near`).
    """

    mean_step: float = 6e-4
    """As a share of the neutral mesh's height."""
    log_scale_step: float = 0.26
    """Of natural logarithms: a factor of 1.3."""
    quat_step: float = 0.034
    """Of stereographic coordinates: 0.034 is about 8° at the identity."""
    opacity_step: float = 0.014
    """Of opacities 0..1, not of logits."""
    sh0_step: float = 0.19
    """Of SH coefficients: 0.054 of a colour 0..1."""
    band_steps: tuple[float, float, float] = (0.12, 0.12, 0.12)
    """SH bands 1, 2, 3."""
    mean_power: float = 0.45
    """Powers of visibility, by which steps shrink."""
    log_scale_power: float = 0.6
    quat_power: float = 0.6
    opacity_power: float = 0.2
    sh0_power: float = 0.5
    """Of all SH bands."""
    kept_importance: float = 1.0
    """Share of each level's importance that is kept where nobody looks: less leaves out the weakest Gaussians. Who may
    go unnoticed, looking decides (`pavfmt.encoder.seen`)."""
    step_factor: float = 1.35
    """Of steps by sensitivity, where somebody looks: at 1 rounding costs by prediction the error that is allowed;
    fitted colours take some of it back."""

    def coarsened(self, factor: float) -> Precision:
        """All steps times `factor`."""
        return replace(
            self,
            mean_step=self.mean_step * factor,
            log_scale_step=self.log_scale_step * factor,
            quat_step=self.quat_step * factor,
            opacity_step=self.opacity_step * factor,
            sh0_step=self.sh0_step * factor,
            band_steps=tuple(step * factor for step in self.band_steps),  # type: ignore[arg-type]
            step_factor=self.step_factor * factor,
        )

    def scaled(self, factor: float) -> Precision:
        """All steps times `factor`; the share of importance left out follows, so that both cost about the same."""
        left_out = min((1 - self.kept_importance) * factor**LEFT_OUT_POWER, 0.5)
        return replace(self.coarsened(factor), kept_importance=1 - left_out)


PRESETS = {"small": 42.0, "balanced": 47.9, "near-lossless": 53.9}
"""dB against the avatar as given that every framing reaches: the head all around, everything there is, a face that
fills the picture, eyes, mouth, hair. They are measured on pictures of the encoder's own; what is promised on others is
40, 46 and 52."""
DEFAULT_DECIBELS = 43.0
"""About what Precision()'s steps reach on head avatars in the worst framing, where nobody looks."""


def precision_near(decibels: float, balance: Precision | None = None) -> Precision:
    """About what reaches a quality on head avatars, where there is no renderer to search with."""
    return (balance or Precision()).scaled(10 ** ((DEFAULT_DECIBELS - decibels) / 20))


FITTED_FINEST = 0.65
"""An avatar that was fitted to another is written no finer than by this share of the steps that its own quality asks:
beyond, bytes would make up for what the fit lost."""

LEFT_OUT_POWER = 1.6
"""Three times the importance left out costs 6.2 dB on the heads measured: 3 = (10^(6.2 / 20))^1.6."""


HAND_OVER_PRECISION = Precision(
    mean_step=4.7e-3,
    log_scale_step=0.3,
    quat_step=6 / 255,
    opacity_step=0.06,
    sh0_step=0.18,
    mean_power=0.0,
    log_scale_power=0.0,
    quat_power=0.0,
    opacity_power=0.0,
    sh0_power=0.0,
    kept_importance=1.0,
)
"""Of a level that hands over. `pavtraining.hand_over` fits such a level to multiples of these steps, and on them it is
written without further loss."""


@dataclass(frozen=True)
class EncodeOptions:
    """Precision, unit sizes and order. What is not given is as measured best on head avatars.

        pavfmt.encode(avatar, pavfmt.EncodeOptions(first_unit_bytes=2048, group_regions=True))

    `fitting_options` in `pavfmt.encoder.choices` has those for avatars whose levels add to or take over from others.
    """

    precision: Precision = Precision()
    passing_precision: Precision = HAND_OVER_PRECISION
    """Of levels that the next one takes over from: it needs the bits less, since they do not last."""
    minimum_scale: float = 6e-5
    """Metres: thinner axes are written this thick. A ninth of a pixel at the measuring distance."""
    barycentric_bits: int = 4
    """Of a surface point on its face: what is rounded off goes into the offset."""
    split_bits: int = 5
    """Of split points' barycentric coordinates; Gaussians are bound to the rounded faces."""
    neutral_step: float = 1e-4
    """Metres. Gaussians are bound to the decoded neutral, so this costs no rest-pose error."""
    weight_bits: int = 8
    """Skinning weights, as shares of 2^bits − 1."""
    shape_step: float = 2e-4
    """Metres."""
    first_unit_bytes: int = 4096
    """Aim of the first Gaussian unit."""
    unit_bytes: int = 8192
    """Aim of the second; it doubles up to `unit_share` of all Gaussian bytes, where that is more."""
    unit_share: float = 0.045
    """The gap between two pictures stays under this share of all Gaussian bytes; §6.9's bound is 5 %."""
    between_bytes: int = 2048
    """Shapes between two Gaussian units: about so many bytes of that gap; all essential ones after the first."""
    level_order: str = "major"
    """"major": a level is complete before the next begins (the paper's order); "gain": the unit with most importance
    per byte is next, whatever its level."""
    importance_per: str = "gaussian"
    """"gaussian", or "face": Gaussians of one face stay together, ordered by their sum (the paper's W)."""
    order_as_stored: bool = False
    """The importance that the checkpoint's Gaussians bring decides who is sent first; the one given to `encode`, how
    finely each is written."""
    group_regions: bool = False
    """Units hold what matters to the same named regions (eyes, mouth, …), so that a client can fetch what it looks at.
    Importance then decides within such a group, and between units which is next."""
    generator: str = "pavfmt"
    """Metadata: what wrote the file (§6.11)."""


HAND_OVER_OPTIONS = EncodeOptions(first_unit_bytes=5800, unit_bytes=1800)
"""For avatars with levels that take over: the first unit holds what can stand alone of a fitted base."""

ADDITIVE_OPTIONS = EncodeOptions(
    precision=Precision(log_scale_step=0.2, quat_step=0.04, opacity_step=0.018),
    importance_per="face",
)
"""For avatars whose levels add to those before them: the balance found on one of SH 3."""

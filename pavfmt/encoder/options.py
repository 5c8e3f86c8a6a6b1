"""What an encoder may choose. The defaults are measured: spec/decisions/0004-quantization.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EncodeOptions:
    """Precision, unit sizes and order."""

    mean_bits: int = 12
    """Per axis, over the level's range."""
    log_scale_bits: int = 7
    quat_bits: int = 8
    """Each of the three smaller components."""
    opacity_bits: int = 8
    sh0_bits: int = 8
    band_bits: tuple[int, int, int] = (7, 6, 6)
    """SH bands 1, 2, 3."""
    minimum_scale: float = 2e-5
    """Metres: thinner axes are written this thick. A fortieth of a pixel at the measuring distance."""
    neutral_step: float = 5e-5
    """Metres. Gaussians are bound to the decoded neutral, so this costs no rest-pose error."""
    weight_bits: int = 10
    """Skinning weights, as shares of 2^bits − 1."""
    shape_step: float = 1e-4
    """Metres."""
    first_unit_bytes: int = 4096
    """Aim of the first Gaussian unit."""
    unit_bytes: int = 8192
    """Aim of the second; it doubles up to `unit_share` of all Gaussian bytes, where that is more."""
    unit_share: float = 0.045
    """The gap between two pictures stays under this; FORMAT.md's bound is 5 %."""
    between_bytes: int = 2048
    """Shapes between two Gaussian units: about so many bytes of that gap; all essential ones after the first."""
    importance_per: str = "gaussian"
    """"gaussian", or "face": Gaussians of one face stay together, ordered by their sum (the paper's W)."""
    generator: str = "pavfmt"

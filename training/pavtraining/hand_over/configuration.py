"""Every constant of the hand-over method."""

from __future__ import annotations

from dataclasses import dataclass

from pavfmt.errors import EncodeError


@dataclass(frozen=True)
class HandOverConfiguration:
    """How a flat avatar becomes a fitted base and patches of originals that take over from it."""

    seed: int = 0
    """Of views, poses, clusters and the prefixes trained on."""
    cover_count: int = 650
    """Base Gaussians that each stand in for a piece of one patch, until its first originals are there."""
    lining_count: int = 200
    """Base Gaussians beneath the surface: what shows through while the weak originals are missing."""
    lining_depth: float = 0.05
    """How deep the lining begins, in heights of the neutral mesh."""
    patch_size: int = 120
    """The most originals worth sending that one patch holds."""
    kept_decibels: float = 54.0
    """The most significant originals that reach this by themselves are worth sending; the rest come last."""
    shares: tuple[float, ...] = (0.1, 0.15, 0.2, 0.27, 0.35, 0.45, 0.55, 0.65, 0.75, 0.87, 1.0)
    """Of a patch's originals worth sending, most significant first: where they may be divided into chunks."""
    lined_share: float = 0.7
    """Of a patch's originals: until so many are there, the lining stays."""
    base_bytes: float = 7.0
    """What a base Gaussian is taken to cost, hand-over data included,"""
    original_bytes: float = 7.2
    """and an original: they only decide where the prefixes trained on are cut."""
    view_count: int = 96
    """Training pictures."""
    measured_view_count: int = 8
    """Of them, those that the order of the chunks is measured on,"""
    significant_view_count: int = 32
    """and those that the significance of originals is."""
    picture_size: tuple[int, int] = (275, 401)
    """Width and height of training pictures, pixels."""
    alone_steps: int = 900
    """Steps in which the base is fitted alone."""
    prefix_steps: tuple[int, ...] = (300, 500, 1600)
    """Steps in which originals of random prefixes lie over it; the order is measured before each of these."""
    alone_share: float = 0.3
    """Of the prefix steps, how many show the base alone."""
    mean_rate: float = 4e-4
    """Adam's learning rates: means in metres,"""
    rotation_rate: float = 2e-3
    """stereographic coordinates of rotations,"""
    log_scale_rate: float = 1.2e-2
    """natural logarithms of scales,"""
    opacity_rate: float = 3e-2
    """logits of opacities,"""
    colour_rate: float = 8e-3
    """and sRGB colours."""
    final_rate: float = 0.05
    """What the rates have fallen to at the end, exponentially."""
    mean_step: float = 1.5e-3
    """How coarsely the base is to be written; it is fitted as it will be read. Means in metres,"""
    log_scale_step: float = 0.3
    """natural logarithms of scales,"""
    rotation_step: float = 0.025
    """stereographic coordinates of rotations,"""
    opacity_step: float = 0.06
    """opacities,"""
    colour_step: float = 0.05
    """and sRGB colours."""
    scales: tuple[float, float] = (1e-3, 4e-2)
    """Metres: the base's axes stay within these."""
    most_opacity: float = 0.98
    """The base's opacities stay below."""

    def __post_init__(self) -> None:
        if min(self.cover_count, self.lining_count, self.patch_size, self.view_count) < 1:
            raise EncodeError("bad-shape", "a hand-over needs cover, lining, patches and views")
        if list(self.shares) != sorted(set(self.shares)) or not 0 < self.shares[0] <= self.shares[-1] == 1:
            raise EncodeError("bad-shape", f"the shares must rise to 1, not {self.shares}")

    @property
    def base_count(self) -> int:
        """Cover and lining."""
        return self.cover_count + self.lining_count

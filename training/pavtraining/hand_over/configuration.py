"""Every constant of the hand-over method."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pavfmt.errors import EncodeError
from pavtraining.configuration import Configuration


@dataclass(frozen=True)
class HandOverConfiguration(Configuration):
    """How a flat avatar becomes a fitted base and patches of originals that take over from it."""

    seed: int = 0
    """Of views, poses, clusters and the prefixes trained on."""
    cover_count: int = 770
    """Base Gaussians that each stand in for a piece of one patch, until its first originals are there. They come
    first, and alone are a head."""
    first_count: int = 0
    """So many of the cover come before the others and are fitted to be a head without them; 0: all come together."""
    lining_count: int = 160
    """Base Gaussians beneath the surface: what shows through while the weak originals are missing."""
    lining_depth: float = 0.05
    """How deep the lining begins, in heights of the neutral mesh."""
    patch_size: int = 120
    """The most originals worth sending that one patch holds."""
    exact: bool = False
    """Whether originals are sent as they are given. Else fewer of them are, fitted to stand for all, the most
    significant ones also to stand alone."""
    kept_decibels: float = 44.0
    """The most significant originals that reach this as they are given are fitted and sent: some 5 dB more then."""
    exact_decibels: float = 54.0
    """The same for exact ones, which gain nothing by fitting."""
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
    measured_view_count: int = 24
    """Of them, those that the order of the chunks is measured on,"""
    significant_view_count: int = 32
    """and those that the significance of originals is."""
    picture_size: tuple[int, int] = (275, 401)
    """Width and height of training pictures, pixels."""
    full_picture_size: tuple[int, int] = (550, 802)
    """The same in the last phase,"""
    full_view_count: int = 64
    """which has so many."""
    own_picture_size: tuple[int, int] = (412, 601)
    """The same while originals are fitted: half of the full size is too coarse for hair."""
    own_steps: int = 3500
    """Steps in which the originals are fitted, before there is a base."""
    own_least_share: float = 0.35
    """Of the originals, the most significant: the shortest prefix that they are fitted for."""
    whole_share: float = 0.6
    """Of the steps that fit originals, how many show all of them."""
    joint_steps: int = 3000
    """Steps in which base and originals are fitted together,"""
    whole_steps: int = 700
    """and last ones, in which only the whole counts: its last originals take up what the prefixes cost it."""
    joint_rate: float = 0.4
    """What the rates begin with when all are fitted together, as a share,"""
    whole_rate: float = 0.4
    """and when only the whole counts."""
    own_mean_rate: float = 1.4e-4
    """Adam's learning rates for originals: means in metres,"""
    own_rotation_rate: float = 1.4e-3
    """components of quaternions,"""
    own_log_scale_rate: float = 3.5e-3
    """natural logarithms of scales,"""
    own_opacity_rate: float = 1e-2
    """logits of opacities,"""
    own_colour_rate: float = 2.8e-3
    """and SH coefficients of band 0."""
    scout_steps: int = 600
    """Steps of a first base that only tells where a base errs: the second has its clusters there."""
    alone_steps: int = 2500
    """Steps in which the base is fitted alone."""
    prefix_steps: tuple[int, ...] = (300, 500, 1600)
    """Steps in which originals of random prefixes lie over it; the order is measured before each of these."""
    alone_share: float = 0.4
    """Of the steps that show prefixes, how many show the base alone, half of them without the lining."""
    mean_rate: float = 4e-4
    """Adam's learning rates for the base: means in metres,"""
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
    scales: tuple[float, float] = (1e-3, 4e-2)
    """Metres: the base's axes stay within these."""
    most_opacity: float = 0.98
    """The base's opacities stay below."""

    def __post_init__(self) -> None:
        self.check_types()
        if min(self.cover_count, self.lining_count, self.patch_size, self.view_count) < 1:
            raise EncodeError("bad-shape", "a hand-over needs cover, lining, patches and views")
        if not 0 <= self.first_count <= self.cover_count:
            raise EncodeError("bad-shape", f"{self.first_count} cannot be the first of {self.cover_count}")
        if list(self.shares) != sorted(set(self.shares)) or not 0 < self.shares[0] <= self.shares[-1] == 1:
            raise EncodeError("bad-shape", f"the shares must rise to 1, not {self.shares}")

    def shortened(self, steps: int) -> HandOverConfiguration:
        """About so many steps in all, every phase its share of them."""
        if steps < 1:
            raise EncodeError("bad-shape", f"a hand-over takes at least 1 step, not {steps}")
        factor = steps / self.steps
        return replace(
            self,
            own_steps=round(self.own_steps * factor),
            scout_steps=round(self.scout_steps * factor),
            alone_steps=round(self.alone_steps * factor),
            prefix_steps=tuple(round(count * factor) for count in self.prefix_steps),
            joint_steps=round(self.joint_steps * factor),
            whole_steps=round(self.whole_steps * factor),
        )

    @property
    def steps(self) -> int:
        """Of all phases."""
        base = self.scout_steps + self.alone_steps + sum(self.prefix_steps)
        together = self.own_steps + self.joint_steps + self.whole_steps
        return base if self.exact else base + together


ON_FACES = HandOverConfiguration(cover_count=1270, first_count=710, lining_count=90)
"""For avatars on face frames, which were fitted to pictures: the first part stands in a twentieth of their bytes for
all, the whole base in a tenth."""

"""Every constant of a fit of a hierarchy, in one place, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pavfmt.errors import EncodeError
from pavtraining.configuration import BAD, Configuration


@dataclass(frozen=True)
class HierarchyConfiguration(Configuration):
    """What decides a fit, besides its source. Shares are of the whole run, 0..1.

    Learning rates of barycentrics, positions, scales and rotations, the growth and the regularisers' λ are
    ProgressiveAvatars'; opacity and colour are 3D Gaussian splatting's, faster where runs are short.
    """

    # The run
    steps: int = 6000
    """Adam steps. The paper takes 60,000; a short run on a CPU goes a long way."""
    seed: int = 0
    """Of everything random. On one device the same seed gives the same numbers, interrupted or not."""
    sizes: tuple[float, ...] = (0.25, 0.5, 1.0)
    """Sizes of the pictures one after another, as shares of `width` and `height`."""
    views: tuple[int, ...] = (192, 128, 64)
    """Training views that take turns at each size: their targets are made once and kept in memory."""
    sizes_until: tuple[float, ...] = (0.45, 0.85, 1.0)
    """The share of the run at which each size ends."""
    width: int = 550
    height: int = 802
    """Pixels of a picture at size 1."""

    # The hierarchy
    gaussians: int = 32_000
    """Where growth stops. With fewer than there are faces to see, level 0 leaves faces out."""
    depth: int = 4
    """How often a face may be split: levels 0 to 4."""
    sh_degree: int = 1
    """0..3."""
    visible_only: bool = True
    """Level 0 has a Gaussian on every face that some training view may see; else on every face."""
    visibility_views: int = 48
    """Training views that decide it."""
    coarse_share: float = 0.05
    """So many of all Gaussians, far apart on faces of level 0, start large and are supervised alone too."""
    coarse_depth: float = 0.3
    """How far below their faces those start, in face sizes, so that the others hide them."""
    first_scale: float = 0.5
    """Standard deviation of level 0's Gaussians at first, in face sizes, along the face."""
    first_flatness: float = 0.2
    """The same across the face, as a share of that."""
    first_opacity: float = 0.7
    child_scale: float = 0.6
    """A child starts as its parent's shape, smaller by this."""
    child_opacity: float = 0.3
    """Low, so that the picture hardly changes at the moment of a split."""

    # Growth
    growth_from: float = 0.08
    growth_until: float = 0.5
    growth_rounds: int = 20
    """Rounds of splits, evenly spread between these shares (the paper: every 2,000 of 60,000 steps)."""
    growth_threshold: float = 0.0
    """A face splits only if its mean screen-space gradient is above this (loss per half picture side)."""

    # The loss
    ssim_share: float = 0.2
    """Loss of a picture: (1 − share) · L1 + share · (1 − SSIM)."""
    prefix_weight: float = 0.6
    """Of the loss, for a random prefix; the rest is for the whole (Matryoshka: 6 to 4)."""
    coarse_prefix_share: float = 0.3
    """How often that prefix is the coarse start alone, where there is one."""
    level_share: float = 0.5
    """Of the others, how many end with a level; the rest end at a random byte budget."""
    smallest_budget: float = 0.04
    """Byte budgets are drawn evenly in the logarithm between this share and all."""
    whole_from: float = 0.92
    """From this share of the run on only the whole counts: its last Gaussians take up what the prefixes cost it."""
    position_weight: float = 0.01
    """λ of how far means leave their faces."""
    position_free: float = 1.0
    """Face sizes that cost nothing."""
    scale_weight: float = 1.0
    """λ of how far scales exceed what is free."""
    scale_free: float = 2.0
    """Face sizes that cost nothing. The paper: 0.6; few Gaussians must be able to cover a whole head."""
    coverage_weight: float = 0.0
    """λ of |cover − mask|, where a view has a mask."""

    # Learning rates, of Adam; they fall to `final_rate` of these by the end
    barycentric_rate: float = 1e-2
    position_rate: float = 5e-3
    scale_rate: float = 2e-2
    rotation_rate: float = 1e-3
    opacity_rate: float = 5e-2
    colour_rate: float = 1e-2
    harmonics_rate: float = 1e-3
    final_rate: float = 0.1
    harmonics_from: float = 0.3
    """When the higher bands join."""
    barycentric_interval: int = 4
    """Steps between two that move split points: their gradients go through every frame and cost time."""

    # Order and codec
    order_interval: int = 300
    """Steps after which importance is measured anew."""
    order_views: int = 12
    """Training views that it is measured in; four times as many at the end."""
    quantizer_from: float = 0.88
    """From here on what is drawn has gone through the codec's rounding."""

    # What the ablations switch off
    multi_level: bool = True
    """Prefixes that end with a level are supervised."""
    random_budgets: bool = True
    """Prefixes of random length are supervised."""
    adaptive_growth: bool = True
    """Faces split by their gradients; else at random, coarse levels first."""
    importance_order: bool = True
    """Inside a level the important come first; else a random order."""
    free_lower_levels: bool = True
    """All levels are fitted; else only the finest so far."""
    quantizer_phase: bool = True
    """There is a last phase through the codec's rounding."""

    # Keeping it
    checkpoint_seconds: float = 45.0
    """Between two saved states."""
    log_interval: int = 20
    """Steps between two lines of the log."""

    def __post_init__(self) -> None:
        self.check_types()
        shares = (
            *self.sizes_until,
            self.growth_from,
            self.growth_until,
            self.quantizer_from,
            self.whole_from,
        )
        lengths = {len(self.sizes), len(self.sizes_until), len(self.views)}
        if len(lengths) != 1 or 0 in lengths or not all(0 <= share <= 1 for share in shares):
            raise EncodeError(
                BAD, "shares lie in 0..1, every picture size has a share where it ends and views"
            )
        if (
            self.steps < 1
            or not all(count >= 1 for count in self.views)
            or not 0 <= self.depth <= 4
            or not 0 <= self.sh_degree <= 3
        ):
            raise EncodeError(BAD, "steps and views are at least 1, depth is 0..4, sh_degree 0..3")
        if not all(0 < size <= 4 for size in self.sizes) or not 0 < self.smallest_budget <= 1:
            raise EncodeError(BAD, "picture sizes lie in 0..4, the smallest budget in 0..1")

    def _phase(self, progress: float) -> int:
        """Which of the sizes it is the turn of."""
        ends = [until for until in self.sizes_until if progress >= until]
        return min(len(ends), len(self.sizes) - 1)

    def views_at(self, progress: float) -> int:
        """Training views that take turns at a share of the run."""
        return self.views[self._phase(progress)]

    def size_at(self, progress: float) -> tuple[int, int]:
        """Width and height of the pictures at a share of the run."""
        share = self.sizes[self._phase(progress)]
        return max(round(self.width * share), 16), max(round(self.height * share), 16)

    def rate_at(self, progress: float) -> float:
        """What the learning rates are multiplied by."""
        return float(self.final_rate ** min(progress, 1.0))


ABLATIONS: Mapping[str, str] = {
    "multi-level": "multi_level",
    "adaptive-growth": "adaptive_growth",
    "importance-order": "importance_order",
    "free-lower-levels": "free_lower_levels",
    "random-budgets": "random_budgets",
    "quantizer-phase": "quantizer_phase",
}
"""What can be left out of the method, and the switch that does it."""

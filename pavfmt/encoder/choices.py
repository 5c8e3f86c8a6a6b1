"""What is asked of an encoder in words, made concrete by looking at the avatar: `pav encode` is a shell over this.

    order = ordering(avatar, "auto", renderer)
    ready = prepared(avatar, fitting_options(avatar), order, decibels=52.8, renderer=renderer)
    data = encode(ready.avatar, ready.options, order.importance, seen=ready.seen)

Everything works without a renderer, by rules that come to about as much on head avatars; with one, both the order
and the precision are measured on pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pavfmt.arrays import Float64Array
from pavfmt.encoder.options import (
    ADDITIVE_OPTIONS,
    HAND_OVER_OPTIONS,
    PRESETS,
    EncodeOptions,
    precision_near,
)
from pavfmt.encoder.order.importance import (
    has_stored_importance,
    opacity_area_importance,
    rendered_importance,
    stored_importance,
)
from pavfmt.encoder.pictures import Progress, Renderer
from pavfmt.encoder.quality import Closeness, tuned
from pavfmt.encoder.seen.looking import Seen, look_at
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar

ORDERS = ("auto", "checkpoint", "render", "opacity-area")
"""By whose importance Gaussians are sent; "auto" is the first of the others that is there."""
DEFAULT_PRESET = "balanced"
LEAST_DECIBELS, MOST_DECIBELS = 30.0, 70.0
"""Beyond, either nothing is left to see or no steps are fine enough."""
EXACT_DECIBELS = 44.0
"""From here on an avatar that is made progressive keeps its Gaussians as they are: fitted ones do not come so close in
close-up (spec/decisions/0016-nothing-lost.md)."""


@dataclass(frozen=True)
class Ordering:
    """Who is sent first, and why."""

    importance: list[Float64Array]
    """Per level (N,), what `encode` takes: it also decides how finely each Gaussian is written."""
    as_stored: bool
    """Whether the order is the checkpoint's all the same (`EncodeOptions.order_as_stored`)."""
    name: str
    """For people."""


def ordering(
    avatar: Avatar,
    asked: str = "auto",
    renderer: Renderer | None = None,
    progress: Progress | None = None,
) -> Ordering:
    """The importance for one of ORDERS. Raises EncodeError for "checkpoint" where there is none."""
    # What hands over was measured by the fit that made it, not by a checkpoint whose order is to be kept.
    stored = has_stored_importance(avatar) and not avatar.hands_over
    if asked == "checkpoint" or (asked == "auto" and stored):
        found = stored_importance(avatar)
        if renderer is not None:  # what is seen, since that decides how finely each is written
            found = rendered_importance(avatar, renderer, progress)
        return Ordering(found, True, "the checkpoint's importance")
    if asked in ("render", "auto") and renderer is not None:
        return Ordering(rendered_importance(avatar, renderer, progress), False, "rendered importance")
    return Ordering(opacity_area_importance(avatar), False, "opacity x area")


def fitting_options(avatar: Avatar) -> EncodeOptions:
    """The options whose balance was found on avatars of this kind: flat, handing over, or of levels that add."""
    if avatar.hands_over:
        return HAND_OVER_OPTIONS
    return ADDITIVE_OPTIONS if len(avatar.levels) > 1 else EncodeOptions()


def wanted_decibels(preset: str | None, quality: float | None) -> float | None:
    """What a preset or a number asks for, in dB; None if nothing is asked. Raises EncodeError "bad-quality"."""
    if quality is None:
        return None if preset is None else PRESETS[preset]
    if not LEAST_DECIBELS <= quality <= MOST_DECIBELS:
        raise EncodeError(
            "bad-quality", f"--quality {quality}: {LEAST_DECIBELS:g} to {MOST_DECIBELS:g} dB can be had"
        )
    return quality


def keeps_gaussians(decibels: float | None) -> bool:
    """Whether an avatar that is made progressive for this quality keeps its Gaussians as they are."""
    return (PRESETS[DEFAULT_PRESET] if decibels is None else decibels) >= EXACT_DECIBELS


@dataclass(frozen=True)
class Prepared:
    """What `encode` takes, and what is known of how it will look."""

    avatar: Avatar
    options: EncodeOptions
    seen: Seen | None
    asked: float
    """dB, in every framing."""
    closeness: Closeness | None
    """None: nobody looked."""

    @property
    def is_missed(self) -> bool:
        """Whether somebody looked and what was asked is not reached."""
        return self.closeness is not None and self.closeness.binding.decibels < self.asked


def prepared(
    avatar: Avatar,
    options: EncodeOptions,
    order: Ordering,
    decibels: float | None = None,
    renderer: Renderer | None = None,
    search: bool = True,
    fitted_to: Avatar | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Everything for the fewest bytes that reach `decibels` (None: the default preset's) in every framing.

    Measured against `fitted_to`, the avatar that `avatar` was fitted to, or against itself. With a renderer, but
    without `search`, steps and omissions follow from looking once, and nothing is compared. Without a renderer steps
    are fixed and nothing is left out.
    """
    target = PRESETS[DEFAULT_PRESET] if decibels is None else decibels
    if renderer is None:
        near = replace(options, precision=precision_near(target, options.precision))
        return Prepared(avatar, near, None, target, None)
    if not search:
        return Prepared(avatar, options, look_at(avatar, renderer, target, progress), target, None)
    found = tuned(avatar, options, order.importance, renderer, target, progress, fitted_to)
    return Prepared(found.avatar, found.options, found.seen, target, found.closeness)

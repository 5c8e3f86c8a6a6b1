"""Which chunk comes when: measured on pictures, patch by patch.

**How it works.** A patch is in one of S + 1 states: none of its chunks are there, the first, the first two, … For
each state all patches are put into it together, every measured view is drawn, and the squared error of each pixel is
charged to the patch that the pixel shows. That gives (P, S + 1) errors over (P, S + 1) bytes; the steepest descents
of all patches together are the order (`schedule.best_moves`). The same is measured with and without the lining,
which tells from which state on a patch is better off without it.

**Why so.** Measuring a patch by itself would take P · S drawings of every view instead of 2 S + 1. Charging pixels
is right but for the seams: a pixel at the border of two patches changes with both, and since both change together
here it counts the neighbour's gain too, the same for all.

Pixels belong to the patch whose originals have most blending weight in them, measured by drawing patches as colours,
three at a time: a picture has three channels.

**Invariants.** Errors are means over all pixels and channels of a picture, then over views, so bytes buy dB of the
whole. Pixels that no original covers count nowhere. The result is a schedule in which a Gaussian of the base retires
exactly when its last child arrives; children that come before are let go (`only_last`).

**Costs.** 2 S + 1 drawings of each measured view, as long as some 150 steps of the base; P / 3 drawings of each
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavtraining.hand_over.base import Base
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.order.patches import Patches, only_last, parents_of
from pavtraining.hand_over.order.schedule import HandOverSchedule, arrivals_of, best_moves, retirements_of
from pavtraining.hand_over.training_views import Splats, TrainingView, joined
from pavtraining.rendering.blending import blend

NOWHERE = -1


@dataclass(frozen=True)
class MeasuredView:
    """A view, and the patch that each of its pixels shows."""

    view: TrainingView
    patches: NDArray[np.int64]
    """(H, W); NOWHERE where there is none."""


def measured_view(view: TrainingView, patches: Patches) -> MeasuredView:
    """Pixels go to the patch whose originals have most weight in them."""
    of_rows = torch.from_numpy(patches.patches)
    splats, size = view.originals, (view.truth.camera.width, view.truth.camera.height)
    best, labels = torch.zeros(size[::-1]), torch.full(size[::-1], NOWHERE)
    for first in range(0, patches.patch_count, 3):
        colours = torch.stack([of_rows == first + k for k in range(3)], dim=1).float()
        light, _, _ = blend(splats.centres, splats.opacities, colours, size)
        most, which = light.max(dim=-1)
        labels = torch.where(most > best, which + first, labels)
        best = torch.maximum(best, most)
    return MeasuredView(view, labels.numpy().astype(np.int64))


def drawn_prefix(
    originals: Splats, base: Splats, there: NDArray[np.int64], shown: NDArray[np.bool_]
) -> Splats:
    """What a prefix shows: the originals at rows `there` and the base that has not retired."""
    left = base.take(torch.from_numpy(np.flatnonzero(shown)))
    return joined(originals.take(torch.from_numpy(there)), left)


def errors_by_patch(
    base: Base, views: Sequence[MeasuredView], patches: Patches, state: int, lined: bool
) -> Float64Array:
    """(P,) squared errors when all patches are in one state, with the lining beneath or not."""
    # The cover goes with the first chunk already: of a patch that is half there it would hide the new originals.
    shown = np.ones(len(base), bool)
    shown[: base.cover_count] = state == 0
    shown[base.cover_count :] = lined
    there = np.flatnonzero(patches.states <= state) if state else np.zeros(0, np.int64)
    totals = np.zeros(patches.patch_count)
    with torch.no_grad():
        for one in views:
            errors = one.view.errors(
                drawn_prefix(one.view.originals, base.splats(one.view), there, shown)
            ).numpy()
            inside = one.patches != NOWHERE
            totals += np.bincount(one.patches[inside], errors[inside], patches.patch_count) / errors.size
    return totals / len(views)


def make_schedule(
    base: Base,
    views: Sequence[MeasuredView],
    patches: Patches,
    lining: Float64Array,
    configuration: HandOverConfiguration,
    may_retire: bool,
) -> HandOverSchedule:
    """The order that removes most error per byte; `lining` (L, D) are the features of the lining.

    Unless it `may_retire`, the lining stays until its patch is complete.
    """
    count = len(configuration.shares) + 1
    lined = [errors_by_patch(base, views, patches, state, True) for state in range(count)]
    # State 0 always has its lining: without originals there is nothing that it could be in the way of.
    bare = [lined[0]] + [errors_by_patch(base, views, patches, state, False) for state in range(1, count)]
    without = _first_without(np.stack(lined, axis=1), np.stack(bare, axis=1))
    earliest = int(np.searchsorted(configuration.shares, configuration.lined_share)) + 1
    without = np.maximum(without, earliest if may_retire else count - 1)
    errors = np.where(np.arange(count) < without[:, None], np.stack(lined, axis=1), np.stack(bare, axis=1))
    moves = best_moves(errors, patches.costs(count, configuration.original_bytes))
    # Backwards, so that what stays is each patch's first move: with that its cover goes.
    first = np.full(patches.patch_count, count - 1)
    for move in reversed(moves):
        first[move.patch] = move.state
    arrivals = arrivals_of(moves, patches.patches, patches.states)
    parents = parents_of(patches, first, without, lining)
    retirements = retirements_of(parents, arrivals, len(base))
    parents = only_last(parents, arrivals, retirements)
    counts = np.bincount(arrivals, minlength=len(moves)) if moves else np.zeros(0)
    start = configuration.base_bytes * len(base)
    ends = start + configuration.original_bytes * np.concatenate([[0.0], np.cumsum(counts)])
    return HandOverSchedule(tuple(moves), arrivals, parents, retirements, ends)


def _first_without(lined: Float64Array, bare: Float64Array) -> NDArray[np.int64]:
    """(P,) the state from which on a patch looks better without lining, at latest the last; at least 1."""
    better = bare < lined
    better[:, -1] = True
    # From the end: a state counts only if all after it are better too, so that the lining does not come and go.
    since = np.flip(np.cumprod(np.flip(better, axis=1), axis=1), axis=1)
    since[:, 0] = 0
    first: NDArray[np.int64] = np.argmax(since, axis=1)
    return first

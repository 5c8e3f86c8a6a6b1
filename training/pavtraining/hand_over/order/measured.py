"""Which chunk comes when: measured on pictures, patch by patch."""

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
from pavtraining.hand_over.order.schedule import Schedule, arrivals_of, best_moves, retirements_of
from pavtraining.hand_over.training_views import Drawable, Shot, joined
from pavtraining.rendering.blending import blend

NOWHERE = -1


@dataclass(frozen=True)
class MeasuredShot:
    """A view, and the patch that each of its pixels shows."""

    shot: Shot
    patches: NDArray[np.int64]
    """(H, W); NOWHERE where there is none."""


def measured_shot(shot: Shot, patches: Patches) -> MeasuredShot:
    """Pixels go to the patch whose originals have most weight in them."""
    of_rows = torch.from_numpy(patches.patches)
    drawable, size = shot.originals, (shot.view.camera.width, shot.view.camera.height)
    best, labels = torch.zeros(size[::-1]), torch.full(size[::-1], NOWHERE)
    for first in range(0, patches.patch_count, 3):
        colours = torch.stack([of_rows == first + k for k in range(3)], dim=1).float()
        light, _, _ = blend(drawable.projected, drawable.opacities, colours, size)
        most, which = light.max(dim=-1)
        labels = torch.where(most > best, which + first, labels)
        best = torch.maximum(best, most)
    return MeasuredShot(shot, labels.numpy().astype(np.int64))


def drawn_prefix(
    originals: Drawable, base: Drawable, there: NDArray[np.int64], shown: NDArray[np.bool_]
) -> Drawable:
    """What a prefix shows: the originals at rows `there` and the base that has not retired."""
    left = base.take(torch.from_numpy(np.flatnonzero(shown)))
    return joined(originals.take(torch.from_numpy(there)), left)


def errors_by_patch(
    base: Base, shots: Sequence[MeasuredShot], patches: Patches, state: int, lined: bool
) -> Float64Array:
    """(P,) squared errors when all patches are in one state, with the lining beneath or not."""
    shown = np.ones(len(base), bool)
    shown[: base.cover_count] = state == 0
    shown[base.cover_count :] = lined
    there = np.flatnonzero(patches.states <= state) if state else np.zeros(0, np.int64)
    totals = np.zeros(patches.patch_count)
    with torch.no_grad():
        for one in shots:
            errors = one.shot.errors(
                drawn_prefix(one.shot.originals, base.seen(one.shot), there, shown)
            ).numpy()
            inside = one.patches != NOWHERE
            totals += np.bincount(one.patches[inside], errors[inside], patches.patch_count) / errors.size
    return totals / len(shots)


def make_schedule(
    base: Base,
    shots: Sequence[MeasuredShot],
    patches: Patches,
    lining: Float64Array,
    configuration: HandOverConfiguration,
    may_retire: bool,
) -> Schedule:
    """The order that removes most error per byte; `lining` (L, D) are the features of the lining.

    Unless it `may_retire`, the lining stays until its patch is complete.
    """
    count = len(configuration.shares) + 1
    lined = [errors_by_patch(base, shots, patches, state, True) for state in range(count)]
    bare = [lined[0]] + [errors_by_patch(base, shots, patches, state, False) for state in range(1, count)]
    without = _first_without(np.stack(lined, axis=1), np.stack(bare, axis=1))
    earliest = int(np.searchsorted(configuration.shares, configuration.lined_share)) + 1
    without = np.maximum(without, earliest if may_retire else count - 1)
    errors = np.where(np.arange(count) < without[:, None], np.stack(lined, axis=1), np.stack(bare, axis=1))
    moves = best_moves(errors, patches.costs(count, configuration.original_bytes))
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
    return Schedule(tuple(moves), arrivals, parents, retirements, ends)


def _first_without(lined: Float64Array, bare: Float64Array) -> NDArray[np.int64]:
    """(P,) the state from which on a patch looks better without lining, at latest the last; at least 1."""
    better = bare < lined
    better[:, -1] = True
    since = np.flip(np.cumprod(np.flip(better, axis=1), axis=1), axis=1)
    since[:, 0] = 0
    first: NDArray[np.int64] = np.argmax(since, axis=1)
    return first

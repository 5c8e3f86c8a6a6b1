"""What comes when: the one order that originals arrive in, and when each of the base retires.

**How it works.** Time is counted in *moves*: each brings one chunk of one patch, or several at once, and is worth
the squared error that it removes per byte. Of every patch the lower convex hull of errors over bytes is taken; its
pieces are the moves, and all patches' moves are sorted by their slope.

**Why so.** That is the greedy solution of how to spend bytes, and on convex hulls it is the best one at the end of
every move, as far as errors of patches add up: no other choice of chunks has less error for as few bytes. A chunk
that gains little but opens the way to one that gains much lies above the hull, so the two come together.

**Invariants.** The moves of one patch rise in state and fall in worth. An original arrives with the first move that
reaches its chunk, or never. A Gaussian of the base retires with the arrival of the last of its children, and one
without children stays for ever (`NEVER`), which is how the lining of a patch that is never complete stays.

**Costs.** O(P · S²) slopes, milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import BoolArray, Float64Array, Int32Array

NEVER = np.int64(1) << 40
"""The move of what does not happen."""
CHILDLESS = -1


@dataclass(frozen=True)
class Move:
    """A patch goes from the state it is in to a fuller one."""

    patch: int
    state: int
    """Its originals of this chunk and of those before are there."""
    worth: float
    """Squared error removed per byte."""


@dataclass(frozen=True)
class HandOverSchedule:
    """Arrivals and retirements."""

    moves: tuple[Move, ...]
    arrivals: NDArray[np.int64]
    """(N,) with which move an original comes."""
    parents: Int32Array
    """(N,) the base Gaussian that an original takes over from, or −1."""
    retirements: NDArray[np.int64]
    """(B,) with which move the last child of a base Gaussian comes; it retires then."""
    ends: Float64Array
    """(moves + 1,) bytes after so many moves."""

    def there(self, count: int) -> NDArray[np.int64]:
        """The originals that are there after `count` moves."""
        return np.flatnonzero(self.arrivals < count)

    def shown(self, count: int) -> BoolArray:
        """(B,) the base Gaussians that have not retired after `count` moves."""
        shown: BoolArray = self.retirements >= count
        return shown

    def moves_before_share_retired(self, share: float) -> int:
        """After how many moves so much of the base has retired."""
        last = np.sort(self.retirements)[int(share * (len(self.retirements) - 1))]
        return int(min(last, len(self.moves) - 1)) + 1 if self.moves else 0

    def moves_within(self, budget: float) -> int:
        """How many moves a number of bytes pays for."""
        return max(int(np.searchsorted(self.ends, budget, side="right")) - 1, 0)


def best_moves(errors: Float64Array, costs: Float64Array) -> list[Move]:
    """The lower convex hull of every patch's errors (P, S) over bytes (P, S), steepest pieces first.

    State 0 is a patch without originals. Costs do not fall along a row, and states that cost no more than the
    one before are passed over.
    """
    moves = []
    for patch in range(len(errors)):
        state, last = 0, int(np.flatnonzero(costs[patch] == costs[patch, -1])[0])
        worth = np.inf  # slopes of a hull fall; rounding must not make one rise and a later move come first
        while state < last:
            ahead = [s for s in range(state + 1, last + 1) if costs[patch, s] > costs[patch, s - 1]]
            slopes = [_slope(errors[patch], costs[patch], state, s) for s in ahead]
            best = int(np.argmax(slopes))
            worth, state = min(worth, slopes[best]), ahead[best]
            moves.append(Move(patch, state, worth))
    return sorted(moves, key=lambda move: (-move.worth, move.state, move.patch))


def _slope(errors: Float64Array, costs: Float64Array, start: int, end: int) -> float:
    return float((errors[start] - errors[end]) / (costs[end] - costs[start]))


def arrivals_of(
    moves: Sequence[Move], patches: NDArray[np.int64], states: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(N,) the move with which each original comes, by its patch and the state it belongs to; else NEVER."""
    arrivals = np.full(len(patches), NEVER)
    for number, move in reversed(list(enumerate(moves))):  # backwards: the first move that brings one counts
        arrivals[(patches == move.patch) & (states <= move.state)] = number
    return arrivals


def retirements_of(parents: Int32Array, arrivals: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """(B,) the last arrival among the children of each of `count` base Gaussians; childless ones stay."""
    last = np.full(count, CHILDLESS, np.int64)
    has = parents >= 0
    np.maximum.at(last, parents[has], arrivals[has])
    return np.where(last == CHILDLESS, NEVER, last)

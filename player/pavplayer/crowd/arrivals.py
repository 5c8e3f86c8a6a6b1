"""What has just arrived comes up over some frames, wherever in the order of an avatar it belongs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Float32Array, Int32Array

FADE_FRAMES = 8


class Arrivals:
    """How far each Gaussian of one avatar has come up, in file order."""

    def __init__(self) -> None:
        self._indices: Int32Array = np.zeros(0, np.int32)
        self._shares: Float32Array = np.zeros(0, np.float32)

    def take_in(self, indices: Int32Array, at_once: bool) -> None:
        """(N,) indices of what is there now, ascending; what is there for the first time begins at 0."""
        shares = np.full(len(indices), float(at_once or not len(self._indices)), np.float32)
        shares[np.isin(indices, self._indices, assume_unique=True)] = self._shares
        self._indices, self._shares = indices, shares

    def advance(self) -> None:
        """One frame."""
        if self.is_fading:
            self._shares = np.minimum(self._shares + np.float32(1 / FADE_FRAMES), np.float32(1))

    def finish(self) -> None:
        """All is up."""
        self._shares = np.ones_like(self._shares)

    @property
    def is_fading(self) -> bool:
        """Whether something is not up yet."""
        return bool(len(self._shares)) and float(self._shares.min()) < 1

    def shares(self, rows: NDArray[np.intp]) -> Float32Array:
        """0..1, by which the opacities of these rows are multiplied."""
        return self._shares[rows]

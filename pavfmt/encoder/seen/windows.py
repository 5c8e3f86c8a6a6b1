"""The worst place of a picture: a small window that differs most. A mean over a picture does not see an eye."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def worst_window(difference: NDArray[np.floating], size: int) -> tuple[float, int, int]:
    """Of (H, W, 3) |differences| in 0..1: the largest mean of a channel over a `size`² window anywhere.

    And the window's top left pixel, x and y. `size` is a power of two.
    """
    sums = np.asarray(difference, dtype=np.float32)
    # Sums along one axis, then the other, each by doubling: sizes are powers of two, so adding a shifted copy of what
    # is summed already is all it takes, without the cancellation of an integral image.
    for power in range(size.bit_length() - 1):
        step = 1 << power
        sums = sums[step:] + sums[:-step]
        sums = sums[:, step:] + sums[:, :-step]
    largest = sums.max(axis=2)
    y, x = divmod(int(np.argmax(largest)), largest.shape[1])
    return float(largest[y, x]) / size**2, x, y

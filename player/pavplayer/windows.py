"""The worst window of a picture, compiled: an encoder's search and `eval-v2` look through hundreds of pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavplayer.compilation import compiled


def worst_window(difference: NDArray[np.floating], size: int) -> tuple[float, int, int]:
    """Of (H, W, 3) |differences| in 0..1: the largest mean of a channel over a `size`² window anywhere, of 255.

    And the window's top left pixel, x and y; of equal ones the first in reading order. A picture that is smaller
    than the window is looked at in a window of its own smaller side.
    """
    size = min(size, *difference.shape[:2])
    found, x, y = _worst(np.ascontiguousarray(difference, np.float32), size)
    # What is taken off again leaves rounding behind, so that nothing may come out as a little less than nothing.
    return max(255.0 * found / size**2, 0.0), x, y


@compiled
def _worst(difference: NDArray[np.float32], size: int) -> tuple[float, int, int]:
    """The largest sum, and where.

    Two running sums: `columns` over the last `size` rows of each column, `total` over the last `size` columns. A
    window thus costs two additions and two subtractions, whatever its size; all in float64, whose rounding over a
    picture's rows is far below a level of 255.
    """
    height, width, channels = difference.shape
    columns = np.zeros((channels, width))
    best, best_x, best_y = -1.0, 0, 0
    for y in range(height):
        for c in range(channels):
            column = columns[c]
            for x in range(width):
                column[x] += difference[y, x, c]
            if y >= size:
                for x in range(width):
                    column[x] -= difference[y - size, x, c]
            if y < size - 1:
                continue
            total = 0.0
            for x in range(size - 1):
                total += column[x]
            for x in range(size - 1, width):
                total += column[x]
                # The difference beyond rounding: else a window of another channel wins by its last bits alone.
                if total > best + 1e-9:
                    best, best_x, best_y = total, x - size + 1, y - size + 1
                total -= column[x - size + 1]
    return best, best_x, best_y

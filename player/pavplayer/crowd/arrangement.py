"""Places for avatars of which nobody said where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np

from pavplayer.camera import centre_and_height
from pavplayer.crowd.placement import Placement
from pavplayer.session import Session

BETWEEN = 1.1
"""Heights of the tallest head between neighbours, and from one row to the next."""
FULL_ROW = 4
"""Up to so many stand in one row."""
ROW_RISE = 0.35
"""Heights by which each row stands above the one before it."""


def in_rows(sessions: Sequence[Session]) -> list[Placement]:
    """Side by side, the first in front; each further row stands behind, between those before it, and higher.

    All heads are of their own size, their centres at one height within a row. One alone stays where it is.
    """
    if len(sessions) < 2:
        return [Placement() for _ in sessions]
    boxes = [centre_and_height(session.framed_points()) for session in sessions]
    step = BETWEEN * max(height for _, height in boxes)
    columns = max(FULL_ROW, ceil(sqrt(2 * len(sessions))))
    placements = []
    for number, (centre, _) in enumerate(boxes):
        row, column = divmod(number, columns)
        in_row = min(columns, len(sessions) - row * columns)
        across = column - (in_row - 1) / 2 + 0.5 * ((columns - in_row + row) % 2)
        spot = step * np.array([across, ROW_RISE * row, -row])
        x, y, z = (spot - centre).tolist()
        placements.append(Placement((x, y, z)))
    return placements

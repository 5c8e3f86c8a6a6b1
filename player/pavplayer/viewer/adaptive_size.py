"""How large a picture may be while something moves, so that the next one is there in time."""

from __future__ import annotations

from dataclasses import dataclass

TARGET_SECONDS = 1 / 30
"""For a picture, drawn and packed. Some room is left: others work on the machine too."""
MIN_SCALE = 0.25
STEP = 1 / 16
MAX_GROWTH = 1.15


@dataclass
class AdaptiveSize:
    """Follows how long pictures take. A scale is a share of the window's width and height."""

    target_seconds: float = TARGET_SECONDS
    scale: float = 0.5
    """Of the next picture."""

    def note(self, seconds: float, scale: float) -> None:
        """A picture at `scale` took so long.

        Pixels go with the square of the scale, and part of the time does not depend on them at all, so this is
        a step in the right direction; growing is slow and shrinking is not, since late pictures are what one sees.
        """
        factor = (self.target_seconds / max(seconds, 1e-4)) ** 0.5
        self.scale = min(1.0, max(MIN_SCALE, scale * min(factor, MAX_GROWTH)))

    def next_scale(self) -> float:
        """In steps, so that small changes in time do not change the size."""
        return max(MIN_SCALE, min(1.0, round(self.scale / STEP) * STEP))

"""What the player measures of itself while it plays."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_SECONDS = 1.0


class FrameRate:
    """Frames a second of the last second."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque()
        self.count = 0
        """Pictures sent so far."""

    def note(self, now: float) -> None:
        """A picture was sent."""
        self._sent.append(now)
        self.count += 1

    def per_second(self, now: float) -> float:
        """Pictures a second; 0 where none was sent lately."""
        while self._sent and self._sent[0] < now - WINDOW_SECONDS:
            self._sent.popleft()
        return len(self._sent) / WINDOW_SECONDS


@dataclass(frozen=True)
class FrameStatistics:
    """The picture that was sent last."""

    size: tuple[int, int] = (0, 0)
    """Width and height in pixels."""
    gaussian_count: int = 0
    """That were drawn."""
    posing_seconds: float = 0.0
    drawing_seconds: float = 0.0
    sending_seconds: float = 0.0
    """Packing the picture and handing it over."""

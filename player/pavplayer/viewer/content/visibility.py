"""Which of the Gaussians that are there are drawn, and how strongly: of a prefix, and while units fade in.

A prefix of what has been received is a choice among its units, so it needs no decoding: its Gaussians have a share of 1
and the others of 0, and of the hand-overs those count whose units are all within it. Fading is the same choice with
shares between 0 and 1 (`pavplayer.fading`).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pavfmt.units.hand_over import HandOver
from pavplayer.fading import Rows, Visibility, gaussian_shares, ramp, scale_factors
from pavplayer.session import Session
from pavplayer.viewer.content.arrivals import Arrivals

FADE_SECONDS = 0.3
HAND_OVER_DELAY = 0.5
"""Of a fade: parents go so much later than their children come, or one sees through both at half time."""


def visibility(
    session: Session,
    arrivals: Arrivals,
    limit: int | None = None,
    now: float | None = None,
    fade: float = 0.0,
) -> Visibility:
    """What is drawn of an avatar: of its first `limit` bytes, units fading in over `fade` seconds up to `now`."""

    def share_of(units: Iterable[int], delay: float = 0.0) -> float:
        """How far units, all of which have to be there, have faded in."""
        if not all(unit in arrivals.ends and arrivals.is_within(unit, limit) for unit in units):
            return 0.0
        if now is None:
            return 1.0
        return float(ramp(now - delay - max(arrivals.seconds[unit] for unit in units), fade))

    def share_of_hand_over(unit: int, record: HandOver) -> float:
        return share_of((unit, *record.successors), HAND_OVER_DELAY * fade)

    scene = session.scene
    shares = gaussian_shares(scene, session.gaussian_ranges, lambda unit: share_of((unit,)))
    opacities, log_scales = scene.effective(share_of_hand_over)
    # What has a share of 0 is left out, not drawn with opacity 0: a short prefix costs what it shows.
    rows = _standing_together(shares > 0)
    factors = scale_factors(log_scales[rows], scene.effective()[1][rows])
    return Visibility(rows, (opacities * shares)[rows], factors)


def _standing_together(kept: NDArray[np.bool_]) -> Rows:
    """The true ones, as a slice if they are in one piece."""
    rows = np.flatnonzero(kept)
    if not len(rows):
        return slice(0, 0)
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last + 1 - first == len(rows) else rows


def settled_at(session: Session, arrivals: Arrivals, fade: float) -> float:
    """When the last fade of what is there ends."""
    scene, never = session.scene, float("-inf")
    times = [arrivals.seconds.get(unit, never) for unit in (*session.gaussian_ranges, *scene.hand_overs)]
    return max(times, default=never) + fade * (1 + HAND_OVER_DELAY * bool(scene.hand_overs))

"""Hand-over: a base fitted to a flat avatar, which retires patch by patch as the avatar's own Gaussians arrive.

result = hand_over(flat_avatar)
result.avatar        # two levels; the second takes over from the first
"""

from __future__ import annotations

from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.method import HandedOver, hand_over

__all__ = ["HandOverConfiguration", "HandedOver", "hand_over"]

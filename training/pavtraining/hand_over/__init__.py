"""Hand-over: a base fitted to a flat avatar, which retires patch by patch as the avatar's own Gaussians arrive.

    result = hand_over(flat_avatar)
    result.avatar        # two levels; the second takes over from the first

How it works is told in `pavtraining.hand_over.method`; why, in spec/decisions/0014-fitted-hand-over.md.
"""

from __future__ import annotations

from pavfmt.model import Avatar
from pavtraining.hand_over.configuration import ON_FACES, HandOverConfiguration
from pavtraining.hand_over.method import HandedOver, hand_over
from pavtraining.hand_over.on_faces import is_on_faces

__all__ = ["ON_FACES", "HandOverConfiguration", "HandedOver", "default_configuration", "hand_over"]


def default_configuration(avatar: Avatar) -> HandOverConfiguration:
    """What is used for such an avatar unless somebody asks for something else."""
    return ON_FACES if is_on_faces(avatar) else HandOverConfiguration()

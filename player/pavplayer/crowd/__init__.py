"""Several avatars in one picture, under one budget of Gaussians.

    crowd = Crowd([first, second], budget=GaussianBudget(300_000))
    picture = crowd.frame(crowd.camera())

Each avatar shows a prefix of its file order, as long as its share of the budget allows; the share follows its size on
the screen, its importance and where one looks.
"""

from pavplayer.crowd.arrangement import in_rows
from pavplayer.crowd.budget import Budget, FrameTimeBudget, GaussianBudget
from pavplayer.crowd.crowd import Crowd
from pavplayer.crowd.placement import Placement

__all__ = ["Budget", "Crowd", "FrameTimeBudget", "GaussianBudget", "Placement", "in_rows"]

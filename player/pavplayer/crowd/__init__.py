"""Several avatars in one picture, under one budget of Gaussians.

    crowd = Crowd([first, second], budget=GaussianBudget(300_000))
    picture = crowd.frame(crowd.camera())

Theory of operation
===================

**Level of detail is a prefix.** An avatar at any detail is the leading
part of one order of its Gaussians, so a detail is a number, its *length*, and changing it costs nothing: posing,
colouring and drawing go over the first `length` rows. The order is found once for each state of arrival
(`drawing_order`): in a file with hand-over that of the file, since each unit is made for those before it; in an
additive file by opacity × area, what is worth most first, units kept whole.

**What a length is worth** is a curve (`gain`): the error left after n Gaussians is taken as v · (1 − f(n))^p,
where f is their share of all opacity × area and v what the avatar counts for in this picture: its pixels ×
importance × how near one looks (`screen_area`). The budget is divided so that the next Gaussian is worth the same
for every avatar; that price is found by bisection, and concave curves make the division the best one and
monotonic: more weight or more budget never takes a Gaussian from the avatar that got it.

**The budget** (`budget`) is a number of Gaussians, fixed or learned from what frames took. It holds in every
frame, also while lengths are on their way, so a frame's time is bounded.

**A frame** (`Crowd.cloud`): each member takes in what arrived since the last one (`Member.refresh`); boxes give
weights, weights and curves give the lengths to aim at, lengths go a part of the way (`Crowd._advance`); each
member poses its prefix, colours it as the camera sees it and puts it into the world (`Member.cloud`); all are
joined into one cloud that any rasterizer draws, so depth decides between avatars as it does within one.

**Nothing pops.** The last tenth of a prefix is faded (`prefix`), so a length that grows by one changes the
picture by less than one Gaussian; a parent gives way to its children as the last of them comes up; what arrives
in the middle of the order fades in over some frames (`Member`, `pavplayer.fading`). At rest and within the budget
the picture is exactly that of each file drawn alone: the fade at the end of all is none.

**Memory**: avatars on one rig hold its arrays once (`pool`).
"""

from pavplayer.crowd.arrangement import in_rows
from pavplayer.crowd.budget import FrameTimeBudget, GaussianBudget, RenderBudget
from pavplayer.crowd.crowd import Crowd
from pavplayer.crowd.placement import Placement

__all__ = ["Crowd", "FrameTimeBudget", "GaussianBudget", "Placement", "RenderBudget", "in_rows"]

"""Attention first: where someone looks, and the order of units that shows that soonest.

    focus = parse_focus("eyes,mouth")
    plan = focus_plan(focus, session.scene)     # directory entries → unit ids, needs first
    stream.replan(plan)                         # when the rig has arrived, and when the focus moves

A focus only changes what is fetched first: the scene is that of the units that are there, in whatever order (§1).
"""

from __future__ import annotations

from pavplayer.focus.gaze import focus_at_pixel, focus_at_point
from pavplayer.focus.names import Focus, FocusError, parse_focus
from pavplayer.focus.plan import Plan, focus_plan

__all__ = [
    "Focus",
    "FocusError",
    "Plan",
    "focus_at_pixel",
    "focus_at_point",
    "focus_plan",
    "parse_focus",
]

"""The reference player of `.pav`: receiving, posing and drawing avatars.

    import pavplayer

    avatar = pavplayer.Avatar("https://example.org/head.pav")
    avatar.wait_until_visible()
    picture = avatar.frame(avatar.camera(yaw_degrees=20), {"jawOpen": 0.6})  # (H, W, 3), display sRGB in 0..1

`Avatar` is all that most programs need. Beneath it: `pavplayer.streaming` brings bytes, `pavplayer.session` decodes,
poses and draws what has come, `pavplayer.rasterizers` are what it draws with. Beside it: `pavplayer.crowd` for many
avatars under one budget, `pavplayer.focus` for what is fetched first. Needs numba (the extra `player`); a GPU is used
where torch and gsplat work (`gpu`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavplayer.avatar import Avatar

__all__ = ["Avatar"]


def __getattr__(name: str) -> Any:
    """`pavplayer.Avatar`, imported when it is asked for: commands load this package without its extras."""
    if name == "Avatar":
        from pavplayer.avatar import Avatar

        return Avatar
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The reference player of `.pav`: receiving, posing and drawing avatars."""

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

"""What a command needs installed, said before it starts working."""

from __future__ import annotations

import importlib.util

PROJECTS = {"PIL": "pillow"}
"""Import name → project name, where they differ."""


class PackageMissingError(RuntimeError):
    """A package of the player's extra is not installed."""


def require(*modules: str, extra: str = "player") -> None:
    """PackageMissingError unless all of these can be imported."""
    missing = [PROJECTS.get(name, name) for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise PackageMissingError(f"{', '.join(missing)} not installed (pip install 'pavfmt[{extra}]')")

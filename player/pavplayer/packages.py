"""What an optional package is called and how it is installed: the one place that says so.

The wheel has all of `pav` in it; NumPy and zstandard read and write. What else a feature needs is an extra of the
project, and is asked for at the moment it is used, so that everything can be imported without it.
"""

from __future__ import annotations

import importlib.util

PROJECTS = {"PIL": "pillow", "flip_evaluator": "flip-evaluator"}
"""Import name → project name, where they differ."""


class PackageMissingError(RuntimeError):
    """A package of one of the project's extras is not installed."""


def install_hint(extra: str) -> str:
    """What to type."""
    return f"pip install 'pavfmt[{extra}]'"


def is_installed(module: str) -> bool:
    """Whether a package is there; it is not imported, so it may still turn out to be broken."""
    return importlib.util.find_spec(module) is not None


def require(*modules: str, extra: str = "player") -> None:
    """PackageMissingError unless all of these are installed."""
    missing = [PROJECTS.get(name, name) for name in modules if not is_installed(name)]
    if missing:
        raise PackageMissingError(f"{', '.join(missing)} not installed ({install_hint(extra)})")

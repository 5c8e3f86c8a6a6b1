"""Foreign formats: which one a path holds, and the avatar in it.

    avatar = pavfmt.importers.read_avatar("lam-export.zip")
    avatar = pavfmt.importers.read_avatar("checkpoint/", ImportOptions(flame="flame2023.pkl"))

A format is one module with two functions, and one row of IMPORTERS. An importer opens its files itself and trusts no
byte of them: sizes are checked before anything is allocated, archives are read in memory, pickles are never executed
(`files/` does all of this). Whatever a file holds, the result is an `Avatar` or an EncodeError that names the file
and what in it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pavfmt.errors import EncodeError
from pavfmt.importers.gaussianavatars import is_gaussianavatars, read_gaussianavatars
from pavfmt.importers.lam import is_lam, read_lam
from pavfmt.importers.progressive import is_progressive, read_progressive
from pavfmt.model import Avatar

__all__ = ["IMPORTERS", "ImportOptions", "Importer", "read_avatar", "recognise"]


@dataclass(frozen=True)
class ImportOptions:
    """What a path alone does not say."""

    flame: str | Path | None = None
    """The FLAME model file that a checkpoint was trained on, for formats that leave it out."""


@dataclass(frozen=True)
class Importer:
    """One foreign format."""

    name: str
    looked_for: str
    """What a path of this format holds, for messages."""
    recognise: Callable[[Path], bool]
    """Whether the path, which exists, holds this format: by its content, not by its name."""
    read: Callable[[Path, ImportOptions], Avatar]
    """Raises EncodeError."""


IMPORTERS = (
    Importer(
        "progressive",
        "a progressive checkpoint (folder with avatar.json)",
        is_progressive,
        lambda path, _: read_progressive(path),
    ),
    Importer(
        "lam",
        "a LAM export (zip or folder with skin.glb and offset.ply)",
        is_lam,
        lambda path, _: read_lam(path),
    ),
    Importer(
        "gaussianavatars",
        "a GaussianAvatars checkpoint (point_cloud.ply with binding_0, or its folder)",
        is_gaussianavatars,
        lambda path, options: read_gaussianavatars(path, options.flame),
    ),
)
"""In the order they are asked: the first that recognises a path reads it."""


def recognise(path: str | Path) -> Importer:
    """The importer for what a path holds. EncodeError "missing-file" or "unknown-input" if there is none."""
    path = Path(path)
    if not path.exists():
        raise EncodeError("missing-file", f"{path.name}: no such file or folder")
    for importer in IMPORTERS:
        if importer.recognise(path):
            return importer
    looked_for = ", ".join(importer.looked_for for importer in IMPORTERS)
    raise EncodeError("unknown-input", f"{path.name}: looked for {looked_for}; it is none of these")


def read_avatar(path: str | Path, options: ImportOptions | None = None) -> Avatar:
    """The avatar at `path`, whatever its format. Raises EncodeError."""
    return recognise(path).read(Path(path), options or ImportOptions())

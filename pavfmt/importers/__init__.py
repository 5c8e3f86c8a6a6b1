"""Foreign formats: which one a path holds, and the avatar in it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pavfmt.errors import EncodeError
from pavfmt.importers.files.ply import read_ply_header
from pavfmt.importers.files.source import FolderSource, Source, ZipSource
from pavfmt.importers.gaussianavatars import find_point_cloud, read_gaussianavatars
from pavfmt.importers.lam import read_lam
from pavfmt.importers.progressive import is_progressive, read_progressive
from pavfmt.model import Avatar

__all__ = ["read_avatar", "read_gaussianavatars", "read_lam", "read_progressive", "recognise"]

LOOKED_FOR = (
    "a LAM export (zip or folder with skin.glb and offset.ply), "
    "a GaussianAvatars checkpoint (point_cloud.ply with binding_0, or its folder), "
    "a progressive checkpoint (folder with avatar.json)"
)


def recognise(path: str | Path) -> str:
    """What a path holds, by its content: "lam", "gaussianavatars" or "progressive"."""
    path = Path(path)
    if not path.exists():
        raise EncodeError("missing-file", f"{path.name}: no such file or folder")
    if is_progressive(path):
        return "progressive"
    kind = _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)
    if kind is None:
        raise EncodeError("unknown-input", f"{path.name}: looked for {LOOKED_FOR}; it is none of these")
    return kind


def read_avatar(path: str | Path, *, flame: str | Path | None = None) -> Avatar:
    """The avatar at `path`, whatever its format; `flame` is a FLAME model file, for formats that need one."""
    kind = recognise(path)
    if kind == "lam":
        return read_lam(path)
    if kind == "progressive":
        return read_progressive(path)
    if flame is None:
        message = f"{Path(path).name} is a GaussianAvatars checkpoint: give the FLAME model it was trained on"
        raise EncodeError("flame-model-needed", message)
    return read_gaussianavatars(path, flame)


def _kind_of_folder(path: Path) -> str | None:
    if _is_lam(FolderSource(path)):
        return "lam"
    try:
        return _kind_of_file(find_point_cloud(path))
    except EncodeError:
        return None


def _kind_of_file(path: Path) -> str | None:
    with path.open("rb") as stream:
        start = stream.read(1 << 16)
    if start.startswith(b"ply"):
        elements = read_ply_header(start, path.name)
        bound = any("binding_0" in (field for field, _ in fields) for _, _, fields in elements)
        return "gaussianavatars" if bound else None
    if zipfile.is_zipfile(path):
        with ZipSource(path) as source:
            return "lam" if _is_lam(source) else None
    return None


def _is_lam(source: Source) -> bool:
    return bool(source.find("skin.glb")) or bool(source.find("offset.ply"))

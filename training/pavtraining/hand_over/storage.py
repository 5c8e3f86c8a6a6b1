"""A fitted base as a file of plain arrays (.npz): with the flat avatar beside it, that is the whole result."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import EncodeError
from pavfmt.fileio import write_bytes
from pavfmt.model import Avatar, Binding, Gaussians, Level, Site
from pavtraining.hand_over.method import HandedOver, joined_levels

BASE_COLUMNS = ("sites", "means", "quats", "log_scales", "opacities", "sh0", "importance")
COLUMNS = (*(f"base_{name}" for name in BASE_COLUMNS), "base_site", "rows", "importance", "parents")


def arrays_of(result: HandedOver) -> dict[str, NDArray[Any]]:
    """`rows` are the originals that are sent; `importance` and `parents` are theirs."""
    base, originals = result.avatar.levels
    assert originals.parents is not None and originals.gaussians.importance is not None
    arrays = {f"base_{name}": getattr(base.gaussians, name) for name in BASE_COLUMNS}
    return arrays | {
        "base_site": np.array(int(base.site)),
        "rows": np.flatnonzero(result.kept).astype(np.int32),
        "importance": originals.gaussians.importance,
        "parents": originals.parents,
    }


def avatar_of(flat: Avatar, arrays: Mapping[str, NDArray[Any]]) -> Avatar:
    """The avatar of two levels that the arrays were made from, `flat` being the same flat avatar again."""
    missing = [name for name in COLUMNS if name not in arrays]
    if missing:
        raise EncodeError("bad-shape", f"no fitted base: {', '.join(missing)} missing")
    columns = {name: arrays[f"base_{name}"] for name in BASE_COLUMNS}
    base = Gaussians(**columns, shN=np.zeros((len(columns["sites"]), 0, 3), np.float32))
    level = Level(base, Binding.SURFACE_POINT, Site(int(arrays["base_site"])))
    rows = arrays["rows"]
    if len(rows) and not 0 <= rows.min() <= rows.max() < len(flat.levels[0].gaussians):
        raise EncodeError("bad-shape", "the base was fitted to another avatar")
    return joined_levels(flat, level, rows, arrays["importance"], arrays["parents"])


def write_result(path: str, result: HandedOver, force: bool = False) -> None:
    """All or nothing."""
    memory = io.BytesIO()
    np.savez_compressed(memory, **arrays_of(result))  # type: ignore[arg-type]
    write_bytes(path, memory.getvalue(), force)


def read_result(path: str | Path, flat: Avatar) -> Avatar:
    """What `write_result` wrote, with the flat avatar it was fitted to."""
    with np.load(path, allow_pickle=False) as arrays:
        return avatar_of(flat, dict(arrays))

"""Decoding and encoding, as medians of one run and as ratios to a yardstick of the same data.

The yardstick of a decode is opening one zstd frame of the same Gaussians as float32 rows, and copying it. One
core: set OMP_NUM_THREADS=1 (nothing here uses more).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zstandard

from pavfmt import EncodeOptions, Scene, decode, encode
from pavfmt.encoder import rendered_importance
from pavfmt.interop.cc0_rig import read_cc0_rig
from pavfmt.interop.lam import read_lam
from pavfmt.synthetic import synthetic_avatar
from pavplayer.importance import open_renderer
from tests.benchmarks.timing import milliseconds

Row = tuple[str, float, float]
"""What, milliseconds, ratio to the yardstick."""


def decoded(data: bytes) -> Scene:
    """The scene, its arrays joined."""
    scene = decode(data)
    scene.arrays()
    return scene


def yardstick(data: bytes, repeats: int) -> float:
    """Opening and copying one zstd frame of all float32 attributes."""
    arrays = decode(data).arrays()
    names = ("means", "quats", "log_scales", "opacities", "sh0", "shN")
    rows = np.concatenate([getattr(arrays, name).reshape(len(arrays), -1) for name in names], axis=1)
    frame = zstandard.ZstdCompressor(level=3).compress(rows.tobytes())
    opener = zstandard.ZstdDecompressor()
    return milliseconds(lambda: np.frombuffer(opener.decompress(frame), dtype=np.float32).copy(), repeats)


def run(data_folder: Path, repeats: int = 9) -> list[Row]:
    """All rows."""
    rows: list[Row] = []
    avatar = read_lam(data_folder / "lam" / "status.zip")
    seeded = synthetic_avatar(read_cc0_rig(data_folder / "rigs" / "mh_head_arkit52.npz"))
    for name, source in (("LAM status, 20,018, SH 0", avatar), ("seeded, 170,000, SH 3", seeded)):
        data = encode(source, EncodeOptions(importance_per="face" if len(source.levels) > 1 else "gaussian"))
        took, unit = milliseconds(lambda data=data: decoded(data), repeats), yardstick(data, repeats)
        rows.append((f"decode {name}", took, took / unit))
    renderer = open_renderer()
    plain = milliseconds(lambda: encode(avatar), 3)
    whole = milliseconds(lambda: encode(avatar, importance=rendered_importance(avatar, renderer)), 3)
    rows.append(("encode LAM status, opacity x area", plain, 1.0))
    rows.append(("encode LAM status, rendered importance", whole, whole / plain))
    return rows

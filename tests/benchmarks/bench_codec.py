"""Decoding and encoding, as medians of one run and as ratios to a yardstick of the same data.

The yardstick of a decode is opening one zstd frame of the same Gaussians as float32 rows, and copying it. One
core: set OMP_NUM_THREADS=1 (nothing here uses more).
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import numpy as np
import zstandard

from pavfmt import Decoder, EncodeOptions, Scene, decode, encode, inspect
from pavfmt.codec.compiled import switched
from pavfmt.encoder import PRESETS, rendered_importance, tuned
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.importers.lam import read_lam
from pavfmt.tools.synthetic import synthetic_avatar
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


def parts(data: bytes, repeats: int) -> tuple[float, float]:
    """Milliseconds for the rig's unit and for the first unit of Gaussians, once all before them is there."""
    units = inspect(data).units
    ends = {}
    for kind in ("rig", "gaussians"):
        first = next(unit for unit in units if unit.type == kind)
        ends[kind] = (first.offset, first.offset + (first.bytes or 0))

    def fed(start: int, end: int) -> float:
        decoder = Decoder()
        decoder.feed(data[:start])
        list(decoder.events())
        began = time.perf_counter()
        decoder.feed(data[start:end])
        list(decoder.events())
        return 1000 * (time.perf_counter() - began)

    for start, end in ends.values():
        fed(start, end)  # compiles, where that was never done
    rig, gaussians = (median(fed(*ends[kind]) for _ in range(repeats)) for kind in ("rig", "gaussians"))
    return rig, gaussians


def run(data_folder: Path, repeats: int = 9) -> list[Row]:
    """All rows."""
    rows: list[Row] = []
    avatar = read_lam(data_folder / "lam" / "status.zip")
    seeded = synthetic_avatar(read_cc0_rig(data_folder / "rigs" / "mh_head_arkit52.npz"))
    for name, source in (("LAM status, 20,018, SH 0", avatar), ("seeded, 170,000, SH 3", seeded)):
        data = encode(source, EncodeOptions(importance_per="face" if len(source.levels) > 1 else "gaussian"))
        unit = yardstick(data, repeats)
        for how, on in (("compiled", True), ("NumPy", False)):
            with switched(on):
                decoded(data)
                took = milliseconds(lambda data=data: decoded(data), repeats)
                rows.append((f"decode {name}, {how}", took, took / unit))
                for what, part in zip(("rig", "first unit"), parts(data, repeats), strict=True):
                    rows.append((f"of it the {what}", part, part / unit))
    renderer = open_renderer()
    plain = milliseconds(lambda: encode(avatar), 3)
    importance = rendered_importance(avatar, renderer)
    whole = milliseconds(lambda: encode(avatar, importance=rendered_importance(avatar, renderer)), 3)
    balanced = PRESETS["balanced"]

    def searched() -> None:
        found = tuned(avatar, EncodeOptions(), importance, renderer, balanced)
        encode(found.avatar, found.options, importance, seen=found.seen)

    rows.append(("encode LAM status, opacity x area", plain, 1.0))
    rows.append(("encode LAM status, rendered importance", whole, whole / plain))
    search = milliseconds(searched, 1)
    rows.append(("encode LAM status, searched for the balanced preset", search, search / plain))
    return rows

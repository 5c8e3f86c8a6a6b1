"""What it costs that every prefix draws: the encoder's units against one unit of everything, at the same quality.

    python -m tests.benchmarks.bench_progressivity

Both are written again and again until the decoded file has the balanced preset's dB, so the bytes are of equal
quality.
PAV_TEST_DATA names the data folder (default ../shared/data).
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from pavfmt import EncodeOptions, decode, encode, inspect
from pavfmt.encoder import PRESETS, Precision, rendered_importance
from pavfmt.encoder.quality import Pictures, coarsest, take_pictures
from pavfmt.inspection import gaussian_bytes_of
from pavfmt.interop.lam import read_lam
from pavfmt.model import Avatar, Float64Array
from pavplayer.importance import open_renderer

DATA = Path(os.environ.get("PAV_TEST_DATA", "../shared/data"))
HEADS = ("status", "tesla", "p2-1")
WHOLE = EncodeOptions(first_unit_bytes=1 << 30, unit_bytes=1 << 30)


def searched(
    avatar: Avatar, options: EncodeOptions, importance: list[Float64Array], pictures: Pictures
) -> tuple[Precision, float]:
    """The coarsest precision whose decoded file is good enough, and what it reaches."""

    def decibels(precision: Precision) -> float:
        snapshot = decode(encode(avatar, replace(options, precision=precision), importance)).snapshot()
        assert snapshot is not None
        return pictures.decibels(snapshot.avatar)

    return coarsest(decibels, options.precision, PRESETS["balanced"])


def main() -> None:
    """One row per head."""
    renderer = open_renderer("cpu")
    print("| head | units | gaussian_bytes | dB | one unit | dB | cost |")
    print("|---|---|---|---|---|---|---|")
    for name in HEADS:
        avatar = read_lam(DATA / "lam" / f"{name}.zip")
        importance = rendered_importance(avatar, renderer)
        found = []
        for options in (EncodeOptions(), WHOLE):
            precision, decibels = searched(avatar, options, importance, take_pictures(avatar, renderer))
            report = inspect(encode(avatar, replace(options, precision=precision), importance))
            units = sum(unit.type == "gaussians" for unit in report.units)
            found.append((units, gaussian_bytes_of(report), decibels))
        (count, size, decibels), (one, whole, same) = found
        assert one == 1
        cells = f"{count} | {size:,} | {decibels:.2f} | {whole:,} | {same:.2f} | {100 * (size / whole - 1):+.1f} %"
        print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()

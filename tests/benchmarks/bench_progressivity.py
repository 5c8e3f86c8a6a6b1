"""What it costs that every prefix draws: the encoder's units against one unit of everything, at the same quality.

    python -m tests.benchmarks.bench_progressivity

Both are written at several precisions around the balanced preset's, steps by sensitivity, nothing left out but what
looking once allows, colours as they are. dB of the worst framing jump from one precision to the next, as single
Gaussians round well or badly, so a line through dB and the logarithm of bytes is compared, and not two files.
PAV_TEST_DATA names the data folder (default ../shared/data).
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from pavfmt import EncodeOptions, decode, encode, inspect
from pavfmt.arrays import Float64Array
from pavfmt.encoder import PRESETS, rendered_importance
from pavfmt.encoder.quality import Comparison
from pavfmt.encoder.seen.looking import Seen, look_at
from pavfmt.encoder.seen.views import framings_of
from pavfmt.importers.lam import read_lam
from pavfmt.model import Avatar
from pavfmt.tools.inspect import gaussian_bytes_of
from pavplayer.importance import open_renderer

DATA = Path(os.environ.get("PAV_TEST_DATA", "../shared/data"))
HEADS = ("status", "tesla", "p2-1")
WHOLE = EncodeOptions(first_unit_bytes=1 << 30, unit_bytes=1 << 30)


FACTORS = (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4)
"""Of the default steps."""


def bytes_at(
    decibels: float,
    avatar: Avatar,
    options: EncodeOptions,
    importance: list[Float64Array],
    pictures: Comparison,
    seen: Seen,
) -> tuple[int, float]:
    """How many units of Gaussians, and their bytes at a quality, by the line through all precisions."""
    reached, sizes, units = [], [], 0
    for factor in FACTORS:
        finer = replace(options, precision=options.precision.scaled(factor))
        data = encode(avatar, finer, importance, seen=seen)
        snapshot = decode(data).snapshot()
        assert snapshot is not None
        report = inspect(data)
        units = sum(unit.type == "gaussians" for unit in report.units)
        reached.append(pictures.closeness(snapshot.avatar).binding.decibels)
        sizes.append(np.log(gaussian_bytes_of(report)))
    slope, height = np.polyfit(reached, sizes, 1)
    return units, float(np.exp(height + slope * decibels))


def main() -> None:
    """One row per head."""
    renderer, decibels = open_renderer("cpu"), PRESETS["balanced"]
    print(f"at {decibels} dB\n\n| head | units | gaussian_bytes | one unit | cost |\n|---|---|---|---|---|")
    for name in HEADS:
        avatar = read_lam(DATA / "lam" / f"{name}.zip")
        importance = rendered_importance(avatar, renderer)
        pictures = Comparison(avatar, renderer, framings_of(avatar))
        seen = look_at(avatar, renderer, decibels)
        count, size = bytes_at(decibels, avatar, EncodeOptions(), importance, pictures, seen)
        _, whole = bytes_at(decibels, avatar, WHOLE, importance, pictures, seen)
        print(
            f"| {name} | {count} | {size:,.0f} | {whole:,.0f} | {100 * (size / whole - 1):+.1f} % |",
            flush=True,
        )


if __name__ == "__main__":
    main()

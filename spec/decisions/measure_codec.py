"""The measurements behind record 0013, on the three LAM heads of the test data.

    python spec/decisions/measure_codec.py [levers|entropy|rig] …

Prints Markdown tables. PAV_TEST_DATA names the data folder (default ../shared/data). The pictures compared are the
encoder's own (`pavfmt.encoder.quality`), not those quality is reported on.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from pavfmt import EncodeOptions, encode, inspect
from pavfmt.compression import compress_column
from pavfmt.encoder import Precision, rendered_importance
from pavfmt.encoder.planning import plan_levels, without_invisible
from pavfmt.encoder.preview import Preview
from pavfmt.encoder.quality import coarsest, take_pictures
from pavfmt.encoder.rebinding import rebound
from pavfmt.encoder.renumbering import renumbered
from pavfmt.encoder.rig_parts import rig_parts
from pavfmt.inspection import gaussian_bytes_of
from pavfmt.interop.lam import read_lam
from pavfmt.model import Avatar, Float64Array
from pavfmt.neighbourhood import neighbourhood
from pavfmt.residuals import FLOORS, SCALES, predictions, rice_parameters
from pavfmt.rice import best_parameter, bits_of, zigzag
from pavfmt.units.steps import to_steps
from pavplayer.importance import open_renderer

DATA = Path(os.environ.get("PAV_TEST_DATA", "../shared/data"))
HEADS = ("status", "tesla", "p2-1")
TARGET = 48.0
UNITS = 20


def table(title: str, header: list[str], rows: list[list[object]]) -> None:
    """One Markdown table on stdout."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        cells = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row)
        print("| " + " | ".join(cells) + " |", flush=True)


def head(name: str) -> tuple[Avatar, list[Float64Array]]:
    """A LAM export and its importance."""
    avatar = read_lam(DATA / "lam" / f"{name}.zip")
    return avatar, rendered_importance(avatar, open_renderer("cpu"))


def measure_levers() -> None:
    """Bytes per input Gaussian at TARGET dB, with one lever at a time taken away."""
    powers = ("mean_power", "log_scale_power", "quat_power", "opacity_power", "sh0_power")
    variants = {
        "as it is": Precision(),
        "all Gaussians kept": Precision(kept_importance=1.0),
        "steps the same in all units": replace(Precision(), **dict.fromkeys(powers, 0.0)),
        "all powers 0.5": replace(Precision(), **dict.fromkeys(powers, 0.5)),
    }
    rows: list[list[object]] = []
    for name in HEADS:
        avatar, importance = head(name)
        pictures = take_pictures(avatar, open_renderer("cpu"))
        preview = Preview(avatar, EncodeOptions(), importance)
        for label, start in variants.items():
            found, quality = coarsest(lambda p: pictures.decibels(preview.avatar(p)), start, TARGET)  # noqa: B023
            data = encode(avatar, EncodeOptions(precision=found), importance)
            count = avatar.gaussian_count
            rows.append([name, label, quality, gaussian_bytes_of(inspect(data)) / count])
    table(f"One lever at a time, searched for {TARGET:.0f} dB", ["head", "", "dB", "B per input"], rows)


def measure_entropy() -> None:
    """Bits per value of the units' columns by how they are coded, at the default precision."""
    rows: list[list[object]] = []
    for name in HEADS:
        avatar, importance = head(name)
        avatar, kept = without_invisible(renumbered(avatar), importance, Precision().kept_importance)
        options = EncodeOptions()
        avatar = rebound(avatar, rig_parts(avatar, options).decoded(avatar), options)
        plan = plan_levels(avatar, kept, options)[0]
        totals: dict[str, float] = {}
        values = 0
        for part in np.array_split(plan.order, UNITS):
            part = part[np.argsort(plan.columns.sites[part], kind="stable")]
            near, columns = neighbourhood(plan.places[part]), plan.columns.take(part)
            multipliers = plan.precision.multipliers(part)
            for attribute in plan.attributes:
                given = columns.values[attribute.name]
                steps = to_steps(attribute, given, multipliers[attribute.name]).steps
                for label, bits in _codes(steps, near).items():
                    totals[label] = totals.get(label, 0.0) + bits
                values += steps.size
        rows.append([name, *(bits / values for bits in totals.values())])
    table(f"Bits per value, {UNITS} units", ["head", *totals], rows)


def _codes(steps: np.ndarray, near: object) -> dict[str, float]:
    """Label → bits of (n, C) steps."""
    plain = zigzag(steps)
    told = steps[near.order]  # type: ignore[attr-defined]
    first = near.passes[0]  # type: ignore[attr-defined]
    mean, spread = predictions(told.astype(float), near.neighbours, near.weights)  # type: ignore[attr-defined]
    coded = zigzag(told[first:] - mean.astype(np.int64))
    start = bits_of(zigzag(told[:first]), best_parameter(zigzag(told[:first])))
    adaptive = min(
        bits_of(coded, rice_parameters(spread, scale, floor)) for scale in SCALES for floor in FLOORS
    )
    return {
        "zstd columns": 8.0 * sum(len(compress_column(c.astype(np.uint16), 2)[1]) for c in plain.T),
        "order-0 entropy, no tables": sum(_entropy(column) for column in plain.T),
        "Rice, not predicted": float(bits_of(plain, best_parameter(plain))),
        "Rice, predicted": float(start + bits_of(coded, best_parameter(coded))),
        "and by the spread": float(start + adaptive),
    }


def _entropy(values: np.ndarray) -> float:
    counts = np.unique(values, return_counts=True)[1]
    return float(-(counts * np.log2(counts / counts.sum())).sum())


def measure_rig() -> None:
    """What coarser shapes, neutral and weights save, and what it costs: p2-1, the most demanding head."""
    avatar, importance = head("p2-1")
    pictures = take_pictures(avatar, open_renderer("cpu"))
    rows: list[list[object]] = []
    for change in (
        {},
        {"shape_step": 1e-4},
        {"shape_step": 4e-4},
        {"neutral_step": 5e-5},
        {"weight_bits": 10},
        {"weight_bits": 6},
    ):
        data = encode(avatar, EncodeOptions(**change), importance)  # type: ignore[arg-type]
        rows.append([str(change or "defaults"), len(data), pictures.decibels(_decoded(data))])
    table("Steps of the rig", ["", "file_bytes", "dB"], rows)


def _decoded(data: bytes) -> Avatar:
    from pavfmt import decode

    snapshot = decode(data).snapshot()
    assert snapshot is not None
    return snapshot.avatar


MEASUREMENTS = {"levers": measure_levers, "entropy": measure_entropy, "rig": measure_rig}

if __name__ == "__main__":
    for one in sys.argv[1:] or MEASUREMENTS:
        MEASUREMENTS[one]()

"""Quality and bytes of the three LAM heads by eval-v2, encoded by `pav encode` at the presets.

    python -m tests.benchmarks.bench_quality
    python -m tests.benchmarks.bench_quality --heads tesla --presets balanced --prefixes
    python -m tests.benchmarks.bench_quality --encode-option=--progressive --eval-v1

A cell of a framing is PSNR / worst 16×16 window / worst 4×4 window: dB over all pixels of all its pictures on white,
against the unquantized avatar in the same renderer, and windows anywhere of 255, on white and black. Gaussian bytes
stand per Gaussian of the input and per Gaussian kept. PAV_TEST_DATA names the data folder (default ../shared/data).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pavcli.main import main as pav
from pavfmt import inspect
from pavfmt.importers.lam import read_lam
from pavfmt.tools.inspect import gaussian_bytes_of
from pavplayer.evaluation.comparing import Examination
from pavplayer.evaluation.curve import ReferencePictures
from pavplayer.evaluation.framings import FRAMINGS
from pavplayer.evaluation.prefixes import GaussianPrefix
from pavplayer.evaluation.references import avatar_reference
from pavplayer.evaluation.views import EVALUATION_V1, known_expressions
from pavplayer.session import Session, open_session

DATA = Path(os.environ.get("PAV_TEST_DATA", "../shared/data"))
HEADS = ("status", "tesla", "p2-1")
PRESETS = ("small", "balanced", "near-lossless")
MARKS = (6_000, 12_000, 30_000, 60_000)
"""Gaussian bytes of `--prefixes`."""


@dataclass(frozen=True)
class Row:
    """A file or its first Gaussians."""

    name: str
    session: Session
    gaussian_bytes: int


def encoded(source: Path, preset: str, options: list[str]) -> tuple[bytes, float]:
    """As the command does it, and how many seconds that took."""
    with tempfile.TemporaryDirectory() as folder:
        path, start = Path(folder) / "head.pav", time.perf_counter()
        if pav(["encode", str(source), "-o", str(path), "-q", "--preset", preset, *options]):
            sys.exit(f"pav encode failed for {source}")
        return path.read_bytes(), time.perf_counter() - start


def whole(name: str, data: bytes) -> Row:
    session = open_session("cpu")
    session.feed(data)
    session.update()
    return Row(name, session, gaussian_bytes_of(inspect(data)))


def first_bytes(name: str, data: bytes, mark: int) -> Row:
    """So many Gaussian bytes, in whole units, with the rig and all shapes there."""
    prefix = GaussianPrefix(open_session("cpu"), data, inspect(data))
    while (unit := prefix.next_unit) and prefix.gaussian_bytes + (unit.bytes or 0) <= mark:
        prefix.add_next()
    prefix.session.update()
    return Row(f"{name}, {mark:,} bytes", prefix.session, prefix.gaussian_bytes)


def rows_of(name: str, args: argparse.Namespace) -> list[Row]:
    """A head's files at the presets, and prefixes of them."""
    rows = []
    for preset in args.presets:
        data, seconds = encoded(DATA / "lam" / f"{name}.zip", preset, args.encode_option)
        print(f"{name}, {preset}: encoded in {seconds:.1f} s", file=sys.stderr)
        if args.prefixes:
            rows += [first_bytes(preset, data, mark) for mark in MARKS]
        rows.append(whole(preset, data))
    return rows


def measure(name: str, args: argparse.Namespace) -> None:
    """The lines of one head."""
    avatar = read_lam(DATA / "lam" / f"{name}.zip")
    reference = avatar_reference(avatar, avatar.rig.mean_neutral)
    rows = rows_of(name, args)
    rasterizer = rows[0].session.rasterizer
    examination = Examination.of(reference, rasterizer, args.framing, args.scale)
    found = examination.likenesses([row.session.posed for row in rows])
    older = None
    if args.eval_v1:
        cameras = EVALUATION_V1.cameras(reference.framed, args.scale)
        expressions = known_expressions(EVALUATION_V1, rows[-1].session.scene)
        older = ReferencePictures(reference, cameras, expressions, rasterizer)
    for row, framings in zip(rows, found, strict=True):
        count = row.session.scene.gaussian_count
        size, each = row.gaussian_bytes, row.gaussian_bytes / max(count, 1)
        cells = [
            name,
            row.name,
            f"{size:,}",
            f"{size / avatar.gaussian_count:.2f}",
            f"{each:.2f}",
            f"{count:,}",
        ]
        for one in framings:
            cells.append(f"{one.psnr:.1f} / {one.large.difference:.0f} / {one.small.difference:.0f}")
        if older is not None:
            quality = older.quality_of(row.session)
            cells.append(f"{quality.psnr or float('inf'):.2f} ({quality.worst_psnr or float('inf'):.2f})")
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.bench_quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=HEADS)
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=PRESETS)
    parser.add_argument("--framing", nargs="+", choices=FRAMINGS, default=FRAMINGS)
    parser.add_argument("--scale", type=float, default=1.0, help="times the size of the pictures: a draft")
    parser.add_argument("--prefixes", action="store_true", help=f"also the first {MARKS} Gaussian bytes")
    parser.add_argument("--eval-v1", action="store_true", help="a column of eval-v1 too: dB (worst picture)")
    parser.add_argument(
        "--encode-option", action="append", default=[], metavar="OPTION", help="handed to pav encode"
    )
    args = parser.parse_args()
    args.framing = [name for name in FRAMINGS if name in args.framing]
    head = ["head", "preset", "gaussian_bytes", "per input", "per kept", "kept", *args.framing]
    head += ["eval-v1"] * args.eval_v1
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for name in args.heads:
        measure(name, args)


if __name__ == "__main__":
    main()

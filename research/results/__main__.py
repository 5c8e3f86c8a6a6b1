"""`python -m research.results`: compute what is missing, then write the page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from pavfmt.errors import PavError
from pavfmt.fileio import write_bytes
from pavplayer.packages import PackageMissingError, require
from pavtraining.running import InterruptedFitError
from research.results.cells import Cell, Cells, all_cells, missing
from research.results.deadline import Deadline, TimeIsUpError
from research.results.document import document
from research.results.plots import plots
from research.results.subjects import open_subject

TRAINING = Path(__file__).resolve().parents[2] / "training"
HELP = """Compute the table of training results, cell by cell, and write RESULTS.md with plots.

  python -m research.results --list                   every cell, and whether it is there
  python -m research.results --minutes 20             what 20 minutes allow, cheapest first; then again
  python -m research.results --only 'status/*' 'scene/ablation-*'
  python -m research.results --minutes 0              only write the page anew

Finished heads are read from the folder that PAV_TEST_DATA names (default: ../shared/data). Interrupted fits go on."""


def main(arguments: list[str] | None = None) -> int:
    """0: all that was asked for is there; 4: some of it is not."""
    args = _arguments(arguments)
    cells, wanted = Cells(args.cells, args.work), all_cells(args.only)
    if args.list:
        for cell in wanted:
            print(f"{'there' if cells.has(cell, args.flip, args.eval_v2) else 'missing':8s} {cell.name}")
        return 0
    require("torch", "numba", "matplotlib", extra="training")
    args.work.mkdir(parents=True, exist_ok=True)
    try:
        _compute(cells, list(missing(cells, wanted, args.flip, args.eval_v2)), args)
    except (TimeIsUpError, InterruptedFitError) as stop:
        print(f"stopped: {stop}", file=sys.stderr)
    _write_page(cells, args.output)
    return 0 if all(cells.has(cell, args.flip, args.eval_v2) for cell in wanted) else 4


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m research.results",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="CELL", help="names or patterns, see --list")
    parser.add_argument("--list", action="store_true", help="name the cells and stop")
    parser.add_argument("--minutes", type=float, metavar="M", help="stop after M minutes")
    parser.add_argument("--flip", action="store_true", help="FLIP too (slow; needs flip-evaluator)")
    parser.add_argument(
        "--eval-v2",
        action="store_true",
        help="finished heads by eval-v2 too: cells that were computed before it are judged again",
    )
    parser.add_argument(
        "--work", type=Path, default=Path("out/results"), metavar="DIR", help="for checkpoints and captures"
    )
    parser.add_argument(
        "--cells", type=Path, default=TRAINING / "cells", metavar="DIR", help="for results, a JSON file each"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=TRAINING / "RESULTS.md",
        metavar="PAGE",
        help="the page; plots/ beside it",
    )
    return parser.parse_args(arguments)


def _compute(cells: Cells, todo: Sequence[Cell], args: argparse.Namespace) -> None:
    """One after another; neighbours of one subject share its pictures."""
    import torch

    torch.set_num_threads(1)  # fits have small operations: more threads only wait for each other
    deadline, done = Deadline(args.minutes), 0
    for name, group in groupby(todo, key=lambda cell: cell.subject):
        deadline.check()
        subject = open_subject(name, args.work)
        views, head_views = subject.examination(), subject.head_examination()
        for cell in group:
            deadline.check()
            done += 1
            with _bar(f"{done}/{len(todo)} {cell.name}") as progress:
                result = cells.compute(cell, subject, views, deadline, args.flip, progress, head_views)
            shown = ", ".join(f"{one.psnr:.2f}" for one in result.judgements)
            print(f"{cell.name}: {shown} dB; {result.seconds:,.0f} s", file=sys.stderr)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int], None]]:
    """A bar of pictures, if there is a terminal."""
    from tqdm import tqdm

    with tqdm(desc=name, unit="picture", disable=None, leave=False) as bar:

        def advance(total: int) -> None:
            bar.total = total
            bar.update(1)

        yield advance


def _write_page(cells: Cells, output: Path) -> None:
    pictures = plots(cells)
    folder = output.parent / "plots"
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        write_bytes(str(folder / f"{name}.png"), picture, force=True)
    write_bytes(str(output), document(cells, list(pictures)).encode(), force=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (PavError, PackageMissingError) as error:
        print(f"python -m research.results: {error}", file=sys.stderr)
        sys.exit(3)

"""Many avatars under one budget, against none: `python -m tests.benchmarks.bench_crowd [--target] [--sweep]`.

The target: 20 seeded avatars of 170,000 Gaussians (SH 3, encoded with the defaults, none left out) side by side, their
screen heights from 50 to 800 px, budget 500,000. The sweep: 1 to 100 demo avatars in rows, budget 300,000. Times are
medians of whole frames (posing and picture), with and without the budget in turns in one process; ratios are what
counts. Quality is against the picture without a budget: of the whole picture, and the mean over the avatars' own
rectangles. Memory is what the process grew by with each avatar, resident.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from pavfmt.arrays import Float32Array
from pavfmt.model import Pose
from pavplayer.camera import Camera
from pavplayer.crowd import Crowd, GaussianBudget, Placement, in_rows
from pavplayer.demo import AVATAR_FILE
from pavplayer.evaluation.metrics import mean_squared_error, psnr_of_error
from pavplayer.session import Session
from tests.benchmarks.crowd_scene import (
    Seat,
    front_camera,
    heights_between,
    opened,
    seated,
    seats,
    seeded_file,
)

SEEDS = 2
TARGET_COUNT, TARGET_BUDGET = 20, 500_000
SWEEP_COUNTS, SWEEP_BUDGET = (1, 2, 5, 10, 20, 50, 100), 300_000
SPACINGS = {"ratio": "each a like share smaller", "even": "in equal steps"}


@dataclass(frozen=True)
class Compared:
    """One scene with and without a budget."""

    full_ms: float
    budget_ms: float
    full_count: int
    budget_count: int
    decibels: float
    """Of the whole picture."""
    by_avatar: Sequence[float]
    """Decibels in each avatar's rectangle, if there are such."""

    @property
    def ratio(self) -> float:
        """How many times faster frames are with the budget."""
        return self.full_ms / self.budget_ms


def compared(
    sessions: Sequence[Session],
    placements: Sequence[Placement],
    camera: Camera,
    budget: int,
    repeats: int,
    rectangles: Sequence[Seat] = (),
) -> Compared:
    """Both ways, in turns."""
    crowd = Crowd(sessions, placements)
    times: dict[bool, list[float]] = {False: [], True: []}
    pictures: dict[bool, Float32Array] = {}
    counts: dict[bool, int] = {}
    for _ in range(repeats + 1):  # the first is not counted
        for limited in (False, True):
            crowd.budget = GaussianBudget(budget) if limited else None
            crowd.settle()
            start = time.perf_counter()
            pictures[limited] = crowd.frame(camera, Pose({"jawOpen": 0.3}))
            times[limited].append(1000 * (time.perf_counter() - start))
            counts[limited] = crowd.drawn
    full, budgeted = pictures[False], pictures[True]
    own = [psnr_of_error(mean_squared_error(budgeted[seat.box()], full[seat.box()])) for seat in rectangles]
    quality = psnr_of_error(mean_squared_error(budgeted, full))
    return Compared(
        median(times[False][1:]), median(times[True][1:]), counts[False], counts[True], quality, own
    )


def target(repeats: int, width: int = 2560) -> None:
    """The line of the specification, for both spacings of the heights."""
    files = [seeded_file(seed) for seed in range(SEEDS)]
    sessions = [opened(files[number % SEEDS]) for number in range(TARGET_COUNT)]
    print(f"{TARGET_COUNT} seeded avatars, heights 50 to 800 px, budget {TARGET_BUDGET:,} Gaussians\n")
    print("| heights | picture | Gaussians | ms | with budget | faster | PSNR | mean of avatars | worst |")
    print("|---|---|---|---|---|---|---|---|---|")
    for spacing, words in SPACINGS.items():
        rectangles, height = seats(heights_between(50, 800, TARGET_COUNT, spacing), width)
        camera = front_camera(width, height)
        placements = [
            seated(session, seat, camera, yaw_degrees=7.0 * (number % 7) - 21.0)
            for number, (session, seat) in enumerate(zip(sessions, rectangles, strict=True))
        ]
        found = compared(sessions, placements, camera, TARGET_BUDGET, repeats, rectangles)
        print(
            f"| {words} | {width}x{height} | {found.full_count:,} → {found.budget_count:,} | {found.full_ms:,.0f} "
            f"| {found.budget_ms:,.0f} | {found.ratio:.1f} x | {found.decibels:.1f} dB "
            f"| {mean(found.by_avatar):.1f} dB | {min(found.by_avatar):.1f} dB |",
            flush=True,
        )


def resident_bytes() -> int:
    """Of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def sweep(repeats: int) -> None:
    """From 1 to 100 of the demo avatar."""
    data = AVATAR_FILE.read_bytes()
    sessions = [opened(data)]
    Crowd(sessions).frame(sessions[0].camera())  # compiles
    gc.collect()
    print(f"\nDemo avatars in rows, 1280x720, budget {SWEEP_BUDGET:,} Gaussians\n")
    print("| avatars | Gaussians | ms | with budget | faster | PSNR | MB more than for 1 |")
    print("|---|---|---|---|---|---|---|")
    before = resident_bytes()
    for count in SWEEP_COUNTS:
        sessions += [opened(data) for _ in range(count - len(sessions))]
        camera = Crowd(sessions).camera(size=(1280, 720))
        found = compared(sessions, in_rows(sessions), camera, SWEEP_BUDGET, repeats)
        gc.collect()
        print(
            f"| {count} | {found.full_count:,} → {found.budget_count:,} | {found.full_ms:,.0f} "
            f"| {found.budget_ms:,.0f} | {found.ratio:.1f} x | {found.decibels:.1f} dB "
            f"| {(resident_bytes() - before) / 1e6:,.0f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", action="store_true", help="only the 20 seeded avatars")
    parser.add_argument("--sweep", action="store_true", help="only 1 to 100 demo avatars")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="frames each way (default: 3)")
    options = parser.parse_args()
    if options.target or not options.sweep:
        target(options.repeats)
    if options.sweep or not options.target:
        sweep(options.repeats)


if __name__ == "__main__":
    main()

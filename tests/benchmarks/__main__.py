"""`python -m tests.benchmarks` (or `make bench`): every benchmark, as one Markdown table.

PAV_TEST_DATA names the data folder (default ../shared/data). Ratios are to the yardstick each module states.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

from pavfmt.importers.lam import read_lam
from tests.benchmarks import bench_codec, bench_raster


def main() -> None:
    """Run and print."""
    folder = Path(os.environ.get("PAV_TEST_DATA", "../shared/data"))
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}\n"
    )
    print("| | ms, median | ratio |\n|---|---|---|")
    for what, milliseconds, ratio in bench_codec.run(folder):
        print(f"| {what} | {milliseconds:.1f} | {ratio:.2f} |")
    frames = {
        "LAM status, 20,018, SH 0": bench_raster.stages(read_lam(folder / "lam" / "status.zip")),
        "seeded, 170,000, SH 3": bench_raster.run(str(folder / "rigs" / "mh_head_arkit52.npz")),
    }
    for avatar, timings in frames.items():
        for timing in timings:
            ratio = timing.milliseconds / timings[0].milliseconds
            print(f"| {avatar}, 550x802: {timing.step} | {timing.milliseconds:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()

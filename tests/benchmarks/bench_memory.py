"""Memory of a playing avatar, as a multiple of its arrays: `python -m tests.benchmarks.bench_memory [FILE.pav]`.

Without a file it is the seeded avatar of 170,000 Gaussians. It is fed in pieces of 64 KiB, as a network would, and
drawn after each. "Its arrays" are the scene's (positions to spherical harmonics, as float32); "steady" is what is
allocated between frames when all is there, "peak" the most at any time, pictures and the rasterizer's work included.
Counted by tracemalloc, which sees Python's and NumPy's memory, but not what compiled code takes inside a kernel.
"""

from __future__ import annotations

import argparse
import gc
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

from pavplayer.session import Session, open_session
from tests.benchmarks.crowd_scene import seeded_file

PIECE = 1 << 16


@dataclass(frozen=True)
class Memory:
    """Bytes."""

    arrays: int
    steady: int
    peak: int
    peak_of_frame: int
    """The most while one frame of the complete avatar is made."""


def array_bytes(session: Session) -> int:
    """Of the scene's arrays."""
    return sum(array.nbytes for array in vars(session.scene.arrays()).values())


def play(data: bytes) -> Session:
    """Feed and draw a file piece by piece."""
    session = open_session("cpu")
    for start in range(0, len(data), PIECE):
        session.feed(data[start : start + PIECE])
        session.update()
        session.frame(camera=session.camera())
    return session


def measured(data: bytes) -> Memory:
    """One file; everything is compiled and imported before it counts."""
    play(data)
    gc.collect()
    tracemalloc.start()
    try:
        session = play(data)
        gc.collect()
        steady, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        session.frame(camera=session.camera())
        return Memory(array_bytes(session), steady, peak, tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", help="a .pav file (default: the seeded avatar)")
    options = parser.parse_args()
    data = seeded_file(0) if options.file is None else Path(options.file).read_bytes()
    found = measured(data)
    print(f"arrays                 {found.arrays / 1e6:8.1f} MB")
    for name in ("steady", "peak", "peak_of_frame"):
        value = getattr(found, name)
        print(f"{name.replace('_', ' '):22} {value / 1e6:8.1f} MB {value / found.arrays:6.2f} x")


if __name__ == "__main__":
    main()

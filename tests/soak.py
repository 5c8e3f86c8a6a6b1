"""A hundred thousand random streams through one process, whose memory must stay flat.

python -m tests.soak                    100,000 streams
python -m tests.soak --streams 2000     fewer

Prints the resident memory on the way; exit status 1 if it grew by more than is allowed after the first tenth.
"""

import argparse
import sys
import time
from pathlib import Path
from random import Random

from pavfmt import Decoder, PavError
from tests.fuzz import units
from tests.fuzz.seeds import pav_seeds
from tests.fuzz.targets import LIMITS

ALLOWED = 16 << 20
"""Bytes that resident memory may grow after the first tenth."""


def stream(random):
    """Pieces of a file: sound or mutated, whole or cut, in order or as ranges, some sent twice."""
    data = random.choice(list(pav_seeds().values()))
    if random.random() < 0.5:
        data = units.mutated(data, random)
    if random.random() < 0.3:
        data = data[: random.randrange(len(data) + 1)]
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((0, 1, 5))))
    pieces = [(low, data[low:high]) for low, high in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    if random.random() < 0.4:
        pieces.append(random.choice(pieces))
        random.shuffle(pieces)
    return pieces


def play(pieces):
    """Decode, looking at the scene on the way; how many events came."""
    decoder, count = Decoder(LIMITS), 0
    try:
        for offset, data in pieces:
            decoder.feed_at(offset, data)
            count += sum(1 for _ in decoder.events())
            decoder.scene.arrays()
        decoder.close()
        count += sum(1 for _ in decoder.events())
    except PavError:
        return count
    return count


def resident():
    """Bytes of memory that the process holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def soak(streams, seed=0, tell=lambda done, held: None):
    """(bytes held after the first tenth, most held after that, events in all)."""
    random, base, most, events = Random(seed), 0, 0, 0
    for number in range(1, streams + 1):
        events += play(stream(random))
        if number == streams // 10:
            base = resident()
        if number % max(streams // 20, 1) == 0:
            most = max(most, resident()) if base else 0
            tell(number, resident())
    return base, most, events


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.split("\n\n")[0])
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.monotonic()

    def tell(done, held):
        print(f"{done:>8} streams {held / 1e6:>8.1f} MB {time.monotonic() - start:>8.0f} s", flush=True)

    base, most, events = soak(options.streams, options.seed, tell)
    print(
        f"{events} events; {base / 1e6:.1f} MB after the first tenth, {most / 1e6:.1f} MB at most after that"
    )
    return int(most - base > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())

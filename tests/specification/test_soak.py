"""Many streams through one process leave nothing behind; a leak would be noticed."""

import gc
import tracemalloc
from random import Random

from tests import soak

STREAMS = 50
ALLOWED = 25_000
"""Bytes that Python objects may take more after as many streams again."""


def grown(play):
    """Bytes held after a second helping of streams, more than after the first."""
    helping = [soak.stream(Random(seed)) for seed in range(STREAMS)]
    tracemalloc.start()
    try:
        held = []
        for _ in range(2):
            for pieces in helping:
                play(pieces)
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    return held[1] - held[0]


def test_streams_leave_nothing_behind():
    assert grown(soak.play) < ALLOWED


def test_a_leak_of_a_kilobyte_a_stream_is_noticed():
    kept = []

    def leaking(pieces):
        kept.append(bytearray(1024))
        soak.play(pieces)

    assert grown(leaking) > ALLOWED


def test_a_short_soak_counts_and_tells():
    told = []
    base, most, events = soak.soak(40, tell=lambda done, held: told.append(done))
    assert events > 100 and base > 0 and most >= base - soak.ALLOWED
    assert told == list(range(2, 41, 2))

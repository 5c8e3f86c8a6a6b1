"""What readers make of cut and of damaged files, tried in a process of their own: native readers may crash."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Literal

import numpy as np

from pavfmt.posing import PosedGaussians

MEMORY_BYTES = 8 << 30
TRIAL_SECONDS = 120
SEED = 20

Reader = Callable[[bytes], PosedGaussians]
"""Raises on whatever error the format or its reader finds. Must be picklable."""
Outcome = Literal["refused", "harmless", "silent", "crashed"]
"""An error was reported; nothing changed; other Gaussians came out and no error; the reader died or hung."""


@dataclass(frozen=True)
class Reading:
    """What one file gave."""

    outcome: Outcome
    cloud: PosedGaussians | None = None
    message: str = ""


def limit_memory() -> None:
    """A cut file must not take the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def attempt(reader: Reader, data: bytes) -> Reading:
    """Read, and say what came of it; any exception is the reader's report of an error."""
    try:
        cloud = reader(data)
    except Exception as error:
        return Reading("refused", None, f"{type(error).__name__}: {error}".splitlines()[0])
    return Reading("silent", cloud)


def same(one: PosedGaussians, other: PosedGaussians) -> bool:
    """The same Gaussians, bit for bit."""
    names = ("means", "quats", "scales", "opacities", "sh")
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in names)


def compared(reader: Reader, whole: bytes, damaged: bytes) -> Reading:
    """The outcome of a damaged file; the Gaussians stay in the process that read them."""
    reading = attempt(reader, damaged)
    if reading.cloud is not None and same(reading.cloud, reader(whole)):
        return Reading("harmless")
    return Reading(reading.outcome, None, reading.message)


def flipped(data: bytes, bit: int) -> bytes:
    """With one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def flip_outcomes(reader: Reader, data: bytes, count: int) -> list[Outcome]:
    """What each of `count` single-bit changes, anywhere in the file, led to."""
    bits = np.random.default_rng(SEED).integers(0, 8 * len(data), count).tolist()
    with Sandbox() as sandbox:
        return [sandbox.run(compared, reader, data, flipped(data, bit)).outcome for bit in bits]


def read_cut(reader: Reader, data: bytes, length: int) -> Reading:
    """The first bytes alone."""
    with Sandbox() as sandbox:
        return sandbox.run(attempt, reader, data[:length])


class Sandbox:
    """One process that is replaced when it dies."""

    def __enter__(self) -> Sandbox:
        self._pool = self._new_pool()
        return self

    def __exit__(self, *problem: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _new_pool() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=limit_memory)

    def run(self, work: Callable[..., Reading], *arguments: object) -> Reading:
        """What `work` gives, or that it crashed."""
        try:
            return self._pool.submit(work, *arguments).result(TRIAL_SECONDS)
        except (BrokenProcessPool, TimeoutError) as error:
            self._kill()
            return Reading("crashed", None, type(error).__name__)

    def _kill(self) -> None:
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._new_pool()


def tally(outcomes: Sequence[Outcome]) -> str:
    """ "3 of 20", and how many crashed."""
    crashed = outcomes.count("crashed")
    return f"{outcomes.count('silent')} of {len(outcomes)}" + (f", {crashed} crashed" if crashed else "")

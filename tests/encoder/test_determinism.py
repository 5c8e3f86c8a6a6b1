"""The same avatar gives the same bytes, here and in another process with other threads and hash seeds."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pavfmt import encode
from spec.builders.avatars import KINDS, SMALL_UNITS, head_file, toy, toy_file

SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from spec.builders.avatars import KINDS, external_file, head_file, rig_file, toy_file
for data in (*(toy_file(kind) for kind in KINDS), toy_file("mixed", 3, True), rig_file(), external_file(), head_file()):
    print(hashlib.sha256(data).hexdigest())
"""


@pytest.mark.parametrize("kind", KINDS)
def test_twice_the_same_bytes(kind):
    assert encode(toy(kind), SMALL_UNITS) == toy_file(kind)


def printed_by(seed, threads):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {**os.environ, "PYTHONHASHSEED": seed, **dict.fromkeys(names, threads)}
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parents[1] / "support")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_other_processes_threads_and_hash_seeds_give_the_same_bytes():
    one, two = printed_by("1", "1"), printed_by("2", "2")
    assert one == two
    assert len(set(one)) == len(one) == 8
    assert one[0] == hashlib.sha256(toy_file("face")).hexdigest()
    assert one[-1] == hashlib.sha256(head_file()).hexdigest()

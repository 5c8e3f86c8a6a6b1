"""The compiled codec and NumPy find the same to the bit, and numba is only loaded where it is worth while."""

import subprocess
import sys
from pathlib import Path

import pytest
from comparing import frozen_scene

from pavfmt import Decoder, PavError
from pavfmt.codec import compiled
from pavfmt.decoding.events import UnitDamaged

ROOT = Path(__file__).parents[2]
VECTORS = sorted(path for path in (ROOT / "spec" / "vectors").rglob("*.pav"))


def found(data):
    """(damage and error by code and offset, the scene)."""
    decoder, said = Decoder(), []
    decoder.feed(data)
    decoder.close()
    try:
        for event in decoder.events():
            if isinstance(event, UnitDamaged):
                said.append((event.code, event.error_offset))
    except PavError as error:
        said.append((error.code, error.offset))
    return said, frozen_scene(decoder.scene)


@pytest.mark.parametrize("folder", sorted({path.parent for path in VECTORS}), ids=lambda path: path.name)
def test_every_vector_is_the_same_compiled_and_not(folder):
    for path in (one for one in VECTORS if one.parent == folder):
        data = path.read_bytes()
        with compiled.switched(True):
            one = found(data)
        with compiled.switched(False):
            assert found(data) == one, path.name


def test_switches_nest_and_restore_what_was():
    before = compiled.twins
    with compiled.switched(True):
        assert compiled.twins is not None
        with compiled.switched(False):
            assert not compiled.load() and compiled.twins is None
        assert compiled.twins is not None
    assert compiled.twins is before


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(ROOT), **environment},
    ).stdout.split()  # fmt: skip


DECODE = """
import sys, pavfmt
from pavfmt.codec import compiled
compiled.expect({count})
print(compiled.twins is not None, "numba" in sys.modules)
"""


@pytest.mark.parametrize(
    "count, environment, wanted",
    [
        (compiled.WORTH_LOADING - 1, {}, ["False", "False"]),
        (compiled.WORTH_LOADING, {}, ["True", "True"]),
        (compiled.WORTH_LOADING, {"PAV_COMPILED": "0"}, ["False", "False"]),
    ],
)
def test_numba_is_loaded_for_many_gaussians_only(count, environment, wanted):
    assert run(DECODE.format(count=count), **environment) == wanted

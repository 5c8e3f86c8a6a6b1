"""Runs in an environment with only NumPy and zstandard: the whole library works there.

    python tests/bare_environment.py FOLDER

Writes a progressive checkpoint, encodes it by the command line, then decodes, inspects, cuts and verifies.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pavfmt
from pavcli.main import main
from pavfmt.exporters.progressive import write_progressive
from pavfmt.tools.synthetic import toy_avatar

ABSENT = ("torch", "numba", "gsplat", "matplotlib", "PIL", "tqdm", "scipy")


def run(folder: Path) -> None:
    """Every step must succeed."""
    present = [name for name in ABSENT if importlib.util.find_spec(name)]
    assert not present, f"not a bare environment: {present}"
    source, whole, part = folder / "checkpoint", folder / "toy.pav", folder / "part.pav"
    write_progressive(toy_avatar(), source)
    assert main(["encode", str(source), "-o", str(whole)]) == 0
    assert main(["inspect", str(whole)]) == 0
    assert main(["cut", str(whole), "--percent", "70", "-o", str(part)]) == 0
    assert main(["verify", str(whole)]) == 0
    assert main(["verify", str(part)]) == 0
    scene = pavfmt.decode(part.read_bytes())
    assert 0 < scene.gaussian_count < pavfmt.decode(whole.read_bytes()).gaussian_count
    loaded = [name for name in ABSENT if name in sys.modules]
    assert not loaded, f"imported by the library: {loaded}"
    print("bare environment: fine")


if __name__ == "__main__":
    run(Path(sys.argv[1]))

"""Runs in an environment with only NumPy and zstandard: the whole library works there, and the command line says of
every command that needs more what to install.

    python tests/bare_environment.py FOLDER

Writes a progressive checkpoint, encodes it by the command line, then decodes, inspects, cuts and verifies.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
from dataclasses import replace
from pathlib import Path

import pavfmt
from pavcli.main import COMMANDS, main
from pavfmt.exporters.progressive import write_progressive
from pavfmt.tools.synthetic import toy_avatar

ABSENT = ("torch", "numba", "gsplat", "matplotlib", "PIL", "tqdm", "scipy", "viser", "av")


def ended(*words: object) -> tuple[int, str]:
    """A command's exit code, and all that it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main([str(word) for word in words])
        except SystemExit as done:  # what argparse ends with after --help
            code = int(done.code or 0)
    return code, said.getvalue()


def succeeds(*words: object) -> str:
    """What a command says that must end with 0."""
    code, said = ended(*words)
    assert code == 0, (words, code, said)
    return said


def check_the_library(folder: Path) -> None:
    """Reading, writing, cutting and checking need nothing more; nothing more is even looked at."""
    source, whole, part = folder / "checkpoint", folder / "toy.pav", folder / "part.pav"
    write_progressive(toy_avatar(), source)
    succeeds("encode", source, "-o", whole)
    succeeds("encode", "--no-search", source, "-o", folder / "fixed.pav")
    succeeds("inspect", whole)
    succeeds("cut", whole, "--percent", "70", "-o", part)
    for file in (whole, part, folder / "fixed.pav"):
        succeeds("verify", file)
    scene = pavfmt.decode(part.read_bytes())
    assert 0 < scene.gaussian_count < pavfmt.decode(whole.read_bytes()).gaussian_count
    loaded = [name for name in ABSENT if name in sys.modules]
    assert not loaded, f"imported by the library: {loaded}"


def check_the_help() -> None:
    """Commands whose packages are missing are listed all the same, and explain themselves."""
    listed = succeeds("--help")
    for name in COMMANDS:
        assert f"    {name} " in listed, name
        assert f"pav {name}" in succeeds(name, "--help"), name


def check_the_hints(folder: Path) -> None:
    """What needs more says what to install, and writes nothing."""
    file, out = folder / "toy.pav", folder / "new"
    avatar = toy_avatar()
    write_progressive(replace(avatar, levels=avatar.levels[:1]), folder / "flat")
    for extra, *words in (
        ("player", "render", file, "-o", out),
        ("player", "crowd", file, file, "-o", out),
        ("player", "sheet", file, "-o", out),
        ("player", "curve", file),
        ("player", "eval", file),
        ("player", "demo", "--out", out),
        ("play", "play", file),
        ("training", "fit", "scene", "-o", out),
        ("training", "encode", folder / "flat", "--progressive", "-o", out),
        ("player", "encode", folder / "checkpoint", "--importance", "render", "-o", out),
    ):
        code, said = ended(*words)
        assert code == 3 and f"pip install 'pavfmt[{extra}]'" in said, (words, code, said)
    assert not out.exists()


def run(folder: Path) -> None:
    """Every step must succeed."""
    present = [name for name in ABSENT if importlib.util.find_spec(name)]
    assert not present, f"not a bare environment: {present}"
    check_the_library(folder)
    check_the_help()
    check_the_hints(folder)
    print("bare environment: fine")


if __name__ == "__main__":
    run(Path(sys.argv[1]))

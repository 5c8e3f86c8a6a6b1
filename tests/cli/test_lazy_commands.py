"""One command line above all packages: a command imports what it needs, and fails alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pavcli
from pavcli import main as command_line
from pavcli.main import COMMANDS, load_command, main
from pavfmt.exporters.progressive import write_progressive
from pavfmt.tools.synthetic import toy_avatar
from spec.builders.avatars import toy_file

HEAVY = ("numba", "torch", "gsplat", "viser", "matplotlib", "PIL", "tqdm", "scipy")
SHELL = {"__init__", "__main__", "main", "reporting"}
"""Files of pavcli that are no commands."""

LOADED = "import sys; from pavcli.main import main\ntry: main({words})\nexcept SystemExit: pass\nprint(*sys.modules)"


def loaded_by(*words):
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(words=list(words))], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split()), done.stdout


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "toy.pav"
    path.write_bytes(toy_file())
    return str(path)


def test_the_help_lists_every_command_and_imports_none():
    modules, shown = loaded_by("--help")
    assert not modules.intersection(HEAVY)
    assert not any(name.startswith(("pavplayer", "pavtraining")) for name in modules)
    for name, summary in COMMANDS.items():
        assert f"    {name} " in shown and summary[:30] in shown
        assert f"pavcli.{name}" not in modules


@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_what_reads_only_needs_neither_player_nor_training(command, file):
    modules, _ = loaded_by(command, file)
    assert f"pavcli.{command}" in modules
    assert not any(name.startswith(("pavplayer", "pavtraining")) for name in modules)


def test_a_command_is_a_file_and_a_row():
    files = {path.stem for path in Path(pavcli.__file__).parent.glob("*.py")} - SHELL
    assert files == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_of_itself(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert caught.value.code == 0
    assert f"\n{COMMANDS[name]}\n\n" in shown and f"  pav {name} " in shown + " "
    assert "-q, --quiet" in shown and "-v, --verbose" in shown
    assert load_command(name).run.__doc__ and load_command(name).add_arguments.__doc__


def broken(tmp_path, package, fault):
    """An environment in which importing a package raises."""
    (tmp_path / "broken" / package).mkdir(parents=True)
    (tmp_path / "broken" / package / "__init__.py").write_text(f"raise {fault}")
    paths = [str(tmp_path / "broken"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.mark.parametrize(
    "fault", ["OSError('libcudart.so: no such file')", "ImportError('torch is half here')"]
)
def test_a_broken_torch_fails_only_what_needs_it(tmp_path, file, fault):
    environment = broken(tmp_path, "torch", fault)

    def pav(*words):
        return subprocess.run(
            [sys.executable, "-m", "pavcli", *map(str, words)],
            capture_output=True,
            text=True,
            env=environment,
        )

    assert pav("--help").returncode == 0
    verified = pav("verify", file)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    drawn = pav("render", file, "--size", "20x30", "-q", "-o", tmp_path / "toy.png")
    assert (drawn.returncode, drawn.stderr) == (0, "")
    write_progressive(toy_avatar(), tmp_path / "checkpoint")
    encoded = pav("encode", "--no-search", tmp_path / "checkpoint", "-o", tmp_path / "new.pav")
    assert encoded.returncode == 0 and "rendered importance" in encoded.stderr
    fitted = pav("fit", "scene", "-o", tmp_path / "fitted")
    assert fitted.returncode == 3
    assert fitted.stderr.startswith("pav") and fitted.stderr.count("\n") == 1
    assert "libcudart" in fitted.stderr or "half here" in fitted.stderr


def test_a_command_that_cannot_be_imported_says_so_and_takes_no_other_with_it(monkeypatch, file, capsys):
    def importing(name):
        if name == "pavcli.render":
            raise ImportError("no renderer today")
        return sys.modules.get(name) or __import__(name, fromlist=["run"])

    monkeypatch.setattr(command_line, "import_module", importing)
    assert main(["render", file, "-o", "-"]) == 3
    assert capsys.readouterr().err == "pav render: cannot be loaded: no renderer today\n"
    with pytest.raises(ImportError):
        main(["render", "-v", file, "-o", "-"])
    assert main(["verify", file]) == 0

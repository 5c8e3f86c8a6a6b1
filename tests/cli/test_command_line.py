"""The `pav` command: results on stdout, the rest on stderr, exit codes, and nothing left behind."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_lam import lam_zip

from pavcli.main import main
from pavfmt import decode
from pavfmt.exporters.progressive import write_progressive
from pavfmt.model import Splits
from pavfmt.registry import CriticalFeature
from spec.builders.avatars import external_file, rig_file, toy, toy_file
from spec.builders.forging import flipped, unit_spans

NO_SPLITS = Splits(np.zeros(0, np.int32), np.zeros((0, 3), np.float32))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "toy.pav"
    path.write_bytes(toy_file())
    return str(path)


@pytest.fixture
def lam(tmp_path):
    path = tmp_path / "lam.zip"
    lam_zip(path)
    return str(path)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def with_stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def encode(*arguments):
    """Without the search, which draws for seconds; `test_encode_says_what_it_made` searches."""
    return main(["encode", "--quiet", "--no-search", "--importance", "opacity-area", *map(str, arguments)])


# --- verify ---


def test_verify_is_silent_on_a_clean_file(file, capsys):
    assert main(["verify", file]) == 0
    assert capsys.readouterr() == ("", "")


def test_verify_of_a_prefix_notes_it_and_is_fine(tmp_path, capsys):
    path = tmp_path / "cut.pav"
    path.write_bytes(toy_file()[:500])
    assert main(["verify", str(path)]) == 0
    assert capsys.readouterr().out.startswith("note: prefix at byte ")


def test_verify_of_damage_says_where_and_fails(tmp_path, capsys):
    start, end = unit_spans(toy_file())[-1]
    path = tmp_path / "bad.pav"
    path.write_bytes(flipped(toy_file(), end - 1))
    assert main(["verify", str(path)]) == 1
    assert f"damage: unit-payload-damaged at byte {start + 20}: " in capsys.readouterr().out
    assert main(["verify", "--json", str(path)]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["severity"], found["code"], found["offset"]) == (
        "damage",
        "unit-payload-damaged",
        start + 20,
    )


def test_verify_reads_stdin(monkeypatch, capsys):
    with_stdin(monkeypatch, toy_file())
    assert main(["verify", "-"]) == 0
    with_stdin(monkeypatch, b"nonsense" * 10)
    assert main(["verify", "-"]) == 1
    assert "bad-signature" in capsys.readouterr().out


def test_verify_and_inspect_take_the_rig_of_a_file_that_names_one(tmp_path, capsys):
    (tmp_path / "head.pav").write_bytes(external_file())
    (tmp_path / "rig.pav").write_bytes(rig_file())
    head, rig = str(tmp_path / "head.pav"), str(tmp_path / "rig.pav")
    assert main(["verify", head]) == 0
    assert capsys.readouterr().out.startswith("note: rig-not-supplied")
    assert main(["verify", "--rig", rig, head]) == 0
    assert capsys.readouterr().out == ""
    assert main(["verify", "--rig", head, head]) == 1
    assert "rig-mismatch" in capsys.readouterr().out
    assert main(["inspect", "--rig", rig, head]) == 0
    assert "21 of 21" in capsys.readouterr().out


# --- inspect ---


def test_inspect_tells_bytes_levels_and_milestones(file, capsys):
    assert main(["inspect", "--units", file]) == 0
    out, err = capsys.readouterr()
    assert f"{len(toy_file()):,} of {len(toy_file()):,} (100.0 %)" in out
    assert "level 2: face-frame on face, 5 of 5 Gaussians" in out
    assert out.count("gaussians  ") >= 3 and err == ""


def test_inspect_json_is_json_and_nothing_else(file, capsys):
    assert main(["inspect", "--json", file]) == 0
    assert json.loads(capsys.readouterr().out)["gaussian_count"] == 21


@pytest.mark.parametrize("length", [0, 10, 60, 1000])
def test_inspect_of_a_prefix_works(monkeypatch, capsys, length):
    with_stdin(monkeypatch, toy_file()[:length])
    assert main(["inspect", "-"]) == 0
    assert f"file bytes  {length:,} of" in capsys.readouterr().out


def test_inspect_of_something_else_fails(tmp_path, capsys):
    path = tmp_path / "text.pav"
    path.write_text("words " * 50)
    assert main(["inspect", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("pav: bad-signature at byte 0")


# --- cut ---


@pytest.mark.parametrize("option, count", [("--bytes=700", 700), ("--bytes=0", 0), ("--bytes=999999", None)])
def test_cut_is_a_slice(file, tmp_path, option, count):
    target = tmp_path / "cut.pav"
    assert main(["cut", file, option, "-o", str(target)]) == 0
    assert target.read_bytes() == toy_file()[:count]


def test_percent_is_of_the_complete_file(file, tmp_path):
    half, quarter = tmp_path / "half.pav", tmp_path / "quarter.pav"
    assert main(["cut", file, "--percent", "50", "-o", str(half)]) == 0
    assert main(["cut", str(half), "--percent", "25", "-o", str(quarter)]) == 0
    assert len(quarter.read_bytes()) == round(len(toy_file()) / 4)


def test_cut_from_stdin_to_stdout(monkeypatch, capsysbinary):
    with_stdin(monkeypatch, toy_file())
    assert main(["cut", "-", "--bytes", "600", "-o", "-"]) == 0
    out, err = capsysbinary.readouterr()
    assert out == toy_file()[:600] and err == b""


def test_nothing_is_overwritten_without_force(file, tmp_path, capsys):
    target = tmp_path / "there.pav"
    target.write_bytes(b"precious")
    assert main(["cut", file, "--bytes", "5", "-o", str(target)]) == 3
    assert target.read_bytes() == b"precious" and "--force" in capsys.readouterr().err
    assert main(["cut", file, "--bytes", "5", "--force", "-o", str(target)]) == 0
    assert target.read_bytes() == toy_file()[:5]


@pytest.mark.parametrize("percent", ["101", "-1", "nan"])
def test_a_percentage_out_of_range_leaves_nothing(file, tmp_path, percent):
    assert main(["cut", file, f"--percent={percent}", "-o", str(tmp_path / "new.pav")]) == 3
    assert names_in(tmp_path) == ["toy.pav"]


def test_a_folder_that_is_not_there_is_said(file, tmp_path, capsys):
    assert main(["cut", file, "--bytes", "5", "-o", str(tmp_path / "no" / "new.pav")]) == 3
    assert "does not exist" in capsys.readouterr().err


# --- encode ---


def test_encode_a_lam_export(lam, tmp_path):
    target = tmp_path / "head.pav"
    assert encode(lam, "-o", target, "--title", "Somebody", "--rig-license", "CC-BY-4.0") == 0
    scene = decode(target.read_bytes())
    assert scene.gaussian_count == 4
    assert (scene.metadata["title"], scene.metadata["rig-license"]) == ("Somebody", "CC-BY-4.0")
    assert main(["verify", str(target)]) == 0


def test_encode_a_progressive_checkpoint_in_its_own_order(tmp_path):
    write_progressive(toy("face"), tmp_path / "checkpoint")
    assert encode(tmp_path / "checkpoint", "-o", tmp_path / "head.pav") == 0
    assert decode((tmp_path / "head.pav").read_bytes()).gaussian_count == 21


@pytest.mark.parametrize(
    ("options", "exact"), [([], True), (["--preset", "small"], False), (["--quality", "52"], True)]
)
def test_encode_progressive_fits_first(lam, tmp_path, monkeypatch, options, exact):
    """Gaussians stay as they are, so that a preset promises the same; only small files have fewer, fitted ones."""
    from pavcli import encode as command

    asked = []

    def fitter(avatar, advance, as_they_are):
        asked.append(as_they_are)
        level = avatar.levels[0]
        base = replace(level, gaussians=level.gaussians.take(np.array([0])))
        parents = np.zeros(len(level.gaussians), np.int32)
        return replace(avatar, levels=(base, replace(level, parents=parents, splits=NO_SPLITS)))

    monkeypatch.setattr(command, "_fitter", lambda: fitter)
    assert encode(lam, "--progressive", *options, "-o", tmp_path / "head.pav") == 0
    assert asked == [exact]
    assert decode((tmp_path / "head.pav").read_bytes()).header.critical_features == CriticalFeature.HAND_OVER


def test_encode_in_another_order(tmp_path):
    write_progressive(toy("face"), tmp_path / "checkpoint")
    more = ("--level-order", "gain", "--group-regions")
    assert encode(tmp_path / "checkpoint", "-o", tmp_path / "head.pav", *more) == 0
    assert decode((tmp_path / "head.pav").read_bytes()).gaussian_count == 21


def test_encode_an_external_rig(tmp_path):
    write_progressive(toy("face"), tmp_path / "checkpoint")
    head, rig = tmp_path / "head.pav", tmp_path / "rig.pav"
    assert encode(tmp_path / "checkpoint", "-o", head, "--rig", "external", "--rig-output", rig) == 0
    assert main(["verify", "--rig", str(rig), str(head)]) == 0


def test_encode_to_stdout(lam, capsysbinary):
    assert encode(lam, "-o", "-") == 0
    assert decode(capsysbinary.readouterr().out).gaussian_count == 4


def test_encode_says_what_it_made(lam, tmp_path, capsys):
    target = tmp_path / "head.pav"
    assert main(["encode", lam, "--importance", "opacity-area", "-o", str(target)]) == 0
    out, err = capsys.readouterr()
    assert out == "" and "4 of 4 Gaussians (0 left out), order by opacity x area" in err
    assert "dB or more in every framing, bound by" in err and "worst 16x16 block off by" in err


@pytest.mark.parametrize(
    "more", [["--rig", "external"], ["--importance", "checkpoint"], ["--title", "bell \a"]]
)
def test_encode_leaves_nothing_behind_when_it_fails(lam, tmp_path, more, capsys):
    assert encode(lam, "-o", tmp_path / "head.pav", *more) == 3
    assert names_in(tmp_path) == ["lam.zip"]
    assert capsys.readouterr().err.startswith("pav: ")


def test_encode_checks_the_target_before_the_work(lam, tmp_path, capsys):
    (tmp_path / "head.pav").write_bytes(b"precious")
    assert encode(lam, "-o", tmp_path / "head.pav") == 3
    assert (tmp_path / "head.pav").read_bytes() == b"precious"


def test_encode_of_nothing_fails(tmp_path, capsys):
    assert encode(tmp_path / "no such file.zip", "-o", tmp_path / "head.pav") == 3
    assert names_in(tmp_path) == []


# --- all ---


@pytest.mark.parametrize(
    "arguments",
    [[], ["no-such-command"], ["cut", "x"], ["cut", "x", "-o", "y"], ["verify"], ["encode", "x"],
     ["cut", "x", "--bytes", "1", "--percent", "1", "-o", "y"], ["cut", "x", "--bytes", "many", "-o", "y"]],
)  # fmt: skip
def test_wrong_usage_is_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: pav" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["verify"], ["inspect"], ["cut", "--bytes", "1", "-o", "-"]])
def test_a_file_that_is_not_there_is_code_3(command, tmp_path, capsys):
    assert main([*command, str(tmp_path / "missing.pav")]) == 3
    assert "missing.pav" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["encode", "inspect", "verify", "cut"])
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"pav {command} " in capsys.readouterr().out


def test_the_version_names_the_format(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert "format 0.2" in capsys.readouterr().out


def test_verbose_shows_the_traceback(tmp_path):
    with pytest.raises(FileNotFoundError):
        main(["verify", "-v", str(tmp_path / "missing.pav")])


def test_it_runs_as_a_program(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pavcli.main", "verify", "-"], input=toy_file()[:300], capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"note: prefix")

"""`pav crowd`: several files, one picture, one budget."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from pavcli.main import main
from pavplayer.rasterizers.plain import PlainRasterizer
from spec.builders.avatars import external_file, rig_file, toy_file

SIZE = ("--size", "48x40")


@pytest.fixture(autouse=True)
def plain_rasterizer(monkeypatch):
    monkeypatch.setattr("pavplayer.session.open_rasterizer", lambda device: PlainRasterizer())
    monkeypatch.setattr("pavplayer.session.cuda_problem", lambda: "not in this test")


@pytest.fixture
def files(tmp_path):
    paths = []
    for kind in ("face", "mixed", "static"):
        paths.append(tmp_path / f"{kind}.pav")
        paths[-1].write_bytes(toy_file(kind))
    return [str(path) for path in paths]


def drawn(out):
    """Of each avatar, as reported."""
    return [int(found) for found in re.findall(r"^ +(\d+) of", out, re.MULTILINE)]


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


def test_all_stand_in_the_picture(files, tmp_path, capsys):
    picture = tmp_path / "crowd.png"
    assert main(["crowd", *files, *SIZE, "-o", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "63 of 63 Gaussians of 3 avatars" in out and drawn(out) == [21, 21, 21]
    assert pixels(picture).shape == (40, 48, 3)
    dark = (pixels(picture).min(axis=2) < 200).any(axis=0)
    assert all(third.any() for third in np.split(dark[6:42], 3))


def test_a_budget_and_importance(files, tmp_path, capsys):
    together = ["crowd", *files, *SIZE, "--gaussians", "33", "-f", "-o", str(tmp_path / "a.png")]
    assert main(together) == 0
    even = drawn(capsys.readouterr().out)
    assert min(even) > 0 and sum(even) <= 33
    assert main([*together, "--importance", "1", "50", "1"]) == 0
    other = drawn(capsys.readouterr().out)
    assert other[1] > even[1] and sum(other) <= 33


def test_a_pose_is_everyones(files, tmp_path):
    poses = ([], ["--weights", "jawOpen=1"])
    for number, options in enumerate(poses):
        assert main(["crowd", *files[:2], *SIZE, *options, "-q", "-o", str(tmp_path / f"{number}.png")]) == 0
    assert np.abs(pixels(tmp_path / "0.png") - pixels(tmp_path / "1.png")).max() > 20


def test_the_picture_may_go_to_stdout(files, capsysbinary):
    assert main(["crowd", files[0], *SIZE, "-o", "-"]) == 0
    captured = capsysbinary.readouterr()
    assert Image.open(io.BytesIO(captured.out)).size == (48, 40)
    assert b"21 of 21 Gaussians of 1 avatars" in captured.err


def test_a_rig_is_supplied_to_those_that_name_it(tmp_path, capsys):
    (tmp_path / "one.pav").write_bytes(external_file())
    (tmp_path / "rig.pav").write_bytes(rig_file())
    one, rig = str(tmp_path / "one.pav"), str(tmp_path / "rig.pav")
    assert main(["crowd", one, one, *SIZE, "--rig", rig, "-o", str(tmp_path / "a.png")]) == 0
    assert "42 of 42" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options, word",
    [
        (["--gaussians", "0"], "draws nothing"),
        (["--gaussians", "few"], "whole number"),
        (["--importance", "1", "2"], "3 files"),
        (["--weights", "jawOpne=1"], "jawOpen"),
    ],
)
def test_what_cannot_be_is_said(files, tmp_path, capsys, options, word):
    try:
        code = main(["crowd", *files, *SIZE, "-o", str(tmp_path / "a.png"), *options])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()

"""`pav play` starts, serves, and ends when told to; what is no avatar is refused at once."""

import signal
import socket
import subprocess
import sys
import urllib.request

import numpy as np
import pytest

from pavcli.main import main
from pavcli.play import given_tracks
from spec.builders.avatars import toy_file

pytest.importorskip("viser", reason="viser is not installed: pip install 'pavfmt[play]'")


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return str(probe.getsockname()[1])


def test_it_serves_what_arrives_slowly_until_interrupted(tmp_path):
    path = tmp_path / "head.pav"
    path.write_bytes(toy_file("face"))
    asked = [str(path), "--rate", "1kbit", "--no-browser", "--device", "cpu", "--port", free_port()]
    command = [sys.executable, "-m", "pavcli.main", "play", *asked]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    url = process.stdout.readline().split()[0]
    page = urllib.request.urlopen(url, timeout=20).read()
    assert b"<html" in page
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert (out, err.strip()) == ("", "")


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [(b"no avatar at all, but text" * 4, 1, "bad-signature"), (None, 3, "head.pav")],
    ids=["text", "missing"],
)
def test_what_is_no_avatar_is_refused(tmp_path, capsys, content, code, said):
    path = tmp_path / "head.pav"
    if content is not None:
        path.write_bytes(content)
    assert main(["play", str(path), "--no-browser", "--device", "cpu", "--port", free_port()]) == code
    assert said in capsys.readouterr().err


def test_a_host_that_is_not_here_is_refused(tmp_path, capsys):
    path = tmp_path / "head.pav"
    path.write_bytes(toy_file("face"))
    assert main(["play", str(path), "--no-browser", "--host", "192.0.2.1", "--port", free_port()]) == 3
    assert "address" in capsys.readouterr().err


def test_tracks_of_one_name_are_told_apart(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        arrays = {"talk_weights": np.zeros((3, 1), np.float32), "talk_names": np.array(["jawOpen"])}
        np.savez(tmp_path / folder / f"{folder}.npz", **arrays)
    found = given_tracks([str(tmp_path / name / f"{name}.npz") for name in ("a", "b")])
    assert list(found) == ["talk", "b: talk"]

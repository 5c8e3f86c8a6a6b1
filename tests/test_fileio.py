"""Outputs are all there or not at all."""

from pathlib import Path

import pytest

from pavfmt import EncodeError
from pavfmt.fileio import write_bytes, write_together


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_nothing_else(tmp_path):
    write_bytes(str(tmp_path / "a"), b"new")
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_what_is_there_is_kept_unless_forced(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(EncodeError) as caught:
        write_bytes(str(tmp_path / "a"), b"new")
    assert caught.value.code == "exists"
    assert (tmp_path / "a").read_bytes() == b"old"
    write_bytes(str(tmp_path / "a"), b"new", force=True)
    assert (tmp_path / "a").read_bytes() == b"new"


def test_of_two_files_neither_is_left_if_one_may_not_be_written(tmp_path):
    (tmp_path / "b").write_bytes(b"old")
    with pytest.raises(EncodeError):
        write_together({str(tmp_path / "a"): b"1", str(tmp_path / "b"): b"2"})
    assert names(tmp_path) == ["b"]


def test_an_interruption_while_writing_leaves_the_old_files(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")

    def interrupted(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_together({str(tmp_path / "a"): b"1", str(tmp_path / "b"): b"2"}, force=True)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"

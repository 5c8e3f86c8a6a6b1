"""Outputs are all there or not at all."""

import sys
from pathlib import Path

import pytest

from pavfmt import EncodeError, fileio
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


class Interruption:
    """Raises KeyboardInterrupt at the nth line that fileio runs; `lines` is how many it ran."""

    def __init__(self, nth=None):
        self.nth, self.lines = nth, 0

    def __call__(self, frame, event, argument):
        if frame.f_code.co_filename != fileio.__file__:
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.nth:
                raise KeyboardInterrupt
        return self

    def run(self, *given, **named):
        before = sys.gettrace()
        sys.settrace(self)
        try:
            write_bytes(*given, **named)
        finally:
            sys.settrace(before)
        return self.lines


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files left open
@pytest.mark.parametrize("old", [None, b"old"])
def test_an_interruption_at_any_line_leaves_the_old_file_or_none_or_the_new(tmp_path, old):
    target = tmp_path / "a"
    lines = Interruption().run(str(target), b"new", force=True)
    assert lines > 20
    seen = set()
    for nth in range(1, lines + 1):
        target.unlink(missing_ok=True)
        if old is not None:
            target.write_bytes(old)
        with pytest.raises(KeyboardInterrupt):
            Interruption(nth).run(str(target), b"new", force=True)
        found = target.read_bytes() if target.exists() else None
        assert found in (old, b"new")
        seen.add(found)
    assert old in seen

"""The faults that `tests/planted_faults.py` plants can still be planted."""

import runpy

import pytest

from tests.planted_faults import FAULTS, ROOT


@pytest.mark.parametrize("name", FAULTS)
def test_the_line_to_spoil_is_there_once(name):
    fault = FAULTS[name]
    assert (ROOT / "pavfmt" / fault.path).read_text().count(fault.right) == 1
    assert all(path.is_file() for path in fault.test_files)


def test_the_lines_to_spoil_in_the_web_reader_are_there_once():
    web = runpy.run_path(str(ROOT / "player" / "web" / "tests" / "planted_faults.py"))
    for fault in web["FAULTS"].values():
        assert web["planted"](fault) != web["source_of"](fault)

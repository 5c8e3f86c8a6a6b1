"""The faults that `tests/planted_faults.py` plants can still be planted."""

import re
import runpy
import tomllib

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


def test_mutation_names_modules_and_tests_that_are_there():
    """mutmut passes over a name that is not there without a word."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    assert all((ROOT / path).is_file() for path in settings["only_mutate"])
    for argument in settings["pytest_add_cli_args_test_selection"]:
        path, _, test = argument.removeprefix("--deselect=").partition("::")
        assert re.search(rf"^def {test}", (ROOT / path).read_text(), re.MULTILINE), argument

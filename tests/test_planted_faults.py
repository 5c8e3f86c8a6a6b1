"""The faults that `tests/planted_faults.py` plants can still be planted."""

import pytest

from planted_faults import FAULTS, ROOT


@pytest.mark.parametrize("name", FAULTS)
def test_the_line_to_spoil_is_there_once(name):
    fault = FAULTS[name]
    assert (ROOT / "pavfmt" / fault.path).read_text().count(fault.right) == 1
    assert all((ROOT / "tests" / f"test_{test}.py").is_file() for test in fault.tests.split())

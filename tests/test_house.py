"""The house stays as it is: figures of `tests.house`, which prints what they are."""

import pytest

from tests import house

SOURCES = house.sources_here()


@pytest.mark.parametrize("package", house.PACKAGES)
def test_imports_are_not_deep(package):
    assert house.depth(house.imports(SOURCES, package)) <= 10


def test_no_folder_is_full():
    sizes = house.folder_sizes(SOURCES)
    sizes.pop("pavcli")  # a command a file
    assert max(sizes.values()) <= house.MAX_MODULES, sizes


@pytest.mark.parametrize("with_twins", [False, True], ids=["NumPy", "compiled"])
def test_a_gaussians_unit_passes_few_modules(with_twins):
    by_level = house.passages(house.DEMO.read_bytes(), with_twins)
    base = house.median(by_level[0])  # one block of attributes, on the template's faces
    assert len(base.modules) <= 9, base.modules
    assert base.changes <= 50, base.modules
    for level, found in by_level.items():  # splits, and SH bands in blocks of their own
        unit = house.median(found)
        assert len(unit.modules) <= 11 and unit.changes <= 100, (level, unit.modules)


def test_lines_of_code_are_counted_without_words():
    text = '"""Docstring."""\n\nx = 1  # why\n"""Of x."""\n# a comment\ny = """a\nb"""\n'
    assert house.code_lines(text) == 3


def test_a_circle_of_imports_is_one_step():
    assert house.depth({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == 3

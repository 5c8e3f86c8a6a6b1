"""What documents point to is there: files, anchors, modules, floors.

The links of the API reference are followed when it is built (`make docs`).
"""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from docs.links import CODE, anchors, broken_in_markdown, broken_in_pages, markdown_files

ROOT = Path(__file__).parents[2]
ABOUT_THE_HOUSE = ("README.md", "CONTRIBUTING.md", "docs/architecture.md")
PATH = re.compile(r"(?:[\w.-]+/)+(?:[\w-]+(?:\.\w+)+)?")
MODULE = re.compile(r"(?:pavfmt|pavcli|pavplayer|pavtraining|research|spec|tests)(?:\.\w+)+")
TO_BE_MADE = re.compile(r"/(?:NAME|KIND)\.py$")
MADE = ("out/", "to/", "checkpoint/", "fitted/", "capture/")
"""Folders of examples, and what commands write."""


@pytest.mark.parametrize("path", markdown_files(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    assert broken_in_markdown(path) == []


def named(page):
    return {one.strip("`") for one in CODE.findall((ROOT / page).read_text())}


@pytest.mark.parametrize("page", ABOUT_THE_HOUSE)
def test_paths_that_are_named_exist(page):
    found = {one for one in named(page) if PATH.fullmatch(one) and not one.startswith(MADE)}
    assert {one for one in found if not TO_BE_MADE.search(one) and not (ROOT / one).exists()} == set()


@pytest.mark.parametrize("page", ABOUT_THE_HOUSE)
def test_modules_that_are_named_exist(page):
    found = {one for one in named(page) if MODULE.fullmatch(one)}
    assert {one for one in found if importlib.util.find_spec(one) is None} == set()


def test_the_floors_are_those_of_the_contracts():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {one["containers"][0]: one["layers"] for one in contracts if "containers" in one}
    text = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| `(?:player/|training/)?(pav[\w/]+)/` \| (`.*`) \|$", text, re.MULTILINE)
    assert len(rows) >= 4
    for folder, cell in rows:
        floors = [floor.replace("`", "").split(", ") for floor in cell.split(" · ")]
        wanted = [sorted(one.split(" | ")) for one in layers[folder.replace("/", ".")]]
        assert [sorted(floor) for floor in floors] == wanted, folder


def test_anchors_are_made_as_they_are_on_the_web(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A `pav` file, cut\n## Twice\n## Twice\n```\n# no heading\n```\n## [Linked](x.md) — so\n"
    )
    assert anchors(page) == {"a-pav-file-cut", "twice", "twice-1", "linked--so"}


def test_what_leads_nowhere_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# There\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](other.md#there) [c](other.md#not) [d](gone.md) [e](#here) ![f](gone.png)\n"
        "[g](https://example.org/x) `[h](code.md)`\n# Here\n"
    )
    assert broken_in_markdown(page) == ["other.md#not", "gone.md", "gone.png"]


def test_what_leads_nowhere_in_the_reference_is_found(tmp_path):
    (tmp_path / "one.html").write_text(
        '<a href="two.html#there">1</a><a href="two.html#not">2</a><p id="here">'
    )
    (tmp_path / "two.html").write_text('<p id="there"><a href="one.html#here">3</a><a href="gone.html">4</a>')
    assert list(broken_in_pages(tmp_path)) == ["one.html: two.html#not", "two.html: gone.html"]

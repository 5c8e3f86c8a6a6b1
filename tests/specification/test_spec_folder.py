"""What spec/ says of itself."""

import re
from pathlib import Path

from pavfmt.registry import FORMAT_VERSION

SPEC = Path(__file__).parents[2] / "spec"
KINDS = {"bytes", "reader", "writer", "text"}


def test_the_changelog_begins_with_the_version_in_force():
    versions = re.findall(r"^## (\d+)\.(\d+)$", (SPEC / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert tuple(map(int, versions[0])) == FORMAT_VERSION
    assert versions == sorted(versions, key=lambda pair: tuple(map(int, pair)), reverse=True)


def test_every_change_has_a_kind():
    rows = re.findall(r"^\| (\w+) \| [\d., to]+ \|", (SPEC / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert len(rows) > 4 and set(rows) <= KINDS


def test_the_readme_names_everything_in_the_folder():
    text = (SPEC / "README.md").read_text()
    named = {path.name for path in SPEC.iterdir()} - {"README.md", "__init__.py", "__pycache__", "tools"}
    assert [name for name in sorted(named) if name not in text] == []
    for tool in re.findall(r"`(tools/\w+\.py)`", text):
        assert (SPEC / tool).is_file()

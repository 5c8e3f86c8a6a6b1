"""Sections of FORMAT.md that code cites exist, and are cited by number: `§6.9`, or "FORMAT.md, section 6.9"."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("pavfmt", "pavcli", "player", "training", "research", "spec", "tests", "docs")
SUFFIXES = {".py", ".ts", ".js", ".wgsl", ".cu", ".md"}
NUMBER = r"\d+(?:\.\d+)?"
LIST = rf"{NUMBER}(?:(?:, | and | to |–|-){NUMBER})*"
CITED = re.compile(rf"§ ?({LIST})|FORMAT\.md,?\s+sections? ({LIST})")
BY_TITLE = re.compile(r"FORMAT\.md(?:'s)?,?\s+\"([^\"\n]+)\"")
SECTIONS = set(re.findall(rf"^##+ ({NUMBER}) ", (ROOT / "FORMAT.md").read_text(), re.MULTILINE))


def cited(text):
    """Numbers of sections, those at the ends of a range included."""
    return [number for match in CITED.finditer(text) for number in re.findall(NUMBER, match[1] or match[2])]


def sources():
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in SUFFIXES and not {"node_modules", "dist", "build"} & set(path.parts):
                yield path


def test_cited_sections_exist():
    wrong = {
        f"{path.relative_to(ROOT)}: §{number}"
        for path in sources()
        for number in cited(path.read_text())
        if number not in SECTIONS
    }
    assert wrong == set()


def test_no_section_is_cited_by_a_title():
    """Titles change, and half of those cited were none."""
    found = {
        f"{path.relative_to(ROOT)}: {title}"
        for path in sources()
        if path != Path(__file__)
        for title in BY_TITLE.findall(path.read_text())
    }
    assert found == set()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("(§6.9)", ["6.9"]),
        ("§7–8, §10", ["7", "8", "10"]),
        ("FORMAT.md, sections 6.11 to 6.13).", ["6.11", "6.13"]),
        ("FORMAT.md §3, 4 and 5.1", ["3", "4", "5.1"]),
        ("section 4 of the paper", []),
    ],
)
def test_what_counts_as_a_citation(text, numbers):
    assert cited(text) == numbers

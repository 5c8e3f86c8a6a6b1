"""spec/registry.json is the one place of the format's numbers: what repeats them is written from it."""

import json
import re

import jsonschema
import pytest

from spec.tools.registry.__main__ import made
from spec.tools.registry.format_tables import with_fresh_tables
from spec.tools.registry.source import ROOT, power_of_two, read_registry

REGISTRY = read_registry()
TEXT = (ROOT / "FORMAT.md").read_text()


def test_it_is_what_its_schema_says():
    schema = json.loads((ROOT / "spec" / "schemas" / "registry.json").read_text())
    jsonschema.validate(REGISTRY, schema)
    spoiled = read_registry()
    del spoiled["limits"]["joints"]["ceiling"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spoiled, schema)


@pytest.mark.parametrize("path", made(), ids=lambda path: path.name)
def test_what_is_made_from_it_is_fresh(path):
    assert path.read_text() == made()[path]


def test_no_number_stands_for_two_things():
    groups = [REGISTRY["unit_types"], *(enum["members"] for enum in REGISTRY["enums"].values())]
    for group in groups:
        numbers = [content["number"] for content in group.values()]
        assert len(set(numbers)) == len(numbers)


def test_unit_types_are_those_of_the_text():
    rows = re.findall(r"^\| (\d+) \| ([\w -]+) \| (yes|no) \|", TEXT, re.MULTILINE)
    said = {
        name.lower().replace(" ", "-"): (int(number), critical == "yes") for number, name, critical in rows
    }
    assert said == {name: (unit["number"], unit["critical"]) for name, unit in REGISTRY["unit_types"].items()}
    for name, unit in REGISTRY["unit_types"].items():
        assert f"\n### {unit['section']} {name.capitalize().replace('-', ' ')}\n" in TEXT.replace(
            "Hand-over", "Hand over"
        )


def test_the_file_header_is_that_of_the_text():
    major, minor = REGISTRY["format_version"]
    assert f"| 8 | u16 | major | {major} |\n| 10 | u16 | minor | {minor} |" in TEXT
    assert f"`{bytes.fromhex(REGISTRY['signature']).hex(' ').upper()}`" in TEXT


def test_bounds_of_payloads_are_those_of_the_text():
    bounds = {(bound["floor"], bound["per_byte"]) for bound in REGISTRY["payload_bounds"].values()}
    said = {(int(a), int(b)) for a, b in re.findall(r"at most (\d+) \+ (\d+) · payload bytes", TEXT)}
    said |= {(0, int(b)) for b in re.findall(r"at most (\d+) per payload byte", TEXT)}
    assert said == bounds


def test_a_table_without_its_markers_is_refused():
    with pytest.raises(ValueError, match="limits"):
        with_fresh_tables(TEXT.replace("<!-- end of limits -->", ""), read_registry())


@pytest.mark.parametrize(("number", "written"), [(16, "16"), (1 << 16, "2^16"), (48, "48"), (33, "33")])
def test_large_powers_of_two_are_written_as_such(number, written):
    assert power_of_two(number) == written

"""What the commands print as JSON is what spec/schemas says."""

from dataclasses import replace

import jsonschema
import pytest
from schemas import schema

from pavfmt import encode, inspect, verify
from pavfmt.tools.synthetic import toy_avatar


def damaged(data):
    return data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]


@pytest.mark.parametrize("kind", ["face", "static"])
@pytest.mark.parametrize("length", [0, 30, 400, 1700, None])
def test_inspect_prints_what_its_schema_says(kind, length):
    report = inspect(encode(toy_avatar(kind))[:length]).to_json()
    jsonschema.validate(report, schema("inspect"))


def test_inspect_of_a_damaged_file_keeps_to_the_schema():
    report = inspect(damaged(encode(toy_avatar())))
    assert "damaged" in {unit.state for unit in report.units}
    jsonschema.validate(report.to_json(), schema("inspect"))


@pytest.mark.parametrize("change", [bytes, damaged, lambda data: data[:-5], lambda data: b"no" + data])
def test_verify_prints_what_its_schema_says(change):
    findings = [finding.to_json() for finding in verify(change(encode(toy_avatar())))]
    jsonschema.validate(findings, schema("verify"))


def test_the_schema_refuses_a_report_that_lacks_a_field():
    report = inspect(encode(toy_avatar())).to_json()
    del report["gaussian_count"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, schema("inspect"))


def test_the_schema_refuses_an_unknown_state():
    report = inspect(encode(toy_avatar()))
    units = [replace(report.units[0], state="fine"), *report.units[1:]]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(replace(report, units=units).to_json(), schema("inspect"))

"""The conformance runner passes the reference decoder and fails every decoder that is wrong."""

import json
import sys
from pathlib import Path

import jsonschema
import pytest
from wrong_decoders import WRONG, asking

from spec.tools.conformance import (
    VECTORS,
    decoder_cases,
    differences,
    judge,
    main,
    picture_differences,
    report,
    text_of,
)

SCHEMA = Path(__file__).parents[2] / "spec" / "schemas" / "conformance.json"


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """All vectors, and every third prefix."""
    every = list(decoder_cases(VECTORS, tmp_path_factory.mktemp("prefixes")))
    prefixes = [case for case in every if case.name.startswith("prefixes")]
    return [case for case in every if case not in prefixes] + prefixes[::3]


def test_the_reference_passes_everything(cases):
    results = judge(cases, asking())
    assert [result for result in results if result.differences] == []
    assert {result.name for result in results} == {case.name for case in cases}
    jsonschema.validate(report("reference", results), json.loads(SCHEMA.read_text()))


def thinned(cases):
    """Without the large ones, and some of those that are many."""
    large = ("valid/head", "valid/many-units", "valid/prediction")
    few = [case for case in cases if case.name.startswith(("valid", "unusual")) and case.name not in large]
    return few + [case for case in cases if case.name.startswith(("invalid", "prefixes"))][::5]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_decoder_fails(cases, name):
    results = judge(thinned(cases), WRONG[name])
    failed = [result for result in results if result.differences]
    assert failed
    told = report(name, results)
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    assert told["failed"] == len(failed) and told["passed"] == len(results) - len(failed)
    assert "FAILED" in text_of(results)


def test_a_crash_costs_only_the_file_it_happens_on(cases):
    results = judge(cases, WRONG["crashes where it should refuse"])
    for case, result in zip(
        sorted(cases, key=lambda c: c.name), sorted(results, key=lambda r: r.name), strict=True
    ):
        assert case.name == result.name
        assert bool(result.differences) == bool(case.expected["error"])


def test_what_is_not_named_and_what_comes_first_is_not_compared():
    expected = {"a": 1, "means": {"crc32": "00", "first": [1]}}
    assert list(differences(expected, {"a": 1, "b": 2, "means": {"crc32": "00"}})) == []
    assert list(differences({"a": 30.0}, {"a": 30})) == []
    assert list(differences({"a": True}, {"a": 1})) != []
    assert list(differences({"a": [1, 2]}, {"a": [1]})) != []
    assert list(differences({"a": None}, {"a": {}})) != []
    assert list(differences({"a": (1 << 63) - 1}, {"a": 1 << 63})) == []
    assert list(differences({"a": 1 << 53}, {"a": (1 << 53) + 1})) != []


def command(script):
    return f"{sys.executable} -c '{script}' {{}}"


def test_a_command_is_asked_for_its_lines(capsys):
    decoder = f"{sys.executable} -m spec.tools.decoded {{}}"
    assert main(["--decoder", decoder, "--only", "valid/sh*", "--timeout", "60", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [case["name"] for case in told["cases"]] == [
        "valid/sh-degree-0",
        "valid/sh-degree-2",
        "valid/sh-degree-3",
        "valid/shared-rig",
    ]


@pytest.mark.parametrize(
    "script, word",
    [
        ("import sys; sys.exit(3)", "exit status 3"),
        ("print(1)\nprint(2)", "2 lines"),
        ("import time; time.sleep(30)", "no answer"),
        ("print(None)", "no JSON"),
    ],
)
def test_a_command_that_does_not_answer_fails(capsys, script, word):
    assert main(["--decoder", command(script), "--only", "valid/smallest", "--timeout", "0.5"]) == 1
    assert word in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--decoder", "true"], ["--decoder", "true {}", "--only", "no/*"]])
def test_wrong_usage_is_said(arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


COPY = "import shutil, sys; from pathlib import Path; r, f, p = sys.argv[1:]; "
RIGHT = COPY + 'shutil.copy(Path(r).with_suffix(".png"), p)'
OTHER = COPY + 'shutil.copy(Path(f) / "rendered" / "head.png", p)'


@pytest.mark.parametrize("script, status", [(RIGHT, 0), (OTHER, 1), ("pass", 1), ("1 / 0", 1)])
def test_a_renderer_is_judged_by_its_picture(script, status):
    renderer = f"{sys.executable} -c '{script}' {{request}} {{folder}} {{picture}}"
    assert main(["--renderer", renderer, "--only", "rendered/f*", "--timeout", "60"]) == status


def test_a_picture_of_another_size_fails(tmp_path):
    from PIL import Image

    Image.new("RGB", (5, 5)).save(tmp_path / "small.png")
    request = json.loads((VECTORS / "rendered" / "face.json").read_text())
    assert "(5, 5, 3)" in "".join(picture_differences(VECTORS, request, tmp_path / "small.png"))

"""Hostile inputs give a result or a PavError, within limits of memory; a short run of tests/fuzz."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from comparing import frozen_scene, history

from pavfmt.registry import UnitType
from spec.tools.conformance import VECTORS
from tests.fuzz import agreement, units
from tests.fuzz.campaign import Campaign, limited_memory, plain
from tests.fuzz.lines import lines_of
from tests.fuzz.seeds import pav_seeds
from tests.fuzz.targets import LIMITS, TARGETS

PAV_TARGETS = ("decode", "inspect", "verify")
SHARE_PAST_FRAMING = 0.3
CHANGES = (*units.OF_UNITS, *dict.fromkeys(units.OF_PAYLOADS))
REGRESSIONS = sorted((Path(__file__).parents[1] / "fuzz" / "regressions").glob("*.bin"))


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_are_told_or_refused(name):
    campaign = plain(name, executions=300)
    found = [place for place in campaign.findings if not place.startswith("slow")]
    assert found == []
    if name in PAV_TARGETS:
        assert campaign.past_framing / campaign.executions >= SHARE_PAST_FRAMING
    assert len(campaign.codes) > 1 and campaign.codes["fine"]


def mutants(count, seed, directory=True):
    """Mutated files, some of them sound."""
    random, seeds = Random(seed), [data for name, data in pav_seeds().items() if name.startswith("valid")]
    for _ in range(count):
        data = units.mutated(random.choice(seeds), random)
        if not directory:
            header, parts = units.taken_apart(data)
            data = units.put_together(header, [part for part in parts if part.type != UnitType.DIRECTORY])
        yield random, data


def test_mutated_files_give_the_same_events_and_errors_however_they_are_split():
    for random, data in mutants(150, seed=1):
        cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((1, 3, 9))))
        pieces = [data[low:high] for low, high in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert history(pieces, limits=LIMITS)[0] == history([data], limits=LIMITS)[0]


def scene_or_refusal(pieces):
    events, scene = history(pieces, limits=LIMITS)
    return "refused" if "Error" in events[-1][0] else frozen_scene(scene)


def test_units_of_mutated_files_give_the_same_scene_in_any_order():
    """Without a directory: one that is wrong may send a reader to where no unit stands."""
    for random, data in mutants(150, seed=2, directory=False):
        pieces, at = [(0, data[:52])], 52
        for part in units.taken_apart(data)[1]:
            end = at + units.UNIT_HEADER + len(part.payload)
            pieces.append((at, data[at:end]))
            at = end
        expected = scene_or_refusal(pieces)
        random.shuffle(pieces)
        assert scene_or_refusal(pieces) == expected


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_was_found_before_stays_mended(path):
    campaign = Campaign(path.stem.split("-")[0])
    with limited_memory():
        campaign.run(path.read_bytes())
    assert [place for place in campaign.findings if not place.startswith("slow")] == []


@pytest.mark.parametrize(
    "change", [*units.OF_UNITS, *dict.fromkeys(units.OF_PAYLOADS)], ids=lambda change: change.__name__
)
def test_every_mutation_changes_files_and_seals_them(change):
    """With right checksums: whatever is wrong afterwards is wrong by its content."""
    data, changed = pav_seeds()["valid/mixed"], set()
    for seed in range(40):
        random = Random(seed)
        header, parts = units.taken_apart(data)
        if change in units.OF_UNITS:
            change(parts, random)
        else:
            at = random.randrange(len(parts))
            parts[at] = change(parts[at], random)
        whole = units.put_together(header, parts)
        changed.add(whole)
        if change is not units.impossible_length:
            assert not {"unit-header-damaged", "unit-payload-damaged"} & set(TARGETS["decode"].run(whole))
    assert len(changed - {data}) > 5


def test_taking_apart_and_putting_together_changes_nothing():
    for name in ("valid/mixed", "valid/hand-over", "unusual/backwards"):
        data = pav_seeds()[name]
        assert units.put_together(*units.taken_apart(data)) == data


def test_a_finding_is_kept_once_for_each_place(tmp_path, monkeypatch):
    campaign = Campaign("ply", tmp_path)
    monkeypatch.setattr(
        type(campaign.target), "run", property(lambda self: lambda data: 1 // 0), raising=False
    )
    for data in (b"one", b"two"):
        campaign.run(data)
    assert len(campaign.findings) == 1
    assert [path.read_bytes() for path in tmp_path.glob("*.bin")] == [b"one"]
    assert "ZeroDivisionError" in next(tmp_path.glob("*.txt")).read_text()


def test_an_allocation_beyond_the_headroom_is_noticed():
    with limited_memory(64 << 20), pytest.raises(MemoryError):
        bytearray(1 << 30)
    assert len(bytearray(1 << 27)) == 1 << 27


def test_lines_are_those_of_functions():
    code = compile("x = 1\n\n\ndef f():\n    y = 2\n    return y\n", "here", "exec")
    assert lines_of(code) == {5, 6}


def test_the_guided_run_reports(tmp_path):
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed (pip install 'pavfmt[fuzz]')")
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "--minutes",
        "0.08",
        "--target",
        "glb",
        "--folder",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, cwd=Path(__file__).parents[2], text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "glb.json").read_text())
    assert report["executions"] > 100 and report["findings"] == []
    assert "lines of" in done.stdout


@pytest.mark.parametrize("decoder, status", [("-m spec.tools.decoded", 0), ("-c print(0)", 1)])
def test_another_decoder_is_compared_on_mutated_vectors(decoder, status, tmp_path, capsys):
    command = f"{sys.executable} {decoder} {{}}"
    arguments = ["--decoder", command, "--count", "8", "--keep", str(tmp_path / "kept")]
    assert agreement.main([*arguments, str(VECTORS / "valid" / "smallest.pav")]) == status
    told = capsys.readouterr().out.splitlines()
    assert told[-2:] == [f"mutated    {8 - 8 * status} of 8 passed", f"files      {1 - status} of 1 passed"]
    assert len(list(tmp_path.glob("kept/*.pav"))) == 9 * status

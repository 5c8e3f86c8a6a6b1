"""The side-by-side benchmark: what is written comes back, and readers that fail are told apart."""

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pavfmt import PosedGaussians
from tests.benchmarks import bench_formats
from tests.benchmarks.damage_trials import compared, flip_outcomes, flipped, read_cut, same, tally
from tests.benchmarks.formats_plot import formats_plot
from tests.benchmarks.peer_formats import (
    GZIP_PLY,
    PLACEMENTS,
    SOG,
    SPZ,
    PeerMissingError,
    Placement,
    cloud_of,
    in_morton_order,
    peer_version,
    placements,
    ply_of,
)

needs_gaussforge = pytest.mark.skipif(
    importlib.util.find_spec("gaussforge") is None,
    reason="gaussforge is not installed: pip install '.[bench]'",
)


@pytest.fixture(autouse=True)
def importable_from_a_fresh_process(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


def cloud(count=300, coefficients=16):
    random = np.random.default_rng(5)
    return PosedGaussians(
        random.normal(0, 0.1, (count, 3)),
        random.normal(0, 1, (count, 4)),
        np.exp(random.uniform(-7, -5, (count, 3))),
        random.uniform(0.02, 0.98, count),
        random.normal(0, 0.2, (count, coefficients, 3)),
    )


def close(one, other, tolerance):
    pairs = ((getattr(one, name), getattr(other, name)) for name in ("means", "scales", "opacities", "sh"))
    return all(np.abs(left - right).max() < tolerance for left, right in pairs)


@pytest.mark.parametrize("coefficients", [1, 4, 9, 16])
def test_a_ply_gives_back_what_was_written(coefficients):
    wrote = cloud(coefficients=coefficients)
    assert close(cloud_of(ply_of(wrote)), wrote, 1e-6)


def test_solid_and_clear_gaussians_stay_finite():
    wrote = replace(cloud(2), opacities=np.array([0.0, 1.0]))
    assert np.abs(cloud_of(ply_of(wrote)).opacities - [0, 1]).max() < 1e-6


def test_a_placement_is_undone():
    placement = Placement(3.0, (0.1, -2.0, 0.5))
    assert close(placement.undone(placement.placed(cloud())), cloud(), 1e-12)
    assert len(list(placements(cloud()))) == PLACEMENTS


def test_morton_order_keeps_every_gaussian_and_brings_neighbours_together():
    before, after = cloud(), in_morton_order(cloud())
    assert np.array_equal(np.sort(before.opacities), np.sort(after.opacities))

    def steps(means):
        return np.linalg.norm(np.diff(means, axis=0), axis=1).mean()

    assert steps(after.means) < 0.7 * steps(before.means)


def test_gzip_refuses_a_cut_and_every_flip():
    data = GZIP_PLY.encode(cloud())
    assert read_cut(GZIP_PLY.decode, data, len(data) // 2).outcome == "refused"
    assert "silent" not in flip_outcomes(GZIP_PLY.decode, data, 4)


def dying(data):
    os._exit(3)


def careless(data):
    values = np.frombuffer(data[:96], np.uint8).astype(np.float64).reshape(8, 12)
    return PosedGaussians(
        values[:, :3], values[:, 3:7], values[:, 7:10], values[:, 10], values[:, None, :3] * 0
    )


def test_a_reader_that_dies_is_said_to_crash():
    assert read_cut(dying, bytes(96), 50).outcome == "crashed"


def test_a_reader_without_checks_is_caught():
    data = bytes(range(96)) + bytes(10)
    assert compared(careless, data, flipped(data, 1)).outcome == "silent"
    assert compared(careless, data, flipped(data, 8 * 100)).outcome == "harmless"
    assert compared(careless, data, data[:40]).outcome == "refused"
    assert tally(["silent", "crashed", "harmless"]) == "1 of 3, 1 crashed"


def test_equal_and_unequal_clouds():
    assert same(cloud(), cloud())
    assert not same(cloud(), replace(cloud(), opacities=cloud().opacities + 1e-9))


def test_pav_reports_every_flip():
    from spec.builders.avatars import toy_file

    assert "silent" not in flip_outcomes(bench_formats.posed_pav, toy_file(), 6)


def test_without_gaussforge_it_says_what_to_install(monkeypatch, capsys):
    def missing():
        raise PeerMissingError("gaussforge is not installed (pip install 'pavfmt[bench]')")

    monkeypatch.setattr(bench_formats, "peer_version", missing)
    assert bench_formats.main(["demo"]) == 3
    assert "pip install" in capsys.readouterr().err


def test_the_page_says_how_it_was_made(tmp_path):
    (tmp_path / "head.zip").touch()
    shown = bench_formats.command_line([str(tmp_path / "head.zip"), "demo", "--peers", "spz"])
    assert shown == "python -m tests.benchmarks.bench_formats head.zip demo --peers spz"


@needs_gaussforge
@pytest.mark.parametrize("peer", [SPZ, replace(SPZ, placement=Placement(100.0)), SOG])
def test_peers_carry_what_they_are_given(peer):
    assert peer_version()
    wrote = cloud(coefficients=1)
    back = peer.decode(peer.encode(wrote))
    order = [np.lexsort(np.round(one.means / 4e-3).T) for one in (wrote, back)]
    assert np.abs(wrote.means[order[0]].mean(axis=0) - back.means.mean(axis=0)).max() < 1e-3
    assert np.abs(np.sort(wrote.opacities) - np.sort(back.opacities)).max() < 0.02
    assert np.abs(np.sort(wrote.scales, axis=None) / np.sort(back.scales, axis=None) - 1).max() < 0.15


def test_the_plot_is_a_png():
    row = bench_formats.Row("SPZ", 1000, 1000, 50.0, None, 1.0, 1.0, "nothing", "0 of 20")
    ours = replace(row, name=".pav", prefixes=[(100, 20.0), (300, 30.0)])
    assert formats_plot([("toy", 100, [row, ours])]).startswith(b"\x89PNG")

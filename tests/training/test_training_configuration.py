"""Configurations come from files and options, and say what is wrong with them."""

from dataclasses import fields, replace

import pytest

from pavfmt.errors import EncodeError
from pavtraining.configuration import read_configuration, write_configuration
from pavtraining.hierarchy.configuration import ABLATIONS, HierarchyConfiguration


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_all_values_come_back(tmp_path, suffix):
    one = replace(
        HierarchyConfiguration(),
        steps=7,
        sizes=(0.5,),
        sizes_until=(1.0,),
        views=(3,),
        multi_level=False,
        final_rate=0.5,
    )
    write_configuration(one, tmp_path / f"c{suffix}")
    assert read_configuration(tmp_path / f"c{suffix}", HierarchyConfiguration()) == one


def test_a_file_changes_only_what_it_names(tmp_path):
    (tmp_path / "c.toml").write_text(
        "steps = 10\nssim_share = 1\nsizes = [1]\nsizes_until = [1]\nviews = [5]\n"
    )
    found = read_configuration(tmp_path / "c.toml", HierarchyConfiguration())
    expected = replace(
        HierarchyConfiguration(), steps=10, ssim_share=1.0, sizes=(1.0,), sizes_until=(1.0,), views=(5,)
    )
    assert found == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepz = 10", "no 'stepz'"),
        ('steps = "many"', "steps is 'many'"),
        ("steps = 0", "at least 1"),
        ("steps = true", "steps is True"),
        ("depth = 5", "depth is 0..4"),
        ("sizes = [0.5]", "share where it ends"),
        ("views = [0, 1, 1]", "at least 1"),
        ("views = [1.5, 1, 1]", "views is"),
        ("sizes = [0.5, 0.5, 9.0]", "0..4"),
        ("growth_from = 2.0", "shares lie"),
        ("steps = ", "cannot be read"),
    ],
)
def test_bad_values(tmp_path, text, message):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(EncodeError, match=message):
        read_configuration(tmp_path / "c.toml", HierarchyConfiguration())


def test_a_missing_file(tmp_path):
    with pytest.raises(EncodeError, match="cannot be read"):
        read_configuration(tmp_path / "none.toml", HierarchyConfiguration())


def test_sizes_and_rates_follow_progress():
    c = HierarchyConfiguration()
    assert [c.size_at(p) for p in (0, 0.449, 0.45, 0.9, 1.0)] == [
        (138, 200),
        (138, 200),
        (275, 401),
        (550, 802),
        (550, 802),
    ]
    assert c.rate_at(0) == 1
    assert c.rate_at(1) == pytest.approx(c.final_rate)


def test_every_ablation_is_a_switch():
    switches = {field.name for field in fields(HierarchyConfiguration) if field.default is True}
    assert set(ABLATIONS.values()) <= switches

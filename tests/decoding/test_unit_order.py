"""What may be asked of the order of units: regions together, levels one after another or by what they are worth."""

from dataclasses import replace

import numpy as np
import pytest

from pavfmt import EncodeOptions, decode, encode, inspect
from pavfmt.encoder import opacity_area_importance
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.tools.synthetic import synthetic_avatar
from pavfmt.tools.verify import verify
from spec.builders.avatars import PRECISION, RIG_FILE, SMALL_UNITS, toy


@pytest.fixture(scope="module")
def head():
    return synthetic_avatar(read_cc0_rig(RIG_FILE), 3_000, levels=2, sh_degree=0)


def test_units_of_one_region_each(head):
    together = replace(SMALL_UNITS, first_unit_bytes=1500, unit_bytes=1500, group_regions=True)
    data = encode(head, together)
    assert verify(data) == []
    units = [unit for unit in inspect(data).units if unit.type == "gaussians"]
    plain = encode(head, replace(together, group_regions=False))
    mixed = [unit for unit in inspect(plain).units if unit.type == "gaussians"]
    own, other = (np.mean([len(unit.regions) for unit in some]) for some in (units, mixed))
    assert own < other / 2
    assert decode(data).gaussian_count == decode(plain).gaussian_count


def levels_of(data):
    return [unit.level for unit in inspect(data).units if unit.type == "gaussians"]


def test_levels_follow_each_other_unless_asked(head):
    major = replace(SMALL_UNITS, first_unit_bytes=1500, unit_bytes=1500)
    importance = opacity_area_importance(head)
    importance[1] = importance[1] * 3.0
    plain, by_gain = (
        encode(head, replace(major, level_order=order), importance) for order in ("major", "gain")
    )
    assert levels_of(plain) == sorted(levels_of(plain))
    assert levels_of(by_gain) != sorted(levels_of(by_gain))
    assert sorted(set(levels_of(by_gain))) == [0, 1]
    assert verify(by_gain) == []
    worth = [unit.importance / unit.bytes for unit in inspect(by_gain).units if unit.type == "gaussians"]
    assert np.corrcoef(np.arange(len(worth)), np.log(worth))[0, 1] < -0.8, "what is worth most comes first"


def test_who_takes_over_comes_after_all_of_the_level_before():
    avatar = toy("static")
    parents = np.arange(len(avatar.levels[1].gaussians), dtype=np.int32)
    levels = (avatar.levels[0], replace(avatar.levels[1], parents=parents), avatar.levels[2])
    importance = opacity_area_importance(avatar)
    importance[1] = importance[1] * 1e3
    data = encode(
        replace(avatar, levels=levels), replace(SMALL_UNITS, level_order="gain", unit_bytes=1), importance
    )
    found = levels_of(data)
    assert max(at for at, level in enumerate(found) if level == 0) < found.index(1)


@pytest.mark.parametrize("order", ["major", "gain"])
def test_the_order_changes_nothing_of_the_whole(head, order):
    one = encode(head, replace(SMALL_UNITS, level_order=order))
    found, wanted = (decode(data).arrays() for data in (one, encode(head, EncodeOptions(PRECISION))))
    assert np.bincount(found.levels).tolist() == np.bincount(wanted.levels).tolist()
    for level in (0, 1):  # the file numbers the faces of split ones anew; places stay
        mine, theirs = (np.sort(each.opacities[each.levels == level]) for each in (found, wanted))
        assert np.abs(mine - theirs).max() < 0.05

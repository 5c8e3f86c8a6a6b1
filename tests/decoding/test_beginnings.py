"""Levels with a beginning: a few Gaussians stand in for the level, and look otherwise once all of it is there."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pavfmt import EncodeError, decode, encode
from pavfmt.encoder import planning
from pavfmt.encoder.hand_over import completed
from pavfmt.encoder.options import HAND_OVER_PRECISION, EncodeOptions, Precision
from pavfmt.exporters.progressive import write_progressive
from pavfmt.importers.progressive import read_progressive
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import Beginning
from pavfmt.registry import CriticalFeature, UnitType
from pavfmt.tools.verify import verify
from spec.builders.avatars import KINDS, toy
from spec.builders.forging import unit_spans

EXACT = Precision(
    mean_step=1e-5,
    log_scale_step=1e-3,
    quat_step=1e-3,
    opacity_step=1e-3,
    sh0_step=1e-3,
    log_scale_power=0.0,
    opacity_power=0.0,
    sh0_power=0.0,
    kept_importance=0.5,
)
OPTIONS = EncodeOptions(EXACT, replace(EXACT, kept_importance=1.0), first_unit_bytes=1, unit_bytes=1)


def begun(kind, takes_over=False):
    """A toy whose level 0 begins with three of its Gaussians; level 1 may take over from all of that."""
    avatar = toy(kind)
    first, second, third = avatar.levels
    rows = np.array([0, 2, 5], np.int32)
    beginning = Beginning(rows, np.array([0.9, 0.8, 0.7]), first.gaussians.log_scales[rows] + 1)
    if takes_over:
        count = len(first.gaussians)
        second = replace(second, parents=np.arange(len(second.gaussians), dtype=np.int32) % count)
    return replace(avatar, levels=(replace(first, beginning=beginning), second, third))


def look(scene, avatar):
    """Row of level 0 → effective opacity and log scales, by colour: toys' colours are far apart."""
    arrays, (opacities, log_scales) = scene.arrays(), scene.effective()
    own, found = avatar.levels[0].gaussians.sh0[:, 0], {}
    for index in np.flatnonzero(arrays.levels == 0).tolist():
        row = int(np.abs(own - arrays.sh0[index, 0]).sum(axis=1).argmin())
        found[row] = (float(opacities[index]), log_scales[index])
    return found


@pytest.mark.parametrize("order", ["major", "gain"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_beginning_stands_alone_and_then_changes_its_look(kind, order):
    avatar = begun(kind)
    level, given = avatar.levels[0], avatar.levels[0].beginning
    data = encode(avatar, replace(OPTIONS, level_order=order))
    assert verify(data) == []
    assert decode(data).header.critical_features == CriticalFeature.HAND_OVER
    counts = set()
    for _, end in unit_spans(data):
        scene = decode(data[:end])
        if not scene.is_visible:
            continue
        found = look(scene, avatar)
        counts.add(len(found))
        if len(found) <= 3:
            wanted = ()
        if len(found) == 3:
            assert sorted(found) == given.rows.tolist()
            wanted = zip(given.rows, given.opacities, given.log_scales, strict=True)
        elif found:
            wanted = zip(
                range(len(level.gaussians)),
                level.gaussians.opacities,
                level.gaussians.log_scales,
                strict=True,
            )
        for row, opacity, scales in wanted:
            assert found[row][0] == pytest.approx(opacity, abs=1e-3)
            assert found[row][1] == pytest.approx(scales, abs=1e-2)
    assert counts - {0} == {3, len(level.gaussians)}


def test_what_takes_over_comes_last_and_decides():
    avatar = begun("static", takes_over=True)
    scene = decode(encode(avatar, OPTIONS))
    gone = set(avatar.levels[1].parents.tolist())
    found = look(scene, avatar)
    assert gone >= {0, 2, 5} and {row for row, (opacity, _) in found.items() if opacity == 0} == gone
    assert (completed(avatar).levels[0].gaussians.opacities == 0).nonzero()[0].tolist() == sorted(gone)


def test_none_of_an_avatar_with_a_beginning_is_left_out():
    avatar = begun("face")
    assert decode(encode(avatar, OPTIONS)).gaussian_count == avatar.gaussian_count
    assert decode(encode(toy("face"), OPTIONS)).gaussian_count < avatar.gaussian_count


def test_a_checkpoint_keeps_it(tmp_path):
    avatar = begun("mixed")
    write_progressive(avatar, tmp_path / "head")
    levels = read_progressive(tmp_path / "head").levels
    given, found = avatar.levels[0].beginning, levels[0].beginning
    assert found.rows.tolist() == given.rows.tolist()
    assert found.opacities == pytest.approx(given.opacities, abs=1e-6)
    assert found.log_scales.tobytes() == given.log_scales.tobytes()
    assert [level.beginning for level in levels[1:]] == [None, None]


def test_a_checkpoint_of_version_2_has_none(tmp_path):
    write_progressive(toy("face"), tmp_path / "head")
    path = tmp_path / "head" / "avatar.json"
    manifest = json.loads(path.read_text())
    assert manifest["version"] == 3
    manifest["version"] = 2
    for level in manifest["levels"]:
        del level["beginning"]
    path.write_text(json.dumps(manifest))
    assert all(level.beginning is None for level in read_progressive(tmp_path / "head").levels)


@pytest.mark.parametrize(
    ("rows", "code"),
    [([], "bad-shape"), ([2, 1], "bad-shape"), ([-1, 1], "bad-shape"), ([0, 99], "binding-out-of-range")],
)
def test_rows_that_cannot_be(rows, code):
    count = len(rows)
    with pytest.raises(EncodeError) as caught:
        replace(
            toy("face").levels[0], beginning=Beginning(np.array(rows), np.ones(count), np.zeros((count, 3)))
        )
    assert caught.value.code == code


def test_its_log_scales_keep_to_the_range_of_all():
    avatar = begun("static")
    first, *others = avatar.levels
    wide = replace(first.beginning, log_scales=first.beginning.log_scales + 200)
    with pytest.raises(EncodeError) as caught:
        encode(replace(avatar, levels=(replace(first, beginning=wide), *others)), OPTIONS)
    assert caught.value.code == "bad-scale"


def test_it_is_not_all_of_its_level():
    level = toy("face").levels[0]
    count = len(level.gaussians)
    with pytest.raises(EncodeError, match="not of all"):
        replace(level, beginning=Beginning(np.arange(count), np.ones(count), np.zeros((count, 3))))


def test_what_was_fitted_in_steps_is_written_without_loss():
    """Values that are multiples of the steps of a level that hands over come back as they were."""
    avatar = toy("static")
    first, second, third = avatar.levels
    own, random = first.gaussians, np.random.default_rng(3)
    count = len(own)

    def steps(width, most, step):
        return step * random.integers(-most, most + 1, (count, width))

    points = steps(3, 10, HAND_OVER_PRECISION.quat_step)
    square = (points**2).sum(axis=1, keepdims=True)
    gaussians = replace(
        own,
        log_scales=steps(3, 4, HAND_OVER_PRECISION.log_scale_step) - 10 * HAND_OVER_PRECISION.log_scale_step,
        quats=np.concatenate([1 - square, 2 * points], axis=1) / (1 + square),
        opacities=HAND_OVER_PRECISION.opacity_step * random.integers(3, 16, count),
        sh0=steps(3, 8, HAND_OVER_PRECISION.sh0_step)[:, None],
    )
    parents = np.arange(len(second.gaussians), dtype=np.int32) % count
    levels = (replace(first, gaussians=gaussians), replace(second, parents=parents), third)
    scene = decode(encode(replace(avatar, levels=levels)))
    arrays = scene.arrays()
    rows = arrays.levels == 0
    for name in ("log_scales", "quats", "opacities", "sh0"):
        given = getattr(gaussians, name).astype(np.float64)
        found = getattr(arrays, name)[rows].reshape(given.shape)
        order = [
            int(np.abs(found.reshape(count, -1) - row.reshape(-1)).sum(axis=1).argmin()) for row in given
        ]
        assert found[order] == pytest.approx(given, abs=2e-3), name


def test_the_unit_before_the_last_of_the_level_says_so():
    data = encode(begun("static"), OPTIONS)
    types = [data[low] | data[low + 1] << 8 for low, _ in unit_spans(data)]
    at = types.index(UnitType.HAND_OVER)
    assert types[at + 1] == UnitType.GAUSSIANS and types.count(UnitType.HAND_OVER) == 1


def test_what_ends_a_beginning_is_one_unit(monkeypatch):
    monkeypatch.setattr(planning, "FORMAT_LIMITS", replace(FORMAT_LIMITS, gaussians_per_unit=4))
    with pytest.raises(EncodeError) as caught:
        encode(begun("static"), OPTIONS)
    assert caught.value.code == "input-too-large"

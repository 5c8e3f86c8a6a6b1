"""`eval-v2`'s figures: the worst window is found wherever it lies, and PSNR is of what is said."""

from dataclasses import replace

import numpy as np
import pytest
from small_pictures import SmallRasterizer

from pavplayer.evaluation.framings import framings_of
from pavplayer.evaluation.likeness import compared, likeness
from pavplayer.posing.poser import Poser
from pavplayer.windows import worst_window
from spec.builders.avatars import toy


def test_the_worst_window_is_found_anywhere():
    difference = np.zeros((40, 50, 3))
    difference[7:11, 21:25, 1] = 0.5
    assert worst_window(difference, 4) == (pytest.approx(127.5), 21, 7)
    found, x, y = worst_window(difference, 16)
    assert found == pytest.approx(127.5 / 16)
    assert x <= 21 and y <= 7 and x + 16 >= 25 and y + 16 >= 11


def test_a_picture_of_the_smallest_size_is_one_window():
    assert worst_window(np.full((4, 4, 3), 1.0), 4) == (pytest.approx(255.0), 0, 0)


def test_windows_are_those_of_all_places_tried():
    random = np.random.default_rng(3)
    difference = random.uniform(size=(37, 29, 3)).astype(np.float32) ** 8
    for size in (1, 4, 16, 29):
        means = np.lib.stride_tricks.sliding_window_view(difference.astype(np.float64), (size, size), (0, 1))
        means = means.mean(axis=(3, 4)).max(axis=2)
        y, x = np.unravel_index(np.argmax(means), means.shape)
        assert worst_window(difference, size) == (pytest.approx(255 * means.max(), rel=1e-6), x, y)


def test_a_picture_smaller_than_a_window_is_one_window():
    found, x, y = worst_window(np.full((3, 5, 3), 0.2, np.float32), 16)
    assert (x, y) == (0, 0) and found == pytest.approx(51)


def test_no_difference_is_nothing():
    assert worst_window(np.zeros((20, 20, 3), np.float32), 16) == (0.0, 0, 0)


def short(avatar):
    framings = framings_of(avatar, Poser(avatar).frame)
    return [replace(one, cameras=one.cameras[:2], angles=one.angles[:2]) for one in framings]


def darker(avatar):
    gaussians = avatar.levels[0].gaussians
    level = replace(avatar.levels[0], gaussians=replace(gaussians, sh0=gaussians.sh0 - 0.5))
    return replace(avatar, levels=(level, *avatar.levels[1:]))


def measured(avatar, tests, framings, **options):
    clouds = [Poser(one).frame if one is not None else lambda pose: None for one in tests]
    pictures = compared(framings, Poser(avatar).frame, clouds, SmallRasterizer())
    return likeness(framings, pictures, avatar, len(tests), **options)


def test_several_are_compared_with_one_reference_and_nothing_is_the_bare_background():
    avatar = toy("static")
    framings = short(avatar)
    same, other, nothing = measured(avatar, [avatar, darker(avatar), None], framings)
    assert all(one.psnr == float("inf") and one.large.difference == 0 for one in same)
    assert all(one.psnr < 60 and one.large.difference > 0 for one in other)
    assert all(a.psnr < b.psnr for a, b in zip(nothing, other, strict=True))
    for one in other:
        assert one.psnr_region < min(one.psnr, one.psnr_black), "most of a picture is empty"
        assert one.pictures * 2 == len(one.by_picture)
        assert one.large.difference == max(each.large.difference for each in one.by_picture)
        assert one.psnr_worst == min(each.psnr for each in one.by_picture)


def test_flip_is_measured_for_those_asked_for():
    avatar = toy("static")
    flips = [lambda picture, reference: float(np.abs(picture - reference).max())]
    first, second = measured(avatar, [darker(avatar), darker(avatar)], short(avatar), flips=flips)
    assert all(one.flip > 0 for one in first) and all(one.flip is None for one in second)

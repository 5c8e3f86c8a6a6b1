"""`eval-v2`: framings stand where its text says, and the worst window is found wherever it lies."""

from dataclasses import replace

import numpy as np
import pytest
from realdata import DATA, needs_data

from pavfmt.importers.lam import read_lam
from pavfmt.model import Pose
from pavplayer.evaluation.framings import compared, evaluation_v2, framings_of, likeness, worst_window
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import open_rasterizer
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


def test_an_avatar_is_like_itself_and_unlike_another():
    avatar = toy("static")
    cloud = Poser(avatar).frame
    framings = framings_of(avatar, cloud)
    assert [one.name for one in framings] == ["head", "everything"]
    short = [replace(one, cameras=one.cameras[:1], angles=one.angles[:1]) for one in framings]
    rasterizer = open_rasterizer("cpu")
    same = likeness(short, compared(short, cloud, cloud, rasterizer), avatar)
    assert all(one.psnr == float("inf") and one.large.difference == 0 for one in same)
    gaussians = avatar.levels[0].gaussians
    darker = replace(gaussians, sh0=gaussians.sh0 - 0.5)
    other = replace(avatar, levels=(replace(avatar.levels[0], gaussians=darker), *avatar.levels[1:]))
    different = likeness(short, compared(short, cloud, Poser(other).frame, rasterizer), avatar)
    assert all(one.psnr < 60 and one.large.difference > 0 for one in different)


@needs_data
def test_framings_of_a_head_stand_where_the_text_says():
    avatar = read_lam(DATA / "lam" / "tesla.zip")
    framings = {one.name: one for one in framings_of(avatar, Poser(avatar).frame)}
    fields = evaluation_v2()
    assert list(framings) == ["head", "everything", "eyes", "mouth"]
    for name, framing in framings.items():
        assert len(framing.cameras) == len(fields["framings"][name]["yaw_pitch_degrees"])
    assert len(framings["head"].expressions) == 6 and len(framings["eyes"].expressions) == 4
    target = avatar.rig.mean_neutral[framings["eyes"].vertices].mean(axis=0)
    away = np.linalg.norm(framings["eyes"].cameras[0].position - target)
    assert away == pytest.approx(0.52, abs=0.03)
    assert framings["head"].expressions["turned"] == Pose(
        {"mouthPucker": 0.7},
        {
            "head": tuple(np.radians([8, 20, 0])),
            "neckUpper": tuple(np.radians([0, 25, 0])),
        },
    )

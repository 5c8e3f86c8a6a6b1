"""The demo avatar: a face at every level, that blinks, opens its mouth and smiles, the same at every call."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba", reason="the CPU rasterizer needs numba")

from pavfmt import decode
from pavfmt.interop.progressive import read_progressive
from pavfmt.model import Pose
from pavfmt.posing import pose_avatar, pose_mesh
from pavplayer.camera import Camera
from pavplayer.demo.make_avatar import demo_avatar, main
from pavplayer.rasterizers import open_rasterizer

PUPILS = ((0.0284, 0.7347, 0.1330), (-0.0284, 0.7347, 0.1330))


@pytest.fixture(scope="module")
def avatar():
    return demo_avatar()


class Studio:
    """Pictures of the avatar from the front, and the mean colour around a point of the head."""

    def __init__(self, avatar):
        low, high = avatar.rig.mean_neutral.min(axis=0), avatar.rig.mean_neutral.max(axis=0)
        self.camera = Camera.orbit(((low + high) / 2).astype(float), 3.25 * float(high[1] - low[1]))
        self.rasterizer = open_rasterizer("cpu")
        self.avatar = avatar

    def picture(self, levels=3, **weights):
        avatar = replace(self.avatar, levels=self.avatar.levels[:levels])
        return self.rasterizer.render(pose_avatar(avatar, Pose(weights)), self.camera)

    def around(self, picture, point, reach=2):
        pixel = self.camera.intrinsics @ (self.camera.rotation @ np.array(point) + self.camera.translation)
        column, row = (pixel[:2] / pixel[2]).astype(int)
        return picture[row - reach : row + reach + 1, column - reach : column + reach + 1].mean(axis=(0, 1))


@pytest.fixture(scope="module")
def studio(avatar):
    return Studio(avatar)


@pytest.fixture(scope="module")
def at_rest(studio):
    return studio.picture()


def is_skin(colour):
    red, green, blue = colour
    return 0.45 < red < 0.98 and red > green + 0.05 and green > blue + 0.01


def test_it_has_three_levels_and_enough_gaussians(avatar):
    counts = [len(level.gaussians) for level in avatar.levels]
    assert len(counts) == 3
    assert 10_000 <= sum(counts) <= 40_000
    assert counts[0] < 2_500
    assert all(level.gaussians.importance is None for level in avatar.levels)


def test_it_is_the_same_at_every_call(avatar):
    again = demo_avatar()
    for one, two in zip(avatar.levels, again.levels, strict=True):
        for name in ("sites", "means", "quats", "log_scales", "opacities", "sh0"):
            np.testing.assert_array_equal(getattr(one.gaussians, name), getattr(two.gaussians, name))


def test_every_gaussian_stays_near_the_head(avatar):
    for weights in ({}, {"jawOpen": 1.0, "mouthFunnel": 1.0}, {"eyeBlinkLeft": 1.0, "browInnerUp": 1.0}):
        mesh = pose_mesh(avatar.rig, None, Pose(weights)).vertices
        posed = pose_avatar(avatar, Pose(weights))
        assert (posed.means > mesh.min(axis=0) - 0.02).all()
        assert (posed.means < mesh.max(axis=0) + 0.02).all()
        assert posed.scales.max() < 0.03


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_every_level_is_a_face_without_holes(studio, levels):
    picture = studio.picture(levels)
    for point in (
        (0, 0.785, 0.14),
        (0.045, 0.70, 0.12),
        (-0.045, 0.70, 0.12),
        (0, 0.70, 0.16),
        (0, 0.64, 0.14),
    ):
        assert is_skin(studio.around(picture, point, reach=6)), point
    assert studio.around(picture, (0, 0.83, 0.08)).max() < 0.6, "hair"
    assert (picture[0] > 0.99).all(), "the background"


def test_levels_come_closer_to_the_whole(studio, at_rest):
    errors = [float(np.mean((studio.picture(levels) - at_rest) ** 2)) for levels in (1, 2)]
    assert errors[1] < errors[0] / 2 < 0.01  # level 0 alone: 19 dB


@pytest.mark.parametrize("pupil", PUPILS)
def test_pupils_are_dark_and_lids_cover_them_in_a_blink(studio, at_rest, pupil):
    assert studio.around(at_rest, pupil, reach=1).max() < 0.3
    blink = studio.picture(eyeBlinkLeft=1.0, eyeBlinkRight=1.0)
    assert is_skin(studio.around(blink, pupil, reach=4))
    white = (pupil[0] + np.sign(pupil[0]) * 0.0085, pupil[1], 0.130)
    red, green, blue = studio.around(at_rest, white, reach=1)
    assert min(red, green, blue) > 0.45 and red - blue < 0.15


def test_lips_are_redder_than_the_cheek(studio, at_rest):
    lip, cheek = studio.around(at_rest, (0, 0.662, 0.15)), studio.around(at_rest, (0.045, 0.70, 0.12))
    assert lip[0] - lip[1] > 1.2 * (cheek[0] - cheek[1])


def test_the_open_mouth_is_dark_inside(studio):
    mouth = studio.around(studio.picture(jawOpen=0.6), (0, 0.661, 0.14))
    assert mouth.max() < 0.55 and mouth[1] < 0.3


def test_a_smile_lifts_the_corners_of_the_mouth(avatar):
    rest = pose_avatar(avatar)
    smile = pose_avatar(avatar, Pose({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}))
    corner = np.linalg.norm(np.abs(rest.means) - np.array([0.0235, 0.667, 0.130]), axis=1) < 0.004
    assert corner.sum() > 20
    assert np.median((smile.means - rest.means)[corner, 1]) > 0.002


def test_the_script_writes_a_checkpoint(avatar, tmp_path, monkeypatch):
    monkeypatch.setattr("pavplayer.demo.make_avatar.demo_avatar", lambda: avatar)
    main([str(tmp_path / "demo")])
    back = read_progressive(tmp_path / "demo")
    assert back.gaussian_count == avatar.gaussian_count
    assert back.metadata["license"] == "CC0-1.0"


def test_the_script_writes_a_file_whose_first_picture_is_the_whole_of_level_0(avatar, tmp_path, monkeypatch):
    monkeypatch.setattr("pavplayer.demo.make_avatar.demo_avatar", lambda: avatar)
    main([str(tmp_path / "demo.pav")])
    data = (tmp_path / "demo.pav").read_bytes()
    assert len(data) < 220_000
    levels = decode(data).arrays().levels
    assert 0.7 * avatar.gaussian_count < len(levels) <= avatar.gaussian_count  # the weakest are left out
    first = decode(data[:40_000])
    assert first.is_visible
    assert first.gaussian_count >= (levels == 0).sum() > 0.8 * len(avatar.levels[0].gaussians)

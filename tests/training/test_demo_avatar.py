"""The demo avatar: fitted, in levels; a whole head from the first picture on, that blinks, speaks and smiles."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba", reason="the CPU rasterizer needs numba")

from pavfmt import decode
from pavfmt.model import Pose
from pavfmt.posing import pose_avatar, pose_mesh
from pavplayer.camera import evaluation_camera
from pavplayer.demo import AVATAR_FILE
from pavplayer.evaluation.metrics import psnr
from pavplayer.rasterizers import open_rasterizer
from pavplayer.session import open_session

PUPILS = ((0.0284, 0.7347, 0.1330), (-0.0284, 0.7347, 0.1330))
SKIN = ((0, 0.78, 0.14), (0.045, 0.70, 0.12), (-0.045, 0.70, 0.12), (0, 0.70, 0.16), (0, 0.64, 0.14))
HAIR = (0, 0.83, 0.08)


@pytest.fixture(scope="module")
def data():
    return AVATAR_FILE.read_bytes()


@pytest.fixture(scope="module")
def whole(data):
    return decode(data)


class Studio:
    """Pictures of a prefix from the front, and the mean colour around a point of the head."""

    def __init__(self, data):
        self.session = open_session("cpu")
        self.session.feed(data)
        self.session.update()
        neutral = self.session.scene.snapshot().avatar.rig.mean_neutral.astype(float)
        self.camera = evaluation_camera(neutral, 0, 0)

    def picture(self, **weights):
        return self.session.frame(Pose(weights), self.camera)

    def around(self, picture, point, reach=2):
        pixel = self.camera.intrinsics @ (self.camera.rotation @ np.array(point) + self.camera.translation)
        column, row = (pixel[:2] / pixel[2]).astype(int)
        return picture[row - reach : row + reach + 1, column - reach : column + reach + 1].mean(axis=(0, 1))


@pytest.fixture(scope="module")
def studio(data):
    return Studio(data)


@pytest.fixture(scope="module")
def at_rest(studio):
    return studio.picture()


def is_skin(colour):
    red, green, blue = colour
    return 0.45 < red < 0.98 and red > green + 0.05 and green > blue + 0.01


def is_a_head(studio, picture):
    assert all(is_skin(studio.around(picture, point, reach=5)) for point in SKIN)
    red, green, blue = studio.around(picture, HAIR, reach=5)
    assert green < 0.5 and red > green > blue, "hair"
    assert (picture[0] > 0.97).all(), "the background"


def test_it_is_as_large_and_fine_as_it_should_be(data, whole):
    assert len(data) <= 700_000
    assert whole.gaussian_count == whole.header.gaussian_count >= 30_000
    base, own = whole.snapshot().avatar.levels
    assert len(base.gaussians) < 0.1 * len(own.gaussians) and own.gaussians.sh_degree >= 1
    assert {whole.metadata["license"], whole.metadata["rig-license"][:7]} == {"CC0-1.0"}


def test_the_first_picture_is_a_whole_head(data, studio):
    first = Studio(data[: studio.session.bytes_until_visible])
    picture = first.picture()
    is_a_head(first, picture)
    assert studio.session.bytes_until_visible < 60_000
    for pupil in PUPILS:
        assert first.around(picture, pupil).mean() < 0.55


@pytest.mark.parametrize("percent", [10, 25, 50, 75, 100])
def test_every_prefix_is_a_head_and_longer_ones_are_closer(data, at_rest, percent):
    here = Studio(data[: len(data) * percent // 100])
    picture = here.picture()
    is_a_head(here, picture)
    assert psnr(picture, at_rest) > {10: 22, 25: 23, 50: 25, 75: 27, 100: 90}[percent]


def test_every_gaussian_stays_near_the_head(whole):
    avatar = whole.snapshot().avatar
    for weights in ({}, {"jawOpen": 1.0, "mouthFunnel": 1.0}, {"eyeBlinkLeft": 1.0, "browInnerUp": 1.0}):
        mesh = pose_mesh(avatar.rig, avatar.identity, Pose(weights)).vertices
        posed = pose_avatar(avatar, Pose(weights))
        seen = posed.opacities > 0.05
        assert (posed.means[seen] > mesh.min(axis=0) - 0.05).all()
        assert (posed.means[seen] < mesh.max(axis=0) + 0.05).all()


@pytest.mark.parametrize("pupil", PUPILS)
def test_pupils_are_dark_and_lids_cover_them_in_a_blink(studio, at_rest, pupil):
    assert studio.around(at_rest, pupil, reach=1).max() < 0.3
    blink = studio.picture(eyeBlinkLeft=1.0, eyeBlinkRight=1.0)
    assert is_skin(studio.around(blink, pupil, reach=4))


def test_eyes_follow_a_look(studio, at_rest):
    """To the head's left: the pupils move to the right in the picture."""
    look = studio.picture(eyeLookOutLeft=0.8, eyeLookInRight=0.8)
    for pupil in PUPILS:
        before, after = (studio.around(one, pupil, reach=1).mean() for one in (at_rest, look))
        assert after > before + 0.1


def test_lips_are_redder_than_the_cheek(studio, at_rest):
    lip, cheek = studio.around(at_rest, (0, 0.658, 0.15)), studio.around(at_rest, (0.045, 0.70, 0.12))
    assert lip[1] / lip[0] < cheek[1] / cheek[0] - 0.03


def test_the_open_mouth_is_dark_inside(studio):
    mouth = studio.around(studio.picture(jawOpen=0.6), (0, 0.655, 0.14))
    assert mouth.max() < 0.5


def test_a_smile_lifts_the_corners_of_the_mouth(whole):
    avatar = whole.snapshot().avatar
    rest = pose_avatar(avatar)
    smile = pose_avatar(avatar, Pose({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}))
    corner = np.linalg.norm(np.abs(rest.means) - np.array([0.0235, 0.667, 0.130]), axis=1) < 0.006
    assert corner.sum() > 20
    assert np.median((smile.means - rest.means)[corner, 1]) > 0.002


def test_highlights_move_with_the_viewer(whole):
    """The same head without its higher bands looks different from the side."""
    avatar = whole.snapshot().avatar
    plain = replace(
        avatar,
        levels=tuple(
            replace(level, gaussians=replace(level.gaussians, shN=0 * level.gaussians.shN))
            for level in avatar.levels
        ),
    )
    camera = evaluation_camera(avatar.rig.mean_neutral.astype(float), 35, 5)
    pictures = [open_rasterizer("cpu").render(pose_avatar(one), camera) for one in (avatar, plain)]
    assert psnr(*pictures) < 45

"""The seeded avatars: exact counts, the same bits everywhere, sizes like a trained head's, full toys."""

import hashlib

import numpy as np
import pytest

from pavfmt.errors import EncodeError
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.model import Pose
from pavfmt.posing import pose_avatar
from pavfmt.registry import Binding, ShFrame, Site
from pavfmt.tools.synthetic import RandomStream, synthetic_avatar, toy_avatar
from pavplayer.demo import RIG_FILE

ARRAYS = ("sites", "means", "quats", "log_scales", "opacities", "sh0", "shN", "importance")


@pytest.fixture(scope="module")
def rig():
    return read_cc0_rig(RIG_FILE)


@pytest.fixture(scope="module")
def big(rig):
    return synthetic_avatar(rig)


def digest(avatar):
    sha = hashlib.sha256()
    for level in avatar.levels:
        for name in ARRAYS:
            sha.update(np.ascontiguousarray(getattr(level.gaussians, name)).astype("<f4").tobytes())
        if level.splits is not None:
            sha.update(level.splits.barycentrics.astype("<f4").tobytes())
    return sha.hexdigest()


def test_the_rig_has_what_an_arkit_head_needs(rig):
    assert rig.profile == "arkit-52"
    assert rig.mean_neutral.shape == (4833, 3)
    assert rig.faces.shape == (9520, 3)
    assert rig.joint_names == ("neck", "head", "jaw", "eye.L", "eye.R")
    assert len(rig.shapes) == 52
    essential = {shape.name for shape in rig.shapes if shape.essential}
    assert essential == {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight"}


def test_regions_are_few_named_and_on_the_right_side(rig):
    assert len(rig.regions) <= 16
    assert {"skin", "left_eye", "right_eye", "mouth", "tongue"} <= set(rig.regions)
    assert (rig.mean_neutral[rig.regions["left_eye"], 0] > 0).all()
    assert (rig.mean_neutral[rig.regions["right_eye"], 0] < 0).all()


def test_a_rig_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "rig.npz"
    with pytest.raises(EncodeError, match="missing-file"):
        read_cc0_rig(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(EncodeError, match="bad-zip"):
        read_cc0_rig(path)
    np.savez(path, v_neutral=np.zeros((3, 3), np.float32))
    with pytest.raises(EncodeError, match="missing-array: array 'faces'"):
        read_cc0_rig(path)


def test_the_measured_avatar_has_its_counts(big):
    assert big.gaussian_count == 170_000
    assert [len(level.gaussians) for level in big.levels] == [9520, 27609, 48316, 84555]
    assert all(level.gaussians.sh_degree == 3 for level in big.levels)


def test_the_measured_avatar_has_the_same_bits_everywhere(big):
    assert digest(big) == "e26ccad6a8f98b35b8e8a005661a97fba268a7d16de7a436d1f2139cbf8f4862"


def test_the_measured_avatar_fills_the_picture_like_a_lam_head(big):
    posed = pose_avatar(big)
    scales = np.sort(posed.scales, axis=1)
    solid_area = (posed.opacities * 2 * np.pi * scales[:, 1] * scales[:, 2]).sum()
    assert 0.5 < solid_area < 0.7  # square metres; 0.58 on the LAM statue
    assert 0.30 < (posed.opacities < 0.05).mean() < 0.41
    assert 0.08 < (posed.opacities < 1 / 255).mean() < 0.11
    assert np.log(posed.scales).min() > -30


def test_another_seed_is_another_avatar(rig):
    one, two = (synthetic_avatar(rig, 1000, sh_degree=0, seed=seed) for seed in (1, 2))
    assert digest(one) != digest(two)


@pytest.mark.parametrize("count", [4, 5, 9520, 9521, 30_001])
@pytest.mark.parametrize("levels", [1, 2, 4])
def test_counts_are_exact_at_any_size(rig, count, levels):
    assert synthetic_avatar(rig, count, levels, sh_degree=0).gaussian_count == count


def test_the_stream_is_pcg64s_own():
    assert RandomStream(0).uniform(2).tolist() == [0.6369616873214543, 0.2697867137638703]


@pytest.mark.parametrize("kind", ["face", "surface", "mixed", "static"])
@pytest.mark.parametrize("subdivided", [False, True])
@pytest.mark.parametrize("sh_degree", [0, 1, 2, 3])
def test_toys_pose(kind, subdivided, sh_degree):
    avatar = toy_avatar(kind, subdivided=subdivided, sh_degree=sh_degree)
    posed = pose_avatar(avatar, Pose({"jawOpen": 0.7}, {"jaw": (0.3, 0.0, 0.1)}))
    assert len(posed.means) == avatar.gaussian_count == 21
    assert np.isfinite(posed.means).all()
    assert posed.sh.shape[1] == (sh_degree + 1) ** 2


def test_toys_have_every_feature():
    face, surface, mixed, static = (toy_avatar(kind) for kind in ("face", "surface", "mixed", "static"))
    assert face.rig is not None and face.rig.correctives is not None and face.identity is not None
    assert [shape.joint_displacements is not None for shape in face.rig.shapes] == [True, False, False]
    assert face.tracks[0].rotations is not None
    assert {level.site for level in surface.levels} == {Site.VERTEX, Site.FACE, Site.JOINT}
    assert {level.binding for level in mixed.levels} == {Binding.FACE_FRAME, Binding.SURFACE_POINT}
    assert {level.sh_frame for level in mixed.levels} == {ShFrame.WORLD, ShFrame.LOCAL}
    assert static.rig is None
    assert toy_avatar(importance=True).levels[0].gaussians.importance is not None


def test_an_unknown_toy_is_refused():
    with pytest.raises(EncodeError):
        toy_avatar("cube")

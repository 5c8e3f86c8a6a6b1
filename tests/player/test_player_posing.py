"""The player's posing gives what the reference posing gives, in NumPy and in torch."""

from dataclasses import replace

import numpy as np
import pytest
from posed import check, numpy_of, random_pose, same_rotations, two_triangles

from pavfmt.model import Pose
from pavfmt.posing import pose_avatar, quaternion_from_rotation, rotation_from_quaternion
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.posing import frames
from pavplayer.posing.arrays import NumpyNamespace
from pavplayer.posing.poser import Poser

KINDS = ("face", "surface", "mixed", "static")


@pytest.fixture(params=["numpy", "compiled", "torch"])
def library(request):
    if request.param != "numpy":
        pytest.importorskip({"compiled": "numba"}.get(request.param, request.param))
    return request.param


@pytest.mark.parametrize("subdivided", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_as_the_reference(kind, subdivided, library):
    avatar = toy_avatar(kind, sh_degree=2, subdivided=subdivided, seed=5)
    poser = Poser(avatar, xp=library)
    for seed in range(4):
        pose = random_pose(avatar, seed)
        check(poser.frame(pose), pose_avatar(avatar, pose))
    check(poser.frame(Pose()), pose_avatar(avatar))


@pytest.mark.parametrize("kind", KINDS)
def test_any_order_and_any_part(kind, library):
    avatar = toy_avatar(kind, seed=6)
    pose = random_pose(avatar, 1)
    expected = pose_avatar(avatar, pose)
    shuffled = np.random.default_rng(0).permutation(avatar.gaussian_count)
    for order in (shuffled, shuffled[:5], shuffled[:0]):
        picked = {name: None if value is None else value[order] for name, value in vars(expected).items()}
        check(Poser(avatar, order, xp=library).frame(pose), replace(expected, **picked))


@pytest.mark.parametrize(
    "second",
    [
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[1, 1, 1], [1, 1, 1], [2, 1, 1]],
        [[0, 0, 0], [0, 0.01, 0], [0, 0.03, 0]],
        [[0, 0, 0], [0.01, 0.02, 0.03], [0.02, 0.04, 0.06]],
    ],
    ids=["a point", "no first edge", "a line", "a slanting line"],
)
def test_degenerate_faces(second, library):
    avatar = two_triangles([[0, 0, 0], [1, 0, 0], [0, 1, 0], *second])
    check(Poser(avatar, xp=library).frame(Pose()), pose_avatar(avatar))


def test_a_quaternion_comes_back_from_any_rotation():
    """With each component the largest, and half turns, where one or more are 0."""
    random = np.random.default_rng(2)
    quats = np.concatenate([random.normal(size=(200, 4)), np.eye(4), [[0, 1, 1, 0], [0, 0, -1, 1]]])
    rotations = rotation_from_quaternion(quats)
    found = frames.quaternion_from_columns(NumpyNamespace(), rotations.transpose(2, 1, 0)).T
    assert same_rotations(found, quaternion_from_rotation(rotations))


def test_numpy_has_no_other_device():
    with pytest.raises(ValueError, match="cuda"):
        Poser(toy_avatar("face"), device="cuda")
    with pytest.raises(ValueError, match="cuda"):
        Poser(toy_avatar("face"), xp="compiled", device="cuda")
    with pytest.raises(ValueError, match="jax"):
        Poser(toy_avatar("face"), xp="jax")


@pytest.mark.parametrize("kind", KINDS)
def test_leading_gaussians_are_posed_as_among_all(kind, library):
    """Of any order that is asked for."""
    avatar = toy_avatar(kind)
    total = sum(len(level.gaussians) for level in avatar.levels)
    whole = Poser(avatar, np.random.default_rng(3).permutation(total), library)
    pose = random_pose(avatar, 5)
    expected = whole.frame(pose)
    for count in range(total + 1):
        part = whole.leading(count)
        assert len(part) == count
        for name, values in vars(part.frame(pose)).items():
            wanted = getattr(expected, name)
            assert (values is None) == (wanted is None)
            if values is not None:
                assert np.allclose(numpy_of(values), numpy_of(wanted)[:count], rtol=0, atol=1e-6)

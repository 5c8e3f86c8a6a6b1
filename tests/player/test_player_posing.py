"""The player's posing gives what the reference posing gives: compiled and in torch."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from posed import check, numpy_of, random_pose, same_rotations, two_triangles

from pavfmt.model import Pose
from pavfmt.posing import pose_avatar, quaternion_from_rotation, rotation_from_quaternion
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.posing.poser import Poser

pytest.importorskip("numba")
from pavplayer.posing import kernels

KINDS = ("face", "surface", "mixed", "static")


@pytest.fixture(params=["compiled", "tensors"])
def new_poser(request):
    """What makes a poser of an avatar and an order."""
    if request.param == "tensors":
        pytest.importorskip("torch")
        from pavplayer.posing.tensor_poser import TensorPoser

        return partial(TensorPoser, device="cpu")
    return Poser


@pytest.mark.parametrize("subdivided", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_as_the_reference(kind, subdivided, new_poser):
    avatar = toy_avatar(kind, sh_degree=2, subdivided=subdivided, seed=5)
    poser = new_poser(avatar)
    for seed in range(4):
        pose = random_pose(avatar, seed)
        check(poser.frame(pose), pose_avatar(avatar, pose))
    check(poser.frame(Pose()), pose_avatar(avatar))


@pytest.mark.parametrize("kind", KINDS)
def test_any_order_and_any_part(kind, new_poser):
    avatar = toy_avatar(kind, seed=6)
    pose = random_pose(avatar, 1)
    expected = pose_avatar(avatar, pose)
    shuffled = np.random.default_rng(0).permutation(avatar.gaussian_count)
    for order in (shuffled, shuffled[:5], shuffled[:0]):
        picked = {name: None if value is None else value[order] for name, value in vars(expected).items()}
        check(new_poser(avatar, order).frame(pose), replace(expected, **picked))


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
def test_degenerate_faces(second, new_poser):
    avatar = two_triangles([[0, 0, 0], [1, 0, 0], [0, 1, 0], *second])
    check(new_poser(avatar).frame(Pose()), pose_avatar(avatar))


def test_a_quaternion_comes_back_from_any_rotation():
    """With each component the largest, and half turns, where one or more are 0."""
    random = np.random.default_rng(2)
    quats = np.concatenate([random.normal(size=(200, 4)), np.eye(4), [[0, 1, 1, 0], [0, 0, -1, 1]]])
    rotations = rotation_from_quaternion(quats)
    found = np.array([kernels._quaternion(*map(tuple, rotation.T)) for rotation in rotations])
    assert same_rotations(found, quaternion_from_rotation(rotations))


@pytest.mark.parametrize("kind", KINDS)
def test_leading_gaussians_are_posed_as_among_all(kind):
    """Of any order that is asked for."""
    avatar = toy_avatar(kind)
    total = sum(len(level.gaussians) for level in avatar.levels)
    whole = Poser(avatar, np.random.default_rng(3).permutation(total))
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

"""Tensors carried by the mesh lie where the reference posing puts them, and split points have gradients."""

import numpy as np
import pytest
from posed import random_pose, same_rotations, two_triangles

from pavfmt.model import Pose
from pavfmt.posing import pose_avatar
from pavfmt.tools.synthetic import toy_avatar

torch = pytest.importorskip("torch")

from pavplayer.posing.tensor_frames import SplitForest, face_frames  # noqa: E402
from pavplayer.posing.tensor_poser import (  # noqa: E402
    AvatarBinding,
    TensorMesh,
    local_gaussians,
)


def world(avatar, pose):
    surface = TensorMesh(avatar.rig, avatar.identity)
    width = max(1 + level.gaussians.shN.shape[1] for level in avatar.levels)
    parts = [local_gaussians(level.gaussians, width) for level in avatar.levels]
    return AvatarBinding(avatar, surface).in_world(parts, surface.posed(pose))


def check(found, expected):
    assert np.abs(found.means.numpy() - expected.means).max() < 1e-5
    assert np.allclose(found.scales.numpy(), expected.scales, rtol=1e-5)
    assert np.allclose(found.opacities.numpy(), expected.opacities)
    assert np.allclose(found.sh.numpy(), expected.sh)
    assert same_rotations(found.quats.numpy(), expected.quats)
    assert (found.sh_quats is None) == (expected.sh_quats is None)
    if expected.sh_quats is not None:
        assert same_rotations(found.sh_quats.numpy(), expected.sh_quats)


@pytest.mark.parametrize("subdivided", [False, True])
@pytest.mark.parametrize("kind", ["face", "surface", "mixed"])
def test_the_same_as_the_reference(kind, subdivided):
    avatar = toy_avatar(kind, sh_degree=2, subdivided=subdivided, seed=5)
    for seed in range(4):
        pose = random_pose(avatar, seed)
        check(world(avatar, pose), pose_avatar(avatar, pose))


@pytest.mark.parametrize(
    "second",
    [
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[1, 1, 1], [1, 1, 1], [2, 1, 1]],
        [[0, 0, 0], [0, 0.01, 0], [0, 0.03, 0]],
        [[0, 0, 0], [0.01, 0.02, 0.03], [0.02, 0.04, 0.06]],
    ],
)
def test_degenerate_faces(second):
    avatar = two_triangles([[0, 0, 0], [1, 0, 0], [0, 1, 0], *second])
    check(world(avatar, Pose()), pose_avatar(avatar))


def test_degenerate_faces_have_finite_gradients():
    corners = torch.zeros(2, 3, 3, dtype=torch.float64)
    corners[1, 1:, 0] = torch.tensor([1.0, 2.0])
    corners.requires_grad_()
    frames = face_frames(corners)
    (frames.quats.sum() + frames.linear.sum() + frames.sizes.sum() + frames.centres.sum()).backward()
    assert torch.isfinite(corners.grad).all()


def test_split_points_have_the_gradients_of_finite_differences():
    """Through two generations: a child's frame follows its own split point and its parent's."""
    random = np.random.default_rng(3)
    vertices = torch.from_numpy(random.normal(size=(4, 3)))
    faces = torch.tensor([[0, 1, 2], [1, 3, 2]])
    forest = SplitForest(faces, 4, [torch.tensor([1, 0]), torch.tensor([2, 4, 5])])

    def numbers(first, second):
        barycentrics = [torch.softmax(first, -1), torch.softmax(second, -1)]
        frames = forest.frames(vertices, barycentrics)
        return tuple(value for part in frames[1:] for value in vars(part).values())

    inputs = tuple(torch.from_numpy(random.normal(size=(n, 3))).requires_grad_() for n in (2, 3))
    assert torch.autograd.gradcheck(numbers, inputs)


def test_only_the_frames_wanted_are_made():
    forest = SplitForest(torch.tensor([[0, 1, 2], [1, 3, 2]]), 4, [torch.tensor([1])])
    vertices = torch.from_numpy(np.random.default_rng(3).normal(size=(4, 3)))
    beta = [torch.full((1, 3), 1 / 3, dtype=torch.float64)]
    every = forest.frames(vertices, beta)
    some = forest.frames(vertices, beta, [torch.tensor([1]), torch.tensor([2, 0])])
    assert torch.equal(some[0].centres, every[0].centres[1:])
    assert torch.equal(some[1].quats, every[1].quats[[2, 0]])

"""An avatar over its renumbered mesh is the same avatar."""

from dataclasses import replace

import numpy as np
import pytest

from pavfmt import Pose, pose_avatar
from pavfmt.encoder.rig.renumbering import renumbered
from pavfmt.tools.synthetic import toy_avatar

POSE = Pose({"jawOpen": 0.7}, {"head": (0.1, 0.3, -0.2)}, (0.0, 0.01, 0.0))


def shuffled(avatar, seed):
    """The avatar with its base mesh in any other order (its Gaussians are not moved along)."""
    random = np.random.default_rng(seed)
    rig = avatar.rig
    order = random.permutation(len(rig.faces))
    return replace(avatar, rig=replace(rig, faces=rig.faces[order]))


@pytest.mark.parametrize("subdivided", [False, True])
@pytest.mark.parametrize("kind", ["face", "surface", "mixed", "static"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_draws_the_same(kind, subdivided, seed):
    avatar = toy_avatar(kind, subdivided=subdivided and kind != "static")
    if avatar.rig is not None:
        avatar = shuffled(avatar, seed)
    before, after = pose_avatar(avatar, POSE), pose_avatar(renumbered(avatar), POSE)
    for name in ("means", "quats", "scales", "opacities", "sh"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-12)


def test_it_is_done_once():
    once = renumbered(shuffled(toy_avatar(subdivided=True), 5))
    twice = renumbered(once)
    np.testing.assert_array_equal(twice.rig.faces, once.rig.faces)
    np.testing.assert_array_equal(twice.levels[0].gaussians.sites, once.levels[0].gaussians.sites)


def test_it_does_move_something():
    avatar = shuffled(toy_avatar(), 5)
    assert (renumbered(avatar).rig.faces != avatar.rig.faces).any()
    assert (renumbered(avatar).rig.mean_neutral != avatar.rig.mean_neutral).any()

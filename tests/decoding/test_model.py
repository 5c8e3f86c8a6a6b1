"""An avatar whose parts do not fit each other cannot be built."""

from dataclasses import replace

import numpy as np
import pytest

from pavfmt import EncodeError, Identity, PoseCorrectives, Shape, encode
from pavfmt.tools.synthetic import toy_avatar


def code_of(build):
    with pytest.raises(EncodeError) as caught:
        build()
    return caught.value.code


def test_a_shape_of_another_mesh():
    rig = toy_avatar().rig
    assert code_of(lambda: replace(rig, shapes=(Shape("x", np.zeros((3, 3))),))) == "bad-shape"


def test_a_shape_that_moves_other_joints():
    rig = toy_avatar().rig
    shape = replace(rig.shapes[0], joint_displacements=np.zeros((7, 3)))
    assert code_of(lambda: replace(rig, shapes=(shape,))) == "bad-shape"


def test_correctives_of_another_mesh():
    rig = toy_avatar().rig
    assert (
        code_of(lambda: replace(rig, correctives=PoseCorrectives((1,), np.zeros((9, 3, 3))))) == "bad-shape"
    )


def test_correctives_of_a_joint_that_is_not_there():
    rig = toy_avatar().rig
    other = PoseCorrectives((5,), np.zeros((9, len(rig.mean_neutral), 3)))
    assert code_of(lambda: replace(rig, correctives=other)) == "binding-out-of-range"


@pytest.mark.parametrize("change", [-1, 1])
def test_weights_of_another_mesh(change):
    rig = toy_avatar().rig
    weights = np.resize(rig.weights, (len(rig.weights) + change, rig.joint_count))
    assert code_of(lambda: replace(rig, weights=weights)) == "bad-shape"


def test_weights_of_another_subdivided_mesh():
    avatar = toy_avatar(subdivided=True)
    rig = replace(avatar.rig, weights=avatar.rig.weights[:-1])
    assert code_of(lambda: encode(replace(avatar, rig=rig))) == "bad-shape"


def test_an_identity_of_another_mesh():
    other = Identity(np.zeros((3, 3)), np.zeros((2, 3)))
    assert code_of(lambda: replace(toy_avatar(), identity=other)) == "bad-shape"

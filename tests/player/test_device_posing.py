"""A session that poses on a device gives what the reference gives, after every unit."""

import numpy as np
import pytest

from pavfmt.model import Pose
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from spec.builders.avatars import KINDS, toy_file
from spec.builders.hand_over import hand_over_file

pytest.importorskip("torch")
from growing import fed, pieces_of


@pytest.mark.parametrize("subdivided", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_after_every_unit(kind, subdivided):
    assert fed(pieces_of(toy_file(kind, 2, subdivided)), poses=2) > 4


@pytest.mark.parametrize("kind", KINDS)
def test_units_in_another_order(kind):
    pieces = pieces_of(toy_file(kind))
    order = np.random.default_rng(1).permutation(len(pieces) - 1) + 1
    assert fed([pieces[0], *(pieces[k] for k in order)]) > 0


@pytest.mark.parametrize("second_values", [False, True])
def test_a_hand_over_changes_what_is_there(second_values):
    assert fed(pieces_of(hand_over_file(second_values))) > 1


def test_what_no_pose_changes_is_the_same_tensor():
    session = Session(PlainRasterizer(), device="cpu")
    session.feed(toy_file("mixed", 2))
    session.update()
    one, other = session.posed(Pose()), session.posed(Pose({"jawOpen": 1.0}))
    assert one.sh is other.sh and one.opacities is other.opacities and not (one.means == other.means).all()

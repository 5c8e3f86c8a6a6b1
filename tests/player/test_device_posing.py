"""A session that poses on a device gives what the reference gives, after every unit."""

import numpy as np
import pytest
from test_hand_over import hand_over_file
from test_player_posing import check, random_pose

from pavfmt.model import Pose
from pavfmt.posing import pose_avatar
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from spec.builders.avatars import KINDS, toy_file
from spec.builders.forging import unit_spans

pytest.importorskip("torch")


def reference(scene, pose):
    snapshot = scene.snapshot()
    posed = pose_avatar(snapshot.avatar, pose)
    columns = {name: None if value is None else value[snapshot.order] for name, value in vars(posed).items()}
    return type(posed)(**columns)


def fed(pieces, poses=1, device="cpu"):
    """Feeds a session piece by piece and checks what it poses; returns how often there was something."""
    session, checks = Session(PlainRasterizer(), device=device), 0
    for offset, data in pieces:
        session.feed_at(offset, data)
        session.update()
        if not session.scene.is_visible:
            assert session.posed(Pose()) is None
            continue
        for seed in range(poses):
            pose = random_pose(session.scene.snapshot().avatar, seed)
            check(session.posed(pose), reference(session.scene, pose))
            checks += 1
    return checks


def pieces_of(data):
    return [(0, data[:52]), *((low, data[low:high]) for low, high in unit_spans(data))]


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

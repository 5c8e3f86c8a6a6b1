"""A prefix of an avatar: which Gaussians come first, how the last ones fade, and what hand-over makes of it."""

import numpy as np
import pytest

from pavfmt import decode
from pavfmt.model import Pose
from pavplayer.camera import Camera
from pavplayer.crowd import Placement, prefix
from pavplayer.crowd.drawing_order import drawing_order
from pavplayer.crowd.member import Member, member_state
from pavplayer.crowd.pool import ArrayPool
from pavplayer.crowd.prefix import PrefixVisibility, fade_width, prefix_shares
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from spec.builders.avatars import head_file, toy_file
from spec.builders.forging import unit_spans
from spec.builders.hand_over import RETIRED, hand_over_file

CAMERA = Camera.orbit((0, 0, 0), 1.0, width=24, height=30, focal_px=30)


def session_of(data):
    session = Session(PlainRasterizer())
    session.feed(data)
    session.update()
    return session


def hand_over(second_values):
    """The session, and what it can show."""
    session = session_of(hand_over_file(second_values))
    return session, member_state(session)


@pytest.fixture
def sharp(monkeypatch):
    """No fade: at a unit's end exactly what is before it is shown."""
    monkeypatch.setattr(prefix, "MIN_FADE", 0)
    monkeypatch.setattr(prefix, "FADE_SHARE", 0)


def test_units_stay_whole_and_in_the_order_of_their_level():
    scene = session_of(head_file()).scene
    arrays = scene.arrays()
    weights = np.random.default_rng(0).uniform(size=len(arrays)).astype(np.float32)
    order = drawing_order(scene, weights)
    assert np.array_equal(np.sort(order), np.arange(len(arrays)))
    bounds = np.cumsum([0, *(len(block) for block in scene.gaussians.blocks)])
    units = np.searchsorted(bounds, order, side="right") - 1
    changes = np.flatnonzero(np.diff(units)) + 1
    assert len(changes) == len(bounds) - 2
    for part in np.split(order, changes):
        assert (np.diff(weights[part]) <= 0).all()
    for level in range(2):
        of_level = [unit for unit in units[np.r_[0, changes]] if scene.gaussians.blocks[unit].level == level]
        assert of_level == sorted(of_level)


def test_a_deeper_level_comes_first_where_it_is_worth_more():
    scene = session_of(head_file()).scene
    levels = scene.arrays().levels
    order = drawing_order(scene, np.where(levels == 1, 1.0, 0.5).astype(np.float32))
    assert (np.diff(levels[order]) <= 0).all()
    order = drawing_order(scene, np.where(levels == 1, 0.5, 1.0).astype(np.float32))
    assert (np.diff(levels[order]) >= 0).all()


def test_the_fade_is_continuous_and_ends_with_the_avatar():
    total, step = 5_000, 0.37
    for start in (0.5, 3.0, 64.0, 700.2, 4_900.0, 4_990.0, total - 3 * step):
        for length in (start, start + step):
            fade = fade_width(length, total)
            assert 0 <= fade <= max(64, 0.1 * length)
        rows = np.arange(total)
        here, there = (prefix_shares(rows, at, total) for at in (start, start + step))
        # Near the end the fade is short: opacities change at most as fast as one after the other.
        assert (there - here).min() >= 0 and (there - here).max() <= 1.01 * step
    assert prefix_shares(rows, total, total).tolist() == [1.0] * total
    assert prefix_shares(rows, 0.0, total).max() == 0


def test_looks_change_little_with_a_little_more():
    state = member_state(session_of(head_file()))
    before = state.prefixes.at(0.0)
    total = len(state.poser)
    for length in np.linspace(0, total, 4 * total)[1:]:
        shown = state.prefixes.at(length)
        common = len(before.opacities)
        assert np.abs(shown.opacities[:common] - before.opacities).max(initial=0) < 0.3
        before = shown
    assert len(before.opacities) == total


@pytest.mark.parametrize("second_values", [False, True])
def test_each_prefix_of_units_shows_what_the_file_defines(second_values, sharp):
    session, state = hand_over(second_values)
    assert np.array_equal(np.sort(state.ranks[:3]), [0, 1, 2])  # units in the file's order
    member = Member(session, Placement(), ArrayPool())
    member.refresh()
    data = hand_over_file(second_values)
    ends = [end for _, end in unit_spans(data)]
    for count, end in ((3, ends[-4]), (6, ends[-2]), (9, ends[-1])):
        member.length = float(count)
        cloud = member.cloud(Pose(), CAMERA)
        places = state.ranks[:count] if count < 9 else np.arange(9)
        opacities, log_scales = decode(data[:end]).effective()
        assert np.allclose(cloud.opacities[places], opacities, atol=1e-6)
        assert np.allclose(cloud.scales[places], np.exp(log_scales), rtol=1e-5)
    assert decode(data).effective()[0][RETIRED].max() < 0.6


@pytest.mark.parametrize("second_values", [False, True])
def test_parents_give_way_as_their_children_come(second_values):
    session, state = hand_over(second_values)
    stored = session.scene.arrays().opacities
    parents = state.ranks[RETIRED]
    final = session.scene.effective()[0][RETIRED]
    # From here on the first unit is out of the fade.
    lengths = np.linspace(7.5, 9.0, 40)
    seen = np.array([state.prefixes.at(length).opacities[parents] for length in lengths])
    assert np.allclose(seen[-1], final, atol=1e-6)
    assert np.abs(np.diff(seen, axis=0)).max() < 0.1
    toward = np.sign(final - stored[RETIRED])
    assert (np.diff(seen, axis=0) * toward >= -1e-6).all()
    assert np.abs(seen[0] - final).max() > 0.1


def test_drawing_a_prefix_leaves_the_avatar_as_it_is(sharp):
    session, _ = hand_over(True)
    member = Member(session, Placement(), ArrayPool())
    member.refresh()
    pictures = []
    for length in (9.0, 4.5, 9.0):
        member.length = length
        cloud = member.cloud(Pose(), CAMERA)
        pictures.append(PlainRasterizer().render(cloud, CAMERA))
    assert pictures[0].tobytes() == pictures[2].tobytes() != pictures[1].tobytes()
    assert np.abs(pictures[0] - session.frame(None, CAMERA)).max() < 1e-6
    assert session.scene.effective()[0].tobytes() == decode(hand_over_file(True)).effective()[0].tobytes()


def test_a_hand_over_that_still_waits_changes_nothing(sharp):
    data = hand_over_file()
    session = session_of(data[: unit_spans(data)[-2][1]])
    state = member_state(session)
    opacities = state.prefixes.at(6.0).opacities
    assert opacities[state.ranks].tobytes() == session.scene.arrays().opacities.tobytes()


def test_successors_out_of_the_order_are_waited_for(sharp):
    """Whatever order the units are shown in, a parent waits for the last child."""
    session = session_of(hand_over_file())
    order = np.array([6, 7, 8, 0, 1, 2, 5, 4, 3])
    prefixes = PrefixVisibility(session.scene, order, session.gaussian_ranges)
    stored, parents = session.scene.arrays().opacities, np.argsort(order)[RETIRED]
    for length in (6.0, 7.0, 8.0):
        assert prefixes.at(length).opacities[parents].tobytes() == stored[RETIRED].tobytes()
    assert prefixes.at(9.0).opacities[parents].tolist() == [0, 0]


def test_a_toy_has_nothing_to_fade_when_complete():
    state = member_state(session_of(toy_file()))
    shown = state.prefixes.at(float(len(state.poser)))
    assert shown.scale_factors is None
    assert (
        np.sort(shown.opacities).tobytes()
        == np.sort(session_of(toy_file()).scene.arrays().opacities).tobytes()
    )

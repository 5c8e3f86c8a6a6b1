"""A prefix chosen from what is there is drawn as that prefix is, and units fade from one state to the next."""

import numpy as np
import pytest

from pavfmt.model import Pose
from pavfmt.tools.cut import unit_ends
from pavplayer import Avatar
from pavplayer.camera import Camera
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from pavplayer.viewer.content.arrivals import Arrivals
from pavplayer.viewer.content.avatar_view import AvatarView
from pavplayer.viewer.content.visibility import settled_at, visibility
from spec.builders.avatars import toy_file
from spec.builders.hand_over import hand_over_file

CAMERA = Camera.orbit((0, 0, 0), 1.0, 10, 5, width=24, height=30, focal_px=30)
POSE = Pose({"jawOpen": 0.7, "eyeBlinkLeft": 0.4}, {"jaw": (0.3, 0.1, 0.0)})


def session_at(data):
    session = Session(PlainRasterizer())
    session.feed(data)
    session.update()
    return session


def avatar_view_of(tmp_path, data, fade=0.0):
    path = tmp_path / "head.pav"
    path.write_bytes(data)
    avatar_view = AvatarView(Avatar(path, session=Session(PlainRasterizer())), fade)
    while not avatar_view.avatar.has_ended:
        avatar_view.avatar.wait(5)
        avatar_view.update(0.0)
    return avatar_view


def picture_of(avatar_view, pose, limit=None, now=float("inf")):
    cloud = avatar_view.cloud(pose, limit, now)
    if cloud is None:
        return np.ones((CAMERA.height, CAMERA.width, 3), np.float32)
    return avatar_view.avatar.session.rasterizer.render(cloud, CAMERA)


FILES = {kind: toy_file(kind) for kind in ("face", "surface", "mixed", "static")}
FILES |= {"hand-over": hand_over_file(), "hand-over with second values": hand_over_file(True)}


@pytest.mark.parametrize("kind", FILES)
def test_every_prefix_is_a_choice_from_the_whole(kind, tmp_path):
    data = FILES[kind]
    avatar_view = avatar_view_of(tmp_path, data)
    counts = set()
    for end in [*unit_ends(data), *(end - 1 for end in unit_ends(data)[1:])]:
        prefix = session_at(data[:end])
        expected = prefix.frame(POSE, CAMERA)
        np.testing.assert_allclose(picture_of(avatar_view, POSE, end), expected, atol=2e-4)
        counts.add(prefix.scene.gaussian_count)
    assert len(counts) > 2


def test_a_prefix_in_one_piece_is_not_copied(tmp_path):
    data = FILES["face"]
    avatar_view = avatar_view_of(tmp_path, data)
    everything = avatar_view.cloud(POSE)
    some = avatar_view.cloud(POSE, unit_ends(data)[-4])
    assert 0 < len(some.means) < len(everything.means)
    assert np.shares_memory(some.sh, everything.sh)


@pytest.mark.parametrize("second_values", [False, True])
def test_units_fade_in_and_those_they_replace_fade_out(second_values, tmp_path):
    """The successors come two seconds after the parents; a fade takes one."""
    data = hand_over_file(second_values)
    before, after = session_at(data[: unit_ends(data)[-3]]), session_at(data)
    arrivals = Arrivals()
    growing = Session(PlainRasterizer())
    growing.feed(data[: unit_ends(data)[-3]])
    arrivals.note(growing.update(), growing.received_bytes, 10.0)
    growing.feed(data[unit_ends(data)[-3] :])
    arrivals.note(growing.update(), growing.received_bytes, 12.0)
    old, new = before.scene.effective()[0], after.scene.effective()[0]

    def opacities(now):
        shown = visibility(growing, arrivals, None, now, 1.0)
        drawn = np.zeros(len(new), np.float32)
        drawn[shown.rows] = shown.opacities
        return drawn

    np.testing.assert_allclose(opacities(12.0)[:3], old, rtol=1e-6)
    assert (opacities(12.0)[3:] == 0).all()
    np.testing.assert_allclose(opacities(12.5)[3:], 0.5 * new[3:], rtol=1e-6)
    np.testing.assert_allclose(opacities(12.5)[:3], old, rtol=1e-6)
    np.testing.assert_allclose(opacities(13.0)[:3], (old + new[:3]) / 2, rtol=1e-6)
    np.testing.assert_array_equal(opacities(13.5), new)
    assert settled_at(growing, arrivals, 1.0) == 13.5
    assert np.abs(old - new[:3]).max() > 0.1
    factors = [visibility(growing, arrivals, None, now, 1.0).scale_factors for now in (12.5, 13.0, 13.5)]
    assert [one is None for one in factors] == ([False, False, True] if second_values else [True] * 3)


@pytest.mark.parametrize("kind", ["face", "mixed", "hand-over with second values"])
def test_prefixes_of_tensors_are_the_same(kind, tmp_path):
    pytest.importorskip("torch")
    data = FILES[kind]
    arrays, tensors = avatar_view_of(tmp_path, data), avatar_view_of(tmp_path, data)
    session = Session(PlainRasterizer(), device="cpu")
    tensors.avatar.session = session
    session.feed(data)
    session.update()
    for end in (None, *unit_ends(data)[-3:]):
        expected, cloud = arrays.cloud(POSE, end), tensors.cloud(POSE, end)
        for name, tensor in vars(cloud).items():
            array = getattr(expected, name)
            if array is None:
                assert tensor is None
                continue
            np.testing.assert_allclose(np.asarray(tensor), array, atol=1e-5)


def test_rows_that_do_not_stand_together_are_chosen_one_by_one():
    """Units arrive out of order: the first and the last, and a cut between them."""
    data = FILES["static"]
    ends = unit_ends(data)
    session, arrivals = Session(PlainRasterizer()), Arrivals()
    session.feed(data)
    arrivals.note(session.update(), len(data), 0.0)
    middle = sorted(session.gaussian_ranges)[1]
    arrivals.ends[middle] = len(data) + 1  # as if it stood behind all others
    shown = visibility(session, arrivals, ends[-1])
    blocks = {block.first: len(block) for block in session.scene.gaussians.blocks}
    missing = blocks[session.gaussian_ranges[middle].start]
    assert not isinstance(shown.rows, slice)
    assert len(shown.opacities) == session.scene.gaussian_count - missing
    assert not set(
        range(session.gaussian_ranges[middle].start, session.gaussian_ranges[middle].start + missing)
    ) & set(shown.rows.tolist())

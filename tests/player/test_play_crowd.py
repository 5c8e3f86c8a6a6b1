"""Several avatars in one player: one picture, one budget, and one that fails does not take the others along."""

import time

import numpy as np
import pytest
from playing import KeptPictures, SetClock, view_of

from pavfmt.errors import FormatError
from pavplayer import Avatar
from pavplayer.crowd import FrameTimeBudget, GaussianBudget
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from pavplayer.viewer.content.avatar_view import AvatarView
from pavplayer.viewer.content.crowd_scene import CrowdScene
from pavplayer.viewer.panels.readings import crowd_readings
from pavplayer.viewer.player import REST_SECONDS, Player
from spec.builders.avatars import toy_file

FILES = {"face": toy_file("face"), "mixed": toy_file("mixed"), "text": b"no avatar, but text " * 5}


def avatar_views_of(tmp_path, *names):
    avatar_views = []
    for number, name in enumerate(names):
        path = tmp_path / f"{name}{number}.pav"  # one each: the first is read while the next is written
        path.write_bytes(FILES[name])
        avatar_views.append(AvatarView(Avatar(path, session=Session(PlainRasterizer())), 0.0, path.name))
    return avatar_views


def player_of(tmp_path, *names, budget=None):
    clock, screen = SetClock(), KeptPictures()
    player = Player(CrowdScene(avatar_views_of(tmp_path, *names), budget), clock)
    while not all(avatar_view.avatar.has_ended for avatar_view in player.scene.avatar_views):
        player.tick()
        time.sleep(0.01)
    player.update_client(0, screen, view_of(player.scene.default_camera((30, 24)), 30, 24))
    return player, clock, screen


def come_to_rest(player, clock):
    for _ in range(40):
        player.tick()
        clock.now += REST_SECONDS / 2


def test_all_of_them_are_in_the_picture(tmp_path):
    player, clock, screen = player_of(tmp_path, "face", "mixed")
    come_to_rest(player, clock)
    crowd = player.scene.crowd
    np.testing.assert_allclose(screen.last, crowd.frame(crowd.camera(size=(30, 24))), atol=0.51 / 255)
    halves = screen.last[:, :15], screen.last[:, 15:]
    assert all((half < 0.9).any() for half in halves)
    assert player.last_frame.gaussian_count == sum(
        avatar_view.avatar.scene.gaussian_count for avatar_view in player.scene.avatar_views
    )


def test_they_share_a_budget_that_may_change(tmp_path):
    budget = GaussianBudget(20)
    player, clock, _ = player_of(tmp_path, "face", "mixed", budget=budget)
    come_to_rest(player, clock)
    few = player.last_frame.gaussian_count
    assert 10 < few <= 20
    assert dict(crowd_readings(player, player.scene.crowd))["budget"] == "20 Gaussians"
    budget.gaussians = 30
    player.controls.change()
    come_to_rest(player, clock)
    assert few < player.last_frame.gaussian_count <= 30
    assert player.is_at_rest() and not player.tick()


def test_a_frame_time_budget_learns_from_moving_pictures(tmp_path):
    budget = FrameTimeBudget(8.0)
    noted = []
    budget.note = lambda drawn, seconds: noted.append((drawn, seconds))
    player, _, _ = player_of(tmp_path, "face", "mixed", budget=budget)
    player.tick()
    assert len(noted) == 1 and noted[0][0] == player.scene.crowd.drawn > 0


def test_one_that_is_no_avatar_is_named_and_the_others_play(tmp_path):
    player, clock, screen = player_of(tmp_path, "face", "text")
    come_to_rest(player, clock)
    assert (screen.last < 0.9).any()
    assert "bad-signature" in dict(crowd_readings(player, player.scene.crowd))["text1.pav"]


def test_if_none_is_an_avatar_that_is_said(tmp_path):
    with pytest.raises(FormatError):
        player_of(tmp_path, "text", "text")

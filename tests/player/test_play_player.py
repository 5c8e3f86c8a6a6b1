"""The player draws when something changed, small while it moves and sharp at rest, what the controls say."""

import io
import itertools

import numpy as np
import pytest
from playing import CAMERA, VIEW, SetClock, player_of, view_of

from pavfmt.model import Pose, Track
from pavfmt.tools.cut import unit_ends
from pavplayer.evaluation.metrics import psnr
from pavplayer.viewer.adaptive_size import MIN_SCALE, AdaptiveSize
from pavplayer.viewer.controls import Controls
from pavplayer.viewer.film import filmed, photographed, turned, turntable
from pavplayer.viewer.panels.readings import readings, readings_html
from pavplayer.viewer.performance.expressions import grouped, matches, presets, weight_range
from pavplayer.viewer.performance.playback import Playback
from pavplayer.viewer.player import MOVING_QUALITY, REST_SECONDS, RESTING_QUALITY
from pavplayer.viewer.quality import QualityMeter
from pavplayer.viewer.window_view import MAX_PIXELS, WindowView
from spec.builders.avatars import toy_file

DATA = toy_file("face")
TALK = Track("talk", 10.0, ("jawOpen",), np.linspace(0, 1, 5, dtype=np.float32)[:, None])


def come_to_rest(player, clock):
    for _ in range(3):
        player.tick()
        clock.now += REST_SECONDS
    player.tick()


def test_pictures_are_drawn_when_something_changed_and_once_more_at_rest(tmp_path):
    player, clock, screen = player_of(tmp_path, DATA)
    assert player.tick()
    assert screen.qualities == [MOVING_QUALITY]
    clock.now += REST_SECONDS / 2
    assert not player.tick()
    clock.now += REST_SECONDS
    assert player.tick()
    assert screen.qualities == [MOVING_QUALITY, RESTING_QUALITY]
    assert screen.pictures[-1].shape == (30, 24, 3)
    clock.now += 100
    assert not player.tick()
    player.controls.set_weight("jawOpen", 0.7)
    assert player.tick()
    assert len(screen.pictures) == 3


def test_the_picture_at_rest_is_that_of_the_controls(tmp_path):
    player, clock, screen = player_of(tmp_path, DATA)
    player.controls.change(
        weights={"jawOpen": 0.7}, rotations={"jaw": (0.3, 0.1, 0.0)}, background=(0.2, 0.4, 0.6)
    )
    come_to_rest(player, clock)
    pose = Pose({"jawOpen": 0.7}, {"jaw": (0.3, 0.1, 0.0)})
    expected = player.controlled.avatar.frame(CAMERA, pose, (0.2, 0.4, 0.6))
    assert np.abs(screen.last - np.clip(expected, 0, 1)).max() < 0.51 / 255
    assert psnr(screen.last, player.controlled.avatar.frame(CAMERA, None, (0.2, 0.4, 0.6))) < 45


def test_the_byte_slider_cuts(tmp_path):
    player, clock, screen = player_of(tmp_path, DATA)
    reading = QualityMeter(player)
    come_to_rest(player, clock)
    whole = screen.last
    reading.update()
    assert reading.latest is None
    end = unit_ends(DATA)[-4]
    player.controls.change(limit=end)
    come_to_rest(player, clock)
    assert 10 < psnr(screen.last, whole) < 60
    assert 0 < player.last_frame.gaussian_count < player.controlled.avatar.scene.gaussian_count
    reading.update()
    assert reading.latest.limit == end and 10 < reading.latest.decibels < 60
    table = dict(readings(player, reading.latest))
    assert table["like the whole file"] == f"{reading.latest.decibels:.1f} dB PSNR, this view"
    assert "21" in table["Gaussians"] and "<table" in readings_html(list(table.items()))
    player.controls.change(limit=60)
    come_to_rest(player, clock)
    assert (screen.pictures[-1] == 255).all()


def test_quality_is_measured_once_for_each_state(tmp_path, monkeypatch):
    player, clock, _ = player_of(tmp_path, DATA)
    reading, calls = QualityMeter(player), []
    monkeypatch.setattr(QualityMeter, "_decibels", lambda *_: float(len(calls) or calls.append(1) or 1))
    player.controls.change(limit=len(DATA) - 1)
    player.tick()
    reading.update()
    assert not calls  # still moving
    come_to_rest(player, clock)
    for _ in range(3):
        reading.update()
    assert len(calls) == 1


def test_a_camera_that_moves_is_followed(tmp_path):
    player, clock, screen = player_of(tmp_path, DATA)
    come_to_rest(player, clock)
    before = screen.last
    side = turned(VIEW, np.zeros(3), 40.0)
    player.update_client(0, player.clients[0].screen, side)
    come_to_rest(player, clock)
    assert psnr(screen.last, before) < 40
    player.remove_client(0)
    player.controls.change()
    count = len(screen.pictures)
    player.tick()
    assert len(screen.pictures) == count


def test_turning_a_view_is_turning_the_orbit():
    turned_view = turned(view_of(CAMERA, 24, 30), np.zeros(3), 30.0)
    expected = type(CAMERA).orbit((0, 0, 0), 1.0, 40, 5, width=24, height=30, focal_px=30)
    np.testing.assert_allclose(turned_view.camera().rotation, expected.rotation, atol=1e-12)
    np.testing.assert_allclose(turned_view.camera().translation, expected.translation, atol=1e-12)
    assert turned_view.camera().fx == pytest.approx(30)


def test_a_view_keeps_its_field_of_view_at_any_scale():
    half = VIEW.camera(0.5)
    assert (half.width, half.height) == (12, 15)
    assert half.fy / half.height == pytest.approx(CAMERA.fy / CAMERA.height)
    huge = WindowView(VIEW.position, VIEW.rotation, VIEW.fov_y, 8000, 6000).camera()
    assert huge.width * huge.height == pytest.approx(MAX_PIXELS, rel=0.01)


def test_a_track_is_played_under_the_sliders(tmp_path):
    player, clock, screen = player_of(tmp_path, DATA)
    come_to_rest(player, clock)
    at_rest = len(screen.pictures)
    player.playback.load(TALK)
    player.playback.play()
    player.controls.set_weight("jawOpen", 0.125)
    for frame in range(5):
        assert player.playback.frame == frame
        assert player.pose().weights["jawOpen"] == pytest.approx(0.25 * frame + 0.125)
        player.tick()
        clock.now += 0.1
    assert player.playback.frame == 0  # it starts over
    assert len(screen.pictures) == at_rest + 5
    assert set(screen.qualities[at_rest:]) == {MOVING_QUALITY}


def test_playback_holds_and_seeks():
    clock = SetClock()
    playback = Playback(clock)
    assert playback.pose() == Pose()
    playback.load(TALK)
    assert not playback.is_playing
    playback.seek(3)
    assert playback.pose().weights == {"jawOpen": 0.75}
    playback.play()
    clock.now += 0.1
    assert playback.frame == 4
    playback.pause()
    clock.now += 5
    assert playback.frame == 4
    playback.load(None)
    assert playback.pose() == Pose() and not playback.is_playing


def test_pacing_finds_a_size_that_is_fast_enough():
    """A machine that takes 10 ms and another 100 ms for all the pixels."""
    size = AdaptiveSize(target_seconds=0.04, scale=1.0)
    for _ in range(40):
        scale = size.next_scale()
        size.note(0.010 + 0.1 * scale**2, scale)
    assert 0.03 < 0.010 + 0.1 * size.next_scale() ** 2 < 0.045
    for _ in range(40):
        size.note(1.0, size.next_scale())
    assert size.next_scale() == MIN_SCALE
    for _ in range(40):
        size.note(0.001, size.next_scale())
    assert size.next_scale() == 1.0


def test_controls_forget_what_is_zero():
    controls = Controls()
    controls.set_weight("a", 0.5)
    controls.set_weight("b", 0.5)
    controls.set_weight("a", 0.0)
    assert controls.weights == {"b": 0.5} and controls.version == 3 and controls.changed.is_set()
    controls.set_rotation("jaw", (0.1, 0.0, 0.0))
    posed = controls.added_to(Pose({"b": 0.25, "c": 1.0}, {"jaw": (0.1, 0.2, 0.0)}, (1.0, 0.0, 0.0)))
    assert posed == Pose({"b": 0.75, "c": 1.0}, {"jaw": (0.2, 0.2, 0.0)}, (1.0, 0.0, 0.0))
    controls.set_rotation("jaw", (0.0, 0.0, 0.0))
    assert controls.rotations == {}


def test_shapes_are_grouped_and_found():
    groups = grouped(["browDownLeft", "mouthSmileLeft", "browInnerUp", *(f"expr{k:03d}" for k in range(45))])
    assert list(groups) == ["brow", "mouth", "expr000 to expr019", "expr020 to expr039", "expr040 to expr044"]
    assert groups["brow"] == ["browDownLeft", "browInnerUp"]
    assert matches("mouthSmileLeft", "smile LEFT") and not matches("mouthSmileLeft", "smile right")
    assert weight_range("expr003") == (-3.0, 3.0) and weight_range("jawOpen") == (0.0, 1.0)


def test_presets_are_those_the_rig_can_make(tmp_path):
    player, _, _ = player_of(tmp_path, DATA)
    found = presets(player.controlled.avatar.scene)
    names = set(player.controlled.avatar.shape_names)
    assert list(found)[:2] == ["rest", "mouth open"] and found["rest"] == Pose()
    assert all(set(pose.weights) <= names for pose in found.values())
    assert "smile" not in found  # the toy has no smile


def test_a_screenshot_is_what_is_shown(tmp_path):
    from PIL import Image

    player, clock, screen = player_of(tmp_path, DATA)
    come_to_rest(player, clock)
    files = []
    player.begin(photographed(player, VIEW, files.append))
    while player.tick():
        pass
    saved = np.asarray(Image.open(io.BytesIO(files[0])))
    np.testing.assert_array_equal(saved, screen.pictures[-1])


def test_a_turntable_is_a_film_of_a_whole_turn(tmp_path):
    av = pytest.importorskip("av", reason="PyAV is not installed: pip install 'pavfmt[play]'")
    player, _, _ = player_of(tmp_path, DATA)
    player.clients.clear()
    view = view_of(player.controlled.avatar.camera(), 66, 81)
    frames = turntable(player, view, seconds=1.0)
    files, shares = [], []
    player.begin(filmed(player, frames, files.append, shares.append))
    for _ in itertools.takewhile(lambda _: player.tick(), range(200)):
        pass
    assert shares[-1] == 1.0 and len(shares) == 30
    with av.open(io.BytesIO(files[0])) as film:
        pictures = [picture.to_ndarray(format="rgb24") for picture in film.decode(video=0)]
        assert float(film.streams.video[0].average_rate) == 30.0
    assert len(pictures) == 30 and pictures[0].shape == (80, 66, 3)
    for index in (0, 10, 20):
        expected = player.picture(
            player.cloud(frames[index].view.camera(), Pose()), frames[index].view.camera()
        )
        assert psnr(pictures[index][:80, :66] / 255.0, np.clip(expected[:80, :66], 0, 1)) > 25
    assert psnr(pictures[0] / 255.0, pictures[10] / 255.0) < 25


def test_a_turntable_of_a_performance_performs(tmp_path):
    player, _, _ = player_of(tmp_path, DATA)
    player.playback.load(TALK)
    player.playback.play()
    frames = turntable(player, VIEW, seconds=1.0)
    weights = [frame.pose.weights["jawOpen"] for frame in frames]
    assert weights[:7] == [0, 0, 0, 0.25, 0.25, 0.25, 0.5] and max(weights) == 1.0


def test_what_arrives_fades_in_at_the_pace_of_the_clock(tmp_path):
    player, clock, screen = player_of(tmp_path, DATA)
    avatar_view = player.controlled
    avatar_view.fade_seconds = 1.0
    avatar_view.arrivals.seconds = dict.fromkeys(avatar_view.arrivals.seconds, clock.now)
    player.tick()
    assert (screen.pictures[-1] == 255).all()
    clock.now += 0.5
    player.tick()
    half = screen.last
    come_to_rest(player, clock)
    clock.now += 1.0
    come_to_rest(player, clock)
    whole = screen.last
    darkness = [1 - picture.mean() for picture in (half, whole)]
    assert 0.3 < darkness[0] / darkness[1] < 0.9
    np.testing.assert_allclose(whole, player.controlled.avatar.frame(CAMERA), atol=0.51 / 255)

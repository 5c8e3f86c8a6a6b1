"""Several avatars in one picture: right at full detail, and within the budget."""

from itertools import pairwise

import numpy as np
import pytest
from crowds import APART, BACKGROUND, CAMERA, POSE, dolly, heads, session_of, toys

from pavfmt.model import Pose
from pavplayer.crowd import Crowd, FrameTimeBudget, GaussianBudget, Placement, in_rows
from pavplayer.evaluation.metrics import psnr
from pavplayer.posing.poser import Poser
from spec.builders.avatars import KINDS, toy_file


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [None, GaussianBudget(1000)])
def test_one_avatar_without_a_limit_looks_as_it_does_alone(kind, budget):
    alone = session_of(toy_file(kind))
    crowd = Crowd([session_of(toy_file(kind))], budget=budget)
    picture = crowd.frame(CAMERA, POSE, BACKGROUND)
    assert np.abs(picture - alone.frame(POSE, CAMERA, BACKGROUND)).max() < 1e-6
    assert crowd.counts == [alone.scene.gaussian_count]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("placement", APART)
def test_a_placed_avatar_looks_as_from_a_camera_moved_the_other_way(kind, placement):
    """Spherical harmonics turn with the avatar, in world and in local axes."""
    alone = session_of(toy_file(kind))
    picture = Crowd([session_of(toy_file(kind))], [placement]).frame(CAMERA, POSE, BACKGROUND)
    moved = alone.frame(POSE, placement.seen_by(CAMERA), BACKGROUND)
    assert np.abs(picture - moved).max() < 2e-5
    assert picture.std() > 0.02


def test_a_placement_puts_points_where_its_camera_sees_them():
    point = np.array([[0.1, 0.2, 0.3]])
    for placement in APART:
        world, seen = placement.points(point)[0], placement.seen_by(CAMERA)
        here = CAMERA.rotation @ world + CAMERA.translation
        there = seen.rotation @ point[0] + seen.translation
        assert np.allclose(here, there * placement.scale)
    turned = Placement(yaw_degrees=90).points(np.array([[0.0, 0.0, 1.0]]))
    assert np.allclose(turned, [[1, 0, 0]])


def test_depth_decides_across_avatars_and_not_who_came_first():
    places = [Placement((0, 0, 0.1)), Placement((0.03, 0, -0.1), 40), Placement((-0.03, 0.02, 0.0), 10)]
    forward = Crowd(toys(), places).frame(CAMERA, None, BACKGROUND)
    backward = Crowd(toys()[::-1], places[::-1]).frame(CAMERA, None, BACKGROUND)
    assert np.abs(forward - backward).max() < 1e-6
    hidden = Crowd(toys()[:2], places[:2]).frame(CAMERA, None, BACKGROUND)
    assert np.abs(forward - hidden).max() > 0.02


def test_each_avatar_has_its_pose():
    poses = [Pose(), POSE, Pose(translation=(0.05, 0, 0))]
    together = Crowd(toys(), APART).cloud(CAMERA, poses)
    alone = [
        Crowd([one], [at]).cloud(CAMERA, pose) for one, at, pose in zip(toys(), APART, poses, strict=True)
    ]
    for name in ("means", "quats", "scales", "opacities", "sh"):
        joined = np.concatenate([getattr(cloud, name) for cloud in alone])
        assert getattr(together, name).tobytes() == joined.tobytes()


@pytest.mark.parametrize("limit", [10, 400, 3_000, 8_999])
def test_the_budget_holds_in_every_frame_and_is_used(limit):
    crowd = Crowd(heads(), budget=GaussianBudget(limit))
    for share in np.linspace(0, 1, 8):
        camera = dolly(share)
        cloud = crowd.cloud(camera)
        assert len(cloud.means) == crowd.drawn <= limit
        assert crowd.drawn > 0.8 * limit - 3
    crowd.budget = GaussianBudget(limit // 2)
    assert len(crowd.cloud(camera).means) <= limit // 2


def test_only_what_is_drawn_is_posed(monkeypatch):
    crowd, posed = Crowd(heads(), budget=GaussianBudget(900)), []
    frame = Poser.frame
    crowd.cloud(dolly(0))

    def noted(self, pose):
        posed.append(len(self))
        return frame(self, pose)

    monkeypatch.setattr(Poser, "frame", noted)
    crowd.cloud(dolly(0))
    assert posed == crowd.counts and sum(posed) <= 900


def test_out_of_view_costs_nothing(monkeypatch):
    crowd = Crowd(heads(), [Placement(), Placement((0, 50, 0)), Placement((0, 0, 80))], GaussianBudget(1500))
    camera = crowd.members[0].session.camera(size=(40, 60))
    crowd.cloud(camera)
    assert crowd.counts[1:] == [0, 0]
    assert crowd.counts[0] >= 1490
    crowd.members[1].placement = Placement((0.1, 0, 0))
    crowd.cloud(camera)
    assert crowd.counts[1] > 0 and crowd.drawn <= 1500


def test_nearer_more_important_and_looked_at_get_more():
    def counts(importance=(1, 1, 1), gaze=None, near=(0, 0, 0)):
        crowd = Crowd(heads(), [Placement((0.3 * (at - 1), -0.7, near[at])) for at in range(3)])
        crowd.budget = GaussianBudget(3_000)
        for member, worth in zip(crowd.members, importance, strict=True):
            member.importance = worth
        crowd.cloud(dolly(0), gaze=gaze)
        return crowd.counts

    even = counts()
    assert max(even) < 1.1 * min(even)
    assert counts(near=(0, 1.5, 0))[1] > 1.05 * even[1]
    assert counts(importance=(1, 8, 1))[1] > 1.1 * even[1]
    left, _, right = counts(gaze=(10, 36))
    assert left > 1.05 * even[0] and right < 0.95 * even[2]
    assert counts(importance=(1, 0, 1))[1] == 0


def test_more_budget_is_nearer_to_all():
    full = Crowd(heads()).frame(dolly(0.7))
    quality = [
        psnr(Crowd(heads(), budget=GaussianBudget(b)).frame(dolly(0.7)), full) for b in (600, 2_000, 7_000)
    ]
    assert quality[0] < quality[1] < quality[2]
    assert quality[2] > 40


def test_rows_keep_heads_apart_and_in_view():
    sessions = heads(7)
    placements = in_rows(sessions)
    crowd = Crowd(sessions, placements)
    crowd.cloud(crowd.camera(size=(120, 80)))
    assert min(crowd.counts) > 0
    spots = np.array([placement.position for placement in placements])
    apart = np.linalg.norm(spots[:, None] - spots[None], axis=2) + np.eye(7)
    assert apart.min() > 0.2
    assert in_rows(sessions[:1]) == [Placement()]


@pytest.mark.parametrize("count", [2, 4, 5, 6, 11])
def test_nobody_stands_right_behind_another(count):
    spots = np.array([placement.position for placement in in_rows(heads(1) * count)])
    step = np.ptp(spots[:2, 0])
    for row, behind in pairwise(sorted({*spots[:, 2]}, reverse=True)):
        front, back = (spots[spots[:, 2] == depth, 0] for depth in (row, behind))
        assert np.abs(front[:, None] - back).min() > 0.4 * step


def test_a_frame_time_budget_sees_the_clock():
    times = iter(np.arange(100) * 0.1)  # 100 ms a frame
    budget = FrameTimeBudget(10.0)
    crowd = Crowd(heads(1), budget=budget, clock=lambda: next(times))
    for _ in range(12):
        crowd.frame(dolly(0))
    assert budget.gaussians < 3_000


def test_what_makes_no_crowd():
    with pytest.raises(ValueError, match="needs an avatar"):
        Crowd([])
    with pytest.raises(ValueError, match="scale above 0"):
        Placement(scale=0.0)
    with pytest.raises(ValueError, match="zip"):
        Crowd(toys(), [Placement()])

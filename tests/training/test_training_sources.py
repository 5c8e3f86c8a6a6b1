"""Every source gives the views its interface promises; a teacher's are the player's own pictures."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("numba")

from realdata import DATA, needs_data

from pavfmt.errors import EncodeError, FormatError
from pavfmt.model import Pose
from pavplayer.camera import Camera
from pavplayer.session import open_session
from pavtraining.sources import Teacher, open_source, scaled_camera
from pavtraining.sources.sampling import CameraSampler, PoseSampler, gestures
from pavtraining.sources.view_cache import ViewCache
from spec.builders.avatars import toy_avatar, toy_file

SMALL = (66, 96)


def same(a, b):
    """Whether two views are alike to the last bit."""
    cameras = [[*vars(view.camera).values()] for view in (a, b)]
    equal = all(np.array_equal(one, other) for one, other in zip(*cameras, strict=True))
    return equal and a.pose == b.pose and np.array_equal(a.picture, b.picture)


@pytest.fixture(scope="module")
def teacher():
    return Teacher(toy_avatar("face"))


def test_the_same_number_gives_the_same_view(teacher):
    again = Teacher(toy_avatar("face"))
    for number in (0, 7, 2**40):
        assert same(teacher.training_view(number, SMALL), again.training_view(number, SMALL))


def test_numbers_and_seeds_give_different_views(teacher):
    views = [teacher.training_view(number, SMALL) for number in range(3)]
    views.append(Teacher(toy_avatar("face"), seed=1).training_view(0, SMALL))
    for number, view in enumerate(views):
        assert not any(same(view, other) for other in views[:number])


@pytest.mark.parametrize("kind", ["face", "surface", "mixed", "static"])
def test_a_teachers_view_is_what_its_interface_promises(kind):
    teacher = Teacher(toy_avatar(kind))
    view = teacher.training_view(3, SMALL)
    assert view.picture.shape == (96, 66, 3) and view.picture.dtype == np.float32
    assert view.picture.min() >= 0 and view.picture.max() <= 1 and teacher.background == 1.0
    assert (view.picture < 0.95).any(), "the cameras look past the head"
    assert set(view.pose.weights) <= {shape.name for shape in teacher.rig.shapes}
    assert set(view.pose.rotations) <= set(teacher.rig.joint_names)


def test_a_teachers_picture_is_the_players(tmp_path):
    path = tmp_path / "toy.pav"
    path.write_bytes(toy_file())
    view = open_source(path).training_view(5, SMALL)
    session = open_session("cpu")
    session.feed(toy_file())
    session.update()
    np.testing.assert_allclose(view.picture, session.frame(view.pose, view.camera), atol=2e-6)


def test_size_scales_the_camera_only(teacher):
    full, small = teacher.training_view(4), teacher.training_view(4, (275, 401))
    assert (full.camera.width, full.camera.height) == (550, 802)
    assert small.camera.fx == full.camera.fx / 2 and small.camera.cy == full.camera.cy / 2
    assert np.array_equal(small.camera.rotation, full.camera.rotation) and small.pose == full.pose
    halved = full.picture.reshape(401, 2, 275, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - small.picture).mean() < 0.01


def test_held_out_views_are_others_and_repeatable(teacher):
    seen = [teacher.training_view(number).camera.position for number in range(24)]
    held = teacher.held_out
    assert len(held) == 24 and same(held[2], held[2]) and same(held[-1], held[23])
    assert not any(np.allclose(held[0].camera.position, position) for position in seen)
    with pytest.raises(IndexError):
        held[24]


@pytest.mark.parametrize("data", [toy_file()[:-200], toy_file()[:60]])
def test_a_prefix_is_no_teacher(tmp_path, data):
    path = tmp_path / "cut.pav"
    path.write_bytes(data)
    with pytest.raises(EncodeError, match="must be whole"):
        open_source(path)


def test_a_damaged_file_is_no_teacher(tmp_path):
    data = bytearray(toy_file())
    data[-3] ^= 1
    path = tmp_path / "damaged.pav"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"damaged\.pav is damaged"):
        open_source(path)


def test_both_sides_and_both_eyes_move_together():
    names = ["eyeLookOutLeft", "eyeLookInRight", "jawOpen", "mouthSmileLeft", "mouthSmileRight", "browDown_L"]
    assert gestures(names) == [
        ("eyeLookOutLeft", "eyeLookInRight"),
        ("mouthSmileLeft", "mouthSmileRight"),
        ("jawOpen",),
        ("browDown_L",),
    ]


def test_poses_are_sparse_often_neutral_and_within_range():
    sampler = PoseSampler(toy_avatar("face").rig, 0)
    poses = [sampler.pose(number) for number in range(200)]
    assert 20 < sum(pose == Pose() for pose in poses) < 80
    weights = [weight for pose in poses for weight in pose.weights.values()]
    assert min(weights) >= 0 and max(weights) <= 1
    assert max(abs(turn) for pose in poses for vector in pose.rotations.values() for turn in vector) < 0.35


def test_a_cache_keeps_what_was_used_last_and_no_more_than_it_may(teacher):
    view = teacher.training_view(0, SMALL)
    cache, made = ViewCache(3 * view.byte_count), []

    def get(key):
        return cache.get(key, lambda: made.append(key) or dataclasses.replace(view))

    for key in (1, 2, 3, 1, 4, 1, 2):
        get(key)
    assert made == [1, 2, 3, 4, 2] and cache.held_bytes == 3 * view.byte_count
    assert not view.picture.flags.writeable


def test_a_scaled_camera_shows_the_same():
    camera = Camera.orbit((0, 0.7, 0), 1.0, width=300, height=200, focal_px=500)
    scaled = scaled_camera(camera, (150, 50))
    point = np.array([0.03, 0.01, 1.0])
    assert np.allclose(scaled.intrinsics @ point, np.diag([0.5, 0.25, 1]) @ camera.intrinsics @ point)
    assert scaled_camera(camera, None) is camera


def test_components_go_either_way_and_more_move_at_once():
    rig = toy_avatar("face").rig
    shapes = tuple(dataclasses.replace(rig.shapes[0], name=f"expr{k:03d}") for k in range(30))
    sampler = PoseSampler(dataclasses.replace(rig, profile="flame", shapes=shapes), 0)
    weights = [list(sampler.pose(number).weights.values()) for number in range(100)]
    together = [weight for pose in weights for weight in pose]
    assert min(together) < -0.5 and max(together) > 0.5 and max(len(pose) for pose in weights) > 8


def test_jaw_and_gaze_go_by_joints_where_there_are_no_shapes():
    rig = toy_avatar("face").rig
    joints = ("root", "neck", "jaw", "left_eye", "right_eye")
    bare = dataclasses.replace(
        rig,
        shapes=(),
        joint_names=joints,
        joint_parents=(-1, 0, 1, 1, 1),
        mean_joint_positions=np.zeros((5, 3)),
        weights=np.eye(5)[np.zeros(len(rig.weights), int)],
    )
    poses = [PoseSampler(bare, 0).pose(number) for number in range(60)]
    assert max(pose.rotations.get("jaw", (0, 0, 0))[0] for pose in poses) > 0.2
    assert all(p.rotations.get("left_eye") == p.rotations.get("right_eye") for p in poses)
    assert any(pose.rotations.get("left_eye", (0, 0, 0))[1] for pose in poses)


def test_cameras_stand_in_front_mostly_but_also_behind_near_and_far():
    sampler = CameraSampler((0.0, 1.6, 0.0), 0.3, 0)
    cameras = [sampler.camera(number) for number in range(400)]
    outward = np.array([camera.position - [0.0, 1.6, 0.0] for camera in cameras])
    away = np.linalg.norm(outward, axis=1) / (3.25 * 0.3)
    behind = outward[:, 2] < 0
    assert 0.05 < behind.mean() < 0.2
    assert 0.05 < (away < 0.62).mean() < 0.2 and 0.02 < (away > 1.5).mean() < 0.12
    in_front = (outward[:, 2] > 0.7 * np.linalg.norm(outward, axis=1)) & (away > 0.7) & (away < 1.25)
    assert in_front.mean() > 0.55


@needs_data
@pytest.mark.parametrize("name", ["status", "tesla", "p2-1"])
def test_real_heads_teach(name):
    teacher = open_source(DATA / "lam" / f"{name}.zip")
    views = [teacher.training_view(number, (138, 201)) for number in range(4)]
    covered = [(view.picture < 0.95).any(axis=2).mean() for view in views]
    assert all(share > 0.05 for share in covered) and min(covered) < 0.95
    assert {shape for view in views for shape in view.pose.weights} <= {s.name for s in teacher.rig.shapes}

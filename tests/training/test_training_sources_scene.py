"""The scene: always the same pictures, which follow the rig, its cameras and its highlights."""

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from pavfmt.model import Pose
from pavfmt.posing import pose_mesh
from pavplayer.camera import Camera, evaluation_camera
from pavplayer.evaluation.metrics import psnr
from pavtraining.sources import SceneSource, noise, open_source
from pavtraining.sources.scene import hair, texels
from pavtraining.sources.scene.drawing import draw
from pavtraining.sources.scene.head import painted_head, scene_rig
from pavtraining.sources.scene.studio import BACK_ANGLES, CAMERA_ANGLES, Performance
from pavtraining.sources.scene.visibility import seen_triangles

SMALL = (110, 160)


@pytest.fixture(scope="module")
def scene():
    return open_source("scene")


def front(size=(275, 401), **angles):
    camera = evaluation_camera(scene_rig().mean_neutral, width=size[0], height=size[1])
    if not angles:
        return camera
    centre = scene_rig().mean_neutral
    return evaluation_camera(centre, width=size[0], height=size[1], **angles)


def pixel(camera, point):
    x, y, z = camera.rotation @ point + camera.translation
    return int(camera.fx * x / z + camera.cx), int(camera.fy * y / z + camera.cy)


def around(picture, camera, point, radius):
    column, row = pixel(camera, np.asarray(point))
    return picture[row - radius : row + radius + 1, column - radius : column + radius + 1]


def test_views_are_what_the_interface_promises(scene):
    view = scene.training_view(0, SMALL)
    assert view.picture.shape == (160, 110, 3) and view.picture.dtype == np.float32
    assert view.mask.shape == (160, 110) and view.mask.dtype == np.float32
    assert view.picture.min() >= 0 and view.picture.max() <= 1 and scene.background == 1.0
    assert 0.15 < view.mask.mean() < 0.6 and view.mask.max() <= 1.0 + 1e-6
    assert np.allclose(view.picture[view.mask == 0], 1.0)
    assert scene.identity is None and scene.rig.profile == "arkit-52"


def test_the_same_number_gives_the_same_view(scene):
    again = SceneSource()
    for number in (0, 5, 10**9):
        one, other = scene.training_view(number, SMALL), again.training_view(number, SMALL)
        assert np.array_equal(one.picture, other.picture) and one.pose == other.pose
    assert scene.training_view(1).pose != SceneSource(seed=1).training_view(1).pose


def test_sixteen_cameras_in_turn_and_others_held_out(scene):
    views = {tuple(scene.training_view(number, (11, 16)).camera.position) for number in range(32)}
    assert len(views) == 16
    held = [scene.held_out[number].camera for number in (0, 1, 2, 3)]
    assert not views & {tuple(camera.position) for camera in held}
    assert len(scene.held_out) == 24


def test_cameras_may_go_all_round():
    scene = SceneSource(angles=CAMERA_ANGLES + BACK_ANGLES)
    positions = [scene.training_view(number, (11, 16)).camera.position for number in range(26)]
    assert len(np.unique(positions, axis=0)) == 26 and min(position[2] for position in positions) < -0.5


def test_one_thread_draws_the_same_bits(scene):
    pose, before = scene.performance.pose(7), numba.get_num_threads()
    drawn = draw(painted_head(), front(), pose)
    numba.set_num_threads(1)
    try:
        again = draw(painted_head(), front(), pose)
    finally:
        numba.set_num_threads(before)
    assert all(np.array_equal(one, other) for one, other in zip(drawn, again, strict=True))


def dark_mouth(scene, pose):
    """Pixels about the mouth that are neither skin nor lips: its inside, teeth and tongue."""
    camera = front()
    window = around(scene.view(camera, pose).picture, camera, (0.0, 0.660, 0.14), 24)
    return int((window[..., 0] < 0.45).sum())


@pytest.mark.parametrize("pose", [Pose({"jawOpen": 0.7}), Pose(rotations={"jaw": (0.3, 0.0, 0.0)})])
def test_an_open_jaw_opens_the_mouth(scene, pose):
    assert dark_mouth(scene, pose) > 5 * dark_mouth(scene, Pose()) + 100


def test_a_blink_hides_the_eyes(scene):
    camera = front()
    eye = (0.0289, 0.7365, 0.13)
    opened = around(scene.view(camera, Pose()).picture, camera, eye, 4)
    closed = scene.view(camera, Pose({"eyeBlinkLeft": 1.0})).picture
    assert opened.min() < 0.2 and around(closed, camera, eye, 4).min() > 0.3
    other = (-0.0289, 0.7365, 0.13)
    assert np.allclose(
        around(closed, camera, other, 4), around(scene.view(camera, Pose()).picture, camera, other, 4)
    )


@pytest.mark.parametrize(
    ("pose", "moves"),
    [
        (Pose({"eyeLookOutLeft": 0.8}), 1),
        (Pose({"eyeLookInLeft": 0.8}), -1),
        (Pose(rotations={"eye.L": (0.0, 0.3, 0.0)}), 1),
    ],
)
def test_the_iris_follows_the_gaze(scene, pose, moves):
    camera = front((550, 802))

    def darkest(of):
        window = around(scene.view(camera, of).picture, camera, (0.0289, 0.7355, 0.13), 12).sum(axis=2)
        columns = np.arange(window.shape[1])
        weights = np.clip(0.6 - window, 0, None)
        return (weights.sum(axis=0) * columns).sum() / weights.sum()

    assert moves * (darkest(pose) - darkest(Pose())) > 2


def test_a_turned_head_is_the_head_seen_from_elsewhere(scene):
    """Light and highlights turn with the head, so turning both changes nothing."""
    angle = 0.3
    joint = scene_rig().mean_joint_positions[0].astype(np.float64)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    still = front()
    moved = Camera(
        still.rotation @ turn.T,
        still.translation + still.rotation @ joint - still.rotation @ turn.T @ joint,
        still.fx,
        still.fy,
        still.cx,
        still.cy,
        still.width,
        still.height,
    )
    one = scene.view(still, Pose()).picture
    other = scene.view(moved, Pose(rotations={"neck": (0.0, angle, 0.0)})).picture
    assert psnr(one, other) > 50


def test_highlights_depend_on_the_view(scene):
    """The same places on the forehead change colour with the camera."""
    mesh = pose_mesh(scene_rig(), None, Pose())
    points = [
        mesh.vertices[v]
        for v in np.flatnonzero(np.abs(mesh.vertices - [0, 0.785, 0.135]).max(axis=1) < 0.012)
    ]
    colours = []
    for yaw in (-35.0, 35.0):
        camera = front((550, 802), yaw_degrees=yaw)
        picture = scene.view(camera, Pose()).picture
        colours.append([around(picture, camera, point, 1).mean(axis=(0, 1)) for point in points])
    assert np.abs(np.subtract(*colours)).max() > 0.04


def test_pictures_of_two_sizes_agree(scene):
    one, half = scene.view(front((550, 802)), Pose()).picture, scene.view(front(), Pose()).picture
    assert psnr(one.reshape(401, 2, 275, 2, 3).mean(axis=(1, 3)), half) > 32


def test_the_performance_is_smooth_and_keeps_to_the_rig(scene):
    motion = Performance(scene_rig())
    poses = [motion.pose(frame) for frame in range(300)]
    names = {shape.name for shape in scene_rig().shapes}
    assert all(
        set(pose.weights) <= names and set(pose.rotations) <= set(scene_rig().joint_names) for pose in poses
    )
    weights = np.array([[pose.weights.get(name, 0.0) for name in sorted(names)] for pose in poses])
    assert weights.min() >= 0 and weights.max() <= 1
    assert np.abs(np.diff(weights, axis=0)).max() < 0.45, "a blink is the fastest there is"
    assert (weights[:, sorted(names).index("eyeBlinkLeft")] > 0.9).any()


def test_texels_follow_barycentric_coordinates():
    corners = np.array([[[0.0, 0, 0], [0.01, 0, 0], [0, 0.01, 0]], [[0, 0, 0], [0.001, 0, 0], [0, 0.001, 0]]])
    grid = texels.texel_grid(corners, np.array([0.002, 0.01]))
    assert list(grid.steps) == [7, 1] and list(grid.starts) == [0, 36] and len(grid.faces) == 39
    points = grid.interpolated(corners)
    assert np.allclose(points[1], [0.01 / 7, 0, 0]) and np.allclose(points[-3:], corners[1])


def test_what_is_nearer_hides_what_is_behind():
    placed = np.array([[0, 0, 1.0], [8, 0, 1.0], [0, 8, 1.0], [0, 0, 2.0], [4, 0, 2.0], [0, 4, 2.0]])
    back, near = [0, 2, 1], [3, 5, 4]
    for order in ([back, near], [near, back]):
        seen, _ = seen_triangles(placed, np.array(order, np.int32), 2, 8, 8)
        assert seen[1, 1] == order.index(near) and seen[1, 5] == order.index(back) and seen[7, 7] == -1
    seen, _ = seen_triangles(placed, np.array([[0, 1, 2]], np.int32), 1, 8, 8)
    assert (seen == -1).all(), "seen from behind"
    seen, _ = seen_triangles(placed, np.array([[0, 1, 2]], np.int32), 0, 8, 8)
    assert (seen == 0).sum() == 36


def test_noise_is_the_same_everywhere():
    points = np.array([[0.01, 0.7, 0.1], [-0.03, 0.74, 0.12]])
    assert np.allclose(
        noise.value_noise(points, 0.003, 7), [0.0026253014220211546, -0.6412909132524468], atol=1e-12
    )


def test_hair_grows_on_the_scalp_and_nowhere_on_the_face():
    head = painted_head()
    rest = pose_mesh(head.rig, None, Pose()).vertices
    roots = head.ribbons.spines[: hair.LOCKS, 0]
    assert roots[:, 1].min() > 0.65 and not ((roots[:, 2] > 0.09) & (roots[:, 1] < 0.76)).any()
    assert np.linalg.norm(roots[:, None] - rest[None, :], axis=2).min(axis=1).max() < 0.025

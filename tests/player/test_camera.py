"""Cameras stand where their angles say and put the target in the middle of the picture."""

import numpy as np
import pytest

from pavplayer.camera import Camera, evaluation_camera
from pavplayer.evaluation.views import evaluation_set


def pixel(camera, point):
    x, y, z = camera.rotation @ np.asarray(point, np.float64) + camera.translation
    return np.array([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy])


def test_at_rest_the_camera_faces_the_face():
    camera = Camera.orbit((0.1, 1.6, 0.0), 2.0)
    assert np.allclose(camera.position, [0.1, 1.6, 2.0])
    assert np.allclose(camera.rotation[2], [0, 0, -1])  # looking toward −Z
    assert np.allclose(pixel(camera, (0.1, 1.6, 0.0)), [275, 401])


def test_the_persons_left_is_on_the_right_of_the_picture_and_up_is_up():
    camera = Camera.orbit((0, 0, 0), 1.0)
    assert pixel(camera, (0.01, 0, 0))[0] > 275
    assert pixel(camera, (0, 0.01, 0))[1] < 401


@pytest.mark.parametrize(("yaw", "pitch"), [(30, 0), (-40, 10), (0, 60), (170, -20)])
def test_yaw_moves_toward_the_left_side_and_pitch_up(yaw, pitch):
    camera = Camera.orbit((0.2, -0.3, 0.4), 1.5, yaw, pitch)
    offset = camera.position - [0.2, -0.3, 0.4]
    assert np.linalg.norm(offset) == pytest.approx(1.5)
    assert np.degrees(np.arctan2(offset[0], offset[2])) == pytest.approx(yaw)
    assert np.degrees(np.arcsin(offset[1] / 1.5)) == pytest.approx(pitch)
    assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3))
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    assert np.allclose(pixel(camera, (0.2, -0.3, 0.4)), [275, 401])


def test_the_matrices_agree_with_the_fields():
    camera = Camera.orbit((0, 1, 0), 2.0, 25, -5, zoom=1.5)
    homogeneous = camera.intrinsics @ (camera.view_matrix @ [0.1, 1.1, 0.2, 1])[:3]
    assert np.allclose(homogeneous[:2] / homogeneous[2], pixel(camera, (0.1, 1.1, 0.2)))
    assert camera.fx == 1900 * 1.5


def test_the_evaluation_camera_sees_the_bounding_box_at_any_size():
    neutral = np.array([[-0.1, 1.5, -0.1], [0.1, 1.8, 0.12]], np.float32)
    full, half = evaluation_camera(neutral), evaluation_camera(neutral, width=275, height=401)
    assert np.allclose(full.position, [0, 1.65, 0.01 + 3.25 * 0.3], atol=1e-6)
    assert (full.fx, full.width, full.height) == (1900, 550, 802)
    corner = neutral[1]
    assert np.allclose(pixel(full, corner), 2 * pixel(half, corner))


def test_a_camera_without_pixels_is_refused():
    with pytest.raises(ValueError, match="size"):
        Camera.orbit((0, 0, 0), 1.0, width=0)


def test_an_evaluation_set_gives_a_camera_for_each_view():
    chosen = evaluation_set(
        {
            "image": [550, 802],
            "focal_px": 1900,
            "background": [1, 1, 1],
            "distance_heights": 3.25,
            "views_yaw_pitch_degrees": [[0, 0], [15, -5]],
            "expressions": {"rest": {}, "open": {"jawOpen": 0.6}},
        }
    )
    neutral = np.array([[-0.1, 1.5, -0.1], [0.1, 1.8, 0.12]], np.float32)
    cameras = chosen.cameras(neutral)
    assert [camera.fx for camera in cameras] == [1900, 1900]
    assert np.allclose(cameras[1].view_matrix, evaluation_camera(neutral, 15, -5).view_matrix)
    small = chosen.cameras(neutral, scale=0.5)[0]
    assert (small.width, small.height, small.fx, small.cx) == (275, 401, 950, 137.5)
    assert chosen.expressions["open"].weights == {"jawOpen": 0.6}

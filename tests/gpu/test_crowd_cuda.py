"""A crowd posed and drawn on a CUDA device looks as it does on the CPU."""

import numpy as np
import pytest

from pavfmt.model import Pose
from pavplayer.camera import Camera
from pavplayer.crowd import Crowd, GaussianBudget, Placement
from pavplayer.evaluation.metrics import psnr
from pavplayer.rasterizers import cuda_problem
from pavplayer.session import open_session
from spec.builders.avatars import toy_file

PROBLEM = cuda_problem()
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(PROBLEM is not None, reason=str(PROBLEM))]

CAMERA = Camera.orbit((0, 0, 0), 1.0, 10, 5, width=96, height=80, focal_px=120)
PLACES = [Placement((-0.15, 0.0, 0.0), 30.0), Placement((0.1, 0.05, -0.3), -100.0, 1.7)]


def picture(device, budget):
    sessions = []
    for kind in ("face", "mixed"):
        sessions.append(open_session(device))
        sessions[-1].feed(toy_file(kind))
        sessions[-1].update()
    return Crowd(sessions, PLACES, budget).frame(CAMERA, Pose({"jawOpen": 0.7}))


@pytest.mark.parametrize("limit", [None, 30])
def test_both_devices_draw_the_same_crowd(limit):
    pictures = [picture(device, limit and GaussianBudget(limit)) for device in ("cpu", "cuda")]
    assert psnr(*pictures) >= 45
    assert np.std(pictures[0]) > 0.02

"""gsplat on a CUDA device against the plain rasterizer."""

from dataclasses import replace

import numpy as np
import pytest
from gaussian_clouds import BACKGROUND, CAMERA, cloud

from pavplayer.evaluation.metrics import psnr
from pavplayer.rasterizers import cuda_problem, open_rasterizer
from pavplayer.rasterizers.plain import PlainRasterizer

PROBLEM = cuda_problem()
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(PROBLEM is not None, reason=str(PROBLEM))]


@pytest.fixture(scope="module")
def cuda():
    return open_rasterizer("cuda")


@pytest.mark.parametrize(("coefficients", "turned"), [(1, False), (4, True), (9, False), (16, True)])
def test_cuda_draws_what_plain_draws(cuda, coefficients, turned):
    gaussians = cloud(1, coefficients=coefficients, turned=turned)
    picture = cuda.render(gaussians, CAMERA, BACKGROUND)
    assert psnr(picture, PlainRasterizer().render(gaussians, CAMERA, BACKGROUND)) >= 60


def test_cuda_draws_needles(cuda):
    gaussians = cloud(3)
    gaussians = replace(gaussians, scales=(gaussians.scales * [1e-12, 0.05, 8]).astype(np.float32))
    picture = cuda.render(gaussians, CAMERA, BACKGROUND)
    assert psnr(picture, PlainRasterizer().render(gaussians, CAMERA, BACKGROUND)) >= 45


def test_cuda_weighs_as_plain_weighs(cuda):
    gaussians = cloud(1)
    expected = PlainRasterizer().contributions(gaussians, CAMERA)
    assert np.allclose(cuda.contributions(gaussians, CAMERA), expected, rtol=1e-3, atol=2e-2)
    shares = np.random.default_rng(4).random((CAMERA.height, CAMERA.width))
    expected = PlainRasterizer().contributions(gaussians, CAMERA, shares)
    assert np.allclose(cuda.contributions(gaussians, CAMERA, shares), expected, rtol=1e-3, atol=2e-2)


def test_equal_depths_keep_index_order(cuda):
    """All at one point: whatever the rounding of the depth, it is the same for each."""
    gaussians = cloud(2, count=40, size=0.05)
    gaussians = replace(gaussians, means=np.zeros_like(gaussians.means))
    picture = cuda.render(gaussians, CAMERA, BACKGROUND)
    assert psnr(picture, PlainRasterizer().render(gaussians, CAMERA, BACKGROUND)) >= 60


def test_tensors_on_the_device_are_taken_as_they_are(cuda):
    import torch

    gaussians = cloud(1)
    fields = ("means", "quats", "scales", "opacities", "sh")
    moved = replace(gaussians, **{name: torch.from_numpy(getattr(gaussians, name)).cuda() for name in fields})
    assert np.array_equal(cuda.render(moved, CAMERA), cuda.render(gaussians, CAMERA))

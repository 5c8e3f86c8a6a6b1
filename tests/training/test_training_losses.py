"""The losses are the published ones."""

import numpy as np
import pytest

from pavplayer.evaluation import metrics

torch = pytest.importorskip("torch")

from pavtraining.rendering.losses import picture_loss, plain_ssim_map, psnr, ssim, ssim_map  # noqa: E402


def pictures(seed=0, shape=(40, 30, 3)):
    random = np.random.default_rng(seed)
    smooth = np.cumsum(np.cumsum(random.normal(0, 0.02, shape), axis=0), axis=1)
    a = np.clip(0.5 + smooth, 0, 1)
    return a, np.clip(a + random.normal(0, 0.05, shape), 0, 1)


def test_inside_ssim_is_the_players():
    a, b = pictures()
    inside = ssim_map(torch.from_numpy(a), torch.from_numpy(b))[5:-5, 5:-5].mean()
    assert float(inside) == pytest.approx(metrics.ssim(a, b), abs=1e-9)


def test_psnr_is_the_players():
    a, b = pictures(1)
    assert psnr(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(metrics.psnr(a, b))
    assert psnr(torch.from_numpy(a), torch.from_numpy(a)) == float("inf")


def test_equal_pictures_have_no_loss():
    a = torch.from_numpy(pictures()[0])
    assert float(picture_loss(a, a)) == pytest.approx(0, abs=1e-12)
    assert float(ssim(a, a)) == pytest.approx(1)


def test_the_loss_has_the_gradients_of_finite_differences():
    a, b = (torch.from_numpy(one) for one in pictures(2, (12, 11, 3)))
    weights = torch.rand(12, 11, dtype=torch.float64)
    leaf = (a + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda picture: picture_loss(picture, b, 0.2), leaf)
    assert torch.autograd.gradcheck(lambda picture: picture_loss(picture, b, 0.2, weights), leaf)


def test_pixels_of_no_weight_do_not_count():
    a, b = (torch.from_numpy(one) for one in pictures(3))
    weights = torch.zeros(40, 30, dtype=torch.float64)
    weights[:10] = 1
    spoiled = a.clone()
    spoiled[25:] = 0
    assert float(picture_loss(a, b, 0.2, weights)) == pytest.approx(
        float(picture_loss(spoiled, b, 0.2, weights))
    )
    even = torch.ones(40, 30, dtype=torch.float64)
    assert float(picture_loss(a, b, 0.2, even)) == pytest.approx(float(picture_loss(a, b, 0.2)))


@pytest.mark.parametrize("shape", [(40, 30, 3), (5, 7, 3), (11, 60, 3)])
def test_the_fast_ssim_is_the_plain_one(shape):
    a, b = (torch.from_numpy(one) for one in pictures(4, shape))
    weights = torch.rand(shape, dtype=torch.float64)
    slow, fast = a.clone().requires_grad_(), a.float().requires_grad_()
    expected, found = plain_ssim_map(slow, b), ssim_map(fast, b.float())
    assert torch.allclose(found.double(), expected, atol=2e-4)
    (expected * weights).sum().backward()
    (found * weights.float()).sum().backward()
    wrong = (fast.grad.double() - slow.grad).norm() / slow.grad.norm()
    assert float(wrong) < 1e-3

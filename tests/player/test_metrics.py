"""PSNR and SSIM against their definitions and against scikit-image."""

import numpy as np
import pytest

from pavplayer.evaluation import metrics


def noisy_pair():
    random = np.random.default_rng(3)
    reference = random.uniform(size=(40, 37, 3)).astype(np.float32)
    return np.clip(reference + random.normal(0, 0.1, reference.shape), 0, 1).astype(np.float32), reference


def test_psnr_is_the_error_in_decibels():
    reference = np.zeros((4, 5, 3), np.float32)
    assert metrics.psnr(reference + np.float32(0.1), reference) == pytest.approx(20, abs=1e-5)
    assert metrics.psnr(reference, reference) == np.inf


def test_ssim_agrees_with_scikit_image():
    similarity = pytest.importorskip("skimage.metrics").structural_similarity
    picture, reference = noisy_pair()
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    theirs = similarity(
        picture.astype(np.float64), reference.astype(np.float64), channel_axis=2, data_range=1.0, **options
    )
    assert metrics.ssim(picture, reference) == pytest.approx(theirs, abs=1e-6)
    assert metrics.ssim(reference, reference) == pytest.approx(1)


def test_pictures_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        metrics.psnr(np.zeros((4, 4, 3)), np.zeros((4, 5, 3)))

"""On CUDA the same picture and the same gradients, and a fit that learns as it does on the CPU."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("no CUDA device", allow_module_level=True)
pytest.importorskip("gsplat")

from ball_source import CONFIGURATION, BallSource  # noqa: E402
from gaussian_clouds import BACKGROUND, CAMERA, cloud  # noqa: E402
from world_clouds import NAMES, tensors  # noqa: E402

from pavtraining.hierarchy.fitting import Fit  # noqa: E402
from pavtraining.rendering import render  # noqa: E402

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("coefficients", [1, 4, 16])
def test_pictures_and_gradients_are_the_cpus(coefficients):
    by_picture = torch.from_numpy(
        np.random.default_rng(0).normal(size=(CAMERA.height, CAMERA.width, 3))
    ).float()
    found = []
    for device in ("cpu", "cuda"):
        leaves = tensors(cloud(1, coefficients=coefficients), grad=True)
        drawn = render(leaves, CAMERA, BACKGROUND, device=device)
        (drawn.image * by_picture.to(device)).sum().backward()
        found.append((drawn.image.detach().cpu(), {name: getattr(leaves, name).grad for name in NAMES}))
    (ours, our_gradients), (theirs, their_gradients) = found
    assert float((ours - theirs).square().mean()) < 1e-6
    for name in NAMES:
        wrong = (our_gradients[name] - their_gradients[name]).norm() / our_gradients[name].norm()
        assert float(wrong) < 0.02, name


def test_a_fit_learns_alike():
    source, curves = BallSource(), []
    for device in ("cpu", "cuda"):
        fit = Fit(source, replace(CONFIGURATION, gaussians=200), device)
        curves.append(
            [fit.step(fit.step_count / CONFIGURATION.steps).loss for _ in range(CONFIGURATION.steps)]
        )
    last = np.array(curves)[:, -20:].mean(axis=1)
    assert abs(last[0] - last[1]) < 0.1 * last[0]

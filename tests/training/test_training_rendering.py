"""The differentiable renderer draws what the player draws, and its gradients are those of the formulas."""

from dataclasses import replace

import numpy as np
import pytest
from gaussian_clouds import BACKGROUND, CAMERA, cloud

torch = pytest.importorskip("torch")
numba = pytest.importorskip("numba")

import plain_torch_renderer  # noqa: E402
from world_clouds import NAMES, tensors  # noqa: E402

from pavplayer.camera import Camera  # noqa: E402
from pavplayer.evaluation.metrics import psnr  # noqa: E402
from pavplayer.posing.tensor_frames import WorldCloud, concatenated  # noqa: E402
from pavplayer.rasterizers.tiles import TileRasterizer  # noqa: E402
from pavtraining.rendering import render  # noqa: E402
from pavtraining.rendering.compiled_projection import project_and_light  # noqa: E402
from pavtraining.rendering.cpu import plain_project_and_light  # noqa: E402

SMALL = Camera.orbit((0, 0, 0), 1.0, 20, 10, width=37, height=41, focal_px=60)


def needles():
    flat = cloud(3)
    return replace(flat, scales=(flat.scales * [1e-12, 0.05, 8]).astype(np.float32))


def stacked():
    return replace(cloud(5, size=0.05, spread=0.1), opacities=np.ones(300, np.float32))


SCENES = {
    "random": cloud(1),
    "sh 1, turned": cloud(1, coefficients=4, turned=True),
    "sh 3": cloud(2, coefficients=16),
    "needles": needles(),
    "opaque stacks": stacked(),
    "off-screen and behind": cloud(6, spread=1.0),
    "larger than the picture": cloud(7, size=0.3),
    "none": cloud(9, count=0),
}


@pytest.mark.parametrize("name", SCENES)
def test_it_draws_what_the_player_draws(name):
    gaussians = SCENES[name]
    drawn = render(tensors(gaussians), CAMERA, BACKGROUND)
    expected = TileRasterizer().render(gaussians, CAMERA, BACKGROUND)
    assert drawn.image.dtype == torch.float32
    assert psnr(drawn.image.clamp(0, 1).numpy(), expected) >= 90
    assert float(drawn.coverage.min()) >= 0


def both_gradients(gaussians, camera=SMALL):
    """The gradients of a random functional of the picture: ours in float32, the oracle's in float64."""
    by_picture = torch.from_numpy(np.random.default_rng(0).normal(size=(camera.height, camera.width, 3)))
    found = []
    for dtype, draw in (
        (torch.float32, lambda *a: render(*a).image),
        (torch.float64, plain_torch_renderer.render),
    ):
        leaves = tensors(gaussians, dtype, grad=True)
        (draw(leaves, camera, BACKGROUND) * by_picture.to(dtype)).sum().backward()
        found.append({name: getattr(leaves, name).grad.numpy() for name in NAMES})
    return found


GRADIENT_SCENES = {
    "random": cloud(1, count=120, size=0.05),
    "sh 1, turned": cloud(2, count=60, coefficients=4, turned=True, size=0.05),
    "sh 3": cloud(2, count=60, coefficients=16, size=0.04),
    "opaque stacks": replace(
        cloud(5, count=80, size=0.08, spread=0.1), opacities=np.full(80, 0.97, np.float32)
    ),
    "clamped": replace(cloud(5, count=30, size=0.08, spread=0.1), opacities=np.ones(30, np.float32)),
    "larger than the picture": cloud(7, count=20, size=0.5),
}


@pytest.mark.parametrize("name", GRADIENT_SCENES)
def test_gradients_are_those_of_plain_autograd(name):
    ours, expected = both_gradients(GRADIENT_SCENES[name])
    for column in NAMES:
        scale = np.abs(expected[column]).max()
        assert np.abs(ours[column] - expected[column]).max() < 2e-4 * scale, column
        wrong = np.linalg.norm(ours[column] - expected[column]) / np.linalg.norm(expected[column])
        assert wrong < 2e-5, (column, wrong)


def test_the_oracle_agrees_with_finite_differences():
    """Where no Gaussian begins or ends at a pixel, which no derivative sees."""
    gaussians = replace(cloud(4, count=4, size=0.15), opacities=np.full(4, 0.6, np.float32))
    camera = Camera.orbit((0, 0, 0), 1.0, 20, 10, width=6, height=5, focal_px=12)
    leaves = tensors(gaussians, torch.float64, grad=True)

    def picture(*columns):
        return plain_torch_renderer.render(WorldCloud(*columns), camera, BACKGROUND)

    inputs = tuple(getattr(leaves, name) for name in NAMES)
    assert torch.autograd.gradcheck(picture, inputs, eps=1e-6, atol=1e-5)


def test_the_background_and_the_cover_have_gradients():
    leaves = tensors(cloud(1, count=50), grad=True)
    background = torch.tensor(BACKGROUND, requires_grad=True)
    drawn = render(leaves, SMALL, background)
    drawn.coverage.sum().backward(retain_graph=True)
    assert leaves.opacities.grad.abs().sum() > 0
    drawn.image.sum().backward()
    assert torch.allclose(background.grad, (1 - drawn.coverage).sum().expand(3), rtol=1e-4)


def test_centres_keep_their_gradients_and_what_is_seen_is_told():
    gaussians = cloud(6, spread=1.0)
    drawn = render(tensors(gaussians, grad=True), CAMERA)
    drawn.image.square().sum().backward()
    moved = drawn.means2d.grad.abs().sum(dim=1) > 0
    assert 0 < int(drawn.visible.sum()) < len(gaussians.means)
    assert not bool((moved & ~drawn.visible).any())
    assert torch.equal(drawn.visible, drawn.radii > 0)


def test_any_number_of_threads_gives_the_same_bits():
    gaussians = cloud(10, count=2000, coefficients=4)
    before, found = numba.get_num_threads(), set()
    try:
        for count in {1, min(2, before), before}:
            numba.set_num_threads(count)
            leaves = tensors(gaussians, grad=True)
            drawn = render(leaves, CAMERA)
            drawn.image.square().mean().backward()
            parts = [drawn.image.detach(), *(getattr(leaves, name).grad for name in NAMES)]
            found.add(b"".join(part.numpy().tobytes() for part in parts))
    finally:
        numba.set_num_threads(before)
    assert len(found) == 1


def test_light_above_one_is_kept():
    bright = replace(cloud(1, count=40), sh=np.full((40, 1, 3), 5.0, np.float32))
    assert float(render(tensors(bright), SMALL).image.max()) > 1.2


def test_clouds_are_joined():
    parts = [
        tensors(cloud(1, count=7, coefficients=4)),
        tensors(cloud(2, count=5, coefficients=4, turned=True)),
    ]
    joined = concatenated(parts)
    assert len(joined) == 12
    pictures = [render(one, SMALL).image for one in (joined, concatenated(parts[:1]), parts[0])]
    assert torch.equal(pictures[1], pictures[2])
    assert not torch.equal(pictures[0], pictures[1])
    assert torch.equal(joined.take(slice(7, 12)).sh_quats, parts[1].sh_quats)
    assert torch.equal(joined.sh_quats[:7, 0], torch.ones(7))


@pytest.mark.parametrize("coefficients", [1, 4, 9, 16])
def test_the_fused_projection_is_the_plain_one(coefficients):
    """Values and gradients of the kernel in float32 against plain torch in float64, needles and all."""
    gaussians = cloud(3, count=400, coefficients=coefficients, spread=0.5)
    gaussians = replace(gaussians, scales=(gaussians.scales * [0.02, 1, 3]).astype(np.float32))
    found = []
    for dtype, work in ((torch.float32, project_and_light), (torch.float64, plain_project_and_light)):
        leaves = tensors(gaussians, dtype, grad=True)
        projected, lit = work(leaves, CAMERA)
        seen = projected.depths > 0.05
        outputs = [one[seen] for one in (projected.means2d, projected.factors, lit)]
        weights = [np.random.default_rng(k).normal(size=one.shape) for k, one in enumerate(outputs)]
        loss = sum(
            (one * torch.from_numpy(w).to(dtype)).sum() for one, w in zip(outputs, weights, strict=True)
        )
        loss.backward()
        gradients = [getattr(leaves, name).grad for name in ("means", "quats", "scales", "sh")]
        found.append([one.detach().double() for one in (*outputs, projected.spreads[seen], *gradients)])
    for ours, expected in zip(*found, strict=True):
        wrong = (ours - expected).flatten(1).norm(dim=1) / expected.flatten(1).norm(dim=1).clamp_min(1e-6)
        assert float(wrong.median()) < 1e-5
        assert float(wrong.max()) < 5e-3

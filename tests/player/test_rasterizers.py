"""The tile rasterizer draws what the plain one draws, and the plain one follows the rules it states."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from gaussian_clouds import BACKGROUND, CAMERA, cloud

from pavfmt.posing import PosedGaussians
from pavplayer.camera import Camera
from pavplayer.evaluation.metrics import psnr
from pavplayer.rasterizers import RasterizerUnavailableError, open_rasterizer, plain, rules
from pavplayer.rasterizers.plain import PlainRasterizer

numba = pytest.importorskip("numba")


def needles():
    """Flat to nothing along one axis, thin along another, long along the third."""
    flat = cloud(3)
    return replace(flat, scales=(flat.scales * [1e-12, 0.05, 8]).astype(np.float32))


def tied():
    """Many Gaussians at exactly the same depth: in a plane the camera looks at head on."""
    level = cloud(4)
    means = level.means.copy()
    means[:, 2] = np.round(means[:, 2] * 4) / 4
    return replace(level, means=means)


def stacked():
    return replace(cloud(5, size=0.05, spread=0.1), opacities=np.ones(300, np.float32))


STRAIGHT = Camera.orbit((0, 0, 0), 1.0, width=70, height=101, focal_px=150)
SCENES = {
    "random": (cloud(1), CAMERA),
    "sh 1, turned": (cloud(1, coefficients=4, turned=True), CAMERA),
    "sh 2": (cloud(2, coefficients=9), CAMERA),
    "sh 3, turned": (cloud(2, coefficients=16, turned=True), CAMERA),
    "needles": (needles(), CAMERA),
    "ties": (tied(), STRAIGHT),
    "opaque stacks": (stacked(), CAMERA),
    "off-screen and behind": (cloud(6, spread=1.0), CAMERA),
    "larger than the picture": (cloud(7, size=0.3), CAMERA),
    "smaller than a pixel": (cloud(8, size=0.001), CAMERA),
    "none": (cloud(9, count=0), CAMERA),
}


@pytest.fixture(scope="module")
def tiles():
    return open_rasterizer("cpu")


@pytest.mark.parametrize("name", SCENES)
def test_tiles_draw_what_plain_draws(tiles, name):
    gaussians, camera = SCENES[name]
    picture = tiles.render(gaussians, camera, BACKGROUND)
    assert picture.dtype == np.float32
    assert picture.shape == (camera.height, camera.width, 3)
    assert psnr(picture, PlainRasterizer().render(gaussians, camera, BACKGROUND)) >= 90


@pytest.mark.parametrize("name", SCENES)
def test_tiles_weigh_as_plain_weighs(tiles, name):
    gaussians, camera = SCENES[name]
    weights, expected = tiles.contributions(gaussians, camera), PlainRasterizer().contributions(*SCENES[name])
    assert weights.shape == (len(gaussians.means),)
    assert np.allclose(weights, expected, rtol=1e-4, atol=6e-3)  # one covered pixel is at least 1/255


@pytest.mark.parametrize("name", SCENES)
def test_pixels_count_their_shares(tiles, name):
    gaussians, camera = SCENES[name]
    shares = np.random.default_rng(4).random((camera.height, camera.width))
    shares[: camera.height // 2] = 0
    weights = tiles.contributions(gaussians, camera, shares)
    expected = PlainRasterizer().contributions(gaussians, camera, shares)
    assert np.allclose(weights, expected, rtol=1e-4, atol=6e-3)
    all_alike = tiles.contributions(gaussians, camera, np.ones_like(shares))
    assert np.allclose(all_alike, tiles.contributions(gaussians, camera), rtol=1e-4, atol=1e-4)


def test_shares_are_of_the_picture(tiles):
    with pytest.raises(ValueError, match="shares"):
        tiles.contributions(cloud(1), CAMERA, np.ones((3, 3)))


def test_any_number_of_threads_gives_the_same_bits(tiles):
    gaussians = cloud(10, count=2000, coefficients=16)
    before, pictures, weights = numba.get_num_threads(), [], []
    try:
        for count in {1, min(2, before), before}:
            numba.set_num_threads(count)
            pictures.append(tiles.render(gaussians, CAMERA).tobytes())
            weights.append(tiles.contributions(gaussians, CAMERA).tobytes())
    finally:
        numba.set_num_threads(before)
    assert len(set(pictures)) == len(set(weights)) == 1


def test_order_of_ties_is_index_order(tiles):
    """Two opaque discs at the same place: the one listed first is in front."""
    one = cloud(1, count=1, size=0.1)
    pair = PosedGaussians(
        means=np.zeros((2, 3)),
        quats=np.repeat(one.quats, 2, axis=0),
        scales=np.repeat(one.scales, 2, axis=0),
        opacities=np.ones(2),
        sh=np.array([[[1.5, 0, 0]], [[0, 0, 1.5]]]),
    )
    for rasterizer in (tiles, PlainRasterizer()):
        centre = rasterizer.render(pair, CAMERA)[50, 35]
        assert centre[0] > 0.9 > centre[2]


def single(opacity=1.0, mean=(0.0, 0.0, 0.0), scale=0.02):
    return PosedGaussians(
        means=np.array([mean]),
        quats=np.array([[1.0, 0, 0, 0]]),
        scales=np.full((1, 3), scale),
        opacities=np.array([opacity]),
        sh=np.zeros((1, 1, 3)),
    )


@pytest.mark.parametrize("rasterizer", ["plain", "tiles"])
class TestRules:
    @pytest.fixture
    def draw(self, rasterizer, tiles):
        chosen = PlainRasterizer() if rasterizer == "plain" else tiles
        camera = Camera.orbit((0, 0, 0), 1.0, width=33, height=33, focal_px=150)
        return lambda gaussians: chosen.render(gaussians, camera, (1, 1, 1))

    def test_alpha_is_clamped(self, draw):
        """Colour 0.5 over white at α = 0.999: the centre of pixel (16, 16) is the Gaussian's centre."""
        assert draw(single())[16, 16, 0] == pytest.approx(0.5 + 0.5 * (1 - rules.ALPHA_MAXIMUM), abs=1e-6)

    def test_coverage_ends_at_the_smallest_alpha(self, draw):
        drawn = draw(single(0.5))[:, :, 0]
        variance = 150**2 * 0.02**2 + rules.COVARIANCE_BLUR
        away = np.arange(33) - 16.0
        alphas = 0.5 * np.exp(-0.5 * (away[None, :] ** 2 + away[:, None] ** 2) / variance)
        assert np.array_equal(drawn < 1, alphas >= rules.ALPHA_MINIMUM)
        assert (draw(single(0.99 / 255)) == 1).all()

    @pytest.mark.parametrize(("z", "seen"), [(0.98, True), (0.995, False), (1.0, False), (1.5, False)])
    def test_the_near_plane(self, draw, z, seen):
        assert (draw(single(mean=(0, 0, z), scale=1e-4)) < 1).any() == seen

    def test_a_pixel_stops_before_the_gaussian_that_would_fill_it(self, draw):
        """T after α = 0.999 is 1e-3; a second such Gaussian would bring it below 1e-4, so it adds nothing."""
        both = PosedGaussians(
            means=np.array([[0, 0, 0.1], [0, 0, 0.0]]),
            quats=np.tile([1.0, 0, 0, 0], (2, 1)),
            scales=np.full((2, 3), 0.02),
            opacities=np.ones(2),
            sh=np.array([[[0.0] * 3], [[3.0] * 3]]),
        )
        assert draw(both)[16, 16, 0] == pytest.approx(0.5 + (1 - 0.5) * 1e-3 - 0, abs=1e-6)


def test_not_a_number_is_not_drawn(tiles):
    gaussians = cloud(1)
    broken = gaussians.means.copy()
    broken[::2] = np.nan
    kept = cloud(1)
    kept.opacities[::2] = 0
    picture = tiles.render(replace(gaussians, means=broken), CAMERA)
    assert np.array_equal(picture, tiles.render(kept, CAMERA))


@pytest.mark.parametrize("name", ["means", "quats", "scales", "opacities", "sh", "sh_quats"])
def test_arrays_that_do_not_fit_are_refused(tiles, name):
    gaussians = cloud(1, coefficients=4, turned=True)
    with pytest.raises(ValueError, match="shape"):
        tiles.render(replace(gaussians, **{name: getattr(gaussians, name)[:-1]}), CAMERA)
    with pytest.raises(ValueError, match="sh has shape"):
        tiles.render(replace(gaussians, sh=gaussians.sh[:, :2]), CAMERA)


def test_more_tiles_than_memory_is_refused(tiles, monkeypatch):
    monkeypatch.setattr("pavplayer.rasterizers.binning.ENTRY_LIMIT", 100)
    with pytest.raises(ValueError, match="more than 100"):
        tiles.render(cloud(1), CAMERA)


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match="tpu"):
        open_rasterizer("tpu")


def test_a_missing_device_is_named(monkeypatch):
    monkeypatch.setattr("pavplayer.rasterizers.cuda_problem", lambda: "no such thing")
    with pytest.raises(RasterizerUnavailableError, match="no such thing"):
        open_rasterizer("cuda")
    open_rasterizer("auto")


def test_importing_the_player_imports_no_engine():
    probe = (
        "import sys, pavplayer, pavplayer.rasterizers, pavplayer.posing.poser, pavplayer.evaluation.metrics; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numba', 'gsplat')))"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


class TestAgainstGsplat:
    """gsplat's plain-torch twins of its kernels as a second opinion."""

    @pytest.fixture
    def twins(self):
        torch = pytest.importorskip("torch")
        pytest.importorskip("gsplat")
        from gsplat.cuda import _torch_impl

        return torch, _torch_impl

    def test_projection(self, twins):
        torch, impl = twins
        gaussians = cloud(11, spread=0.4)

        def tensor(array):
            return torch.from_numpy(np.array(array, np.float64))

        covariances, _ = impl._quat_scale_to_covar_preci(
            tensor(gaussians.quats), tensor(gaussians.scales), compute_preci=False
        )
        radii, centres, depths, conics, _ = impl._fully_fused_projection(
            tensor(gaussians.means),
            covariances,
            tensor(CAMERA.view_matrix)[None],
            tensor(CAMERA.intrinsics)[None],
            CAMERA.width,
            CAMERA.height,
            eps2d=rules.COVARIANCE_BLUR,
            near_plane=rules.NEAR_PLANE,
        )
        ours, spread, our_depths = plain.project(gaussians, CAMERA)
        seen = (radii[0] > 0).all(dim=1).numpy()
        assert seen.sum() > 50
        assert np.allclose(ours[seen], centres[0].numpy()[seen])
        assert np.allclose(our_depths, depths[0].numpy())
        inverse = np.linalg.inv(spread[seen])
        assert np.allclose(inverse[:, [0, 0, 1], [0, 1, 1]], conics[0].numpy()[seen])

    @pytest.mark.parametrize("degree", [0, 1, 2, 3])
    def test_harmonics(self, twins, degree):
        torch, impl = twins
        gaussians = cloud(12, coefficients=(degree + 1) ** 2)
        rays = torch.from_numpy(gaussians.means - CAMERA.position)
        theirs = impl._spherical_harmonics(degree, rays, torch.from_numpy(gaussians.sh.astype(np.float64)))
        expected = np.maximum(0.5 + theirs.numpy(), 0)
        assert np.allclose(plain.view_colours(gaussians, CAMERA), expected, atol=1e-9)

    def test_pictures_and_weights_for_the_gpu(self, twins, monkeypatch):
        """All of the CUDA rasterizer but the kernels: in their place what `rasterization` is asked to do."""
        from plain_torch_renderer import composed

        from pavplayer.rasterizers import cuda

        def rasterization(*, colors, **arguments):
            columns = ("means", "quats", "scales", "opacities")
            doubled = SimpleNamespace(**{name: arguments[name].double() for name in columns})
            nothing = colors.new_zeros(colors.shape[1]).double()
            light = composed(doubled, colors.double(), CAMERA, nothing)
            hidden = composed(doubled, torch.ones_like(colors[:, :1]).double(), CAMERA, nothing[:1])
            return light[None].float(), hidden[None].float(), {}

        torch, _ = twins
        monkeypatch.setattr(cuda, "rasterization", rasterization)
        rasterizer = cuda.CudaRasterizer(device="cpu")
        for coefficients, turned in ((1, False), (9, False), (16, True)):
            gaussians = cloud(14, count=60, coefficients=coefficients, turned=turned)
            picture = rasterizer.render(gaussians, CAMERA, BACKGROUND)
            assert picture.dtype == np.float32
            assert np.allclose(picture, PlainRasterizer().render(gaussians, CAMERA, BACKGROUND), atol=1e-4)
        shares = np.random.default_rng(4).random((CAMERA.height, CAMERA.width))
        for counted in (None, shares):
            found = rasterizer.contributions(gaussians, CAMERA, counted)
            expected = PlainRasterizer().contributions(gaussians, CAMERA, counted)
            assert found.dtype == np.float32 and np.allclose(found, expected, rtol=1e-3, atol=2e-2)

    def test_nothing_is_the_background(self, twins):
        from pavplayer.rasterizers import cuda

        none = cloud(1, count=0)
        picture = cuda.CudaRasterizer(device="cpu").render(none, CAMERA, BACKGROUND)
        assert np.array_equal(picture, PlainRasterizer().render(none, CAMERA, BACKGROUND))
        assert not len(cuda.CudaRasterizer(device="cpu").contributions(none, CAMERA))


@pytest.mark.parametrize(("coefficients", "turned"), [(1, False), (4, False), (9, True), (16, True)])
def test_colours_in_tensors(coefficients, turned):
    torch = pytest.importorskip("torch")
    from pavplayer.rasterizers.tensor_harmonics import colours

    gaussians = cloud(13, coefficients=coefficients, turned=turned)
    columns = [np.array(one) for one in (gaussians.sh, gaussians.means, CAMERA.position)]
    turns = None if gaussians.sh_quats is None else torch.tensor(np.array(gaussians.sh_quats)).double()
    found = colours(*(torch.from_numpy(one).double() for one in columns), turns)
    assert np.allclose(found.numpy(), plain.view_colours(gaussians, CAMERA), atol=1e-9)

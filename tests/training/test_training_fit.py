"""A fit learns, grows, goes on exactly where it was interrupted, and leaves a checkpoint that encodes."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numba")

from ball_source import CONFIGURATION, BallSource  # noqa: E402

from pavfmt.decoding.decoder import Decoder  # noqa: E402
from pavfmt.encoder import EncodeOptions, encode, stored_importance  # noqa: E402
from pavfmt.errors import EncodeError  # noqa: E402
from pavfmt.exporters.progressive import write_progressive  # noqa: E402
from pavfmt.importers.progressive import read_progressive  # noqa: E402
from pavfmt.posing import pose_avatar  # noqa: E402
from pavplayer.evaluation.metrics import psnr  # noqa: E402
from pavplayer.posing.tensor_frames import in_world  # noqa: E402
from pavplayer.rasterizers import open_rasterizer  # noqa: E402
from pavtraining.hierarchy.fitting import Fit  # noqa: E402
from pavtraining.hierarchy.forest import local_from  # noqa: E402
from pavtraining.hierarchy.prefixes import random_prefix, staged, streaming_order  # noqa: E402
from pavtraining.hierarchy.running import HierarchyRun  # noqa: E402
from pavtraining.log import plot_log, read_log  # noqa: E402
from pavtraining.rendering import render  # noqa: E402
from pavtraining.running import InterruptedFitError, RunFiles  # noqa: E402
from pavtraining.state import State, read_state, write_state  # noqa: E402


@pytest.fixture(scope="module")
def source():
    return BallSource()


def fitted(source, configuration=CONFIGURATION, steps=None):
    fit = Fit(source, configuration)
    for _ in range(steps or configuration.steps):
        fit.step(fit.step_count / configuration.steps)
    return fit


@pytest.fixture(scope="module")
def done(source):
    fit = fitted(source)
    fit.measure_importance(12, 1.0)
    return fit


def quality(avatar, source):
    """dB over the held-out views."""
    rasterizer = open_rasterizer("cpu")
    pairs = [(rasterizer.render(pose_avatar(avatar, v.pose), v.camera), v.picture) for v in source.held_out]
    return float(np.mean([psnr(*pair) for pair in pairs]))


def bits(fit):
    return {name: column.tobytes() for name, column in fit.state().arrays.items()}


def test_it_learns_and_grows(source, done):
    structure = done.forest.structure
    assert done.first_count < len(source.rig.faces)  # the far side is never seen
    assert 300 < len(done.forest) <= 400
    assert structure.level_count > 1
    assert quality(done.avatar(), source) > 19


def test_the_checkpoint_is_read_and_encodes(source, done, tmp_path):
    write_progressive(done.avatar(), tmp_path / "ball")
    avatar = read_progressive(tmp_path / "ball")
    assert len(avatar.levels) == done.forest.structure.level_count
    data = encode(avatar, EncodeOptions(importance_per="face"), stored_importance(avatar))
    decoder = Decoder()
    decoder.feed(data)
    list(decoder.events())
    decoded = quality(decoder.scene.snapshot().avatar, source)
    assert abs(decoded - quality(avatar, source)) < 0.5


def test_what_the_fit_draws_is_what_the_player_draws(source, done):
    view = source.held_out[0]
    with torch.no_grad():
        ours = render(done.forest.in_world(done.surface.posed(view.pose)), view.camera).image.clamp(0, 1)
    theirs = open_rasterizer("cpu").render(pose_avatar(done.avatar(), view.pose), view.camera)
    assert psnr(ours.numpy(), theirs) > 60


def test_the_same_seed_gives_the_same_bits(source):
    short = replace(CONFIGURATION, steps=40, gaussians=200)
    first, second = bits(fitted(source, short)), bits(fitted(source, short))
    assert first == second
    assert bits(fitted(source, replace(short, seed=1))) != first


def test_a_resumed_fit_goes_on_exactly(source, tmp_path):
    short = replace(CONFIGURATION, steps=40, gaussians=200, quantizer_from=0.5)
    whole = fitted(source, short)
    for stop in (1, 15, 21, 33):
        part = fitted(source, short, stop)
        write_state(part.state(), tmp_path / "state")
        resumed = Fit.resumed(source, read_state(tmp_path / "state"))
        while resumed.step_count < short.steps:
            resumed.step(resumed.step_count / short.steps)
        assert bits(resumed) == bits(whole), stop


@pytest.mark.parametrize(
    "switch",
    [
        "multi_level",
        "random_budgets",
        "adaptive_growth",
        "importance_order",
        "free_lower_levels",
        "quantizer_phase",
    ],
)
def test_every_part_can_be_left_out(source, switch):
    fit = fitted(source, replace(CONFIGURATION, steps=24, gaussians=200, growth_rounds=3, **{switch: False}))
    assert len(fit.forest) > fit.first_count
    assert all(torch.isfinite(column).all() for _, column in fit.forest.parameters.items())


def test_frozen_levels_stay(source):
    fit = fitted(source, replace(CONFIGURATION, free_lower_levels=False, gaussians=200), 40)
    first = fit.forest.parameters.sh0[: fit.first_count].clone()
    assert fit.forest.structure.level_count > 1
    fit.step(0.5)
    assert torch.equal(fit.forest.parameters.sh0[: fit.first_count], first)


def test_split_points_move_and_stay_inside(done):
    points = torch.cat(done.forest.barycentrics()).detach()
    assert float(points.min()) > 0
    assert torch.allclose(points.sum(dim=1), torch.ones(len(points), dtype=points.dtype))
    assert float((points - 1 / 3).abs().max()) > 1e-3


def test_a_run_leaves_log_and_plot(source, tmp_path):
    files = RunFiles.beside(tmp_path / "ball")
    run = HierarchyRun.started(source, replace(CONFIGURATION, steps=12, gaussians=150), files)
    run.go(quiet=True)
    lines = read_log(files.log)
    assert [line["step"] for line in lines] == [5, 10]
    assert {"loss", "psnr", "gaussians", "seconds"} <= set(lines[0])
    plot_log(files.log, tmp_path / "log.png")
    assert (tmp_path / "log.png").read_bytes().startswith(b"\x89PNG")


def test_an_interrupted_run_is_taken_up(source, tmp_path):
    files = RunFiles.beside(tmp_path / "ball")
    short = replace(CONFIGURATION, steps=30, gaussians=150)
    run = HierarchyRun.started(source, short, files)
    step = run.fit.step

    def interrupting(progress):
        if run.fit.step_count == 13:
            signal.raise_signal(signal.SIGINT)
        return step(progress)

    run.fit.step = interrupting
    with pytest.raises(InterruptedFitError, match="after step 14; --resume"):
        run.go(quiet=True)
    again = HierarchyRun.resumed(source, files)
    assert again.fit.step_count == 14
    again.go(quiet=True)
    assert [line["step"] for line in read_log(files.log)] == [5, 10, 15, 20, 25, 30]
    straight = HierarchyRun.started(source, short, RunFiles.beside(tmp_path / "other"))
    straight.go(quiet=True)
    assert bits(again.fit) == bits(straight.fit)


def test_a_full_disk_leaves_the_state_before(source, tmp_path, monkeypatch):
    fit = fitted(source, CONFIGURATION, 1)
    path = tmp_path / "state"
    write_state(fit.state(), path)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pavfmt.fileio.os.fsync", full)
    with pytest.raises(EncodeError, match="No space left on device; the state before is kept"):
        write_state(fit.state(), path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["state"]


def test_states_of_other_things_are_refused(source, tmp_path):
    path = tmp_path / "state"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(EncodeError, match="no state of a fit"):
        read_state(path)
    fit = fitted(source, CONFIGURATION, 1)
    state = fit.state()
    write_state(State(state.arrays, {**state.values, "source": "0"}), path)
    with pytest.raises(EncodeError, match="another rig"):
        Fit.resumed(source, read_state(path))
    lacking = {name: array for name, array in state.arrays.items() if name != "levels"}
    with pytest.raises(EncodeError, match="lacks"):
        Fit.resumed(source, State(lacking, state.values))
    cut = path.read_bytes()[:-30]
    path.write_bytes(cut)
    with pytest.raises(EncodeError, match="no state of a fit"):
        read_state(path)


def test_a_fit_that_diverges_says_so(source):
    fit = fitted(source, CONFIGURATION, 1)
    with torch.no_grad():
        fit.forest.parameters.sh0[0] = float("nan")
    with pytest.raises(EncodeError, match="step 1"):
        for _ in range(12):
            fit.step(0.0)


def test_a_rig_without_a_mesh_is_refused(source):
    from pavfmt.posing import STATIC_RIG

    static = BallSource()
    static.rig = STATIC_RIG
    with pytest.raises(EncodeError, match="needs a rig with a mesh"):
        Fit(static, CONFIGURATION)


def test_prefixes_end_with_levels_or_at_budgets():
    levels = np.array([0, 1, 0, 2, 1, 0])
    order = streaming_order(levels, np.array([1.0, 5, 3, 9, 7, 2]))
    assert order.tolist() == [2, 5, 0, 4, 1, 3]
    random = np.random.default_rng(0)
    only_levels = replace(CONFIGURATION, random_budgets=False, coarse_share=0.0)
    found = {tuple(random_prefix(order, levels, only_levels, random)) for _ in range(40)}
    assert found == {(0, 2, 5), (0, 1, 2, 4, 5)}
    budgets = replace(CONFIGURATION, multi_level=False)
    found = {tuple(random_prefix(order, levels, budgets, random)) for _ in range(300)}
    assert (2,) in found
    assert all(set(rows) == set(order[: len(rows)].tolist()) for rows in found)
    neither = replace(CONFIGURATION, random_budgets=False, multi_level=False)
    assert random_prefix(order, levels, neither, random) is None


def test_stages_come_in_turn_with_the_same_values():
    levels, stages = np.array([0, 0, 0, 0, 1]), np.array([1, 0, 1, 0, 2])
    dealt = staged(np.array([9.0, 2, 7, 3, 5]), levels, stages)
    assert dealt.tolist() == [3, 7, 2, 9, 5]
    assert streaming_order(levels, dealt).tolist() == [3, 1, 0, 2, 4]


def test_logs_that_are_cut_off_or_broken(tmp_path):
    path = tmp_path / "log"
    path.write_text(json.dumps({"step": 1}) + "\n" + '{"step": 2')
    assert read_log(path) == [{"step": 1}]
    path.write_text("nonsense\n")
    with pytest.raises(EncodeError, match="line 1"):
        read_log(path)


def test_rounding_is_the_codecs(done):
    """What is trained through is what is decoded: same order of error, and the gradient is that of no rounding."""
    columns = done.forest.columns()
    rounded = done._fake_quantization()(columns)
    rounded["sh0"].sum().backward(retain_graph=True)
    assert torch.equal(done.forest.parameters.sh0.grad, torch.ones_like(done.forest.parameters.sh0))
    done.forest.parameters.sh0.grad = None
    assert torch.allclose(rounded["quats"].norm(dim=1), torch.ones(len(done.forest)), atol=1e-5)
    assert all((rounded[name] != columns[name]).any() for name in columns)
    assert local_from(rounded).scales.shape == (len(done.forest), 3)


def test_what_is_trained_through_is_what_is_decoded(source, done):
    """The picture after our rounding is as near to the encoder's as that is to the unrounded."""
    avatar = done.avatar()
    decoder = Decoder()
    decoder.feed(encode(avatar, EncodeOptions(importance_per="face"), stored_importance(avatar)))
    list(decoder.events())
    view, rasterizer = source.held_out[0], open_rasterizer("cpu")
    theirs = rasterizer.render(pose_avatar(decoder.scene.snapshot().avatar, view.pose), view.camera)
    plain = rasterizer.render(pose_avatar(avatar, view.pose), view.camera)
    with torch.no_grad():
        surface = done.surface.posed(view.pose)
        cloud = in_world(
            local_from(done._fake_quantization()(done.forest.columns())), done.forest.frames(surface)
        )
        ours = render(cloud, view.camera).image.clamp(0, 1).numpy()
    assert psnr(ours, plain) > psnr(theirs, plain) - 4
    assert psnr(ours, plain) < psnr(theirs, plain) + 8

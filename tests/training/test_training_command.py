"""`pav fit` from the command line: results, refusals, interruption."""

import argparse
import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numba")

from pavcli.fit import _method  # noqa: E402
from pavcli.main import main  # noqa: E402
from pavfmt.encoder import encode  # noqa: E402
from pavfmt.importers.progressive import read_progressive  # noqa: E402
from pavfmt.model import Avatar  # noqa: E402
from pavfmt.tools.synthetic import toy_avatar  # noqa: E402
from pavtraining.configuration import read_configuration, write_configuration  # noqa: E402
from pavtraining.hand_over import HandOverConfiguration  # noqa: E402
from pavtraining.hand_over.checkpoint import Checkpoint  # noqa: E402
from pavtraining.hierarchy.configuration import HierarchyConfiguration  # noqa: E402
from pavtraining.sources import Teacher  # noqa: E402

SHORT = HierarchyConfiguration(
    steps=16,
    views=(4,),
    width=40,
    height=58,
    sizes=(1.0,),
    sizes_until=(1.0,),
    gaussians=300,
    growth_from=0.0,
    growth_rounds=2,
    visibility_views=4,
    order_views=2,
    log_interval=4,
)


@pytest.fixture
def files(tmp_path):
    """A teacher, a configuration and where the result goes."""
    (tmp_path / "toy.pav").write_bytes(encode(toy_avatar("face")))
    write_configuration(SHORT, tmp_path / "short.toml")
    return tmp_path


def fit(files, *more):
    source, config = str(files / "toy.pav"), str(files / "short.toml")
    return main(["fit", source, "-o", str(files / "out"), "--config", config, *more])


@pytest.mark.slow
def test_a_teacher_becomes_a_checkpoint_that_encodes(files, capsys):
    assert fit(files) == 0
    assert "Gaussians in levels of" in capsys.readouterr().err
    avatar = read_progressive(files / "out")
    assert len(avatar.levels) > 1
    assert avatar.levels[0].gaussians.importance is not None
    assert not (files / "out.fit-state").exists()
    assert main(["encode", str(files / "out"), "-o", str(files / "out.pav")]) == 0
    assert main(["verify", str(files / "out.pav")]) == 0
    assert fit(files, "--plot", str(files / "log.svg")) == 0
    assert (files / "log.svg").read_text().startswith("<?xml")


def test_nothing_is_replaced_unasked(files, capsys):
    (files / "out").mkdir()
    assert fit(files) == 3
    assert "no checkpoint" in capsys.readouterr().err
    (files / "out").rmdir()
    (files / "out.fit-state").write_bytes(b"")
    assert fit(files) == 3
    assert "--resume or --force" in capsys.readouterr().err
    assert fit(files, "--force", "--steps", "2") == 0
    assert fit(files) == 3
    assert "--force replaces it" in capsys.readouterr().err


def test_there_is_nothing_to_resume(files, capsys):
    assert fit(files, "--resume") == 3
    assert "no run to resume" in capsys.readouterr().err


def test_an_interrupted_fit_goes_on(files, capsys, monkeypatch):
    import signal

    from pavtraining.hierarchy.fitting import Fit

    step = Fit.step

    def stopping(self, progress):
        if self.step_count == 6:
            signal.raise_signal(signal.SIGINT)
        return step(self, progress)

    monkeypatch.setattr(Fit, "step", stopping)
    assert fit(files) == 3
    assert "after step 7; --resume" in capsys.readouterr().err
    assert (files / "out.fit-state").exists()
    assert not (files / "out").exists()
    monkeypatch.setattr(Fit, "step", step)
    assert fit(files, "--resume") == 0
    lines = [json.loads(line) for line in (files / "out.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [4, 8, 12, 16]


def test_options_come_over_the_file(files):
    saved = str(files / "saved.json")
    assert fit(files, "--steps", "5", "--without", "multi-level", "--save-config", saved) == 0
    found = read_configuration(saved, HierarchyConfiguration())
    assert (found.steps, found.multi_level, found.gaussians) == (5, False, 300)
    assert not (files / "out").exists()


def test_a_number_that_makes_no_sense(files, capsys):
    assert fit(files, "--steps", "0") == 3
    assert "steps" in capsys.readouterr().err


def test_minutes_end_a_run(files):
    assert fit(files, "--minutes", "0.0001") == 0
    assert len(read_progressive(files / "out").levels) >= 1


@pytest.fixture
def flat_files(tmp_path):
    """A flat avatar and a hand-over of few steps."""
    toy = toy_avatar("surface")
    (tmp_path / "toy.pav").write_bytes(encode(Avatar(toy.levels[:1], toy.rig, toy.identity)))
    short = HandOverConfiguration(
        cover_count=4,
        lining_count=2,
        patch_size=4,
        view_count=4,
        measured_view_count=2,
        significant_view_count=2,
        picture_size=(44, 64),
        full_picture_size=(44, 64),
        full_view_count=2,
        own_steps=20,
        scout_steps=10,
        alone_steps=20,
        prefix_steps=(10, 10),
        joint_steps=8,
        whole_steps=12,
    )
    write_configuration(short, tmp_path / "short.toml")
    return tmp_path


def test_a_flat_avatar_hands_over_by_itself(flat_files, capsys):
    assert fit(flat_files) == 0
    assert "hand-over;" in capsys.readouterr().err
    avatar = read_progressive(flat_files / "out")
    assert len(avatar.levels) == 2 and avatar.levels[1].parents is not None
    assert not (flat_files / "out.fit-state").exists()
    assert main(["encode", str(flat_files / "out"), "-o", str(flat_files / "out.pav")]) == 0
    assert main(["verify", str(flat_files / "out.pav")]) == 0
    assert fit(flat_files, "--plot", str(flat_files / "log.svg")) == 0


@pytest.mark.parametrize(
    "kind, level, hands_over", [("surface", 0, True), ("face", 0, True), ("surface", 1, False)]
)
def test_auto_hands_over_to_one_level_but_for_surface_points_on_faces(kind, level, hands_over):
    toy = toy_avatar(kind)
    one = replace(toy.levels[level], splits=None)
    one = replace(one, gaussians=replace(one.gaussians, sites=one.gaussians.sites % len(toy.rig.faces)))
    teacher = Teacher(Avatar((one,), toy.rig, toy.identity))
    wanted = argparse.Namespace(resume=False, method="auto", minutes=None, without=(), gaussians=None)
    wanted.sh_degree, wanted.device, wanted.exact = None, "cpu", False
    assert (_method(wanted, teacher, None) == "hand-over") is hands_over


@pytest.mark.parametrize("stop", [7, 25, 45, 55, 75, 82, 88])
def test_an_interrupted_hand_over_ends_as_if_it_had_not_been(flat_files, capsys, monkeypatch, stop):
    """In every phase: of the originals, a first base, the base alone, under prefixes, all together."""
    import signal

    assert fit(flat_files) == 0
    wanted = read_progressive(flat_files / "out")
    steps, note = [], Checkpoint.record

    def stopping(self, *given):
        steps.append(given)
        if len(steps) == stop:
            signal.raise_signal(signal.SIGINT)
        return note(self, *given)

    monkeypatch.setattr(Checkpoint, "record", stopping)
    assert fit(flat_files, "--force") == 3
    assert f"after step {stop}; --resume" in capsys.readouterr().err
    assert fit(flat_files, "--resume") == 0
    assert len(steps) == 90, "none is done twice"
    for one, other in zip(read_progressive(flat_files / "out").levels, wanted.levels, strict=True):
        for name in ("sites", "means", "quats", "log_scales", "opacities", "sh0", "importance"):
            assert getattr(one.gaussians, name).tobytes() == getattr(other.gaussians, name).tobytes()
    lines = [json.loads(line)["step"] for line in (flat_files / "out.jsonl").read_text().splitlines()]
    assert lines == [20, 40, 60, 80]


def test_a_hand_over_has_other_options(flat_files, capsys):
    for option in (("--minutes", "3"), ("--gaussians", "9"), ("--without", "multi-level")):
        assert fit(flat_files, *option) == 3
        assert "--method forest" in capsys.readouterr().err
    saved = str(flat_files / "saved.toml")
    assert fit(flat_files, "--exact", "--steps", "20", "--save-config", saved) == 0
    found = read_configuration(saved, HandOverConfiguration())
    assert found.exact and found.steps == 20


def test_a_hand_over_takes_steps(flat_files, capsys):
    assert fit(flat_files, "--steps", "0") == 3
    assert "at least 1 step" in capsys.readouterr().err


def test_only_avatars_hand_over(files, capsys):
    assert fit(files, "--method", "hand-over") == 3
    assert main(["fit", "scene", "-o", str(files / "out"), "--method", "hand-over"]) == 3
    assert "only a finished avatar" in capsys.readouterr().err


def test_a_hand_over_is_not_resumed_with_another_source(flat_files, capsys, monkeypatch):
    import signal

    note = Checkpoint.record

    def stopping(self, *given):
        signal.raise_signal(signal.SIGINT)
        return note(self, *given)

    monkeypatch.setattr(Checkpoint, "record", stopping)
    assert fit(flat_files) == 3
    assert main(["fit", "scene", "-o", str(flat_files / "out"), "--resume"]) == 3
    assert "only a finished avatar" in capsys.readouterr().err
    assert (flat_files / "out.fit-state").exists()

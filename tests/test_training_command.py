"""`pav fit` from the command line: results, refusals, interruption."""

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numba")

from pavfmt.cli.main import main  # noqa: E402
from pavfmt.encoder import encode  # noqa: E402
from pavfmt.interop.progressive import read_progressive  # noqa: E402
from pavfmt.synthetic import toy_avatar  # noqa: E402
from pavtraining.configuration import Configuration, read_configuration, write_configuration  # noqa: E402

SHORT = Configuration(
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

    from pavtraining.fitting import Fit

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
    found = read_configuration(saved)
    assert (found.steps, found.multi_level, found.gaussians) == (5, False, 300)
    assert not (files / "out").exists()


def test_a_number_that_makes_no_sense(files, capsys):
    assert fit(files, "--steps", "0") == 3
    assert "steps" in capsys.readouterr().err


def test_minutes_end_a_run(files):
    assert fit(files, "--minutes", "0.0001") == 0
    assert len(read_progressive(files / "out").levels) >= 1

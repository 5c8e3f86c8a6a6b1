"""`pav curve`: the figures are those of the prefixes, and table, CSV, JSON and plot say the same."""

import csv
import io
import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from realdata import DATA
from schemas import schema
from small_pictures import SmallRasterizer

from pavcli import curve as command
from pavcli.main import main
from pavfmt import decode, encode, inspect
from pavfmt.exporters.progressive import write_progressive
from pavfmt.tools.cut import bytes_of_percent
from pavfmt.tools.inspect import gaussian_bytes_of
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.evaluation.metrics import mean_squared_error, psnr_of_error, ssim
from pavplayer.evaluation.prefixes import gaussian_bytes_within
from pavplayer.evaluation.structural_similarity import fast_ssim
from pavplayer.evaluation.views import EVALUATION_V1, known_expressions, read_evaluation_set
from spec.builders.avatars import SMALL_UNITS
from spec.builders.forging import flipped

EVALUATION = {
    "image": [550, 802],
    "focal_px": 1900.0,
    "distance_heights": 3.25,
    "background": [1, 1, 1],
    "views_yaw_pitch_degrees": [[0, 0], [30, 5]],
    "expressions": {"rest": {}, "open": {"jawOpen": 0.6}, "grin": {"noSuchShape": 1.0}},
}


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr("pavplayer.session.open_rasterizer", lambda device: SmallRasterizer())
    monkeypatch.setattr("pavplayer.session.cuda_problem", lambda: "not in this test")


@pytest.fixture
def folder(tmp_path):
    avatar = toy_avatar("face")
    (tmp_path / "toy.pav").write_bytes(encode(avatar, SMALL_UNITS))
    (tmp_path / "set.json").write_text(json.dumps(EVALUATION))
    write_progressive(avatar, tmp_path / "source")
    return tmp_path


def report_of(folder, capsys, *options, file="toy.pav"):
    where = ("--evaluation", str(folder / "set.json"))
    assert main(["curve", "--quiet", str(folder / file), "--json", *where, *map(str, options)]) == 0
    report = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, schema("curve"))
    return report


def test_points_are_prefixes_at_unit_boundaries(folder, capsys):
    (curve,) = report_of(folder, capsys)["curves"]
    data = (folder / "toy.pav").read_bytes()
    assert len(curve["points"]) > 4
    for point in curve["points"]:
        part = data[: point["file_bytes"]]
        assert gaussian_bytes_of(inspect(part)) == point["gaussian_bytes"]
        assert decode(part).gaussian_count == point["gaussian_count"]
        assert decode(part).is_animatable == point["animatable"]
        assert inspect(part).bytes_by_section.get("partial", 0) == 0
    sizes = [point["file_bytes"] for point in curve["points"]]
    report = inspect(data)
    assert sizes == sorted(set(sizes)) and sizes[-1] == len(data) == curve["file_bytes"]
    assert curve["visible"] == report.bytes_until_visible == sizes[0]
    assert curve["animatable"] == report.bytes_until_animatable and curve["animatable"] in sizes


def test_levels_begin_and_end_where_their_gaussians_do(folder, capsys):
    (curve,) = report_of(folder, capsys)["curves"]
    data = (folder / "toy.pav").read_bytes()

    def here(length, level):
        return inspect(data[:length]).levels[level].gaussians_here

    for one in curve["levels"]:
        assert here(one["begins"], one["level"]) > 0 == here(one["begins"] - 1, one["level"])
        assert here(one["complete"], one["level"]) == one["gaussian_count"]
        assert here(one["complete"] - 1, one["level"]) < one["gaussian_count"]


def test_against_itself_the_whole_file_is_equal(folder, capsys):
    report = report_of(folder, capsys)
    last = report["curves"][0]["points"][-1]
    assert report["reference"] == "the complete file"
    equal = {"psnr": None, "worst_psnr": None, "ssim": pytest.approx(1.0), "flip": None}
    assert last["likeness"] == equal and last["held"] == equal


def test_the_figures_are_those_of_the_pictures(folder, capsys):
    from pavplayer.session import open_session

    report = report_of(folder, capsys, "--reference", folder / "source")
    assert report["expressions"] == ["rest", "open"]
    point = report["curves"][0]["points"][2]
    session = open_session()
    session.feed((folder / "toy.pav").read_bytes()[: point["file_bytes"]])
    session.update()
    from pavfmt.importers import read_avatar
    from pavplayer.posing.poser import Poser

    poser, evaluation = (
        Poser(read_avatar(folder / "source")),
        read_evaluation_set(folder / "set.json"),
    )
    neutral = read_avatar(folder / "source").identity.neutral
    errors, similarities = [], []
    for name in report["expressions"]:
        pose = evaluation.expressions[name]
        for camera in evaluation.cameras(neutral):
            pair = (session.frame(pose, camera), SmallRasterizer().render(poser.frame(pose), camera))
            errors.append(mean_squared_error(*pair))
            similarities.append(ssim(*pair))
    assert point["likeness"]["psnr"] == pytest.approx(psnr_of_error(np.mean(errors)), abs=1e-6)
    assert point["likeness"]["worst_psnr"] == pytest.approx(psnr_of_error(max(errors)), abs=1e-6)
    assert point["likeness"]["ssim"] == pytest.approx(np.mean(similarities), abs=1e-6)


def test_held_is_what_it_would_be_with_all_shapes(folder, capsys):
    points = report_of(folder, capsys)["curves"][0]["points"]
    assert points[0]["held"] != points[0]["likeness"]
    assert points[-1]["held"] == points[-1]["likeness"]


def test_bytes_of_ones_choice(folder, capsys):
    total = len((folder / "toy.pav").read_bytes())
    report = report_of(folder, capsys, "--at", "700", "50%", "100%", 10**9)
    sizes = [point["file_bytes"] for point in report["curves"][0]["points"]]
    assert sizes == [700, bytes_of_percent(total, 50), total]


def test_few_points(folder, capsys):
    few = report_of(folder, capsys, "--points", 3)["curves"][0]["points"]
    many = report_of(folder, capsys)["curves"][0]["points"]
    assert 3 <= len(few) <= 4 < len(many)


def test_several_files_on_one_plot(folder, capsys):
    coarse = encode(toy_avatar("face"), replace(SMALL_UNITS, shape_step=1e-2))
    (folder / "coarse.pav").write_bytes(coarse)
    where = ("--evaluation", str(folder / "set.json"), "--reference", str(folder / "source"))
    files = [str(folder / name) for name in ("toy.pav", "coarse.pav")]
    plot = folder / "plot.svg"
    assert main(["curve", "-q", *files, *where, "--points", "4", "--csv", "-o", str(plot)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["file"] for row in rows} == {"toy", "coarse"}
    assert all(float(row["psnr"]) > 0 for row in rows)
    assert plot.read_text().lstrip().startswith("<?xml") and "<svg" in plot.read_text()


def test_table_and_png(folder, capsys):
    where = ("--evaluation", str(folder / "set.json"))
    plot = folder / "plot.png"
    assert main(["curve", "-q", str(folder / "toy.pav"), *where, "-o", str(plot)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("against the complete file; 2 views of rest, open")
    assert sum("visible" in line for line in lines) == 1 and "equal" in lines[-1]
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert main(["curve", "-q", str(folder / "toy.pav"), *where, "-o", str(plot)]) == 3


def test_a_plot_needs_a_known_suffix(folder, capsys):
    assert main(["curve", "-q", str(folder / "toy.pav"), "-o", str(folder / "plot.jpg")]) == 3
    assert "a plot is .png or .svg" in capsys.readouterr().err


def test_too_short_a_prefix_says_so(folder, capsys):
    (folder / "short.pav").write_bytes((folder / "toy.pav").read_bytes()[:200])
    assert main(["curve", "-q", str(folder / "short.pav")]) == 3
    assert "nothing to draw yet" in capsys.readouterr().err


def test_damage_is_told_even_where_nothing_is_left(folder, capsys):
    data = (folder / "toy.pav").read_bytes()
    first = next(unit for unit in inspect(data).units if unit.type == "gaussians")
    (folder / "bad.pav").write_bytes(flipped(data, first.offset + 30))
    assert main(["curve", "-q", str(folder / "bad.pav"), "--points", "2"]) == 4
    (folder / "bad.pav").write_bytes(flipped(data[: first.offset + (first.bytes or 0)], first.offset + 30))
    assert main(["curve", "-q", str(folder / "bad.pav")]) == 3
    assert capsys.readouterr().err.count("lost: unit-payload-damaged") == 2


@pytest.mark.parametrize("kind", ["static", "surface", "mixed"])
def test_every_kind_of_avatar(kind, folder, capsys):
    (folder / "other.pav").write_bytes(encode(toy_avatar(kind), SMALL_UNITS))
    report = report_of(folder, capsys, "--points", 3, file="other.pav")
    assert report["expressions"] == (["rest"] if kind == "static" else ["rest", "open"])


def test_expressions_a_rig_lacks_are_left_out():
    scene = decode(encode(toy_avatar("face")))
    assert list(known_expressions(EVALUATION_V1, scene)) == ["rest", "open"]


def test_gaussian_bytes_within_a_unit():
    data = encode(toy_avatar("face"), SMALL_UNITS)
    report = inspect(data)
    for length in range(0, len(data) + 1, 37):
        assert gaussian_bytes_within(report, length) >= gaussian_bytes_within(report, max(length - 37, 0))
    assert gaussian_bytes_within(report, len(data)) == gaussian_bytes_of(report)


@pytest.mark.parametrize("shape", [(11, 11, 3), (40, 23, 3), (12, 60, 1)])
def test_the_compiled_ssim_is_the_plain_one(shape):
    random = np.random.default_rng(3)
    one = random.random(shape).astype(np.float32)
    other = np.clip(one + random.normal(0, 0.1, shape), 0, 1)
    assert fast_ssim(one, other) == pytest.approx(ssim(one, other), abs=1e-12)
    assert fast_ssim(one, one) == pytest.approx(1.0, abs=1e-12)


def test_ssim_refuses_what_it_cannot_compare():
    for shapes in (((20, 20, 3), (20, 21, 3)), ((10, 20, 3), (10, 20, 3))):
        with pytest.raises(ValueError, match="11×11"):
            fast_ssim(*map(np.zeros, shapes))


@pytest.mark.skipif(not (DATA.parent / "eval-v1.json").is_file(), reason="no eval-v1.json beside the data")
def test_the_evaluation_set_is_eval_v1():
    assert read_evaluation_set(DATA.parent / "eval-v1.json") == EVALUATION_V1


def test_amounts():
    assert command.values.amount("14_600") == (14600, "")
    assert command.values.amount("12.5%") == (12.5, "%")

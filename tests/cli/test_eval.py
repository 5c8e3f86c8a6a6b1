"""`pav eval`: budgets are the prefixes they say, and the first picture is timed over real HTTP."""

import json
import time
from dataclasses import replace

import jsonschema
import pytest
from realdata import DATA, needs_data
from schemas import schema
from small_pictures import SmallRasterizer

from pavcli.main import main
from pavfmt import decode, encode, inspect
from pavfmt.exporters.progressive import write_progressive
from pavfmt.tools.inspect import gaussian_bytes_of
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.evaluation.first_picture import http_chunks, seconds_until_picture, served
from pavplayer.session import open_session
from pavplayer.streaming.link import Link
from spec.builders.avatars import SMALL_UNITS

EVALUATION = {
    "image": [550, 802],
    "focal_px": 1900.0,
    "distance_heights": 3.25,
    "background": [1, 1, 1],
    "views_yaw_pitch_degrees": [[0, 0], [30, 5]],
    "expressions": {"rest": {}, "open": {"jawOpen": 0.6}},
}


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch, request):
    monkeypatch.setattr("pavplayer.session.open_rasterizer", lambda device: SmallRasterizer())
    monkeypatch.setattr("pavplayer.session.cuda_problem", lambda: "not in this test")


@pytest.fixture
def folder(tmp_path):
    avatar = toy_avatar("face")
    (tmp_path / "toy.pav").write_bytes(encode(avatar, SMALL_UNITS))
    (tmp_path / "set.json").write_text(json.dumps(EVALUATION))
    write_progressive(avatar, tmp_path / "source")
    return tmp_path


QUICK = ("--no-flip", "--framing", "everything")


def report_of(folder, capsys, *options, file="toy.pav"):
    assert main(["eval", "--quiet", str(folder / file), "--json", *QUICK, *map(str, options)]) == 0
    report = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, schema("eval"))
    return report


def test_a_budget_is_the_longest_prefix_of_whole_units_within_it(folder, capsys):
    report = report_of(folder, capsys, "--reference", folder / "source")
    data = (folder / "toy.pav").read_bytes()
    ends = [unit.offset + unit.bytes for unit in inspect(data).units]
    kinds = [(one["of"], one["percent"]) for one in report["budgets"]]
    assert kinds == [(of, p) for of in ("gaussian_bytes", "gaussians") for p in (5, 25, 50, 100)]
    for one in report["budgets"]:
        part = data[: one["file_bytes"]]
        here = {"gaussian_bytes": gaussian_bytes_of(inspect(part)), "gaussians": decode(part).gaussian_count}
        likeness = report["likeness"]
        total = {"gaussian_bytes": likeness["gaussian_bytes"], "gaussians": likeness["gaussian_count"]}
        assert here["gaussian_bytes"] == one["gaussian_bytes"] and here["gaussians"] == one["gaussian_count"]
        assert 100 * here[one["of"]] <= one["percent"] * total[one["of"]]
        later = [end for end in ends if end > one["file_bytes"]]
        if later:  # the next unit would be too much
            more = data[: later[0]]
            size = {
                "gaussian_bytes": gaussian_bytes_of(inspect(more)),
                "gaussians": decode(more).gaussian_count,
            }
            assert 100 * size[one["of"]] > one["percent"] * total[one["of"]]


def test_more_bytes_look_no_worse_and_speed_needs_something_to_draw(folder, capsys):
    report = report_of(folder, capsys, "--percent", 0, 50, 100)
    nothing, half, whole = report["budgets"][:3]
    assert nothing["gaussian_count"] == 0 and nothing["frames_per_second"] is None
    assert half["frames_per_second"] > 0
    (before,), (then,), (after,) = (one["framings"] for one in (nothing, half, whole))
    assert before["psnr"] < then["psnr"] and before["large"]["difference"] > then["large"]["difference"] > 0
    assert after["psnr"] is None and after["large"]["difference"] == 0
    assert all(one["set_quality"] is None for one in report["budgets"]) and report["view_set"] is None


def test_an_older_set_has_its_own_table(folder, capsys):
    options = ("--percent", 50, 100, "--evaluation", folder / "set.json")
    report = report_of(folder, capsys, *options)
    assert report["view_set"]["views"] == [[0, 0], [30, 5]] and len(report["view_set"]["expressions"]) == 2
    half, whole = (one["set_quality"] for one in report["budgets"][:2])
    assert 0 < half["psnr"] < 60
    assert whole == {"psnr": None, "worst_psnr": None, "ssim": pytest.approx(1), "flip": None}
    assert main(["eval", "-q", str(folder / "toy.pav"), *QUICK, *map(str, options)]) == 0
    assert "over the set of views: 2 views of" in capsys.readouterr().out


def test_eval_v1_is_there_for_old_figures(folder, capsys):
    report = report_of(folder, capsys, "--percent", 100, "--eval-v1")
    assert len(report["view_set"]["views"]) == 8


def test_what_was_left_out_is_counted(folder, capsys):
    likeness = report_of(folder, capsys, "--percent", 100, "--reference", folder / "source")["likeness"]
    source = toy_avatar("face").gaussian_count
    assert likeness["source_gaussian_count"] == source
    assert likeness["left_out"] == source - likeness["gaussian_count"]
    assert likeness["bytes_per_input"] == pytest.approx(likeness["gaussian_bytes"] / source, abs=1e-4)
    kept = likeness["gaussian_bytes"] / likeness["gaussian_count"]
    assert likeness["bytes_per_kept"] == pytest.approx(kept, abs=1e-4)
    assert any("the rig has not" in line or "drawn already" in line for line in likeness["skipped"])


def test_first_pictures_are_those_of_the_links(folder, capsys):
    report = report_of(folder, capsys)
    assert report["first_bytes"] == inspect((folder / "toy.pav").read_bytes()).bytes_until_visible
    links = [(one["megabits_per_second"], one["latency_ms"]) for one in report["first_pictures"]]
    assert links == [(rate, latency) for rate in (1, 10, 50) for latency in (20, 100)]
    for one in report["first_pictures"]:
        link = Link(one["megabits_per_second"] * 1e6, one["latency_ms"] / 1e3)
        least = link.arrival_seconds(report["first_bytes"])
        assert one["simulated_seconds"] > least and one["loopback_seconds"] >= least


def test_tables_say_the_same(folder, capsys):
    arguments = ["eval", "-q", str(folder / "toy.pav"), *QUICK, "-o", str(folder / "report.md")]
    assert main(arguments) == 0
    text, markdown = capsys.readouterr().out, (folder / "report.md").read_text()
    for part in (
        "50 % of Gaussian bytes",
        "25 % of Gaussians",
        "10 Mbit/s",
        "first picture: ",
        "per kept one",
    ):
        assert part in text and part in markdown
    assert main(arguments) == 3, "nothing is overwritten"
    assert main([*arguments[:-1], str(folder / "report.png")]) == 0
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")


def test_a_report_needs_a_known_suffix(folder, capsys):
    assert main(["eval", "-q", str(folder / "toy.pav"), "-o", str(folder / "report.doc")]) == 3
    assert "a report is .md or .png" in capsys.readouterr().err


def test_too_short_a_prefix_says_so(folder, capsys):
    (folder / "short.pav").write_bytes((folder / "toy.pav").read_bytes()[:200])
    assert main(["eval", "-q", str(folder / "short.pav")]) == 3
    assert "nothing to draw yet" in capsys.readouterr().err


def test_the_schema_refuses_a_budget_of_something_else(folder, capsys):
    report = report_of(folder, capsys)
    report["budgets"][0]["of"] = "pixels"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, schema("eval"))


def test_the_server_sends_everything_at_the_links_pace():
    data, link = bytes(range(256)) * 200, Link(4e6, 0.02)
    with served(data, link) as url:
        start = time.monotonic()
        assert b"".join(http_chunks(url)) == data
        assert time.monotonic() - start >= link.arrival_seconds(len(data))


def test_what_holds_no_picture_says_so():
    data = encode(toy_avatar("face"), SMALL_UNITS)
    short = data[: inspect(data).bytes_until_visible - 1]
    with served(short, Link(1e9, 0.0)) as url, pytest.raises(RuntimeError, match="nothing to draw"):
        seconds_until_picture(url, open_session())


def test_pieces_may_come_from_elsewhere():
    data = encode(toy_avatar("static"), replace(SMALL_UNITS))
    fed = []

    def pieces(url):
        for start in range(0, len(data), 100):
            fed.append(start)
            yield data[start : start + 100]

    assert seconds_until_picture("anywhere", open_session(), pieces) > 0
    assert len(fed) == -(-inspect(data).bytes_until_visible // 100), "no more is read than the picture needs"


@needs_data
def test_a_real_head(tmp_path, capsys):
    head = tmp_path / "tesla.pav"
    source = str(DATA / "lam" / "tesla.zip")
    fast = ("--importance", "opacity-area", "--no-search", "-q")
    assert main(["encode", source, "-o", str(head), *fast]) == 0
    capsys.readouterr()
    import pavplayer.rasterizers

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pavplayer.session.open_rasterizer", pavplayer.rasterizers.open_rasterizer)
        options = ("--scale", "0.1", "--percent", 25, 100, "--framing", "eyes")
        report = report_of(tmp_path, capsys, "--reference", source, *options, file="tesla.pav")
    qualities = [one["framings"][0]["psnr"] for one in report["budgets"][:2]]
    assert qualities == sorted(qualities) and qualities[-1] > 30
    assert report["likeness"]["gaussian_count"] > 10_000

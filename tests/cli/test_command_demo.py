"""`pav demo` and `pav sheet`: what the page holds, that it asks for nothing, and what is left alone."""

import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from small_pictures import SmallRasterizer

from pavcli import sheet
from pavcli.main import main
from pavfmt.decoding.decoder import decode
from pavfmt.encoder import encode
from pavfmt.encoder.options import EncodeOptions, precision_near
from pavfmt.model import Avatar
from pavfmt.tools.cut import unit_ends
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.demo_page.quality_plot import quality_plot
from pavplayer.demo_page.reception import Download, receive
from pavplayer.demonstration import MOVES, SECONDS, bump, moments, weights_at
from pavplayer.evaluation.prefixes import psnr_of, spread_lengths
from pavplayer.evaluation.reports.byte_axes import shown_bytes
from pavplayer.evaluation.reports.contact_sheet import contact_sheet
from pavplayer.evaluation.views import basic_expressions
from pavplayer.session import Session
from pavplayer.streaming.link import Link

SMALL_UNITS = EncodeOptions(first_unit_bytes=60, unit_bytes=60, unit_share=0.0)
LINK = Link(1e5, 0.02)


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr("pavplayer.session.open_rasterizer", lambda device: SmallRasterizer())
    monkeypatch.setattr("pavplayer.session.cuda_problem", lambda: "not in this test")


@pytest.fixture(scope="module")
def toy():
    avatar = toy_avatar("face")
    metadata = {"title": "a <b>toy</b> & $money </script>", "author": "<i>me</i>", "license": "CC0-1.0"}
    return encode(Avatar(avatar.levels, avatar.rig, avatar.identity, metadata), SMALL_UNITS)


@pytest.fixture(scope="module")
def made(tmp_path_factory, toy):
    """The demo's files for the toy: page, sheet and what was printed."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "toy.pav").write_bytes(toy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pavplayer.session.open_rasterizer", lambda device: SmallRasterizer())
        patch.setattr("pavplayer.session.cuda_problem", lambda: "not in this test")
        patch.setattr("sys.stdout", printed := io.StringIO())
        assert run_demo(folder / "toy.pav", folder / "new" / "out") == 0
    out = folder / "new" / "out"
    return (out / "index.html").read_text(), out / "contact-sheet.png", printed.getvalue()


def run_demo(avatar, out, *options):
    return main(["demo", "--avatar", str(avatar), "--out", str(out), "--frames", "3", *options])


def page_data(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


class Addresses(HTMLParser):
    """Everything a browser would fetch, and the tags."""

    def __init__(self):
        super().__init__()
        self.found, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.found += [v for k, v in attrs if k in ("src", "href", "xlink:href", "srcset", "data", "action")]


def test_the_page_asks_the_network_for_nothing(made):
    page, _, _ = made
    reader = Addresses()
    reader.feed(page)
    assert reader.found
    assert all(one.startswith(("data:image/webp;base64,", "#")) for one in reader.found)
    assert "link" not in reader.tags and "iframe" not in reader.tags
    assert "default-src 'none'" in page
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest", page)


def test_text_from_the_file_is_escaped(made):
    page, _, _ = made
    assert "<b>toy" not in page and "<i>me" not in page
    assert "<h1>a &lt;b&gt;toy&lt;/b&gt; &amp; $money &lt;/script&gt;</h1>" in page
    assert "Avatar by &lt;i&gt;me&lt;/i&gt;" in page


def test_every_stop_of_the_slider_is_a_growing_prefix(made, toy):
    data = page_data(made[0])
    stops = data["prefixes"]
    lengths = [one["received_bytes"] for one in stops]
    assert lengths == sorted(set(lengths))
    assert set(lengths) <= set(unit_ends(toy))
    assert lengths[-1] == len(toy)
    assert stops[0]["gaussian_count"] > 0
    assert stops[-1]["decibels"] is None
    assert len(data["positions"]) == len(stops) and data["positions"] == sorted(data["positions"])
    for stop in stops:
        scene = decode(toy[: stop["received_bytes"]])
        assert stop["gaussian_count"] == scene.gaussian_count
        assert set(stop["pictures"]) == {"rest", "mouth open"}
        assert list(stop["seconds"]) == ["2 Mbit/s, 80 ms", "1 Mbit/s, 80 ms", "10 Mbit/s, 80 ms"]
        expected = Link(1e6, 0.08).arrival_seconds(stop["received_bytes"])
        assert stop["seconds"]["1 Mbit/s, 80 ms"] == pytest.approx(expected, abs=1e-4)


def test_stages_play_the_same_number_of_frames(made):
    stages = page_data(made[0])["stages"]
    assert len(stages) >= 2
    assert {len(frames) for frames in stages} == {3}
    assert all(frame.startswith("data:image/webp") for frames in stages for frame in frames)


def test_the_plot_marks_what_was_printed(made, toy):
    page, _, printed = made
    visible = int(re.search(r"first picture\s+([\d,]+) bytes", printed)[1].replace(",", ""))
    animatable = int(re.search(r"animatable\s+([\d,]+) bytes", printed)[1].replace(",", ""))
    assert decode(toy[:visible]).is_visible and not decode(toy[: visible - 1]).is_visible
    assert decode(toy[:animatable]).is_animatable and not decode(toy[: animatable - 1]).is_animatable
    assert f"visible: {shown_bytes(visible)}" in page
    assert f"animatable: {shown_bytes(animatable)}" in page
    assert "PSNR against the complete file, dB" in page and "file bytes received, kB" in page


def test_the_contact_sheet_is_a_picture(made):
    with Image.open(made[1]) as image:
        assert image.width > image.height > 200
        assert image.text["Software"] == "pav demo"


def test_the_demo_replaces_its_own_files_only(tmp_path, toy, capsys):
    avatar, out = tmp_path / "toy.pav", tmp_path / "out"
    avatar.write_bytes(toy)
    assert run_demo(avatar, out, "-q") == 0
    first = (out / "index.html").read_bytes()
    assert run_demo(avatar, out, "-q") == 0
    assert (out / "index.html").read_bytes() == first
    (out / "index.html").write_text("<p>mine</p>")
    assert run_demo(avatar, out) == 3
    assert (out / "index.html").read_text() == "<p>mine</p>"
    assert "--force" in capsys.readouterr().err
    assert run_demo(avatar, out, "-q", "--force") == 0


def test_a_scene_without_a_rig_has_a_page_too(tmp_path):
    (tmp_path / "static.pav").write_bytes(encode(toy_avatar("static"), SMALL_UNITS))
    assert run_demo(tmp_path / "static.pav", tmp_path / "out", "-q") == 0
    data = page_data((tmp_path / "out" / "index.html").read_text())
    assert set(data["prefixes"][0]["pictures"]) == {"rest"}


def test_damage_is_reported_and_nothing_to_draw_is_refused(tmp_path, toy, capsys):
    damaged = bytearray(toy)
    damaged[-1] ^= 1
    (tmp_path / "damaged.pav").write_bytes(damaged)
    assert run_demo(tmp_path / "damaged.pav", tmp_path / "out") == 4
    assert "unit-payload-damaged" in capsys.readouterr().err
    for length in (0, 60):
        (tmp_path / "short.pav").write_bytes(toy[:length])
        assert run_demo(tmp_path / "short.pav", tmp_path / "none") == 3
        assert "nothing to draw" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "options", [["--rate", "2"], ["--rate", "-1mbit"], ["--latency", "80"], ["--rate", "0mbit"]]
)
def test_malformed_links_are_usage_errors(options):
    with pytest.raises(SystemExit) as raised:
        main(["demo", *options])
    assert raised.value.code == 2


def test_a_reception_ends_with_the_whole_and_keeps_the_clock(toy):
    seen = []
    reception = receive(toy, LINK, lambda: Session(SmallRasterizer()), lambda *now: seen.append(now))
    counts, gaussians, seconds = (list(column) for column in zip(*seen, strict=True))
    assert counts == sorted(counts) and counts[-1] == len(toy)
    assert gaussians == sorted(gaussians) and gaussians[-1] == 21
    assert seconds == sorted(seconds)
    assert seconds[-1] == pytest.approx(LINK.arrival_seconds(len(toy)))
    expected = reception.session.frame(reception.expressions["mouth open"], reception.camera)
    np.testing.assert_array_equal(reception.cuts[-1].pictures["mouth open"], expected)
    qualities = [psnr_of(cut.pictures, reception.whole) for cut in reception.cuts]
    assert qualities[-1] == float("inf") and qualities[0] < qualities[-2]


def test_a_download_never_brings_bytes_early(toy):
    session, download = Session(SmallRasterizer()), Download(LINK)
    for at in range(0, len(toy), 333):
        download.receive(session, toy[at : at + 333])
        assert session.received_bytes == min(at + 333, len(toy))
        assert download.seconds >= LINK.arrival_seconds(session.received_bytes) - 1e-9


def test_the_performance_loops_and_moves_what_the_rig_has(toy):
    assert weights_at(0.0) == weights_at(SECONDS) == {}
    assert all(0 <= value <= 1 for k in range(200) for value in weights_at(SECONDS * k / 200).values())
    used = {name for names, _, _ in MOVES for name in names}
    assert {"jawOpen", "eyeBlinkLeft", "mouthSmileRight", "browInnerUp"} <= used
    frames = list(moments(decode(toy), 90))
    assert {name for frame in frames for name in frame.pose.weights} == {"jawOpen", "eyeBlinkLeft"}
    assert min(frame.yaw_degrees for frame in frames) < -10 < 10 < max(frame.yaw_degrees for frame in frames)
    still = list(moments(decode(encode(toy_avatar("static"))), 90))
    assert not any(frame.pose.weights or frame.pose.rotations for frame in still)


def test_a_bump_rises_stays_and_falls():
    times = (1.0, 2.0, 3.0, 5.0)
    values = [bump(seconds, times) for seconds in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)]
    assert values == pytest.approx([0, 0, 0.5, 1, 1, 1, 0.5, 0, 0])


def test_stops_are_spread_and_keep_the_ends():
    lengths = list(range(100, 100_000, 100))
    chosen = spread_lengths(lengths, 7)
    assert len(chosen) == 7 and chosen[0] == 100 and chosen[-1] == lengths[-1]
    ratios = np.diff(np.log(chosen))
    assert ratios.max() < 1.3 * ratios.min()
    assert spread_lengths([5, 9], 30) == [5, 9]
    assert spread_lengths([], 3) == []


def test_the_plot_leaves_out_equality_and_survives_one_point():
    plot = quality_plot([1000, 5000, 9000], [12.0, 30.0, float("inf")], {"visible": 1000, "animatable": None})
    assert plot.svg.startswith("<svg") and "visible: 1.0 kB" in plot.svg and "animatable" not in plot.svg
    assert 0 < plot.positions[0] < plot.positions[1] < plot.positions[2] < 1
    assert 0 < plot.top < plot.bottom < 1
    assert "var(--accent)" in plot.svg and "#040404" not in plot.svg
    assert quality_plot([1000], [float("inf")], {}).positions[0] > 0


def test_a_contact_sheet_places_pictures_in_rows():
    red, blue = np.zeros((20, 10, 3)), np.zeros((20, 10, 3))
    red[..., 0] = blue[..., 2] = 1
    image = contact_sheet([[("a", red), ("b", blue)], [("c\nd", blue)]], "title", width=40)
    pixels = np.asarray(image).astype(int)
    is_red, is_blue = (pixels == [255, 0, 0]).all(-1), (pixels == [0, 0, 255]).all(-1)
    assert is_red.sum() == 40 * 80 and is_blue.sum() == 2 * 40 * 80
    assert np.argwhere(is_red)[:, 1].max() < np.argwhere(is_blue[: len(pixels) // 2])[:, 1].min()


def test_an_expression_without_jaw_shapes_turns_the_jaw():
    avatar = toy_avatar("face")
    assert basic_expressions(decode(encode(avatar)))["mouth open"].weights == {"jawOpen": 0.6}
    bare = replace(avatar, rig=replace(avatar.rig, shapes=()), tracks=())
    opened = basic_expressions(decode(encode(bare)))["mouth open"]
    assert not opened.weights and opened.rotations["jaw"][0] > 0
    assert set(basic_expressions(decode(encode(toy_avatar("static"))))) == {"rest"}


def run_sheet(*options):
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("-q", "--quiet", action="store_true")
    sheet.add_arguments(parser)
    return sheet.run(parser.parse_args([str(option) for option in options]))


def test_the_sheet_compares_with_the_file_or_with_another(tmp_path, toy, capsys):
    file, other = tmp_path / "toy.pav", tmp_path / "other.pav"
    file.write_bytes(toy)
    other.write_bytes(encode(toy_avatar("face"), EncodeOptions(precision=precision_near(60.0))))
    assert run_sheet(file, "-o", tmp_path / "a.png", "--percents", "70", "100") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split()[:3] == [f"{len(toy):,}", "21", "inf"]
    assert run_sheet(file, "-o", tmp_path / "b.png", "--percents", "100", "--reference", other) == 0
    best = float(capsys.readouterr().out.splitlines()[-1].split()[2])
    assert 30 < best < float("inf")
    with Image.open(tmp_path / "b.png") as image:
        assert image.width > 400


def test_help_and_import_need_no_optional_package():
    code = (
        "import sys\n"
        "for name in ('numba', 'torch', 'gsplat', 'matplotlib', 'PIL', 'tqdm'): sys.modules[name] = None\n"
        "from pavcli.main import main\n"
        "import pavplayer, pavplayer.session, pavplayer.importance, pavcli.sheet\n"
        "try: main(['--help'])\n"
        "except SystemExit as done: assert done.code == 0\n"
        "assert main(['demo']) == 3\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "render" in done.stdout and "demo" in done.stdout
    assert "pip install 'pavfmt[player]'" in done.stderr

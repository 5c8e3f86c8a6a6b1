"""`pav compare`: figures as the schema says, and a page that is all there is to it."""

import base64
import io
import json
import re

import jsonschema
import numpy as np
import pytest
from PIL import Image
from schemas import schema
from small_pictures import SmallRasterizer

from pavcli.main import main
from pavcli.options.progress import SECONDS_BETWEEN_LINES, Lines
from pavfmt import encode
from pavfmt.exporters.progressive import write_progressive
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.evaluation.reports.comparison_page.difference_map import STOPS, difference_map, scale_end
from spec.builders.avatars import SMALL_UNITS


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr("pavplayer.session.open_rasterizer", lambda device: SmallRasterizer())
    monkeypatch.setattr("pavplayer.session.cuda_problem", lambda: "not in this test")


@pytest.fixture
def folder(tmp_path):
    avatar = toy_avatar("face")
    (tmp_path / "toy<b>.pav").write_bytes(encode(avatar, SMALL_UNITS))
    write_progressive(avatar, tmp_path / "source")
    return tmp_path


def compared(folder, *options):
    words = ["compare", "-q", "--no-flip", str(folder / "source"), str(folder / "toy<b>.pav")]
    return main([*words, *map(str, options)])


def test_the_figures_are_as_the_schema_says(folder, capsys):
    assert compared(folder, "--json", "--framing", "everything") == 0
    report = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, schema("compare"))
    (framing,) = report["framings"]
    assert framing["framing"] == "everything" and 20 < framing["psnr"] < 90
    assert framing["small"]["difference"] >= framing["large"]["difference"] > 0
    report["framings"][0]["large"]["background"] = "green"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, schema("compare"))


def test_the_page_is_self_contained_and_worst_first(folder, capsys):
    page = folder / "report.html"
    assert compared(folder, "-o", page, "--framing", "head", "everything") == 0
    text, shown = page.read_text(), capsys.readouterr().out
    assert not re.search(r'(?:src|href)="(?!data:|#)', text) and "url(" not in text
    assert "toy&lt;b&gt;" in text and "<b>.pav" not in text
    assert all(
        re.search(r' alt="[^"]', tag) or 'aria-hidden="true"' in tag for tag in re.findall("<img[^>]*>", text)
    )
    worst = {name: float(found) for name, found in re.findall(r"worst 16×16 of (\w+): ([\d.]+)", shown)}
    assert re.findall(r'<section id="(\w+)">', text) == sorted(worst, key=worst.get, reverse=True)
    assert "prefers-reduced-motion" in text and "prefers-color-scheme: dark" in text
    assert compared(folder, "-o", page) == 3, "nothing is overwritten"
    pictures = re.findall(r"data:image/webp;base64,([^\"]+)", text)
    assert all(Image.open(io.BytesIO(base64.b64decode(one))).format == "WEBP" for one in pictures[:3])


def test_a_report_needs_a_known_suffix_before_any_work(folder, capsys):
    assert compared(folder, "-o", folder / "report.pdf") == 3
    assert "a report is .html" in capsys.readouterr().err


def test_nothing_to_look_at_says_why(folder, capsys):
    assert compared(folder, "--framing", "eyes") == 3
    assert "nothing to look at (eyes: the rig has neither" in capsys.readouterr().err


def test_encode_writes_the_same_page(folder, capsys):
    words = ["encode", "-q", str(folder / "source"), "-o", str(folder / "new.pav"), "--no-search"]
    page = folder / "new.html"
    assert main([*words, "--importance", "opacity-area", "--report", str(page)]) == 0
    assert "new: original and encoded" in page.read_text()
    assert main([*words, "--force", "--report", str(folder / "new.txt")]) == 3


def test_differences_get_lighter_and_end_where_the_scale_does():
    black = np.zeros((1, 4, 3), np.float32)
    other = black.copy()
    other[0, :, 1] = np.array([0, 8, 16, 200]) / 255
    colours = difference_map(black, other, 16)[0] * 255
    assert np.allclose(colours[0], STOPS[0]) and np.allclose(colours[1], STOPS[8], atol=1e-6)
    assert np.allclose(colours[2], STOPS[-1]) and np.allclose(colours[3], STOPS[-1])
    assert np.all(np.diff(colours[:3] @ [0.2126, 0.7152, 0.0722]) > 0)
    assert [scale_end(value) for value in (0, 8, 8.1, 255, 300)] == [8, 8, 16, 255, 255]


def test_without_a_terminal_a_line_comes_now_and_then(capsys):
    now = [0.0]
    lines = Lines("head", False, lambda: now[0])
    for now[0] in (1.0, SECONDS_BETWEEN_LINES, SECONDS_BETWEEN_LINES + 1, 2 * SECONDS_BETWEEN_LINES):
        lines.show(now[0] / 100, ", some")
    lines.show(1.0)
    assert capsys.readouterr().err.splitlines() == [
        "head: 20 %, some after 20 s",
        "head: 40 %, some after 40 s",
    ]

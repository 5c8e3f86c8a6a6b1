"""The results command: cells are computed once, kept, resumed, and never invented."""

import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numba")
pytest.importorskip("matplotlib")

from pavfmt.errors import EncodeError  # noqa: E402
from pavfmt.model import Pose  # noqa: E402
from pavplayer.camera import Camera  # noqa: E402
from pavplayer.session import open_session  # noqa: E402
from pavtraining.running import stop_asked  # noqa: E402
from pavtraining.sources import Teacher, View  # noqa: E402
from research.results import __main__ as command  # noqa: E402
from research.results.cells import SHARES, Cell, Cells, all_cells, missing  # noqa: E402
from research.results.deadline import Deadline, TimeIsUpError  # noqa: E402
from research.results.document import MISSING, document  # noqa: E402
from research.results.judging import MOST_DECIBELS, gaussian_bytes_of, judged  # noqa: E402
from research.results.methods import ADDITIVE, ALONE, FLAT, METHODS, WHOLE, Method  # noqa: E402
from research.results.plots import plots  # noqa: E402
from research.results.subjects import SUBJECTS, Subject  # noqa: E402
from spec.builders.avatars import toy, toy_file  # noqa: E402


@pytest.fixture(scope="module")
def data():
    return toy_file()


@pytest.fixture(scope="module")
def views(data):
    """What the whole file shows, small."""
    session = open_session("cpu")
    session.feed(data)
    session.update()
    low, high = session.framed_points().min(axis=0), session.framed_points().max(axis=0)
    centre, height = ((low + high) / 2).astype(float), float(high[1] - low[1])
    camera = Camera.orbit(centre, 3.25 * height, width=60, height=80, focal_px=200)
    return [View(camera, Pose(), session.frame(Pose(), camera))]


def toy_subject():
    teacher = Teacher(toy())
    return Subject("status", "a toy", teacher, teacher, toy())


class Counting:
    """A method that writes the same file and counts how often."""

    def __init__(self, data):
        self.data, self.times = data, 0

    def __call__(self, subject, order, work, deadline):
        self.times += 1
        return self.data

    def method(self, name="flat-w", **settings):
        return Method(name, "a row", ("status",), self, settings)


def test_the_whole_file_is_judged_without_error(data, views):
    whole = gaussian_bytes_of(data)
    found = judged(data, [0, whole // 2, whole], views)
    assert found[-1].psnr == MOST_DECIBELS
    assert found[-1].ssim == pytest.approx(1.0)
    assert found[-1].gaussian_bytes == whole
    assert found[0].gaussian_count == 0 and found[0].gaussian_bytes == 0
    assert [one.gaussian_bytes for one in found] == sorted(one.gaussian_bytes for one in found)
    assert all(one.flip is None for one in found)


def test_a_prefix_has_no_more_bytes_than_its_budget(data, views):
    budgets = list(range(0, gaussian_bytes_of(data), 700))
    for budget, found in zip(budgets, judged(data, budgets, views), strict=True):
        assert found.gaussian_bytes <= budget
        assert found.worst_psnr <= found.psnr + 1e-9


def test_a_cell_is_computed_once_and_read_back(tmp_path, data, views):
    cells, counting = Cells(tmp_path / "cells", tmp_path), Counting(data)
    cell = Cell("status", counting.method(step=1))
    assert cells.result(cell) is None and not cells.has(cell)
    result = cells.compute(cell, toy_subject(), views, Deadline())
    assert cells.result(cell) == result
    assert len(result.judgements) == len(SHARES) == len(result.budgets)
    assert list(missing(cells, [cell])) == []
    assert list(missing(cells, [cell], with_flip=True)) == [cell], "FLIP was not measured"


def test_heads_are_judged_by_eval_v2_where_asked_for_and_older_cells_say_so(tmp_path, data, views):
    cells, cell = Cells(tmp_path / "cells", tmp_path), Cell("status", replace(FLAT, make=Counting(data)))
    before = cells.compute(cell, toy_subject(), views, Deadline())
    assert before.head is None and cells.has(cell) and not cells.has(cell, with_head=True)
    assert list(missing(cells, [cell], with_head=True)) == [cell]
    rows = [row for row in document(cells, []).splitlines() if row.startswith("| status | flat, by W")]
    assert [MISSING in row for row in rows] == [False, True], "by eval-v1, by eval-v2"
    after = cells.compute(cell, toy_subject(), views, Deadline(), head_views=views)
    assert cells.has(cell, with_head=True) and cells.result(cell) == after
    assert len(after.head) == len(after.marks) + 1 and after.head[-1].psnr == MOST_DECIBELS


def test_the_head_framing_is_drawn_of_finished_heads_alone():
    subject = toy_subject()
    assert len(subject.head_examination()) % 10 == 0 and subject.head_examination()
    assert replace(subject, flat=None).head_examination() == []


def test_other_settings_make_a_cell_anew(tmp_path, data, views):
    cells, counting = Cells(tmp_path / "cells", tmp_path), Counting(data)
    cells.compute(Cell("status", counting.method(step=1)), toy_subject(), views, Deadline())
    assert not cells.has(Cell("status", counting.method(step=2)))


def test_a_damaged_result_is_named(tmp_path, data, views):
    cells = Cells(tmp_path, tmp_path)
    cell = Cell("status", Counting(data).method())
    cells.compute(cell, toy_subject(), views, Deadline())
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text()[:-40])
    with pytest.raises(EncodeError, match=re.escape(path.name)):
        cells.result(cell)


def test_the_clock_stops_between_pictures_and_leaves_no_result(tmp_path, data, views):
    cells, cell = Cells(tmp_path, tmp_path), Cell("status", Counting(data).method())
    with pytest.raises(TimeIsUpError):
        cells.compute(cell, toy_subject(), views, Deadline(0.0))
    assert cells.result(cell) is None
    assert not list(tmp_path.rglob("*.json"))


def test_the_clock_interrupts_a_fit():
    """As by Ctrl-C: a fit saves its state then."""
    with stop_asked() as asked, Deadline(0.001).stopping_fits():
        deadline = time.monotonic() + 30
        while not asked() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert asked()
    with Deadline(5.0).stopping_fits(), Deadline().stopping_fits():
        pass


def test_cells_come_after_what_they_need():
    order = list(missing(Cells_of_nothing(), all_cells(["status/alone-*"])))
    names = [cell.name for cell in order]
    assert names[:2] == ["status/flat-w", "status/additive"] or names[:2] == [
        "status/additive",
        "status/flat-w",
    ]
    assert names[2:] == [f"status/alone-{100 * share:g}" for share in SHARES[:-1]]


class Cells_of_nothing:  # noqa: N801
    """There is nothing yet."""

    def has(self, cell, with_flip=False, with_head=False):
        return False


def test_every_row_and_subject_is_there():
    names = {cell.name for cell in all_cells()}
    assert {f"{subject}/additive" for subject in SUBJECTS} <= names
    assert {"scene/ablation-none", "scene/ablation-multi-level", "p2-1/hand-over", "capture/alone-5"} <= names
    assert len(names) == len(all_cells())
    assert [cell.name for cell in all_cells(["tesla/flat-*"])] == [
        "tesla/flat-w",
        "tesla/flat-area",
        "tesla/flat-random",
    ]


def test_alone_means_without_prefixes():
    assert not ALONE.settings["multi_level"] and not ALONE.settings["random_budgets"]
    assert ADDITIVE.settings["multi_level"] and WHOLE.settings["multi_level"]
    for method in METHODS:
        if method.name.startswith("ablation-") and method is not WHOLE:
            changed = [k for k, v in method.settings.items() if v != WHOLE.settings[k]]
            assert len(changed) == 1


def test_the_page_invents_nothing(tmp_path, data, views):
    cells = Cells(tmp_path / "cells", tmp_path)
    empty = document(cells, [])
    assert not re.search(r"\d\d\.\d\d", re.sub(r"## What each.*|- \*\*.*", "", empty))
    assert empty.count(MISSING) > 100
    assert plots(cells) == {}
    cell = Cell("status", replace(FLAT, make=Counting(data)))
    result = cells.compute(cell, toy_subject(), views, Deadline())
    page = document(cells, ["status"])
    assert f"({result.gaussian_bytes / 1000:.1f} kB)" in page and "no difference" in page
    assert "](plots/status.png)" in page and "](plots/tesla.png)" not in page


def test_plots_are_pictures(tmp_path, data, views):
    cells = Cells(tmp_path / "cells", tmp_path)
    darker = [replace(view, picture=np.float32(0.9) * view.picture) for view in views]
    cells.compute(Cell("status", replace(FLAT, make=Counting(data))), toy_subject(), darker, Deadline())
    found = plots(cells)
    assert list(found) == ["status"]
    assert found["status"].startswith(b"\x89PNG")


def test_the_command_lists_and_writes_the_page(tmp_path, capsys):
    places = ["--cells", str(tmp_path / "cells"), "--work", str(tmp_path / "work")]
    assert command.main([*places, "--list", "--only", "tesla/flat-w"]) == 0
    assert capsys.readouterr().out == "missing  tesla/flat-w\n"
    page = tmp_path / "page" / "RESULTS.md"
    assert command.main([*places, "--minutes", "0", "--output", str(page)]) == 4
    assert MISSING in page.read_text()


def test_results_hold_plain_json(tmp_path, data, views):
    cells = Cells(tmp_path / "cells", tmp_path)
    cells.compute(Cell("status", Counting(data).method()), toy_subject(), views, Deadline())
    fields = json.loads((tmp_path / "cells" / "status" / "flat-w.json").read_text())
    assert fields["cell"] == "status/flat-w" and fields["result"]["judgements"][0]["flip"] is None

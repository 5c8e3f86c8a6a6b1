"""Quality against bytes as pictures. Needs matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from research.results.cells import SHARES, Cell, Cells
from research.results.judging import MOST_DECIBELS, Judgement
from research.results.methods import METHODS, Method
from research.results.subjects import SUBJECTS

INCHES = (7.5, 4.6)
DOTS_PER_INCH = 110
COLOURS = ("#b3261e", "#8a5a00", "#9aa0a6", "#2f7d4f", "#1f5fa8", "#6b3fa0", "#c2557a")


def plots(cells: Cells) -> Mapping[str, bytes]:
    """PNG files by name, of what has been computed so far."""
    found = {}
    for subject in SUBJECTS:
        methods = [m for m in METHODS if subject in m.subjects and not m.name.startswith("ablation")]
        found[subject] = _plot(cells, subject, methods, subject)
    ablations = [method for method in METHODS if method.name.startswith("ablation")]
    found["ablations"] = _plot(cells, "scene", ablations, "the scene, parts of the method left out")
    return {name: picture for name, picture in found.items() if picture is not None}


def _points(cells: Cells, subject: str, method: Method) -> list[Judgement]:
    """Of one line, rising in bytes; only what shows something and differs."""
    if method.per_share:
        results = [cells.result(Cell(subject, method, share)) for share in SHARES[:-1]]
        points = [result.judgements[-1] for result in results if result]
    else:
        result = cells.result(Cell(subject, method))
        points = result.judgements if result else []
    shown = [one for one in points if one.gaussian_count and one.psnr < MOST_DECIBELS]
    return sorted(shown, key=lambda one: one.gaussian_bytes)


def _plot(cells: Cells, subject: str, methods: Sequence[Method], title: str) -> bytes | None:
    lines = [(method, _points(cells, subject, method)) for method in methods]
    if not any(points for _, points in lines):
        return None
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.family": "sans-serif", "font.size": 10}):
        figure = Figure(figsize=INCHES, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for (method, points), colour in zip(lines, COLOURS, strict=False):
            if points:
                x = [one.gaussian_bytes / 1000 for one in points]
                y = [one.psnr for one in points]
                axes.plot(x, y, color=colour, label=method.title, **_style(method))
        axes.set_xscale("log")
        axes.set_xlabel("Gaussian bytes, kB (logarithmic); the rig and all shapes held")
        axes.set_ylabel("PSNR, dB")
        axes.set_title(f"{title}: eval-v1, 40 pictures", fontsize=11)
        axes.grid(alpha=0.3, which="both")
        axes.legend(frameon=False)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return stream.getvalue()


def _style(method: Method) -> dict[str, Any]:
    """Models fitted alone are points of their own."""
    if method.per_share:
        return {"linestyle": "none", "marker": "D"}
    return {"marker": "o", "linewidth": 1.8, "markersize": 4}

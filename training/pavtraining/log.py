"""The log of a fit: one JSON object a line, and a picture of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pavfmt.errors import EncodeError


class Log:
    """Appends lines; a resumed fit first forgets what came after the state that it resumes from."""

    def __init__(self, path: Path, first_step: int) -> None:
        self.path = path
        kept = [line for line in read_log(path) if line["step"] < first_step] if first_step else []
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in kept)

    def write(self, line: Mapping[str, Any]) -> None:
        """One line; it must have a "step"."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(line)) + "\n")


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """All whole lines of a log; none if there is no such file."""
    if not Path(path).exists():
        return []
    lines = Path(path).read_text(encoding="utf-8").split("\n")[:-1]  # the last may be cut off
    found = []
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
            if not isinstance(line, dict) or not isinstance(line.get("step"), int):
                raise ValueError("no object with a step")
        except ValueError as error:
            raise EncodeError("bad-log", f"{path}: line {number}: {error}") from None
        found.append(line)
    return found


def plot_log(path: str | Path, picture: str | Path) -> None:
    """Loss, PSNR and the number of Gaussians over the steps, as a PNG or SVG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines = read_log(path)
    if not lines:
        raise EncodeError("bad-log", f"{path} has no lines yet")
    names = [
        ("loss", "loss"),
        ("psnr", "PSNR, dB, of the view just learned from"),
        ("gaussians", "Gaussians"),
    ]
    figure, axes = pyplot.subplots(len(names), 1, sharex=True, figsize=(8, 8))
    for axis, (name, label) in zip(axes, names, strict=True):
        points = [(line["step"], line[name]) for line in lines if name in line]
        axis.plot([step for step, _ in points], [value for _, value in points], linewidth=1)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("step")
    figure.tight_layout()
    figure.savefig(picture)
    pyplot.close(figure)

"""RESULTS.md: every cell that there is, and "not yet run" for every other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pavfmt.encoder import PRESETS
from research.results.cells import MARKS, SHARES, Cell, CellResult, Cells
from research.results.judging import CUTS, MOST_DECIBELS, Judgement
from research.results.methods import ABLATION, ADDITIVE, FIT, METHODS, TWO_PART_BASE, Method, reference_of
from research.results.subjects import CAPTURE_CAMERAS, CAPTURE_FRAMES, HEADS, SUBJECTS

MISSING = "not yet run"
TITLES = {
    "status": "`status`, a finished flat head",
    "tesla": "`tesla`, a finished flat head",
    "p2-1": "`p2-1`, a finished flat head",
    "scene": "The scene",
    "capture": "A capture of the scene",
}
INTRODUCTION = f"""# Results of training

What prefixes show, measured by `python -m research.results`, which writes this page. It computes what is missing,
cell by cell, and can be stopped at any time; a cell that says "{MISSING}" has not been computed.

- **Pictures**: `eval-v1`, 8 views of 5 expressions, 550×802. No training view is among them. PSNR is over all pixels
  of all 40 pictures, in dB; SSIM is their mean, FLIP that of every fifth.
  Finished heads at fixed sizes are judged by `eval-v2`'s head framing too (10 views from all around, 6 expressions).
- **Against**: the finished head itself, unquantized, for `status`, `tesla` and `p2-1`; the scene's own pictures for the
  scene and for the capture. How a capture's pictures were degraded is thus an error, but not in what it is
  measured against.
- **Bytes** are Gaussian bytes: units of Gaussians with their split points and hand-over data, the rig and all shapes
  being there. The columns are shares of the first row's bytes ("flat, by W" for finished heads, "fitted, additive"
  for the others), so that all rows of a table have the same bytes to spend; the last column is each file's own whole,
  whose kB it states. Units count once they are complete.
- **Precision** is the encoder's default, without a search for a quality; hand-overs are searched for
  one as `pav encode --progressive` does ({PRESETS["balanced"]} dB against the head in every framing).
- **Fits**: {FIT.steps:,} steps and at most {FIT.gaussians:,} Gaussians, a few minutes on two cores: enough to compare
  methods, not the best that a long fit reaches. "Fitted alone" are models without any prefix in mind, of as many
  Gaussians as the additive fit spends on so many bytes; their own bytes stand in brackets.
- **"Then hand-over"** puts a base of {TWO_PART_BASE.cover_count + TWO_PART_BASE.lining_count:,} Gaussians under the
  model fitted for the whole. {TWO_PART_BASE.first_count} of the base come first, with opacities and scales of their
  own until the rest is there. The model's own Gaussians are fitted again, to its pictures.
- **The capture**: {CAPTURE_FRAMES} frames from {CAPTURE_CAMERAS} cameras, with the default degradation.
"""
ABLATION_TEXT = f"""## What each part of the method is worth

On the scene, with {ABLATION.steps:,} steps and at most {ABLATION.gaussians:,} Gaussians each. Columns are shares of the
whole method's Gaussian bytes.
"""
MARKS_TEXT = """## Finished heads at fixed sizes

PSNR in dB against the finished head, at so many Gaussian bytes.

"""
HEAD_TEXT = """The same by `eval-v2`'s head framing, on white: from all around, the neck turned too.

"""
WALK_TEXT = f"""## Between neighbouring prefixes

{CUTS} cuts, equally far apart in Gaussian bytes, every fifth picture: by how much a longer prefix was ever worse than a
shorter one, and the largest change of any 16×16 block between neighbouring cuts (mean absolute difference, 0..255).

"""
Shown = Callable[[Judgement], str]


def _psnr(found: Judgement) -> str:
    return "no difference" if found.psnr >= MOST_DECIBELS else f"{found.psnr:.2f}"


def _ssim(found: Judgement) -> str:
    return f"{found.ssim:.4f}"


def _flip(found: Judgement) -> str:
    return "–" if found.flip is None else f"{found.flip:.4f}"


def document(cells: Cells, plots: Sequence[str]) -> str:
    """The page; `plots` are the names of plots that there are, without ".png"."""
    parts = [INTRODUCTION]
    for subject in SUBJECTS:
        methods = [m for m in METHODS if subject in m.subjects and not m.name.startswith("ablation")]
        parts.append(f"## {TITLES[subject]}\n")
        parts.append(_picture(subject, plots) + _tables(cells, subject, methods))
        parts.extend(_instead_of_many(cells, subject))
    parts.append(MARKS_TEXT + _marks(cells))
    parts.append(HEAD_TEXT + _marks(cells, by_head=True))
    parts.append(WALK_TEXT + _walks(cells))
    parts.append(ABLATION_TEXT)
    ablations = [method for method in METHODS if method.name.startswith("ablation")]
    parts.append(_picture("ablations", plots) + _tables(cells, "scene", ablations))
    return "\n".join(parts)


def _instead_of_many(cells: Cells, subject: str) -> list[str]:
    """What the discrete levels of detail would take that one progressive file replaces."""
    alone = next(method for method in METHODS if method.per_share and subject in method.subjects)
    found = [cells.result(Cell(subject, alone, share)) for share in SHARES[:-1]]
    there = [one for one in found if one is not None]
    whole = cells.result(Cell(subject, ADDITIVE))
    if whole is None or not there:
        return []
    total = sum(one.file_bytes for one in there) + whole.file_bytes
    count = len(there)
    return [
        f"Discrete levels of detail instead: {count} {'file' if count == 1 else 'files'} of models fitted alone and "
        f"the whole, {total / 1000:.1f} kB to store; the additive file, which has all of them as prefixes, takes "
        f"{whole.file_bytes / 1000:.1f} kB, {whole.file_bytes / total:.2f} of that.\n"
    ]


def _marks(cells: Cells, by_head: bool = False) -> str:
    """By `eval-v1`, or by `eval-v2`'s head framing."""
    heads = " | ".join(f"{mark / 1000:g} kB" for mark in MARKS)
    lines = [f"| head | way | {heads} | whole file |", f"|---|---|{'---|' * (len(MARKS) + 1)}"]
    for subject in HEADS:
        for method in (one for one in METHODS if subject in one.subjects and not one.per_share):
            result = cells.result(Cell(subject, method))
            row = [MISSING] * (len(MARKS) + 1)
            judgements = result and ([*result.marks, result.judgements[-1]] if not by_head else result.head)
            if result is not None and judgements:
                found = [_psnr(one) if one.gaussian_count else "nothing yet" for one in judgements]
                row = [*found[:-1], f"{found[-1]} ({result.gaussian_bytes / 1000:.1f} kB)"]
            lines.append(f"| {subject} | {method.title} | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def _walks(cells: Cells) -> str:
    lines = ["| subject | way | worst loss, dB | largest change |", "|---|---|---|---|"]
    for subject in SUBJECTS:
        for method in (one for one in METHODS if subject in one.subjects and one.walks):
            result = cells.result(Cell(subject, method))
            row = f"{MISSING} | {MISSING}"
            if result is not None and result.walk is not None:
                row = f"{result.walk.worst_loss:.2f} | {result.walk.largest_change:.1f}"
            lines.append(f"| {subject} | {method.title} | {row} |")
    return "\n".join(lines) + "\n"


def _picture(name: str, plots: Sequence[str]) -> str:
    return f"![PSNR against Gaussian bytes](plots/{name}.png)\n\n" if name in plots else ""


def _tables(cells: Cells, subject: str, methods: Sequence[Method]) -> str:
    """PSNR and SSIM, and FLIP if it was measured for any."""
    tables = [("PSNR, dB", _psnr), ("SSIM", _ssim)]
    if any(one.flip is not None for method in methods for one in _judgements(cells, subject, method)):
        tables.append(("FLIP", _flip))
    return "\n".join(_table(cells, subject, methods, what, shown) for what, shown in tables)


def _judgements(cells: Cells, subject: str, method: Method) -> list[Judgement]:
    """All there are of one row."""
    names = [Cell(subject, method, share) for share in (SHARES[:-1] if method.per_share else (None,))]
    results = [cells.result(cell) for cell in names]
    return [one for result in results if result for one in result.judgements]


def _table(cells: Cells, subject: str, methods: Sequence[Method], what: str, shown: Shown) -> str:
    reference = cells.result(Cell(subject, reference_of(methods[0], subject)))
    heads = [_share_title(share, reference) for share in SHARES[:-1]]
    lines = [f"| {what} | {' | '.join(heads)} | whole file |", f"|---|{'---|' * len(SHARES)}"]
    for method in methods:
        lines.append(f"| {method.title} | {' | '.join(_row(cells, subject, method, shown))} |")
    return "\n".join(lines) + "\n"


def _share_title(share: float, reference: CellResult | None) -> str:
    kilobytes = "" if reference is None else f", {share * reference.gaussian_bytes / 1000:.1f} kB"
    return f"{100 * share:g} %{kilobytes}"


def _row(cells: Cells, subject: str, method: Method, shown: Shown) -> list[str]:
    if method.per_share:
        return [*(_alone(cells.result(Cell(subject, method, share)), shown) for share in SHARES[:-1]), "–"]
    result = cells.result(Cell(subject, method))
    if result is None:
        return [MISSING] * len(SHARES)
    found = [shown(one) if one.gaussian_count else "nothing yet" for one in result.judgements]
    return [*found[:-1], f"{found[-1]} ({result.gaussian_bytes / 1000:.1f} kB)"]


def _alone(result: CellResult | None, shown: Shown) -> str:
    if result is None:
        return MISSING
    return f"{shown(result.judgements[-1])} ({result.gaussian_bytes / 1000:.1f} kB)"

"""The cells of the table: each is computed once, kept as a JSON file, and shown as missing until then."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pavfmt.errors import EncodeError
from pavfmt.fileio import write_bytes
from pavtraining.sources import View
from research.results.deadline import Deadline
from research.results.judging import Judgement, PrefixWalk, gaussian_bytes_of, judged, walked
from research.results.methods import ADDITIVE, ENCODING_KEY, METHODS, Method, reference_of
from research.results.subjects import HEADS, SUBJECTS, Subject

SHARES = (0.01, 0.05, 0.10, 0.25, 0.50, 1.0)
"""Of the Gaussian bytes of the subject's reference file."""
MARKS = (6_000, 12_000, 30_000, 60_000)
"""Gaussian bytes at which finished heads are judged too, whatever the reference file has."""
VERSION = 2
"""Of what a cell's file holds."""


@dataclass(frozen=True)
class Cell:
    """One method on one subject; for methods that fit every size alone, at one share."""

    subject: str
    method: Method
    share: float | None = None

    @property
    def name(self) -> str:
        """As `--only` takes it."""
        tail = "" if self.share is None else f"-{100 * self.share:g}"
        return f"{self.subject}/{self.method.name}{tail}"

    @property
    def has_marks(self) -> bool:
        """Whether it is judged at `MARKS` too."""
        return self.subject in HEADS and self.share is None

    @property
    def reference(self) -> Cell:
        """The cell whose bytes the shares are of; it may be this one."""
        return Cell(self.subject, reference_of(self.method, self.subject))

    @property
    def needs(self) -> list[Cell]:
        """Cells that must be there before."""
        needed = [] if self.reference.name == self.name else [self.reference]
        if self.share is not None:
            needed.append(Cell(self.subject, ADDITIVE))
        return needed


@dataclass(frozen=True)
class CellResult:
    """What a cell says."""

    gaussian_bytes: int
    """Of the whole file."""
    file_bytes: int
    seconds: float
    """To make and judge it."""
    budgets: list[int]
    judgements: list[Judgement]
    """One for each budget."""
    marks: list[Judgement]
    """For finished heads, one for each of `MARKS`."""
    walk: PrefixWalk | None
    """From the first byte to the last, for what a method fitted."""
    head: list[Judgement] | None = None
    """For finished heads, by `eval-v2`'s head framing: each of `MARKS`, then the whole. None: not yet run."""


def all_cells(patterns: Sequence[str] = ()) -> list[Cell]:
    """Those whose names match one of the patterns; all without any. Method by method."""
    cells = [
        Cell(subject, method, share)
        for method in METHODS
        for subject in SUBJECTS
        if subject in method.subjects
        for share in (SHARES[:-1] if method.per_share else (None,))
    ]
    return [cell for cell in cells if not patterns or any(fnmatch(cell.name, one) for one in patterns)]


class Cells:
    """Cells on disk: small results in one folder, what they were made from in another."""

    def __init__(self, folder: Path, work: Path) -> None:
        self._folder, self._work = folder, work

    def result(self, cell: Cell) -> CellResult | None:
        """None: not yet computed, or with other settings."""
        path = self._path(cell)
        if not path.is_file():
            return None
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            if fields["version"] != VERSION or fields["settings"] != _settings(cell):
                return None
            found = fields["result"]
            for name in ("judgements", "marks"):
                found[name] = [Judgement(**one) for one in found[name]]
            if found.get("head") is not None:
                found["head"] = [Judgement(**one) for one in found["head"]]
            found["walk"] = found["walk"] and PrefixWalk(**found["walk"])
            return CellResult(**found)
        except (ValueError, KeyError, TypeError) as error:
            raise EncodeError("bad-result", f"{path} is no result: {error}; delete it") from None

    def has(self, cell: Cell, with_flip: bool = False, with_head: bool = False) -> bool:
        """Whether there is nothing to do; `with_head`: by `eval-v2` neither, which older cells have not."""
        result = self.result(cell)
        if result is None or (with_head and cell.has_marks and result.head is None):
            return False
        return not (with_flip and result.judgements[0].flip is None)

    def compute(
        self,
        cell: Cell,
        subject: Subject,
        views: Sequence[View],
        deadline: Deadline,
        with_flip: bool = False,
        progress: Callable[[int], None] = lambda count: None,
        head_views: Sequence[View] = (),
    ) -> CellResult:
        """Make the file and judge it; what it needs must be there. `head_views` are `eval-v2`'s, for finished heads."""
        began = time.monotonic()
        data = self._file(cell, subject, deadline)
        budgets, marks = self._budgets(cell, data), list(MARKS if cell.has_marks else ())
        every = sorted({*budgets, *marks})
        heads = sorted({*marks, budgets[-1]}) if marks and head_views else []

        def drawn() -> None:
            deadline.check()
            progress(len(every) * len(views) + len(heads) * len(head_views))

        found = dict(zip(every, judged(data, every, views, with_flip, drawn), strict=True))
        head = dict(zip(heads, judged(data, heads, head_views, progress=drawn), strict=True))
        walk = walked(data, views, drawn) if cell.method.walks else None
        result = CellResult(
            gaussian_bytes_of(data),
            len(data),
            round(time.monotonic() - began, 1),
            budgets,
            [found[budget] for budget in budgets],
            [found[mark] for mark in marks],
            walk,
            [head[mark] for mark in (*marks, budgets[-1])] if heads else None,
        )
        fields = {
            "version": VERSION,
            "cell": cell.name,
            "settings": _settings(cell),
            "result": asdict(result),
        }
        path = self._path(cell)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(str(path), (json.dumps(fields, indent=1) + "\n").encode(), force=True)
        return result

    def _file(self, cell: Cell, subject: Subject, deadline: Deadline) -> bytes:
        count = self._count(cell)
        work = self._work / cell.name / _key_of_fit(cell, count)
        work.mkdir(parents=True, exist_ok=True)
        return cell.method.make(subject, count, work, deadline)

    def _count(self, cell: Cell) -> int | None:
        """As many Gaussians as the additive fit has in so many bytes."""
        if cell.share is None:
            return None
        additive = self.result(Cell(cell.subject, ADDITIVE))
        assert additive is not None
        found = additive.judgements[SHARES.index(cell.share)]
        budget = additive.budgets[SHARES.index(cell.share)]
        per_gaussian = additive.gaussian_bytes / additive.judgements[-1].gaussian_count
        return max(round(budget / per_gaussian), found.gaussian_count, 1)

    def _budgets(self, cell: Cell, data: bytes) -> list[int]:
        """Rising Gaussian bytes that the file is judged at; the last is all of it."""
        whole = gaussian_bytes_of(data)
        if cell.share is not None:
            return [whole]
        total = whole
        if cell.reference.name != cell.name:
            reference = self.result(cell.reference)
            assert reference is not None
            total = reference.gaussian_bytes
        return [*(min(round(share * total), whole) for share in SHARES[:-1]), whole]

    def _path(self, cell: Cell) -> Path:
        return self._folder / f"{cell.name}.json"


def _settings(cell: Cell) -> dict[str, Any]:
    """As JSON gives them back."""
    settings = {"shares": SHARES, **cell.method.settings}
    found: dict[str, Any] = json.loads(json.dumps(settings))
    return found


def _key_of_fit(cell: Cell, count: int | None) -> str:
    """Of all that a checkpoint depends on: one that was fitted otherwise is not taken for this one's."""
    settings = {name: value for name, value in cell.method.settings.items() if name != ENCODING_KEY}
    text = json.dumps([settings, count], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def missing(
    cells: Cells, wanted: Sequence[Cell], with_flip: bool = False, with_head: bool = False
) -> Iterator[Cell]:
    """What is to be computed, what it needs before it."""
    seen: set[str] = set()
    for cell in wanted:
        for one in (*cell.needs, cell):
            if one.name not in seen and not cells.has(
                one, with_flip and one in wanted, with_head and one in wanted
            ):
                seen.add(one.name)
                yield one

"""From the order in which units are wanted to the ranges that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pavfmt.container.headers import DirectoryEntry
from pavplayer.streaming.buffer import Holding, Span
from pavplayer.streaming.messages import Plan

HEAD_BYTES = 1 << 15
"""Asked for first where there is a plan: directory, levels, most of a rig; doubled until the directory is there."""
BATCH_BYTES = 1 << 16
"""Of the units that a plan wants next, about so many are fetched before it is looked at again."""
GAP_BYTES = 1 << 10
"""Neighbours so close together are one range: asking twice would take longer."""


class FileOrder:
    """What is missing, from the front."""

    def next_span(self, holding: Holding, end: int | None) -> Span | None:
        """The next range to ask for, [start, None) for all the rest; None: all is there that is wanted."""
        start = holding.first_missing()
        if end is None:
            return Span(start, None)
        return None if start >= end else Span(start, holding.gap_end(start, end))


class PlannedOrder:
    """What a plan names, in batches; the front of the file until its directory is known."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._units: Mapping[int, Span] = {}
        self._wanted: Iterator[int] | None = None
        self._batch: list[Span] = []

    def next_span(self, holding: Holding, end: int | None) -> Span | None:
        """As `FileOrder.next_span`."""
        if holding.directory is None:
            return self._head(holding, end)
        if not holding.directory:
            return FileOrder().next_span(holding, end)
        if self._wanted is None:
            self._units = {entry.id: _span_of(entry) for entry in holding.directory}
            self._wanted = iter(self._plan(holding.directory))
        while True:
            for span in self._batch:
                if (missing := holding.missing_in(span)) is not None:
                    return missing
            self._batch = self._next_batch(holding, end)
            if not self._batch:
                return None

    def _head(self, holding: Holding, end: int | None) -> Span | None:
        start = holding.first_missing()
        if end is not None and start >= end:
            return None
        stop = max(HEAD_BYTES, 2 * start)
        return Span(start, stop if end is None else min(stop, end))

    def _next_batch(self, holding: Holding, end: int | None) -> list[Span]:
        """The missing parts of the units that are wanted next, joined where they are neighbours."""
        spans, count = [], 0
        assert self._wanted is not None
        for id_ in self._wanted:
            span = self._units.get(id_)
            missing = None if span is None else holding.missing_in(_within(span, end))
            if missing is not None and missing.end is not None:
                spans.append(missing)
                count += missing.end - missing.start
            if count >= BATCH_BYTES:
                break
        return joined(spans)


def _span_of(entry: DirectoryEntry) -> Span:
    return Span(entry.offset, entry.end)


def _within(span: Span, end: int | None) -> Span:
    """A directory may promise what lies beyond the end of the file."""
    assert span.end is not None
    return span if end is None else Span(min(span.start, end), min(span.end, end))


def joined(spans: Sequence[Span]) -> list[Span]:
    """Neighbours joined; in the order in which the first of each was wanted."""
    groups: list[tuple[int, int, int]] = []  # start, end, rank
    by_place = sorted((span.start, span.end or 0, rank) for rank, span in enumerate(spans))
    for start, end, rank in by_place:
        if groups and start <= groups[-1][1] + GAP_BYTES:
            first, before, best = groups[-1]
            groups[-1] = (first, max(before, end), min(best, rank))
        else:
            groups.append((start, end, rank))
    return [Span(start, end) for start, end, _ in sorted(groups, key=lambda group: group[2])]

"""From the order in which units are wanted to the ranges that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pavfmt.container.headers import DirectoryEntry
from pavplayer.streaming.buffer import FileBuffer
from pavplayer.streaming.messages import Plan, Span

HEAD_BYTES = 1 << 15
"""Asked for first where there is a plan: directory, levels, most of a rig; doubled until the directory is there."""
BATCH_BYTES = 1 << 16
"""Of the units that a plan wants next, about so many are fetched before it is looked at again."""
GAP_BYTES = 1 << 10
"""Neighbours so close together are one range: asking twice would take longer."""


class FileOrder:
    """What is missing, from the front."""

    def next_span(self, buffer: FileBuffer, end: int | None) -> Span | None:
        """The next range to ask for, [start, None) for all the rest; None: all is there that is wanted."""
        start = buffer.first_missing()
        if end is None:
            return Span(start, None)
        return None if start >= end else Span(start, buffer.gap_end(start, end))


class PlannedOrder:
    """What a plan names, in batches; the front of the file until its directory is known."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._units: Mapping[int, Span] = {}
        self._wanted: Iterator[int] | None = None
        self._batch: list[Span] = []

    def next_span(self, buffer: FileBuffer, end: int | None) -> Span | None:
        """As `FileOrder.next_span`."""
        if buffer.directory is None:
            return self._head(buffer, end)
        if not buffer.directory:
            return FileOrder().next_span(buffer, end)
        if self._wanted is None:
            self._units = {entry.id: _span_of(entry) for entry in buffer.directory}
            self._wanted = iter(self._plan(buffer.directory))
        # A span stays in its batch until it is here, so that one whose request was cut is asked for again.
        while True:
            for span in self._batch:
                if (missing := buffer.missing_in(span)) is not None:
                    return missing
            self._batch = self._next_batch(buffer, end)
            if not self._batch:
                return None

    def _head(self, buffer: FileBuffer, end: int | None) -> Span | None:
        start = buffer.first_missing()
        if end is not None and start >= end:
            return None
        stop = max(HEAD_BYTES, 2 * start)
        return Span(start, stop if end is None else min(stop, end))

    def _next_batch(self, buffer: FileBuffer, end: int | None) -> list[Span]:
        """The missing parts of the units that are wanted next, merged where they are neighbours."""
        spans, count = [], 0
        assert self._wanted is not None
        for id_ in self._wanted:
            span = self._units.get(id_)
            missing = None if span is None else buffer.missing_in(_clipped(span, end))
            if missing is not None and missing.end is not None:
                spans.append(missing)
                count += missing.end - missing.start
            if count >= BATCH_BYTES:
                break
        return merge_spans(spans)


def _span_of(entry: DirectoryEntry) -> Span:
    return Span(entry.offset, entry.end)


def _clipped(span: Span, end: int | None) -> Span:
    """A directory may promise what lies beyond the end of the file."""
    assert span.end is not None
    return span if end is None else Span(min(span.start, end), min(span.end, end))


def merge_spans(spans: Sequence[Span]) -> list[Span]:
    """Neighbours merged; in the order in which the first of each was wanted."""
    groups: list[tuple[int, int, int]] = []  # start, end, rank
    for start, end, rank in sorted((span.start, span.end or 0, rank) for rank, span in enumerate(spans)):
        if groups and start <= groups[-1][1] + GAP_BYTES:
            first, before, best = groups[-1]
            groups[-1] = (first, max(before, end), min(best, rank))
        else:
            groups.append((start, end, rank))
    return [Span(start, end) for start, end, _ in sorted(groups, key=lambda group: group[2])]

"""Streams of files and of stdin, the order of plans, slow links, and stopping at any time."""

import io
import sys
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import good, serving, wait_for

from pavfmt.container.headers import UnitHeader
from pavfmt.decoding.decoder import decode
from pavplayer.streaming import Chunk, StreamError, StreamOptions, open_stream
from pavplayer.streaming.buffer import FileBuffer
from pavplayer.streaming.file_origin import FileOrigin
from pavplayer.streaming.link import Link
from pavplayer.streaming.messages import Request, Span
from pavplayer.streaming.plans import GAP_BYTES, HEAD_BYTES, PlannedOrder, merge_spans
from pavplayer.streaming.stream import is_url, open_transfer, read_prefix
from pavplayer.streaming.throttle import Clock, ThrottledOrigin
from spec.builders.avatars import head_file, toy_file

DATA = toy_file("face")
HEAD = head_file()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "head.pav"
    file.write_bytes(HEAD)
    return str(file)


def pieced(pieces, size):
    data = bytearray(size)
    for offset, piece in pieces:
        data[offset : offset + len(piece)] = piece
    return bytes(data)


def drained(stream):
    pieces = []
    while not stream.ended:
        stream.wait(1.0)
        pieces += stream.poll()
    return pieces


def test_a_local_file(path):
    with open_stream(path) as stream:
        assert pieced(drained(stream), len(HEAD)) == HEAD
        assert stream.status.complete and stream.status.total_bytes == len(HEAD)
        assert stream.prefix() == HEAD


@pytest.mark.parametrize("size", [0, 40, 5000])
def test_stdin(monkeypatch, size):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(HEAD[:size])))
    with open_stream("-", plan=lambda entries: []) as stream:  # it has no ranges: the plan is of no use
        assert pieced(drained(stream), size) == HEAD[:size]
        assert stream.status.error is None


def test_what_is_not_there(tmp_path):
    with open_stream(str(tmp_path / "none.pav")) as stream:
        assert drained(stream) == []
        assert stream.status.error.code == "not-found" and not stream.status.complete
    with pytest.raises(StreamError, match="bad-url"):
        open_stream("ftp://host/head.pav")
    assert is_url("HTTP://host/a.pav") and not is_url("http.pav")


def test_polling_takes_about_as_much_as_asked(path):
    with open_stream(path) as stream:
        wait_for(lambda: stream.status.ended)
        first = stream.poll(100)
        assert sum(len(data) for _, data in first) == 100 and not stream.ended
        assert pieced(first + stream.poll(), len(HEAD)) == HEAD
        assert stream.poll() == [] and stream.ended


# --- plans ---


def reversed_units(entries):
    return [entry.id for entry in entries][::-1]


def only_rig_and_first(entries):
    last = next(entry for entry in entries if entry.gaussian_count)
    return [*sorted(last.needs), last.id]


def test_a_plan_decides_what_comes_and_in_which_order(path):
    entries = []

    def plan(found):
        entries.extend(found)
        return reversed_units(found)

    pieces = list(open_transfer(path, plan).chunks())
    assert pieced(pieces, len(HEAD)) == HEAD and sum(len(data) for _, data in pieces) == len(HEAD)
    after = [offset for offset, _ in pieces if offset >= HEAD_BYTES]
    assert len(HEAD) > 2 * HEAD_BYTES and after[0] > after[-1]
    assert sorted(decode(HEAD).active_units) == [0, *(entry.id for entry in entries)]


def test_what_a_plan_does_not_name_is_not_fetched():
    with serving(good(HEAD, then="stay")) as server:
        transfer = open_transfer(server.url, only_rig_and_first)
        pieces = list(transfer.chunks())
        assert transfer.status.complete
        assert sum(len(data) for _, data in pieces) == transfer.status.received_bytes < len(HEAD)
        assert server.connection_count == 1  # kept alive between ranges
        scene = decode(pieced(pieces, max(offset + len(data) for offset, data in pieces)))
    assert scene.is_visible


def test_a_plan_is_read_on_only_as_far_as_the_next_request(path):
    asked = []

    def plan(entries):
        for entry in entries[::-1]:
            asked.append(entry.id)
            yield entry.id

    pieces = open_transfer(path, plan).chunks()
    for piece in pieces:
        if piece.offset >= HEAD_BYTES:
            break
    assert 0 < len(asked) < decode(HEAD).header.unit_count - 1
    pieces.close()


def test_the_plan_can_be_changed_midway(path):
    transfer = open_transfer(path, only_rig_and_first)
    pieces = list(transfer.chunks())
    other = open_transfer(path, only_rig_and_first)
    seen = []
    for piece in other.chunks():
        seen.append(piece)
        other.replan(None)
    assert sum(len(data) for _, data in pieces) < len(HEAD)
    assert pieced(seen, len(HEAD)) == HEAD and sum(len(data) for _, data in seen) == len(HEAD)


def test_a_new_plan_ends_a_request_that_would_go_on():
    with serving(good(HEAD, piece=2000, pause=0.001, then="stay")) as server:
        transfer = open_transfer(server.url, options=StreamOptions(chunk_bytes=1000))
        pieces = []
        for piece in transfer.chunks():
            pieces.append(piece)
            if len(pieces) == 4:
                transfer._origin.takes_ranges = True
                transfer.replan(only_rig_and_first)
        assert sum(len(data) for _, data in pieces) < len(HEAD) and len(server.requests) == 2


def test_a_file_without_directory_comes_in_file_order(tmp_path):
    data = HEAD[:52] + HEAD[unit_end(HEAD) :]
    file = tmp_path / "bare.pav"
    file.write_bytes(data)
    transfer = open_transfer(str(file), reversed_units)
    pieces = list(transfer.chunks())
    assert transfer.buffer.directory == ()
    assert pieced(pieces, len(data)) == data
    assert [offset for offset, _ in pieces] == sorted(offset for offset, _ in pieces)


def unit_end(data):
    return 52 + UnitHeader.SIZE + UnitHeader.unpack(data[52:72], 52).length


def test_unknown_ids_and_units_beyond_the_end_are_passed_over(tmp_path):
    file = tmp_path / "cut.pav"
    file.write_bytes(HEAD[:50_000])
    transfer = open_transfer(str(file), lambda entries: [10**6, -1, *reversed_units(entries)])
    assert pieced(transfer.chunks(), 50_000) == HEAD[:50_000]


def test_neighbours_are_one_range():
    near, far = GAP_BYTES, GAP_BYTES + 1
    assert merge_spans([Span(0, 10), Span(10 + near, 9000)]) == [Span(0, 9000)]
    spans = [Span(5000, 6000), Span(0, 10), Span(6000 + far, 9000), Span(10, 20)]
    assert merge_spans(spans) == [Span(5000, 6000), Span(0, 20), Span(6000 + far, 9000)]
    assert merge_spans([]) == []


def test_a_head_that_is_too_short_for_the_directory_is_doubled():
    order, buffer = PlannedOrder(reversed_units), FileBuffer()
    assert order.next_span(buffer, None) == Span(0, HEAD_BYTES)
    buffer.add(0, HEAD[:60])
    assert order.next_span(buffer, len(HEAD)) == Span(60, HEAD_BYTES)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 80)), max_size=12))
def test_a_buffer_gives_each_byte_once(ranges):
    data, buffer, seen = bytes(range(256)) * 2, FileBuffer(), []
    buffer.directory = ()
    for start, length in ranges:
        piece = data[start : start + length]
        assert buffer.matches(start, piece)
        seen += buffer.add(start, piece)
    wanted = {at for start, length in ranges for at in range(start, start + length)}
    here = [at for offset, piece in seen for at in range(offset, offset + len(piece))]
    assert len(here) == len(set(here)) == buffer.byte_count and set(here) == wanted
    assert all(piece == data[offset : offset + len(piece)] for offset, piece in seen)
    first = buffer.first_missing()
    assert buffer.prefix() == data[:first] and first not in wanted and set(range(first)) <= wanted
    if wanted:
        at = min(wanted)
        assert not buffer.matches(at, bytes([data[at] ^ 1]))


# --- slow links ---


class HandClock(Clock):
    """Time passes by waiting only."""

    def __init__(self):
        self.seconds = 100.0

    def now(self):
        return self.seconds

    def wait_until(self, moment):
        self.seconds = max(self.seconds, moment)


LINK = Link(8e5, 0.1)  # 100,000 bytes a second


def throttled(path):
    clock = HandClock()
    return ThrottledOrigin(FileOrigin(path, 1 << 16), LINK, clock), clock


def arrivals(answer, clock):
    """(seconds since 100, bytes so far) after each read."""
    found, count = [], 0
    while data := answer.read():
        count += len(data)
        found.append((clock.now() - 100.0, count))
    answer.close()
    return found


def test_bytes_come_when_the_link_would_have_brought_them(path):
    origin, clock = throttled(path)
    found = arrivals(origin.send(Request()), clock)
    assert found[-1][1] == len(HEAD) and len(found) > 10
    for seconds, count in found:
        assert seconds == pytest.approx(LINK.arrival_seconds(count), abs=1e-4)


def test_another_request_costs_a_round_trip_and_no_new_start(path):
    origin, clock = throttled(path)
    before = arrivals(origin.send(Request(0, 60_000)), clock)[-1][0]
    answer = origin.send(Request(60_000, 70_000))
    assert clock.now() - 100.0 - before == pytest.approx(LINK.round_trip_seconds, abs=1e-3)
    rest = arrivals(answer, clock)[-1][0] - before
    assert rest == pytest.approx(LINK.round_trip_seconds + 10_000 / 1e5, abs=1e-3)


def test_cancelling_ends_the_waiting(path):
    options = StreamOptions(link=Link(1000.0, 30.0))
    with open_stream(path, options=options) as stream:
        stream.cancel()
        wait_for(lambda: stream.ended)
        assert stream.status.error is None and not stream.status.complete


# --- stopping ---


def test_what_came_before_a_cancel_stays():
    with serving(good(HEAD, sends=40_000, then="stall")) as server, open_stream(server.url) as stream:
        wait_for(lambda: stream.status.received_bytes == 40_000)
        stream.cancel()
        wait_for(lambda: stream.status.ended)
        assert pieced(stream.poll(), 40_000) == HEAD[:40_000]
        assert stream.ended and stream.status.error is None and not stream.status.complete


def test_a_cancel_before_the_first_answer():
    ready = threading.Event()

    def slow(link, request, closing):
        ready.set()
        closing.wait(5.0)
        return False

    with serving(slow) as server, open_stream(server.url) as stream:
        assert ready.wait(5.0)
        stream.cancel()
        wait_for(lambda: stream.ended, 3.0)
        assert len(server.requests) == 1


# --- prefixes ---


def test_no_more_is_read_than_is_asked_for(path):
    assert read_prefix(path) == HEAD
    assert read_prefix(path, count=100) == HEAD[:100] and read_prefix(path, count=0) == b""
    assert read_prefix(path, percent=10) == HEAD[: round(len(HEAD) / 10)]
    with serving(good(HEAD, piece=1000, pause=0.002)) as server:
        assert read_prefix(server.url, count=3000) == HEAD[:3000]
        assert read_prefix(server.url, percent=5) == HEAD[: round(len(HEAD) / 20)]
        assert read_prefix(server.url) == HEAD


def test_chunks_are_tuples():
    assert Chunk(3, b"x") == (3, b"x")

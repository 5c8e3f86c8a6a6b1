"""Files kept on disk: asked about, continued, replaced, and never trusted more than they deserve."""

import json
from dataclasses import replace

import pytest
from scripted_server import ScriptedServer, answering, good, silent

from pavplayer.streaming import StreamError, StreamOptions
from pavplayer.streaming.cache import CacheEntry, cache_entry, evict
from pavplayer.streaming.stream import open_transfer
from spec.builders.avatars import head_file, toy_file

DATA, OTHER = toy_file("face"), toy_file("surface")
HALF, HEAD = len(DATA) // 2, head_file()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def options(tmp_path):
    return StreamOptions(cache=tmp_path / "cache", stall_seconds=0.15, retries=1, retry_seconds=0.0)


class Switching:
    """A server whose behaviour is exchanged while its URL stays."""

    def __init__(self):
        self.behave = good(DATA)

    def __call__(self, link, request, closing):
        return self.behave(link, request, closing)


@pytest.fixture
def server():
    switching = Switching()
    server = ScriptedServer(switching)
    server.switch = switching
    yield server
    server.close()


def fetched(server, options, plan=None):
    """The bytes that came, without a gap, and the transfer."""
    transfer = open_transfer(server.url, plan, options)
    data = b""
    for offset, piece in transfer.chunks():
        assert offset == len(data)
        data += piece
    return data, transfer


def interrupted(server, options):
    """What is kept after a connection that was cut."""
    behaviours = iter([good(DATA, sends=HALF)])
    trouble = answering("500 No")
    server.switch.behave = lambda *given: next(behaviours, trouble)(*given)
    with pytest.raises(StreamError, match="server-error"):
        fetched(server, options)
    return HALF


def test_a_whole_file_is_only_asked_about(server, options):
    assert fetched(server, options)[0] == DATA
    data, transfer = fetched(server, options)
    assert data == DATA and transfer.status.cached_bytes == len(DATA) and transfer.status.complete
    assert (
        server.requests[1].headers["if-none-match"] == '"one"' and "range" not in server.requests[1].headers
    )
    assert len(server.requests) == 2


def test_a_server_that_ignores_the_question_is_not_listened_to(server, options):
    fetched(server, options)
    server.switch.behave = answering("200 OK", {"ETag": '"one"'}, DATA)
    data, transfer = fetched(server, options)
    assert data == DATA and transfer.status.cached_bytes == len(DATA)


@pytest.mark.parametrize("with_ranges", [True, False])
def test_a_begun_file_is_continued(server, options, with_ranges):
    here = interrupted(server, options)
    server.switch.behave = good(DATA, with_ranges=with_ranges)
    asked = len(server.requests)
    data, transfer = fetched(server, options)
    assert data == DATA and transfer.status.cached_bytes == here
    assert server.requests[asked].range[0] == here and server.requests[asked].headers["if-range"] == '"one"'
    assert fetched(server, options)[1].status.cached_bytes == len(DATA)


@pytest.mark.parametrize("begun", [True, False])
def test_another_version_takes_the_place_of_what_was_kept(server, options, begun):
    if begun:
        interrupted(server, options)
    else:
        fetched(server, options)
    server.switch.behave = good(OTHER, etag='"two"')
    data, transfer = fetched(server, options)
    assert data == OTHER and transfer.status.cached_bytes == 0 and transfer.status.note
    assert fetched(server, options)[1].status.cached_bytes == len(OTHER)


def test_a_server_that_no_longer_says_is_not_believed(server, options):
    fetched(server, options)
    server.switch.behave = good(OTHER, etag=None)
    assert fetched(server, options)[0] == OTHER


def test_another_size_is_another_version(server, options):
    def undated(data):
        return answering("200 OK", {"Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"}, data)

    server.switch.behave = undated(DATA)
    fetched(server, options)
    server.switch.behave = undated(OTHER)
    assert fetched(server, options)[0] == OTHER
    assert server.requests[1].headers["if-modified-since"] == "Mon, 02 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize("trouble", [answering("503 Busy"), silent()])
def test_a_server_in_trouble_leaves_what_was_kept(server, options, trouble):
    fetched(server, options)
    server.switch.behave = trouble
    data, transfer = fetched(server, options)
    assert data == DATA and transfer.status.complete and "does not answer" in transfer.status.note


def test_a_begun_file_without_its_server_is_shown_as_far_as_it_came(server, options):
    here = interrupted(server, options)
    server.switch.behave = answering("500 No")
    transfer, pieces = open_transfer(server.url, None, options), []
    with pytest.raises(StreamError, match="server-error"):
        for piece in transfer.chunks():
            pieces.append(piece)
    assert b"".join(data for _, data in pieces) == DATA[:here] and not transfer.status.complete


def test_a_file_that_is_gone_is_gone(server, options):
    fetched(server, options)
    server.switch.behave = answering("404 Not Found")
    with pytest.raises(StreamError, match="not-found"):
        fetched(server, options)


def test_what_has_no_version_is_not_kept(server, options):
    server.switch.behave = good(DATA, etag=None)
    fetched(server, options)
    assert not list(options.cache.glob("*"))
    fetched(server, options)
    assert "if-none-match" not in server.requests[1].headers


def test_a_file_fetched_in_parts_is_kept_in_parts(server, options):
    server.switch.behave = good(HEAD)
    first = open_transfer(server.url, lambda entries: [entries[0].id, entries[-1].id], options)
    parts = list(first.chunks())
    assert len(first.buffer.spans()) == 2 and first.status.received_bytes < len(HEAD)
    rest = open_transfer(server.url, None, options)
    pieces = list(rest.chunks())
    assert b"".join(data for _, data in sorted(pieces)) == HEAD
    assert rest.status.cached_bytes == sum(len(data) for _, data in parts)
    start, end = server.requests[-1].range
    assert end - start == len(HEAD) - rest.status.cached_bytes


def corrupt_data(folder):
    (path,) = folder.glob("*.pav")
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)


def shorten(folder):
    (path,) = folder.glob("*.pav")
    path.write_bytes(path.read_bytes()[:100])


def spoil_record(text):
    def spoil(folder):
        (path,) = folder.glob("*.json")
        path.write_text(text(path.read_text()))

    return spoil


def without(name):
    return spoil_record(lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != name}))


@pytest.mark.parametrize(
    "spoil",
    [
        corrupt_data,
        shorten,
        spoil_record(lambda text: "not json"),
        spoil_record(lambda text: "[]"),
        spoil_record(lambda text: text.replace('"url": "http', '"url": "https')),
        spoil_record(lambda text: text.replace("0,", "-5,", 1)),
        without("spans"),
        without("sha256"),
    ],
)
def test_what_does_not_fit_together_is_fetched_anew(server, options, spoil):
    fetched(server, options)
    spoil(options.cache)
    data, transfer = fetched(server, options)
    assert data == DATA and transfer.status.cached_bytes == 0
    assert fetched(server, options)[1].status.cached_bytes == len(DATA)


def test_a_garbage_file_is_not_kept(server, options):
    server.switch.behave = good(b"garbage" * 100)
    with pytest.raises(Exception, match="bad-signature"):
        fetched(server, options)
    assert not list(options.cache.glob("*"))


def test_a_folder_that_cannot_be_written_costs_the_keeping_only(server, options, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert fetched(server, replace(options, cache=tmp_path / "file" / "cache"))[0] == DATA


def test_the_oldest_make_room(tmp_path):
    for name in ("a", "b", "c"):
        transfer = open_transfer(str(write(tmp_path / f"{name}.src")))
        list(transfer.chunks())
        cache_entry(tmp_path, name).save(transfer.buffer, transfer.version, None)
        CacheEntry(tmp_path / f"{name}.pav", name, only_versioned=False).save(
            transfer.buffer, transfer.version, None
        )
    for age, name in enumerate(("c", "a", "b")):
        stamp(tmp_path / f"{name}.pav", age)
    evict(tmp_path, 2 * len(DATA))
    assert sorted(path.name for path in tmp_path.glob("*.pav*")) == [
        "a.pav",
        "a.pav.json",
        "b.pav",
        "b.pav.json",
    ]
    evict(tmp_path, 0)
    assert not list(tmp_path.glob("*.pav*"))


def write(path):
    path.write_bytes(DATA)
    return path


def stamp(path, seconds):
    import os

    os.utime(path, (seconds, seconds))

"""Two static servers as they are installed: nginx, with ranges, and Python's own, without."""

import functools
import http.server
import os
import threading

import pytest
from nginx import needs_nginx, nginx
from scripted_server import wait_for

from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from pavplayer.streaming import SessionFeed, StreamError, StreamOptions, open_stream
from pavplayer.streaming.stream import open_transfer
from spec.builders.avatars import external_file, head_file, rig_file

HEAD = head_file()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "head.pav").write_bytes(HEAD)
    (folder / "ext.pav").write_bytes(external_file())
    (folder / "toy-rig.pav").write_bytes(rig_file())
    return folder


@pytest.fixture
def with_ranges(root, tmp_path):
    own = tmp_path / "nginx"
    own.mkdir()
    with nginx(root, own) as url:
        yield url


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def without_ranges(root):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def fetched(url, plan=None, options=None):
    transfer = open_transfer(url, plan, options)
    data = bytearray(len(HEAD))
    for offset, piece in transfer.chunks():
        data[offset : offset + len(piece)] = piece
    return bytes(data), transfer


def backwards(entries):
    return [entry.id for entry in entries][::-1]


def first_only(entries):
    last = next(entry for entry in entries if entry.gaussian_count)
    return [*sorted(last.needs), last.id]


# --- nginx ---


@needs_nginx
def test_nginx_gives_a_file(with_ranges):
    data, transfer = fetched(with_ranges + "head.pav")
    assert data == HEAD and transfer.status.requests == 1 and transfer.version.etag


@needs_nginx
def test_nginx_gives_ranges_in_the_order_of_a_plan(with_ranges):
    data, transfer = fetched(with_ranges + "head.pav", backwards)
    assert data == HEAD and transfer.status.ranges is True and transfer.status.requests > 1
    assert transfer.status.reconnections == 0
    assert transfer._origin.connection_count == 1
    _, some = fetched(with_ranges + "head.pav", first_only)
    assert some.status.complete and some.status.received_bytes < len(HEAD)


@needs_nginx
def test_nginx_resumes_and_keeps(with_ranges, tmp_path):
    options = StreamOptions(cache=tmp_path / "cache")
    with open_stream(with_ranges + "slow/head.pav", options=options) as stream:
        wait_for(lambda: stream.status.received_bytes > 4096)
    assert 0 < stream.status.received_bytes < len(HEAD)
    with open_stream(with_ranges + "slow/head.pav", options=options) as stream:
        wait_for(lambda: stream.status.cached_bytes > 4096)
        stream.replan(first_only)
        wait_for(lambda: stream.status.ended)
        assert stream.status.complete and stream.status.error is None
    data, transfer = fetched(with_ranges + "head.pav", options=options)
    assert data == HEAD and fetched(with_ranges + "head.pav", options=options)[1].status.cached_bytes == len(
        HEAD
    )
    assert transfer.status.cached_bytes == 0  # another URL is another file


@needs_nginx
def test_nginx_packs_though_nobody_asked(with_ranges):
    data, _ = fetched(with_ranges + "packed/head.pav")
    assert data == HEAD


@needs_nginx
@pytest.mark.parametrize("plan", [None, backwards])
def test_nginx_without_ranges_and_tags(with_ranges, plan):
    data, transfer = fetched(with_ranges + "plain/head.pav", plan)
    assert (
        data == HEAD
        and not transfer.version.etag
        and transfer.status.ranges is (None if plan is None else False)
    )


@needs_nginx
def test_nginx_redirects(with_ranges):
    assert fetched(with_ranges + "old/head.pav")[0] == HEAD
    assert fetched(with_ranges + "old/head.pav", backwards)[0] == HEAD
    with pytest.raises(StreamError, match="not-found"):
        fetched(with_ranges + "none.pav")


@needs_nginx
def test_a_file_replaced_on_the_server(with_ranges, root, tmp_path):
    options = StreamOptions(cache=tmp_path / "cache")
    fetched(with_ranges + "head.pav", options=options)
    other = head_file()[:-5]
    (root / "head.pav").write_bytes(other)
    os.utime(root / "head.pav", (1, 1))
    transfer = open_transfer(with_ranges + "head.pav", options=options)
    assert b"".join(data for _, data in transfer.chunks()) == other
    assert transfer.status.cached_bytes == 0


@needs_nginx
def test_a_session_and_its_rig_from_nginx(with_ranges):
    session = Session(PlainRasterizer())
    with open_stream(with_ranges + "ext.pav") as stream:
        feed = SessionFeed(session, stream)
        while not feed.ended:
            feed.wait(1.0)
            feed.update()
    assert feed.error is None and session.scene.gaussian_count == 21


# --- Python's own server ---


@pytest.mark.parametrize("plan", [None, backwards])
def test_pythons_own_server(without_ranges, tmp_path, plan):
    options = StreamOptions(cache=tmp_path / "cache")
    data, transfer = fetched(without_ranges + "head.pav", plan, options)
    assert data == HEAD and transfer.status.ranges is (None if plan is None else False)
    again = fetched(without_ranges + "head.pav", plan, options)[1]
    assert again.status.cached_bytes == len(HEAD)


def test_a_begun_file_from_a_server_without_ranges(without_ranges, tmp_path):
    options = StreamOptions(cache=tmp_path / "cache", chunk_bytes=4096)
    pieces = open_transfer(without_ranges + "head.pav", options=options).chunks()
    for _ in range(3):
        next(pieces)
    pieces.close()
    data, transfer = fetched(without_ranges + "head.pav", options=options)
    assert data == HEAD and 0 < transfer.status.cached_bytes < len(HEAD)

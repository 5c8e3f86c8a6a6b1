"""A session fed from a stream: what it shows is what decoding what came shows, its rig found on the way."""

import time

import pytest
from comparing import frozen_scene
from scripted_server import answering, good, raw, serving, silent, wait_for

from pavfmt.decoding import events as ev
from pavfmt.decoding.decoder import Decoder, decode
from pavfmt.errors import FormatError
from pavfmt.tools.rig_search import RigNotFoundError
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from pavplayer.streaming import SessionFeed, StreamOptions, open_stream
from spec.builders.avatars import external_file, rig_file, toy_file
from spec.builders.forging import flipped, frames_of

DATA = toy_file("face")
QUICK = StreamOptions(stall_seconds=0.2, retries=1, retry_seconds=0.0)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def arrived(where, rig=None, options=QUICK, seconds=None):
    """A session after all of it, the events, and the error."""
    session, events = Session(PlainRasterizer()), []
    with open_stream(where, options=options) as stream:
        feed = SessionFeed(session, stream, rig, options)
        ends = time.monotonic() + 20
        while not feed.ended:
            assert time.monotonic() < ends, "it never ends"
            feed.wait(0.05)
            events += feed.update(seconds)
        assert feed.update() == []
        return session, events, feed.error


def with_rig(data, rig):
    decoder = Decoder()
    decoder.supply_rig(rig)
    decoder.feed(data)
    list(decoder.events())
    return decoder.scene


@pytest.mark.parametrize("seconds", [None, 0.0])
def test_a_file_from_a_server(seconds):
    with serving(good(DATA, piece=500, pause=0.001)) as server:
        session, events, error = arrived(server.url, seconds=seconds)
    assert error is None and isinstance(events[-1], ev.StreamEnded) and events[-1].complete
    assert frozen_scene(session.scene) == frozen_scene(decode(DATA))
    assert session.received_bytes == len(DATA)


def test_updating_for_no_time_at_all_goes_on_event_by_event():
    session = Session(PlainRasterizer())
    session.feed(DATA)
    counts = []
    while events := session.update(0.0):
        counts.append(len(events))
    assert set(counts) == {1} and len(counts) > 10
    assert frozen_scene(session.scene) == frozen_scene(decode(DATA))


@pytest.mark.parametrize("size", [0, 52, 900, len(DATA) - 1])
def test_what_came_before_an_error_is_shown(size):
    with serving(good(DATA, sends=size), answering("404 Gone")) as server:
        session, events, error = arrived(server.url)
    assert error.code == "not-found" and isinstance(events[-1], ev.StreamEnded)
    assert frozen_scene(session.scene) == frozen_scene(decode(DATA[:size]))


def test_a_file_that_fails_is_refused_and_no_longer_fetched():
    at = next(frame.payload_offset for frame in frames_of(DATA) if frame.header.critical)
    broken = flipped(DATA, at)
    with serving(good(broken, piece=100, pause=0.002)) as server, open_stream(server.url) as stream:
        session = Session(PlainRasterizer())
        feed = SessionFeed(session, stream)
        with pytest.raises(FormatError) as caught:
            while not feed.ended:
                feed.wait(1.0)
                feed.update()
        assert feed.error is caught.value and feed.ended and feed.update() == []
        wait_for(lambda: stream.status.ended)


# --- rigs in files of their own ---


def both(link, request, closing, **options):
    """A server with the avatar and, beside it, its rig."""
    data = rig_file() if request.path.endswith("/toy-rig.pav") else external_file()
    return good(data, then="stay", **options)(link, request, closing)


def test_the_rig_beside_the_avatar_is_fetched():
    with serving(both) as server:
        session, events, error = arrived(server.url)
        assert [request.path for request in server.requests] == ["/dir/head.pav", "/dir/toy-rig.pav"]
    assert error is None and isinstance(events[-1], ev.StreamEnded) and events[-1].complete
    assert frozen_scene(session.scene) == frozen_scene(with_rig(external_file(), rig_file()))


def test_the_rig_beside_a_local_file(tmp_path):
    (tmp_path / "head.pav").write_bytes(external_file())
    (tmp_path / "other name.pav").write_bytes(rig_file())
    session, _, error = arrived(str(tmp_path / "head.pav"))
    assert error is None and session.scene.gaussian_count == 21


def test_a_rig_that_is_kept_is_not_fetched_again(tmp_path):
    options = StreamOptions(cache=tmp_path / "cache")
    with serving(both) as server:
        arrived(server.url, options=options)
        session, _, error = arrived(server.url, options=options)
        paths = [request.path for request in server.requests]
        assert paths == ["/dir/head.pav", "/dir/toy-rig.pav", "/dir/head.pav"]
        (kept,) = (tmp_path / "cache" / "rigs").iterdir()
        kept.write_bytes(b"something else")
        arrived(server.url, options=options)
        assert [request.path for request in server.requests][3:] == ["/dir/head.pav", "/dir/toy-rig.pav"]
    assert error is None and session.scene.gaussian_count == 21
    assert kept.read_bytes() == rig_file()


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (answering("404 None"), RigNotFoundError),
        (good(b"not the rig"), FormatError),
        (good(toy_file("surface")), FormatError),
        (raw(b"garbage"), RigNotFoundError),
        (silent(), RigNotFoundError),
        (good(rig_file(), with_ranges=False, sends=500), RigNotFoundError),
    ],
)
def test_a_rig_that_does_not_come(behaviour, expected):
    def serve(link, request, closing):
        rig = request.path.endswith("/toy-rig.pav")
        return (behaviour if rig else good(external_file()))(link, request, closing)

    with serving(serve) as server:
        session, events, error = arrived(server.url)
    assert isinstance(error, expected), error
    assert isinstance(events[-1], ev.StreamEnded) and not events[-1].complete
    assert session.scene.gaussian_count == 0


def test_nobody_says_where_the_rig_is(tmp_path, monkeypatch):
    (tmp_path / "rigs").mkdir()
    (tmp_path / "rigs" / "a.pav").write_bytes(rig_file())
    (tmp_path / "head.pav").write_bytes(external_file())
    assert isinstance(arrived(str(tmp_path / "head.pav"))[2], RigNotFoundError)
    assert arrived(str(tmp_path / "head.pav"), rig=str(tmp_path / "rigs"))[2] is None


def test_cancelling_also_ends_the_search_for_the_rig():
    def serve(link, request, closing):
        return (silent() if request.path.endswith("/toy-rig.pav") else good(external_file()))(
            link, request, closing
        )

    with serving(serve) as server, open_stream(server.url) as stream:
        feed = SessionFeed(Session(PlainRasterizer()), stream)
        while len(server.requests) < 2:
            feed.wait(0.05)
            feed.update()
        feed.cancel()
        while not feed.ended:
            feed.wait(0.05)
            feed.update()
        assert feed.error is not None and feed.session.scene.gaussian_count == 0

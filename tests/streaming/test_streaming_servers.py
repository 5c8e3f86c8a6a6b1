"""Whatever a server does: the file, a part of the file that draws, or an error with a code; and nothing hangs."""

import random
import shutil
import ssl
import subprocess
import time

import pytest
from comparing import frozen_scene
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import answering, chunked, good, packed, raw, serving, silent, wait_for

from pavfmt.decoding.decoder import Decoder, decode
from pavfmt.errors import PavError
from pavplayer.streaming import StreamError, StreamOptions, open_stream
from pavplayer.streaming.stream import open_transfer
from spec.builders.avatars import toy_file

QUICK = StreamOptions(stall_seconds=0.15, retries=2, retry_seconds=0.001)
DATA = toy_file("face")
OTHER = toy_file("surface")
GARBAGE = random.Random(7).randbytes(len(DATA))
HALF = len(DATA) // 2


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def received(url, options=QUICK, plan=None):
    """Pieces by offset, the transfer, and the error it ended with."""
    transfer = open_transfer(url, plan, options)
    pieces, error = [], None
    try:
        for piece in transfer.chunks():
            pieces.append(piece)
    except (StreamError, PavError) as caught:
        error = caught
    assert transfer.status.ended and transfer.status.error is error
    return pieces, transfer, error


def joined(pieces):
    """The bytes of pieces that cover the file from its start without a gap or an overlap."""
    data = b""
    for offset, piece in sorted(pieces):
        assert offset == len(data)
        data += piece
    return data


def assert_whole(script, data=DATA, **options):
    with serving(*script) as server:
        pieces, transfer, error = received(server.url, **options)
        assert error is None and joined(pieces) == data
        assert transfer.status.complete
        return server, transfer


def assert_fails(script, code, part=None, data=DATA):
    with serving(*script) as server:
        pieces, transfer, error = received(server.url)
    assert error is not None and error.code == code, error
    assert not transfer.status.complete
    if part is not None:
        assert joined(pieces) == data[:part]
    return server, error


def test_one_request_brings_a_file():
    server, transfer = assert_whole([good(DATA)])
    assert len(server.requests) == transfer.status.requests == 1
    assert "range" not in server.requests[0].headers
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert transfer.status.reconnections == 0 and transfer.status.total_bytes == len(DATA)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces_may_be_small(size):
    options = StreamOptions(chunk_bytes=size, stall_seconds=0.5)
    _, transfer = assert_whole([good(DATA)], options=options)
    assert transfer.status.received_bytes == len(DATA)


@pytest.mark.parametrize("cut", [0, 1, 51, 52, HALF, len(DATA) - 1])
def test_a_cut_connection_is_resumed_where_it_ended(cut):
    server, transfer = assert_whole([good(DATA, sends=cut), good(DATA)])
    assert transfer.status.reconnections == 1 and len(server.requests) == 2
    if cut:
        assert server.requests[1].range[0] == cut
        assert server.requests[1].headers["if-range"] == '"one"'


@pytest.mark.parametrize("cut", [1, HALF, len(DATA) - 1])
def test_without_a_name_of_the_version_the_seam_is_compared(cut):
    options = QUICK
    server, _ = assert_whole([good(DATA, etag=None, sends=cut), good(DATA, etag=None)], options=options)
    assert (server.requests[1].range or (0,))[0] == max(cut - 1024, 0)
    with serving(good(DATA, etag=None, sends=cut), good(GARBAGE, etag=None)) as server:
        pieces, _, error = received(server.url)
    assert error.code == "changed" and joined(pieces) == DATA[:cut]


@pytest.mark.parametrize("cut", [1, HALF, len(DATA) - 1])
def test_a_server_without_ranges_starts_over_and_is_checked(cut):
    first = good(DATA, with_ranges=False, sends=cut)
    _, transfer = assert_whole([first, good(DATA, with_ranges=False)])
    assert transfer.status.ranges is False
    assert_fails([first, good(GARBAGE, with_ranges=False)], "changed", cut)


def test_a_weak_tag_is_no_promise_for_ranges():
    weak = 'W/"one"'
    server, _ = assert_whole([good(DATA, etag=weak, sends=HALF), good(DATA, etag=weak)])
    assert "if-range" not in server.requests[1].headers


def test_many_cuts_that_each_bring_something_are_borne():
    data = DATA * 1
    steps = [good(data, sends=1500)] * 20
    _, transfer = assert_whole([*steps, good(data)])
    assert transfer.status.reconnections >= len(data) // 1500 - 1


def test_cuts_that_bring_nothing_are_not_borne_for_ever():
    server, _ = assert_fails([good(DATA, sends=HALF), good(DATA, sends=0)], "cut", HALF)
    assert len(server.requests) == 1 + 1 + QUICK.retries
    server, _ = assert_fails([good(DATA, sends=1)], "cut")
    assert len(server.requests) == 1 + QUICK.retries


def test_a_stall_is_given_up_and_resumed():
    _, transfer = assert_whole([good(DATA, sends=HALF, then="stall"), good(DATA)])
    assert transfer.status.reconnections == 1


@pytest.mark.parametrize("behaviour", [silent(), raw(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 500, drip=0.02)])
def test_a_server_that_never_answers_is_given_up(behaviour):
    started = time.monotonic()
    assert_fails([behaviour], "stalled", 0)
    assert time.monotonic() - started < 5


def test_a_drip_is_a_stall():
    assert_fails([good(DATA, piece=1, pause=0.03)], "stalled")


def test_chunks_that_drip_are_a_stall():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    started = time.monotonic()
    assert_fails([raw(b"0" * 1000, drip=0.02, first=head)], "stalled", 0)
    assert time.monotonic() - started < 15  # all of it would take 60


def test_a_length_that_is_too_long_is_not_waited_for():
    server, _ = assert_whole([good(DATA, announce=500, then="stall")])
    assert len(server.requests) == 1


@pytest.mark.parametrize("short", [1, HALF, len(DATA)])
def test_a_length_that_is_too_short_gives_a_prefix(short):
    with serving(good(DATA, announce=-short)) as server:
        pieces, transfer, error = received(server.url)
    assert error is None and joined(pieces) == DATA[:-short]
    assert transfer.status.total_bytes in (len(DATA) - short, None)


def test_no_length_at_all():
    assert_whole([good(DATA, announce=None)])
    assert_whole([good(DATA, announce=None, sends=HALF), good(DATA)])
    with serving(
        good(DATA[:HALF], announce=None, with_ranges=False, etag=None)
    ) as server:  # a prefix is a file
        pieces, transfer, error = received(server.url)
    assert error is None and joined(pieces) == DATA[:HALF] and transfer.status.requests == 2


def test_bytes_after_the_end_are_left():
    assert_whole([good(DATA + GARBAGE)])
    assert_whole([good(DATA + GARBAGE, announce=None)])


@pytest.mark.parametrize("size", [0, 30, 52, 300])
def test_a_prefix_is_a_file(size):
    assert_whole([good(DATA[:size])], DATA[:size])


@pytest.mark.parametrize("chunk", [9, 99, 10**6])
def test_chunks(chunk):
    assert_whole([chunked(DATA, chunk)])
    assert_whole([chunked(DATA[:HALF], chunk)], DATA[:HALF])
    assert_whole([chunked(DATA[:HALF], chunk, ends=False), good(DATA)])


def test_packed_bytes_are_unpacked():
    assert_whole([packed(DATA)])
    assert_whole([packed(DATA, sends=200), packed(DATA)])
    assert_fails([packed(DATA, sends=200)], "cut")
    assert_fails([packed(DATA, encoding="br")], "bad-answer", 0)
    assert_fails([answering("200 OK", {"Content-Encoding": "gzip"}, DATA)], "bad-answer", 0)


def test_packed_bytes_never_become_more_than_allowed():
    bomb = DATA[:52] + bytes(5_000_000)
    with serving(packed(bomb)) as server:
        pieces, transfer, error = received(server.url)
    assert error is None and transfer.status.received_bytes == len(DATA)  # as the header says, and no more
    unheaded = StreamOptions(max_bytes=1000)
    with serving(packed(DATA)) as server:
        pieces, _, error = received(server.url, unheaded)
    assert error.code == "too-large" and joined(pieces) == DATA[:1000]


@pytest.mark.parametrize("etag", ['"one"', None])
@pytest.mark.parametrize("announce", [0, None])
def test_no_more_than_the_limit_is_kept(etag, announce):
    with serving(good(DATA, etag=etag, announce=announce)) as server:
        pieces, _, error = received(server.url, StreamOptions(max_bytes=HALF))
    assert error.code == "too-large" and joined(pieces) == DATA[:HALF]


def test_garbage_is_refused_at_once():
    assert_fails([good(GARBAGE)], "bad-signature")
    assert_fails([raw(GARBAGE)], "bad-answer", 0)
    assert_fails([raw(b"")], "cut", 0)
    assert_fails([good(DATA[:20] + GARBAGE)], "file-header-damaged")


@pytest.mark.parametrize("other", [OTHER, DATA[:-3], DATA + b"x"])
def test_a_file_that_changes_midway_is_told(other):
    cut = good(DATA, sends=HALF)
    assert_fails([cut, good(other, etag='"two"')], "changed", HALF)
    assert_fails([cut, good(other, etag='"two"', with_ranges=False)], "changed", HALF)


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "410 Gone"])
def test_a_refusal_is_final(status):
    server, error = assert_fails([answering(status, body=b"no")], "not-found", 0)
    assert len(server.requests) == 1 and status in str(error)


def test_a_server_in_trouble_is_asked_again():
    for status in ("500 Oops", "503 Busy", "429 Too Many Requests"):
        assert_whole([answering(status), answering(status), good(DATA)])
    server, _ = assert_fails([answering("500 Oops")], "server-error", 0)
    assert len(server.requests) == 1 + QUICK.retries


def test_odd_statuses_are_bad_answers():
    for status in ("204 No Content", "302 Found", "999 What"):
        with serving(answering(status)) as server:
            assert received(server.url)[2].code in ("bad-answer", "bad-url", "server-error")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status):
    moved = {"Location": "../other/place.pav"}
    server, _ = assert_whole([answering(f"{status} Moved", moved, b"gone"), good(DATA)])
    assert server.requests[1].path == "/other/place.pav"
    with serving(good(DATA)) as second:
        assert_whole([answering(f"{status} Moved", {"Location": second.url})])


def test_redirects_end():
    server, _ = assert_fails([answering("302 Found", {"Location": "head.pav"})], "bad-url", 0)
    assert len(server.requests) == 6
    for target in ("file:///etc/passwd", "ftp://a/b", "http://", "http://[/"):
        assert_fails([answering("302 Found", {"Location": target})], "bad-url", 0)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "bytes 0-9/10",
        "bytes x",
        "bytes 5-3/9",
        "items 1-2/3",
        f"bytes {HALF}-{10**9}/{len(DATA)}",
        "bytes */9",
    ],
)
def test_ranges_that_make_no_sense(told):
    lie = answering("206 Partial Content", {"Content-Range": told, "ETag": '"one"'}, DATA[HALF:])
    assert_fails([good(DATA, sends=HALF), lie], "bad-answer", HALF)


def test_a_range_without_end_of_file_is_fine():
    told = {"Content-Range": f"bytes {HALF}-{len(DATA) - 1}/*", "ETag": '"one"'}
    assert_whole([good(DATA, sends=HALF), answering("206 Partial Content", told, DATA[HALF:])])


def test_a_range_shorter_than_asked_is_followed_by_another():
    told = {"Content-Range": f"bytes {HALF}-{HALF + 99}/{len(DATA)}", "ETag": '"one"'}
    some = answering("206 Partial Content", told, DATA[HALF : HALF + 100])
    assert_whole([good(DATA, sends=HALF), some, good(DATA)])


def test_nobody_there():
    with serving(good(DATA)) as server:
        url = server.url
    pieces, transfer, error = received(url)
    assert error.code == "unreachable" and not pieces and transfer.status.reconnections == 0


@pytest.mark.parametrize(
    "url", ["http://", "https://a b/", "http://ä.example/", "http://u:p@h/", "http://h:x/"]
)
def test_what_is_no_url(url):
    with pytest.raises(StreamError, match="bad-url"):
        open_transfer(url)
    with pytest.raises(StreamError, match="bad-url"):
        open_transfer("ftp://host/file.pav")


def test_a_proxy_is_used(monkeypatch):
    with serving(good(DATA)) as proxy:
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("http_proxy", proxy.url.rsplit("/", 2)[0])
        pieces, _, error = received("http://avatars.invalid/head.pav")
        assert error is None and joined(pieces) == DATA
        assert proxy.requests[0].path == "http://avatars.invalid/head.pav"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A context for a server at 127.0.0.1, and the file that makes a client trust it."""
    folder = tmp_path_factory.mktemp("tls")
    key, own = folder / "key.pem", folder / "own.pem"
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-keyout", str(key), "-out", str(own), "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    return context, own


def test_https(certificate, monkeypatch):
    context, own = certificate
    with serving(good(DATA, sends=HALF), good(DATA), tls=context) as server:
        pieces, _, error = received(server.url)
        assert error.code == "unreachable" and "certificate" in str(error) and not pieces
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        pieces, transfer, error = received(server.url)
        assert error is None and joined(pieces) == DATA and transfer.status.reconnections == 1


def test_https_that_stalls_is_given_up_and_can_be_cancelled(certificate, monkeypatch):
    context, own = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with serving(good(DATA, sends=HALF, then="stall"), good(DATA), tls=context) as server:
        pieces, transfer, error = received(server.url)
        assert error is None and joined(pieces) == DATA and transfer.status.reconnections == 1
    with (
        serving(good(DATA, sends=HALF, then="stall"), tls=context) as server,
        open_stream(server.url) as stream,
    ):
        wait_for(lambda: stream.status.received_bytes == HALF)
        stream.cancel()
        wait_for(lambda: stream.status.ended, 3.0)
        assert stream.status.error is None


def test_https_is_not_left_for_http(certificate, monkeypatch):
    context, own = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with serving(good(DATA)) as plain:
        with serving(answering("302 Found", {"Location": plain.url}), tls=context) as server:
            assert received(server.url)[2].code == "bad-url"
        assert not plain.requests


def backwards(entries):
    return [entry.id for entry in entries][::-1]


def test_units_come_in_the_order_of_a_plan():
    with serving(good(DATA, then="stay")) as server:
        long = toy_file("face", picture=True)
        pieces, transfer, error = received(server.url, plan=backwards)
    assert error is None and joined(pieces) == DATA and long
    assert transfer.status.ranges is True


def test_a_server_without_ranges_goes_by_the_file_whatever_the_plan():
    _, transfer = assert_whole([good(DATA, with_ranges=False)], plan=backwards)
    assert transfer.status.ranges is False and transfer.status.requests == 1


def faults(data, etags=('"one"',), more=()):
    """One answer, good or bad."""
    ways = st.builds(
        good,
        st.sampled_from(data),
        with_ranges=st.booleans(),
        etag=st.sampled_from(etags),
        announce=st.sampled_from([0, 0, None, 5, -5, -HALF]),
        sends=st.sampled_from([None, 0, 1, 52, 1200, HALF, len(DATA) - 1]),
        then=st.sampled_from(["close", "stay"]),
    )
    others = [
        answering("500 Oops"),
        answering("416 No"),
        answering("304 Same"),
        answering("302 Found", {"Location": "/elsewhere"}),
        packed(DATA),
        packed(DATA, sends=300),
        chunked(DATA),
        chunked(DATA, ends=False),
        raw(b""),
        raw(GARBAGE),
    ]
    return st.one_of(ways, st.sampled_from([*others, *more]))


BROKEN = faults([DATA, DATA, DATA[:HALF]], ('"one"', 'W/"one"', None))
LYING = faults(
    [DATA, OTHER, GARBAGE, DATA[:HALF] + GARBAGE, DATA + GARBAGE],
    ('"one"', '"two"', 'W/"one"', None),
    [answering("206 Part", {"Content-Range": "bytes 0-1/3"}, b"xy"), packed(OTHER), chunked(GARBAGE)],
)
IMPATIENT = StreamOptions(stall_seconds=0.1, retries=2, retry_seconds=0.0, chunk_bytes=700)


def scene_of(pieces):
    decoder = Decoder()
    for piece in pieces:
        decoder.feed_at(*piece)
        for _ in decoder.events():
            pass
    return decoder.scene


@given(script=st.lists(BROKEN, min_size=1, max_size=4), planned=st.booleans())
def test_a_broken_server_gives_the_file_or_a_part_of_it(script, planned):
    with serving(*script) as server:
        pieces, transfer, error = received(server.url, IMPATIENT, backwards if planned else None)
    assert all(DATA[offset : offset + len(data)] == data for offset, data in pieces)
    assert sum(len(data) for _, data in pieces) == transfer.status.received_bytes
    assert error is None or (isinstance(error, StreamError) and error.code)
    if error is None or not planned:
        assert frozen_scene(scene_of(pieces)) == frozen_scene(decode(joined(pieces)))


@given(script=st.lists(LYING, min_size=1, max_size=4), planned=st.booleans())
def test_a_lying_server_gives_a_file_or_an_error_with_a_code(script, planned):
    with serving(*script) as server:
        pieces, _, error = received(server.url, IMPATIENT, backwards if planned else None)
    ends = 0
    for offset, data in sorted(pieces):  # no byte twice, and no more than a file's
        assert offset >= ends
        ends = offset + len(data)
    assert ends <= max(len(DATA), len(OTHER), len(DATA) + len(GARBAGE))
    assert error is None or error.code
    try:
        scene_of(pieces)
    except PavError as refused:
        assert refused.code

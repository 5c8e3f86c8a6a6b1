"""A rig that an avatar names is found in a folder or at a URL, and taken only if its hash is the one named."""

import threading
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from small_pictures import SmallRasterizer

from pavcli.main import main
from pavfmt import Decoder, FormatError, decode
from pavfmt.encoder import encode_rig_file
from pavfmt.tools.rig_search import MAX_RIG_BYTES, RigNotFoundError, find_rig, named_rig, rig_for
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.streaming import StreamError, http_origin
from pavplayer.streaming.http_origin import fetch, redirect_target
from spec.builders.avatars import external_file, rig_file, toy_file

HASH = sha256(rig_file()).hexdigest()


def reference():
    found = named_rig(external_file())
    assert found is not None
    return found


def other_rig():
    return encode_rig_file(toy_avatar("face", seed=3).rig)


# --- Folders and files ---


@pytest.mark.parametrize("name", ["toy-rig.pav", f"{HASH}.pav", "zz-anything.pav"])
def test_a_folder_is_searched_by_name_then_hash_then_all(name, tmp_path):
    (tmp_path / "aa-other.pav").write_bytes(other_rig())
    (tmp_path / "not-a-rig.txt").write_bytes(rig_file())
    (tmp_path / name).write_bytes(rig_file())
    assert find_rig(reference(), str(tmp_path)) == rig_file()


def test_a_wrong_file_under_the_right_name_is_passed_over(tmp_path):
    (tmp_path / "toy-rig.pav").write_bytes(other_rig())
    (tmp_path / f"{HASH}.pav").write_bytes(b"")
    with pytest.raises(RigNotFoundError) as caught:
        find_rig(reference(), str(tmp_path))
    assert HASH in str(caught.value) and str(tmp_path) in str(caught.value) and "2 .pav" in str(caught.value)
    (tmp_path / "kept.pav").write_bytes(rig_file())
    assert find_rig(reference(), str(tmp_path)) == rig_file()


@pytest.mark.parametrize("name", ["../toy-rig.pav", "/etc/passwd", "a/b.pav", ""])
def test_a_name_hint_does_not_lead_out_of_the_folder(name, tmp_path):
    from dataclasses import replace

    inside = tmp_path / "rigs"
    inside.mkdir()
    (tmp_path / "toy-rig.pav").write_bytes(rig_file())
    with pytest.raises(RigNotFoundError):
        find_rig(replace(reference(), name=name), str(inside))


def test_files_too_large_are_not_read(tmp_path, monkeypatch):
    (tmp_path / "toy-rig.pav").write_bytes(rig_file())
    monkeypatch.setattr("pavfmt.tools.rig_search.MAX_RIG_BYTES", len(rig_file()) - 1)
    with pytest.raises(RigNotFoundError):
        find_rig(reference(), str(tmp_path))
    monkeypatch.setattr("pavfmt.tools.rig_search.MAX_RIG_BYTES", len(rig_file()))
    assert find_rig(reference(), str(tmp_path)) == rig_file()


def test_another_file_is_a_mismatch(tmp_path):
    path = tmp_path / "rig.pav"
    path.write_bytes(other_rig())
    decoder = Decoder()
    decoder.supply_rig(find_rig(reference(), str(path)))
    decoder.feed(external_file())
    with pytest.raises(FormatError) as caught:
        list(decoder.events())
    assert caught.value.code == "rig-mismatch"
    assert HASH in caught.value.message and sha256(other_rig()).hexdigest() in caught.value.message


def test_nothing_there(tmp_path):
    with pytest.raises(RigNotFoundError, match="no file, folder or URL"):
        find_rig(reference(), str(tmp_path / "nowhere"))


def test_an_avatar_with_its_own_rig_needs_none(tmp_path):
    assert named_rig(toy_file()) is None and rig_for(toy_file(), str(tmp_path / "nowhere")) is None
    assert named_rig(b"") is None and named_rig(b"nonsense") is None
    assert rig_for(external_file(), None) is None


# --- URLs ---


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.server.answers.get(self.path)
        if found is None:
            self.send_error(404)
            return
        status, headers, body = found
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextmanager
def serving(answers):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers = answers
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("template", ["/rigs/{sha256}.pav", "/by-name/{name}", "/fixed.pav"])
def test_a_url_template_is_filled_in_and_fetched(template):
    body = (200, {"Content-Length": str(len(rig_file()))}, rig_file())
    answers = dict.fromkeys((f"/rigs/{HASH}.pav", "/by-name/toy-rig.pav", "/fixed.pav"), body)
    with serving(answers) as host:
        assert find_rig(reference(), host + template, fetch) == rig_file()


def test_what_a_url_holds_is_checked():
    with serving({"/rig.pav": (200, {}, other_rig())}) as host, pytest.raises(FormatError) as caught:
        find_rig(reference(), f"{host}/rig.pav", fetch)
    assert caught.value.code == "rig-mismatch"


def test_a_missing_url_says_what_was_wanted_and_where():
    with serving({}) as host, pytest.raises(RigNotFoundError) as caught:
        find_rig(reference(), host + "/{sha256}.pav", fetch)
    assert (
        HASH in str(caught.value) and f"{host}/{HASH}.pav" in str(caught.value) and "404" in str(caught.value)
    )


def test_no_more_than_the_limit_is_fetched():
    with serving({"/big": (200, {}, bytes(200_000))}) as host:
        assert len(fetch(f"{host}/big", 200_000)) == 200_000
        with pytest.raises(StreamError, match="more than 199,999 bytes"):
            fetch(f"{host}/big", 199_999)


def test_a_length_that_is_announced_is_believed_to_be_too_much():
    headers = {"Content-Length": str(MAX_RIG_BYTES + 1)}
    with serving({"/big": (200, headers, b"x")}) as host, pytest.raises(StreamError, match="more than"):
        fetch(f"{host}/big", MAX_RIG_BYTES)


def test_an_answer_that_ends_early_is_an_error():
    with serving({"/cut": (200, {"Content-Length": "900"}, bytes(100))}) as host, pytest.raises(StreamError):
        fetch(f"{host}/cut", 10_000)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x", "/etc/hostname"])
def test_other_schemes_are_refused(url):
    with pytest.raises(StreamError):
        fetch(url, 100)


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_redirects_stay_with_http(target):
    answers = {
        "/a": (302, {"Location": "/b"}, b""),
        "/b": (200, {}, b"here"),
        "/c": (302, {"Location": target}, b""),
    }
    with serving(answers) as host:
        assert fetch(f"{host}/a", 100) == b"here"
        with pytest.raises(StreamError):
            fetch(f"{host}/c", 100)


def test_https_is_not_left_by_a_redirect():
    with pytest.raises(StreamError, match="not followed"):
        redirect_target("https://127.0.0.1/a", "http://127.0.0.1/b")


def test_silence_ends(monkeypatch):
    import socket

    monkeypatch.setattr(http_origin, "SILENCE_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(StreamError):
        fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/", 100)


def test_a_trickle_ends(monkeypatch):
    monkeypatch.setattr(http_origin, "TOTAL_SECONDS", -1.0)
    with serving({"/slow": (200, {}, b"x")}) as host, pytest.raises(StreamError, match="not complete"):
        fetch(f"{host}/slow", 100)


def test_without_the_player_a_url_says_what_to_install():
    with pytest.raises(RigNotFoundError, match="pip install"):
        find_rig(reference(), "https://127.0.0.1/{sha256}.pav")


# --- Commands ---


@pytest.fixture
def shared(tmp_path, monkeypatch):
    monkeypatch.setattr("pavplayer.session.open_rasterizer", lambda device: SmallRasterizer())
    monkeypatch.setattr("pavplayer.session.cuda_problem", lambda: "not in this test")
    (tmp_path / "rigs").mkdir()
    (tmp_path / "rigs" / f"{HASH}.pav").write_bytes(rig_file())
    (tmp_path / "toy.pav").write_bytes(external_file())
    return tmp_path


def command_lines(folder):
    file = str(folder / "toy.pav")
    return [
        ["render", "-q", file, "-o", str(folder / "a.png")],
        ["sheet", "-q", file, "-o", str(folder / "b.png"), "--percents", "100"],
        ["curve", "-q", file, "--points", "2", "--scale", "0.5"],
        ["demo", "-q", "--avatar", file, "--out", str(folder / "demo"), "--frames", "1"],
    ]


def test_every_drawing_command_finds_the_rig(shared):
    for line in command_lines(shared):
        assert main([*line, "--rig", str(shared / "rigs")]) == 0, line


def test_without_the_option_every_drawing_command_says_what_is_missing(shared, capsys):
    for line in command_lines(shared):
        assert main(line) == 3, line
        message = capsys.readouterr().err
        assert "--rig toy-rig.pav" in message and HASH in message


def test_with_an_empty_folder_every_command_says_where_it_looked(shared, capsys):
    (shared / "empty").mkdir()
    lines = [*command_lines(shared), *([name, str(shared / "toy.pav")] for name in ("inspect", "verify"))]
    for line in lines:
        assert main([*line, "--rig", str(shared / "empty")]) == 3, line
        message = capsys.readouterr().err
        assert HASH in message and str(shared / "empty") in message


def test_inspect_and_verify_find_the_rig(shared, capsys):
    where = ["--rig", str(shared / "rigs")]
    assert main(["verify", str(shared / "toy.pav"), *where]) == 0
    assert capsys.readouterr().out == ""
    assert main(["inspect", str(shared / "toy.pav"), *where]) == 0
    count = decode(toy_file()).gaussian_count
    assert f"{count} of {count}" in capsys.readouterr().out


def test_a_wrong_rig_fails_the_file(shared, capsys):
    (shared / "wrong.pav").write_bytes(other_rig())
    assert main(["inspect", str(shared / "toy.pav"), "--rig", str(shared / "wrong.pav")]) == 1
    assert "rig-mismatch" in capsys.readouterr().err

"""`pav fetch`, and URLs where other commands take files."""

from contextlib import contextmanager

import pytest
from scripted_server import answering, good, serving

from pavcli import fetch as fetch_command
from pavcli.main import main
from pavfmt.decoding.decoder import decode
from spec.builders.avatars import external_file, head_file, rig_file, toy_file

DATA, HEAD = toy_file("face"), head_file()
HALF = len(DATA) // 2


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out" / "head.pav"


@pytest.fixture(autouse=True)
def _folder(tmp_path):
    (tmp_path / "out").mkdir()


def names(target):
    return sorted(path.name for path in target.parent.iterdir())


def fetch(url, target, *options):
    return main(["fetch", url, "-o", str(target), *options])


def test_a_file_is_fetched_and_nothing_else_is_left(target, capsys):
    with serving(good(DATA)) as server:
        assert fetch(server.url, target) == 0
    assert target.read_bytes() == DATA and names(target) == ["head.pav"]
    assert capsys.readouterr().out == f"{target}: {len(DATA) / 1000:,.1f} kB\n"


def test_nothing_is_replaced_unless_asked(target):
    target.write_bytes(b"mine")
    with serving(good(DATA)) as server:
        assert fetch(server.url, target) == 3 and target.read_bytes() == b"mine" and not server.requests
        assert fetch(server.url, target, "--force", "-q") == 0
    assert target.read_bytes() == DATA


def after(*first):
    """A server that answers so first, and then is in trouble until told to be well."""
    script = list(first)

    def behave(link, request, closing):
        step = script.pop(0) if script else behave.then
        return step(link, request, closing)

    behave.then = answering("404 Gone")
    return behave


def test_what_came_is_kept_told_and_continued(target, capsys):
    behave = after(good(HEAD, sends=60_000))
    with serving(behave) as server:
        assert fetch(server.url, target) == 3
        told = capsys.readouterr().err
        part = target.with_name("head.pav.part")
        assert part.read_bytes() == HEAD[:60_000] and names(target) == ["head.pav.part", "head.pav.part.json"]
        drawn = decode(HEAD[:60_000]).gaussian_count
        assert f"60,000 of {len(HEAD):,} bytes are kept in {part}: they draw {drawn:,} of" in told
        assert "not-found: 404 Gone" in told
        behave.then = good(HEAD)
        assert fetch(server.url, target) == 0
        assert server.requests[-1].range[0] == 60_000
    assert target.read_bytes() == HEAD and names(target) == ["head.pav"]
    assert "60.0 kB of it kept from before" in capsys.readouterr().out


@pytest.mark.parametrize("etag", ['"one"', None])
def test_a_part_of_another_version_is_not_continued(target, etag, capsys):
    other = bytes(reversed(HEAD))[: len(HEAD) - 52]
    other = HEAD[:52] + other
    behave = after(good(HEAD, etag=etag, sends=60_000))
    with serving(behave) as server:
        assert fetch(server.url, target) == 3
        behave.then = good(other, etag=etag and '"two"')
        assert fetch(server.url, target) == 0
    assert target.read_bytes() == other and names(target) == ["head.pav"]


def test_interrupted_it_keeps_what_came(target, capsys, monkeypatch):
    @contextmanager
    def bar(label, quiet):
        def advance(fraction):
            if fraction > 0.5:
                raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr(fetch_command, "bar", bar)
    with serving(good(HEAD, piece=10_000, pause=0.001)) as server:
        assert fetch(server.url, target) == 3
    kept = target.with_name("head.pav.part").read_bytes()
    assert len(HEAD) / 2 < len(kept) < len(HEAD) and HEAD.startswith(kept)
    assert f"{len(kept):,} of {len(HEAD):,} bytes are kept" in capsys.readouterr().err


def test_to_stdout(capsysbinary):
    with serving(good(DATA)) as server:
        assert fetch(server.url, "-") == 0
    captured = capsysbinary.readouterr()
    assert captured.out == DATA and captured.err.startswith(b"-: ")


def test_with_a_cache(target, tmp_path, capsys):
    with serving(good(DATA)) as server:
        for _ in range(2):
            assert fetch(server.url, target, "--force", "--cache", str(tmp_path / "cache")) == 0
        assert "if-none-match" in server.requests[1].headers
    assert target.read_bytes() == DATA and names(target) == ["head.pav"]
    assert "kept from before" in capsys.readouterr().out


def test_over_a_slow_link(target):
    with serving(good(DATA)) as server:
        assert fetch(server.url, target, "--rate", "10mbit", "--latency", "5ms", "-q") == 0
    assert target.read_bytes() == DATA


@pytest.mark.parametrize(
    ("behaviour", "code", "exit_code"),
    [(answering("404 None"), "not-found", 3), (good(b"no avatar" * 20), "bad-signature", 1)],
)
def test_what_fails_leaves_nothing(target, capsys, behaviour, code, exit_code):
    with serving(behaviour) as server:
        assert fetch(server.url, target) == exit_code
    assert code in capsys.readouterr().err and names(target) == []


def test_only_urls(target, capsys):
    assert fetch("head.pav", target) == 3
    assert "no http or https URL" in capsys.readouterr().err
    assert fetch("http://u:p@host/a", target) == 3


def test_render_takes_urls(tmp_path, capsys):
    picture = tmp_path / "a.png"
    with serving(good(DATA)) as server:
        assert main(["render", server.url, "--size", "20x30", "-o", str(picture)]) == 0
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"received {len(DATA):,} of" in capsys.readouterr().out


def test_render_of_a_part_fetches_no_more(tmp_path):
    with serving(good(HEAD, piece=2000, pause=0.005)) as server:
        command = [
            "render",
            server.url,
            "--percent",
            "10",
            "--size",
            "20x30",
            "-o",
            str(tmp_path / "a.png"),
            "-q",
        ]
        assert main(command) == 0
    with serving(answering("404 None")) as server:
        assert main(["render", server.url, "-o", str(tmp_path / "b.png")]) == 3


def test_render_finds_the_rig_beside_a_url(tmp_path, capsys):
    def both(link, request, closing):
        data = rig_file() if request.path.endswith("/toy-rig.pav") else external_file()
        return good(data)(link, request, closing)

    with serving(both) as server:
        assert main(["render", server.url, "--size", "20x30", "-o", str(tmp_path / "a.png")]) == 0
    assert "21 of 21 Gaussians" in capsys.readouterr().out

"""`pav render`: files, pipes, prefixes, poses, and what it says when they do not fit."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from pavcli.main import main
from pavfmt.encoder import encode, encode_rig_file
from pavfmt.encoder.options import EncodeOptions
from pavfmt.tools.cut import unit_ends
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.rasterizers.plain import PlainRasterizer

SMALL_UNITS = EncodeOptions(first_unit_bytes=60, unit_bytes=60, unit_share=0.0)
SIZE = ("--size", "40x56")


@pytest.fixture(scope="module")
def toy():
    return encode(toy_avatar("face"), SMALL_UNITS)


@pytest.fixture(autouse=True)
def plain_rasterizer(monkeypatch):
    monkeypatch.setattr("pavplayer.session.open_rasterizer", lambda device: PlainRasterizer())
    monkeypatch.setattr("pavplayer.session.cuda_problem", lambda: "not in this test")


@pytest.fixture
def file(tmp_path, toy):
    path = tmp_path / "toy.pav"
    path.write_bytes(toy)
    return path


def pixels(path):
    return np.asarray(Image.open(path))


def rendered(file, out, *options):
    assert main(["render", str(file), *SIZE, "-o", str(out), *options]) == 0
    return pixels(out)


def test_it_draws_the_whole_file_and_says_so(file, tmp_path, toy, capsys):
    picture = rendered(file, tmp_path / "a.png")
    assert picture.shape == (56, 40, 3)
    assert picture.min() < 200
    captured = capsys.readouterr()
    assert f"received {len(toy):,} of {len(toy):,} bytes (100 %)" in captured.out
    assert "21 of 21 Gaussians, 3 of 3 levels, 3 of 3 shapes" in captured.out
    assert captured.err == ""


def test_a_prefix_by_bytes_and_by_percent(file, tmp_path, toy, capsys):
    half = rendered(file, tmp_path / "a.png", "--bytes", str(round(len(toy) * 0.6)))
    assert "of 21 Gaussians" in capsys.readouterr().out
    np.testing.assert_array_equal(half, rendered(file, tmp_path / "b.png", "--percent", "60"))
    assert (half != rendered(file, tmp_path / "c.png")).any()


def test_a_file_still_being_written_is_drawn_as_far_as_it_is(file, tmp_path, toy):
    cut = unit_ends(toy)[-3]
    expected = rendered(file, tmp_path / "a.png", "--bytes", str(cut))
    growing = tmp_path / "growing.pav"
    growing.write_bytes(toy[: cut + 10])
    np.testing.assert_array_equal(rendered(growing, tmp_path / "b.png"), expected)


def test_no_bytes_are_a_bare_background(file, tmp_path, capsys):
    picture = rendered(file, tmp_path / "a.png", "--bytes", "0", "--background", "0,0.5,1")
    assert (picture == [0, 128, 255]).all()
    assert "received 0 bytes: nothing to draw yet" in capsys.readouterr().out


def test_weights_joints_and_view_move_it(file, tmp_path):
    rest = rendered(file, tmp_path / "rest.png")
    options = [
        ("--weights", "jawOpen=1", "eyeBlinkLeft=0.5"),
        ("--joint", "jaw=40,0,0"),
        ("--yaw", "25"),
        ("--pitch", "25"),
        ("--zoom", "1.5"),
        ("--background", "black"),
        ("--track", "@nod", "--frame", "3"),
        ("--track", "nod", "--frame", "3"),
    ]
    pictures = [rendered(file, tmp_path / f"{k}.png", *one) for k, one in enumerate(options)]
    assert all((picture != rest).any() for picture in pictures)
    np.testing.assert_array_equal(pictures[-1], pictures[-2])


def test_a_track_file_moves_it_as_its_weights_do(file, tmp_path):
    track = tmp_path / "talk.npz"
    names, weights = np.array(["jawOpen", "elsewhere"]), np.array([[0, 0], [0.75, 1]], np.float32)
    np.savez(track, a_names=names, a_weights=weights, b_names=names, b_weights=2 * weights)
    expected = rendered(file, tmp_path / "a.png", "--weights", "jawOpen=0.75")
    drawn = rendered(file, tmp_path / "b.png", "--track", f"{track}:a", "--frame", "1")
    np.testing.assert_array_equal(drawn, expected)
    over = ("--track", f"{track}:b", "--frame", "1", "--weights", "jawOpen=0.75")
    np.testing.assert_array_equal(rendered(file, tmp_path / "c.png", *over), expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--weights", "jawopne=0.5"], "no shape 'jawopne'; close to it: jawOpen"),
        (["--weights", "qqqq=0.5"], "it has jawOpen, eyeBlinkLeft, still"),
        (["--joint", "jw=0,0,1"], "no joint 'jw'; close to it: jaw"),
        (["--track", "missing.npz"], "there is no such file"),
        (["--track", "@wave"], "has nod, not 'wave'"),
        (["--track", "@nod", "--frame", "5"], "nod has frames 0 to 4"),
    ],
)
def test_what_the_avatar_does_not_have_is_a_usage_error(file, tmp_path, capsys, options, said):
    out = tmp_path / "a.png"
    assert main(["render", str(file), "-o", str(out), *options]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--weights", "jawOpen"],
        ["--weights", "jawOpen=nan"],
        ["--joint", "jaw=1,2"],
        ["--size", "0x10"],
        ["--size", "10"],
        ["--background", "2,0,0"],
        ["--bytes", "-1"],
        ["--percent", "101"],
        ["--bytes", "1", "--percent", "1"],
        ["--zoom", "0"],
        ["--yaw", "nan"],
        ["--yaw", "inf"],
    ],
)
def test_malformed_options_are_usage_errors(file, tmp_path, options):
    with pytest.raises(SystemExit) as raised:
        main(["render", str(file), "-o", str(tmp_path / "a.png"), *options])
    assert raised.value.code == 2


def test_a_shape_that_has_not_arrived_is_said_and_drawn_without(tmp_path, toy, file, capsys):
    visible = next(end for end in unit_ends(toy) if end > 1700)
    picture = rendered(file, tmp_path / "a.png", "--bytes", str(visible), "--weights", "still=1")
    assert "not in this prefix yet, so without effect: still" in capsys.readouterr().err
    np.testing.assert_array_equal(picture, rendered(file, tmp_path / "b.png", "--bytes", str(visible)))
    rendered(file, tmp_path / "c.png", "--bytes", "60", "--weights", "anything=1")
    assert "the rig is not in this prefix yet" in capsys.readouterr().err


def test_weights_for_a_scene_without_a_rig(tmp_path, capsys):
    path = tmp_path / "static.pav"
    path.write_bytes(encode(toy_avatar("static")))
    assert rendered(path, tmp_path / "a.png").min() < 250
    assert main(["render", str(path), "--weights", "jawOpen=1", "-o", str(tmp_path / "b.png")]) == 2
    assert "has no rig" in capsys.readouterr().err


def test_an_existing_picture_is_kept_without_force(file, tmp_path, capsys):
    out = tmp_path / "a.png"
    out.write_bytes(b"mine")
    assert main(["render", str(file), *SIZE, "-o", str(out)]) == 3
    assert out.read_bytes() == b"mine"
    assert "--force" in capsys.readouterr().err
    assert rendered(file, out, "--force").shape == (56, 40, 3)


def test_a_damaged_unit_is_named_and_the_rest_drawn(file, tmp_path, toy, capsys):
    ends = unit_ends(toy)
    damaged = bytearray(toy)
    damaged[ends[-1] - 1] ^= 0xFF
    path = tmp_path / "damaged.pav"
    path.write_bytes(damaged)
    out = tmp_path / "a.png"
    assert main(["render", str(path), *SIZE, "-o", str(out)]) == 4
    assert "unit-payload-damaged at byte" in capsys.readouterr().err
    np.testing.assert_array_equal(pixels(out), rendered(file, tmp_path / "b.png", "--bytes", str(ends[-2])))


@pytest.mark.parametrize(("at", "code"), [(0, "bad-signature"), (30, "file-header-damaged")])
def test_a_file_that_fails_draws_nothing(tmp_path, toy, capsys, at, code):
    broken = bytearray(toy)
    broken[at] ^= 0xFF
    path = tmp_path / "broken.pav"
    path.write_bytes(broken)
    for options in ([], ["--percent", "50"]):
        assert main(["render", str(path), "-o", str(tmp_path / "a.png"), *options]) == 1
        assert code in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_a_file_that_is_not_there_could_not_run(tmp_path):
    assert main(["render", str(tmp_path / "no.pav"), "-o", str(tmp_path / "a.png")]) == 3


def test_an_external_rig_is_asked_for_by_name(tmp_path, file, capsys):
    avatar = toy_avatar("face")
    rig_file = encode_rig_file(avatar.rig, SMALL_UNITS)
    (tmp_path / "rig.pav").write_bytes(rig_file)
    path = tmp_path / "named.pav"
    path.write_bytes(encode(avatar, SMALL_UNITS, rig_file=rig_file, rig_name="toy-rig.pav"))
    assert main(["render", str(path), "-o", str(tmp_path / "a.png")]) == 3
    assert "--rig toy-rig.pav" in capsys.readouterr().err
    drawn = rendered(path, tmp_path / "a.png", "--rig", str(tmp_path / "rig.pav"), "--weights", "jawOpen=1")
    difference = drawn.astype(int) - rendered(file, tmp_path / "b.png", "--weights", "jawOpen=1")
    assert abs(difference).max() <= 1
    assert main(["render", str(path), "-f", "-o", str(tmp_path / "a.png"), "--rig", str(file)]) == 1
    assert "rig-mismatch" in capsys.readouterr().err


def test_a_pipe_in_and_a_pipe_out(toy, file, tmp_path):
    """The real command in a process of its own, with the rasterizer that users get."""
    arguments = ["render", "-", *SIZE, "--device", "cpu", "--bytes", str(len(toy) - 5), "-o", "-"]
    command = [sys.executable, "-m", "pavcli.main", *arguments]
    done = subprocess.run(command, input=toy, capture_output=True, check=True)
    assert b"of 21 Gaussians" in done.stderr
    drawn = np.asarray(Image.open(io.BytesIO(done.stdout))).astype(int)
    expected = rendered(file, tmp_path / "a.png", "--bytes", str(len(toy) - 5))
    assert abs(drawn - expected).max() <= 1

"""An avatar in a program of one's own: it arrives, moves, draws, and hands its Gaussians on without copying."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pavplayer
from pavfmt import Decoder, FormatError
from pavfmt.decoding.decoder import decode
from pavfmt.decoding.events import UnitArrived, contents
from pavfmt.model import Pose
from pavfmt.units.directory import Directory
from pavfmt.units.gaussians import GaussianBlock
from pavplayer.avatar import shared_tensors
from pavplayer.camera import Camera
from pavplayer.demo import AVATAR_FILE
from pavplayer.evaluation.metrics import psnr
from pavplayer.focus import FocusError, parse_focus
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from pavplayer.streaming import StreamError, StreamOptions
from pavplayer.streaming.link import Link
from spec.builders.avatars import external_file, rig_file, toy_file

CAMERA = Camera.orbit((0, 0, 0), 1.0, 10, 5, width=24, height=30, focal_px=30)
EXAMPLE = Path(__file__).parents[2] / "player" / "examples" / "embedding.py"


def avatar_at(path, **options):
    return pavplayer.Avatar(path, session=Session(PlainRasterizer()), **options)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "head.pav"
    file.write_bytes(toy_file("face"))
    return file


def test_a_file_arrives_and_moves(path):
    with avatar_at(path) as avatar:
        avatar.wait_until_complete(20)
        assert avatar.has_ended and avatar.error is None and avatar.status.complete
        assert avatar.received_bytes == avatar.total_bytes == len(toy_file("face"))
        scene = decode(toy_file("face"))
        assert avatar.shape_names == scene.core.shape_names and "jawOpen" in avatar.shape_names
        assert avatar.joint_names == scene.core.joint_names
        rest, opened = avatar.frame(CAMERA), avatar.frame(CAMERA, {"jawOpen": 0.9})
        assert psnr(rest, opened) < 50
        np.testing.assert_array_equal(avatar.frame(CAMERA, Pose({"jawOpen": 0.9})), opened)
        assert avatar.camera(size=(11, 7)).width == 11


def test_nothing_is_copied_on_the_way_to_torch(path):
    torch = pytest.importorskip("torch")
    avatar = avatar_at(path)
    assert avatar.tensors() is None or avatar.scene.is_visible
    avatar.wait_until_complete(20)
    cloud = avatar.posed({"jawOpen": 0.5})
    tensors = shared_tensors(cloud)
    for name, tensor in tensors.items():
        array = getattr(cloud, name)
        assert tensor.dtype == torch.float32 and tuple(tensor.shape) == array.shape
        assert tensor.data_ptr() == array.__array_interface__["data"][0]
    assert set(tensors) >= {"means", "quats", "scales", "opacities", "sh"}
    means = avatar.tensors({"jawOpen": 0.5})["means"]
    np.testing.assert_array_equal(means.numpy(), cloud.means)


def test_a_session_of_tensors_gives_its_own_tensors(path):
    torch = pytest.importorskip("torch")
    session = Session(PlainRasterizer(), device="cpu")
    avatar = pavplayer.Avatar(path, session=session)
    avatar.wait_until_complete(20)
    cloud = avatar.posed()
    assert isinstance(cloud.means, torch.Tensor)
    assert shared_tensors(cloud)["means"] is cloud.means


def test_what_is_missing_is_said(tmp_path, path):
    with pytest.raises(StreamError):
        avatar_at(tmp_path / "none.pav").wait_until_visible(20)
    (tmp_path / "text.pav").write_bytes(b"this is no avatar" * 9)
    with pytest.raises(FormatError):
        avatar_at(tmp_path / "text.pav").wait_until_visible(20)
    (tmp_path / "cut.pav").write_bytes(path.read_bytes()[:300])
    cut = avatar_at(tmp_path / "cut.pav")
    with pytest.raises(EOFError, match="300 bytes"):
        cut.wait_until_visible(20)
    assert (cut.frame(CAMERA) == 1).all() and cut.posed() is None and cut.tensors() is None


def test_a_rig_beside_the_file_is_found(tmp_path):
    (tmp_path / "head.pav").write_bytes(external_file("face"))
    (tmp_path / "toy-rig.pav").write_bytes(rig_file("face"))
    avatar = avatar_at(tmp_path / "head.pav")
    avatar.wait_until_complete(20)
    assert avatar.error is None and "jawOpen" in avatar.shape_names


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, pavplayer; assert not {'numba', 'torch', 'viser', 'pavplayer.avatar'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="Avatars"):
        pavplayer.Avatars  # noqa: B018


def test_the_example_runs(tmp_path):
    command = [sys.executable, str(EXAMPLE), str(AVATAR_FILE), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert f"Gaussians after {AVATAR_FILE.stat().st_size:,} bytes" in done.stdout
    assert {file.name for file in tmp_path.iterdir()} == {"first.png", "talking.png"}


def test_what_is_looked_at_comes_first():
    """Some of the demo's units have no part of the tongue; those can wait."""
    options = StreamOptions(link=Link(4e6, 0.01))
    orders = []
    for focus in (None, parse_focus("tongue")):
        with pavplayer.Avatar(
            AVATAR_FILE, session=Session(PlainRasterizer()), options=options, focus=focus
        ) as avatar:
            order = []
            while not avatar.has_ended:
                avatar.wait(5)
                arrived = (event for event in avatar.update() if isinstance(event, UnitArrived))
                order += [event.unit for event in arrived if isinstance(event.content, GaussianBlock)]
            regions = avatar.scene.core.region_names
            assert avatar.error is None and avatar.status.complete
            orders.append(order)
    bit = 1 << regions.index("tongue")
    mattering = {entry.id for entry in decode_directory_of(AVATAR_FILE) if entry.regions & bit}
    plain, focused = ([unit in mattering for unit in order] for order in orders)
    assert sorted(orders[0]) == sorted(orders[1])
    begun = 5  # what may have been asked for before the rig told which regions there are
    assert focused[begun:] == sorted(focused[begun:], reverse=True)
    assert plain[begun:] != sorted(plain[begun:], reverse=True)


def decode_directory_of(path):
    decoder = Decoder()
    decoder.feed(path.read_bytes())
    return next(contents(decoder.events(), Directory)).entries


def test_a_region_that_the_avatar_does_not_have_is_named(path):
    avatar = avatar_at(path, focus=parse_focus("beard"))
    with pytest.raises(FocusError, match="beard"):
        avatar.wait_until_complete(20)

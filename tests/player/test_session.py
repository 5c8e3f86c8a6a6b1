"""A session grows by units, draws in file order, and ends where decoding at once ends."""

import numpy as np
import pytest
from realdata import DATA, needs_data

from pavfmt.decoding import events as ev
from pavfmt.decoding.decoder import decode
from pavfmt.encoder import encode, encode_rig_file
from pavfmt.encoder.options import EncodeOptions, precision_near
from pavfmt.encoder.order.importance import rendered_importance
from pavfmt.encoder.pictures import OrbitView
from pavfmt.importers.lam import read_lam
from pavfmt.model import Pose
from pavfmt.posing import STATIC_RIG, concatenate, pose_avatar, pose_level, pose_mesh
from pavfmt.tools.cut import unit_ends
from pavfmt.tools.inspect import inspect
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.camera import Camera, evaluation_camera
from pavplayer.evaluation.metrics import psnr
from pavplayer.importance import EncoderRenderer, camera_of
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.rasterizers.tiles import TileRasterizer
from pavplayer.session import Session, opaque_box

KINDS = ("face", "surface", "mixed", "static")
CAMERA = Camera.orbit((0, 0, 0), 1.0, 10, 5, width=24, height=30, focal_px=30)
POSE = Pose({"jawOpen": 0.7, "eyeBlinkLeft": 0.4}, {"jaw": (0.3, 0.1, 0.0)}, (0.01, 0.0, 0.02))
BACKGROUND = (0.2, 0.4, 0.6)
SMALL_UNITS = EncodeOptions(first_unit_bytes=60, unit_bytes=60, unit_share=0.0)


def file_of(kind):
    return encode(toy_avatar(kind), SMALL_UNITS)


def session_at(data):
    session = Session(PlainRasterizer())
    session.feed(data)
    session.update()
    return session


def reference_picture(data):
    """Decoded at once, posed by the slow reference."""
    snapshot = decode(data).snapshot()
    if snapshot is None:
        return np.broadcast_to(np.float32(BACKGROUND), (30, 24, 3))
    avatar = snapshot.avatar
    mesh = pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, POSE)
    cloud = concatenate([pose_level(avatar.levels, number, mesh) for number in range(len(avatar.levels))])
    rows = snapshot.order
    ordered = type(cloud)(
        *(getattr(cloud, name)[rows] for name in ("means", "quats", "scales", "opacities", "sh")),
        sh_quats=None if cloud.sh_quats is None else cloud.sh_quats[rows],
    )
    return PlainRasterizer().render(ordered, CAMERA, BACKGROUND)


@pytest.mark.parametrize("kind", KINDS)
def test_a_growing_session_draws_what_decoding_each_prefix_draws(kind):
    data, fed = file_of(kind), 0
    session = Session(PlainRasterizer())
    for end in unit_ends(data):
        session.feed(data[fed:end])
        session.update()
        fed = end
        picture = session.frame(POSE, CAMERA, BACKGROUND)
        np.testing.assert_allclose(picture, reference_picture(data[:end]), atol=2e-4)
    assert fed == len(data)


@pytest.mark.parametrize("kind", ["face", "mixed"])
def test_the_picture_of_all_bytes_does_not_depend_on_how_they_came(kind):
    data = file_of(kind)
    whole = session_at(data).frame(POSE, CAMERA)
    pieces = Session(PlainRasterizer())
    for at in range(0, len(data), 97):
        pieces.feed(data[at : at + 97])
        pieces.update()
        pieces.frame(POSE, CAMERA)
    np.testing.assert_array_equal(pieces.frame(POSE, CAMERA), whole)
    backwards = Session(PlainRasterizer())
    for at in reversed(range(0, len(data), 97)):
        backwards.feed_at(at, data[at : at + 97])
        backwards.update()
    np.testing.assert_array_equal(backwards.frame(POSE, CAMERA), whole)
    assert backwards.received_bytes == len(data)


def test_pictures_change_at_unit_boundaries_only():
    data = file_of("face")
    ends = set(unit_ends(data))
    session, before, changes = Session(PlainRasterizer()), None, []
    small = Camera.orbit((0, 0, 0), 1.0, width=8, height=10, focal_px=10)
    for length in range(len(data) + 1):
        session.feed(data[length - 1 : length] if length else b"")
        session.update()
        if length in ends or length - 1 in ends or length % 50 == 0:
            picture = session.frame(POSE, small)
            if before is not None and not np.array_equal(picture, before):
                changes.append(length)
            before = picture
    assert set(changes) <= ends
    assert len(changes) > 5


def test_a_frame_between_units_keeps_the_poser():
    data = file_of("face")
    end = unit_ends(data)[-4]
    session = session_at(data[:end])
    session.frame(POSE, CAMERA)
    poser = session._poser
    session.feed(data[end : end + 3])
    session.update()
    session.frame(Pose(), CAMERA)
    assert session._poser is poser


@pytest.mark.parametrize("kind", KINDS)
def test_milestones_are_exact_however_large_the_pieces_are(kind):
    data = file_of(kind)
    report = inspect(data)
    for piece in (1, 700, len(data)):
        session = Session(PlainRasterizer())
        for at in range(0, len(data), piece):
            session.feed(data[at : at + piece])
            session.update()
        assert session.bytes_until_visible == report.bytes_until_visible
        assert session.bytes_until_animatable == report.bytes_until_animatable
    visible = report.bytes_until_visible
    assert session_at(data[:visible]).scene.is_visible
    assert not session_at(data[: visible - 1]).scene.is_visible


@pytest.mark.parametrize(
    "data", [b"", b"\x89PAV", file_of("face")[:52]], ids=["empty", "signature", "header"]
)
def test_nothing_yet_is_the_bare_background(data):
    session = session_at(data)
    session.close()
    assert isinstance(session.update()[-1], ev.StreamEnded)
    picture = session.frame(POSE, session.camera(size=(11, 7)), BACKGROUND)
    np.testing.assert_array_equal(picture, np.broadcast_to(np.float32(BACKGROUND), (7, 11, 3)))
    assert session.bytes_until_visible is None


def test_equal_depths_keep_file_order():
    """Two Gaussians of two levels at one place: the one that comes first in the file is in front."""
    data = file_of("mixed")
    session = session_at(data)
    arrays = session.scene.arrays()
    assert (np.diff(arrays.indices) > 0).all()
    cloud = session.posed(Pose())
    np.testing.assert_array_equal(cloud.opacities, session.scene.effective()[0])
    np.testing.assert_array_equal(cloud.sh[:, 0], arrays.sh0[:, 0])


def test_a_damaged_unit_costs_itself():
    data = bytearray(file_of("face"))
    ends = unit_ends(bytes(data))
    data[-1] ^= 1
    session = session_at(bytes(data))
    assert [lost.code for lost in session.damage] == ["unit-payload-damaged"]
    whole, kept = session_at(file_of("face")), session_at(bytes(data[: ends[-2]]))
    np.testing.assert_array_equal(session.frame(POSE, CAMERA), kept.frame(POSE, CAMERA))
    assert whole.scene.active_units > session.scene.active_units


def test_an_external_rig_is_supplied():
    avatar = toy_avatar("face")
    rig_file = encode_rig_file(avatar.rig, SMALL_UNITS)
    data = encode(avatar, SMALL_UNITS, rig_file=rig_file, rig_name="toy.pav")
    session = session_at(data)
    assert session.posed() is None
    session.supply_rig(rig_file)
    session.update()
    expected = session_at(file_of("face")).frame(POSE, CAMERA)
    np.testing.assert_allclose(session.frame(POSE, CAMERA), expected, atol=1e-6)


def test_the_camera_follows_the_personal_neutral_and_stays():
    data = file_of("face")
    cameras = [session_at(data[:end]).camera() for end in unit_ends(data)]
    sessions = [session_at(data[:end]) for end in unit_ends(data)]
    placed = [c for c, s in zip(cameras, sessions, strict=True) if s.scene.is_visible]
    assert len({tuple(camera.translation) for camera in placed}) == 1
    neutral = sessions[-1].scene.identity.neutral
    assert placed[0].position[2] == pytest.approx(
        float((neutral[:, 2].max() + neutral[:, 2].min()) / 2 + 3.25 * np.ptp(neutral[:, 1]))
    )


def test_a_scene_without_a_rig_is_framed_by_its_opaque_part():
    random = np.random.default_rng(0)
    means = random.normal(0, 0.1, (2000, 3)).astype(np.float32)
    means[::100] *= 1000
    opacities = np.ones(2000, np.float32)
    opacities[::100] = 0.01
    low, high = opaque_box(means, opacities)
    assert (low > -0.6).all() and (high < 0.6).all()
    assert (low < -0.15).all() and (high > 0.15).all()
    one = opaque_box(means[1:2], opacities[1:2])
    assert one[1, 1] > one[0, 1]


def test_importance_comes_from_any_rasterizer():
    avatar = toy_avatar("face")
    view = OrbitView((0.0, 0.0, 0.0), 1.0, 20.0, 5.0)
    assert (camera_of(view).width, camera_of(view).height, camera_of(view).fx) == (550, 802, 1900.0)

    class Counting(PlainRasterizer):
        cameras = 0

        def contributions(self, gaussians, camera, shares=None):
            Counting.cameras += 1
            return np.full(len(gaussians.means), 0.5, np.float32)

    levels = rendered_importance(avatar, EncoderRenderer(Counting()))
    assert [len(one) for one in levels] == [len(level.gaussians) for level in avatar.levels]
    each = Counting.cameras / len(levels)  # every level has its own pictures, with the levels before it
    assert each and all((one == 0.5 * each).all() for one in levels)


def test_posing_in_torch_draws_the_same():
    pytest.importorskip("torch")
    data = file_of("mixed")
    session = Session(PlainRasterizer(), device="cpu")
    session.feed(data)
    session.update()
    expected = session_at(data).frame(POSE, CAMERA)
    np.testing.assert_allclose(session.frame(POSE, CAMERA), expected, atol=2e-4)


@needs_data
def test_a_real_head_ends_close_to_what_it_was_encoded_from():
    avatar = read_lam(DATA / "lam" / "status.zip")
    data = encode(avatar, EncodeOptions(precision_near(54.3)))
    session = Session(TileRasterizer())
    qualities = []
    pose = Pose({"jawOpen": 0.6, "mouthSmileLeft": 0.5}, {"head": (0.1, 0.3, 0.0)})
    camera = evaluation_camera(avatar.rig.mean_neutral, 20, 5, width=275, height=401)
    reference = session.rasterizer.render(pose_avatar(avatar, pose), camera)
    for start, end in ((0, 0.3), (0.3, 0.6), (0.6, 1.0)):
        session.feed(data[round(start * len(data)) : round(end * len(data))])
        session.update()
        qualities.append(psnr(session.frame(pose, camera), reference))
    assert qualities == sorted(qualities)
    assert qualities[-1] > 50
    assert session.bytes_until_visible <= session.bytes_until_animatable < len(data)

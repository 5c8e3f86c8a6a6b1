"""One rig file, many identities: encoded over it, an avatar looks as it did with a rig of its own."""

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from realdata import DATA, needs_data
from tiny_lam import lam_zip

from pavcli.main import main
from pavfmt import Decoder, EncodeError, Pose, decode, encode, pose_avatar, verify
from pavfmt.encoder import encode_rig_file, precision_near
from pavfmt.encoder.rig.renumbering import renumbered_rig
from pavfmt.encoder.rig.shared import rig_in, shared_avatar
from pavfmt.importers.lam import read_lam
from pavfmt.tools.rig_search import named_rig
from pavfmt.tools.synthetic import toy_avatar
from pavplayer.evaluation.metrics import mean_squared_error, psnr_of_error
from pavplayer.evaluation.views import EVALUATION_V1
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import open_rasterizer
from spec.builders.avatars import SMALL_UNITS

POSE = Pose({"jawOpen": 0.7}, {"jaw": (0.3, 0.1, -0.2)})


def rig_file():
    return encode_rig_file(toy_avatar("face").rig, SMALL_UNITS)


def other_person(kind="face"):
    """The toy with another face, told as its rig's own neutral, as importers do it."""
    avatar = toy_avatar(kind)
    random = np.random.default_rng(7)
    neutral = avatar.rig.mean_neutral + random.normal(0, 0.004, avatar.rig.mean_neutral.shape)
    return replace(avatar, rig=replace(avatar.rig, mean_neutral=neutral.astype(np.float32)), identity=None)


def received(data, rig=None):
    decoder = Decoder()
    if rig is not None:
        decoder.supply_rig(rig)
    decoder.feed(data)
    list(decoder.events())
    return decoder.scene


def over_it(avatar, **options):
    shared = shared_avatar(avatar, rig_file())
    return encode(shared, replace(SMALL_UNITS, **options), rig_file=rig_file(), rig_name="rig.pav")


@pytest.mark.parametrize("kind", ["face", "surface", "mixed"])
@pytest.mark.parametrize("person", [toy_avatar, other_person])
def test_it_poses_as_with_a_rig_of_its_own(kind, person):
    avatar = person(kind)
    scene = received(over_it(avatar), rig_file())
    alone = received(encode(avatar, SMALL_UNITS))
    assert scene.gaussian_count == alone.gaussian_count
    for pose in (Pose(), POSE):
        one, two = (pose_avatar(which.snapshot().avatar, pose) for which in (scene, alone))
        order = [np.lexsort(np.round(posed.means, 3).T) for posed in (one, two)]
        assert np.abs(one.means[order[0]] - two.means[order[1]]).max() < 2e-3
    assert np.abs(scene.identity.neutral - alone.rig().mean_neutral).max() < 2e-2


def test_its_own_neutral_is_what_travels():
    scene = received(over_it(other_person()), rig_file())
    wanted = renumbered_rig(other_person().rig)[0].mean_neutral
    assert np.abs(scene.identity.neutral - wanted).max() < 6e-5
    assert np.abs(scene.core.mean_neutral - rig_in(rig_file())[0].mean_neutral).max() == 0


def test_an_identity_that_is_there_already_is_kept():
    avatar = toy_avatar("face")
    shared = shared_avatar(avatar, rig_file())
    assert np.array_equal(np.sort(shared.identity.neutral, axis=0), np.sort(avatar.identity.neutral, axis=0))
    assert np.array_equal(shared.identity.joint_positions, avatar.identity.joint_positions)


def test_the_rigs_own_face_needs_no_identity():
    avatar = replace(toy_avatar("face"), identity=None)
    assert shared_avatar(avatar, rig_file()).identity is None
    data = encode(avatar, SMALL_UNITS, rig_file=rig_file(), rig_name="rig.pav")
    assert over_it(avatar) == data


def test_the_file_names_the_rig_and_is_clean():
    data = over_it(other_person())
    assert named_rig(data).sha256 == sha256(rig_file()).digest()
    assert verify(data, rig_file=rig_file()) == []


def test_a_rig_file_of_other_steps_serves_too():
    coarse = encode_rig_file(toy_avatar("face").rig, replace(SMALL_UNITS, neutral_step=3e-4, weight_bits=8))
    avatar = other_person()
    data = encode(shared_avatar(avatar, coarse), SMALL_UNITS, rig_file=coarse)
    scene = received(data, coarse)
    wanted = renumbered_rig(avatar.rig)[0].mean_neutral
    assert np.abs(scene.identity.neutral - wanted).max() < 6e-5


def changed_rig(**parts):
    avatar = toy_avatar("face")
    return replace(avatar, rig=replace(avatar.rig, **parts))


def bent(shape, by):
    displacements = shape.displacements.copy()
    displacements[0] += by
    return replace(shape, displacements=displacements)


def other_rigs():
    rig = toy_avatar("face").rig
    first, *rest = rig.shapes
    flat = np.zeros_like(rig.correctives.displacements)
    return {
        "joints": (changed_rig(joint_names=("root", "chin")), "its joints"),
        "weights": (changed_rig(weights=rig.weights[:, ::-1].copy()), "skinning weights"),
        "shape": (changed_rig(shapes=(bent(first, 2e-3), *rest)), "'jawOpen', by 3.[3-6]. mm"),
        "names": (changed_rig(shapes=(replace(first, name="grin"), *rest)), "names of its shapes"),
        "fewer": (changed_rig(shapes=tuple(rest)), "names of its shapes"),
        "joint shapes": (changed_rig(shapes=(replace(first, joint_displacements=None), *rest)), "'jawOpen'"),
        "no correctives": (changed_rig(correctives=None), "pose correctives"),
        "correctives": (changed_rig(correctives=replace(rig.correctives, displacements=flat)), "correctives"),
    }


@pytest.mark.parametrize("what", other_rigs())
def test_a_rig_that_differs_is_refused(what):
    avatar, message = other_rigs()[what]
    with pytest.raises(EncodeError, match=message) as caught:
        shared_avatar(avatar, rig_file())
    assert caught.value.code == "other-rig"


def test_small_differences_of_shapes_are_the_files():
    avatar = changed_rig(shapes=tuple(bent(shape, 1e-4) for shape in toy_avatar("face").rig.shapes))
    shared = shared_avatar(avatar, rig_file())
    kept = rig_in(rig_file())[0].shapes[0].displacements
    assert np.array_equal(shared.rig.shapes[0].displacements, kept)


def test_other_faces_are_refused():
    avatar = toy_avatar("face", subdivided=True)
    with pytest.raises(EncodeError, match="its faces"):
        shared_avatar(avatar, rig_file())


@pytest.mark.parametrize("bad", [b"", b"nonsense", "cut", "static"])
def test_what_is_no_rig_file_is_refused(bad):
    data = {"cut": rig_file()[:-20], "static": encode(toy_avatar("static"))}.get(bad, bad)
    with pytest.raises(EncodeError) as caught:
        shared_avatar(toy_avatar("face"), data)
    assert caught.value.code == "bad-rig-file"


def test_an_avatar_without_a_rig_shares_none():
    with pytest.raises(EncodeError) as caught:
        shared_avatar(toy_avatar("static"), rig_file())
    assert caught.value.code == "no-rig"


def test_the_encoder_refuses_a_rig_file_of_another_rig():
    with pytest.raises(EncodeError) as caught:
        encode(toy_avatar("face", subdivided=True), rig_file=rig_file())
    assert caught.value.code == "other-rig"


# --- The command ---


def run_encode(*arguments):
    return main(["encode", "--quiet", "--importance", "opacity-area", "--no-search", *map(str, arguments)])


def test_two_heads_on_one_rig_by_command(tmp_path, capsys):
    lam_zip(tmp_path / "lam.zip")
    rig, one, two = (tmp_path / name for name in ("rig.pav", "one.pav", "two.pav"))
    assert run_encode(tmp_path / "lam.zip", "--rig", "external", "--rig-output", rig, "-o", one) == 0
    before = rig.read_bytes()
    assert run_encode(tmp_path / "lam.zip", "--shared-rig", rig, "-o", two) == 0
    assert rig.read_bytes() == before
    written = [received(path.read_bytes(), before).arrays() for path in (one, two)]
    for name in (
        "sites",
        "means",
        "opacities",
        "log_scales",
    ):  # colours are fitted over the file's rounded shapes
        assert np.allclose(*(getattr(arrays, name) for arrays in written), atol=0.02), name
    assert named_rig(two.read_bytes()).name == "rig.pav"
    assert main(["verify", "--rig", str(tmp_path), str(two)]) == 0


def test_one_rig_is_enough(tmp_path, capsys):
    lam_zip(tmp_path / "lam.zip")
    (tmp_path / "rig.pav").write_bytes(rig_file())
    both = ("--shared-rig", tmp_path / "rig.pav", "--rig-output", tmp_path / "new.pav")
    assert run_encode(tmp_path / "lam.zip", *both, "-o", tmp_path / "a.pav") == 3
    assert "give one" in capsys.readouterr().err
    assert (
        run_encode(tmp_path / "lam.zip", "--shared-rig", tmp_path / "rig.pav", "-o", tmp_path / "a.pav") == 3
    )
    assert "other-rig" in capsys.readouterr().err and not (tmp_path / "a.pav").exists()


# --- Real heads ---


@needs_data
def test_status_and_tesla_share_a_rig():
    status, tesla = (read_lam(DATA / "lam" / f"{name}.zip") for name in ("status", "tesla"))
    rig = encode_rig_file(status.rig)
    fine = replace(
        SMALL_UNITS, precision=precision_near(60.0), first_unit_bytes=4096, unit_bytes=8192, unit_share=0.045
    )
    data = encode(shared_avatar(tesla, rig), fine, rig_file=rig, rig_name="lam.pav")
    snapshot = received(data, rig).snapshot()
    assert snapshot.avatar.identity is not None and decode(data).gaussian_count == 0
    rasterizer, errors = open_rasterizer("cpu"), []
    posers = Poser(tesla), Poser(snapshot.avatar, snapshot.order)
    for camera in EVALUATION_V1.cameras(tesla.rig.mean_neutral)[:3]:
        for pose in EVALUATION_V1.expressions.values():
            pictures = [rasterizer.render(poser.frame(pose), camera) for poser in posers]
            errors.append(mean_squared_error(*pictures))
    assert psnr_of_error(float(np.mean(errors))) >= 45.0

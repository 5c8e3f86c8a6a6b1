"""Progressive checkpoints: written is read back, wrong is named, half written never shows."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pavfmt.errors import EncodeError
from pavfmt.exporters import progressive as progressive_writing
from pavfmt.exporters.progressive import write_progressive
from pavfmt.importers.progressive import is_progressive, read_progressive
from pavfmt.importers.progressive_form import logits_from_opacities, opacities_from_logits
from pavfmt.tools.synthetic import toy_avatar

EXACT = ("sites", "means", "quats", "log_scales", "sh0", "shN", "barycentrics", "importance")


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "avatar"
    write_progressive(toy_avatar("mixed", importance=True), folder)
    return folder


def assert_same_arrays(one, two, names):
    for name in names:
        first, second = getattr(one, name), getattr(two, name)
        assert (first is None) == (second is None), name
        if first is not None:
            np.testing.assert_array_equal(first, second, name)
            assert first.dtype == second.dtype


def assert_same_rig(one, two):
    assert_same_arrays(one, two, ("faces", "mean_neutral", "mean_joint_positions", "weights"))
    for name in ("profile", "joint_names", "joint_parents", "subdivisions"):
        assert getattr(one, name) == getattr(two, name)
    for first, second in zip(one.shapes, two.shapes, strict=True):
        assert (first.name, first.essential) == (second.name, second.essential)
        assert_same_arrays(first, second, ("displacements", "joint_displacements"))
    assert one.correctives.joints == two.correctives.joints
    np.testing.assert_array_equal(one.correctives.displacements, two.correctives.displacements)
    assert list(one.regions) == list(two.regions)
    for name, mask in one.regions.items():
        np.testing.assert_array_equal(mask, two.regions[name])


def assert_same_avatar(one, two):
    assert (one.rig is None) == (two.rig is None)
    if one.rig is not None:
        assert_same_rig(one.rig, two.rig)
        assert_same_arrays(one.identity, two.identity, ("neutral", "joint_positions"))
    for first, second in zip(one.levels, two.levels, strict=True):
        assert (first.binding, first.site, first.sh_frame) == (second.binding, second.site, second.sh_frame)
        assert_same_arrays(first.gaussians, second.gaussians, EXACT)
        difference = first.gaussians.opacities - second.gaussians.opacities
        assert np.abs(difference).max(initial=0) <= 1e-6
        assert (first.splits is None) == (second.splits is None)
        if first.splits is not None:
            assert_same_arrays(first.splits, second.splits, ("parents", "barycentrics"))
    assert dict(one.metadata) == dict(two.metadata)
    assert one.thumbnail == two.thumbnail
    for first, second in zip(one.tracks, two.tracks, strict=True):
        for name in ("name", "frames_per_second", "shape_names", "joint_names"):
            assert getattr(first, name) == getattr(second, name)
        assert_same_arrays(first, second, ("weights", "rotations", "translation"))


@pytest.mark.parametrize("kind", ["face", "surface", "mixed", "static"])
@pytest.mark.parametrize("subdivided", [False, True])
def test_round_trip(tmp_path, kind, subdivided):
    avatar = toy_avatar(kind, subdivided=subdivided, importance=kind != "face")
    avatar = replace(avatar, thumbnail=b"\x89PNG", metadata={"title": "Zoë – a head"})
    write_progressive(avatar, tmp_path / "avatar")
    assert is_progressive(tmp_path / "avatar")
    assert_same_avatar(avatar, read_progressive(tmp_path / "avatar"))
    assert_same_avatar(avatar, read_progressive(tmp_path / "avatar" / "avatar.json"))


def test_round_trip_without_the_optional_parts(tmp_path):
    full = toy_avatar("face")
    shapes = tuple(replace(shape, joint_displacements=None) for shape in full.rig.shapes)
    rig = replace(full.rig, correctives=None, regions={}, shapes=shapes)
    avatar = replace(full, rig=rig, identity=None, tracks=(), metadata={})
    write_progressive(avatar, tmp_path / "avatar")
    back = read_progressive(tmp_path / "avatar")
    assert back.identity is None and back.rig.correctives is None and back.rig.regions == {}
    assert not (tmp_path / "avatar" / "rig" / "shape_joints.npy").exists()


def test_opacities_survive_logits():
    opacities = np.concatenate([[0, 1], np.linspace(0, 1, 1001), np.geomspace(1e-9, 1, 100)])
    opacities = opacities.astype(np.float32)
    back = opacities_from_logits(logits_from_opacities(opacities))
    assert np.abs(back - opacities).max() <= 1e-6
    far = opacities_from_logits(np.array([-1e30, 1e30], np.float32))
    assert far.tolist() == [0.0, 1.0]


def test_other_precisions_and_index_types_are_read(checkpoint):
    for path in checkpoint.glob("*/*.npy"):
        array = np.load(path)
        wider = {"f": ">f8", "i": ">i8"}.get(array.dtype.kind, array.dtype)
        np.save(path, np.asfortranarray(array.astype(wider)))
    assert_same_avatar(toy_avatar("mixed", importance=True), read_progressive(checkpoint))


def refused(checkpoint, code, *words):
    with pytest.raises(EncodeError) as caught:
        read_progressive(checkpoint)
    assert caught.value.code == code, caught.value
    for word in words:
        assert word in caught.value.message


def test_every_file_is_needed(checkpoint):
    for path in sorted(checkpoint.rglob("*.*")):
        data = path.read_bytes()
        path.unlink()
        refused(checkpoint, "missing-file", path.name)
        path.write_bytes(data)
    read_progressive(checkpoint)


def test_every_truncation_of_an_array_is_refused(checkpoint):
    path = checkpoint / "level_1" / "means.npy"
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        refused(checkpoint, "bad-array", "level_1/means.npy")
    path.write_bytes(data + b"\0")
    refused(checkpoint, "bad-array", "level_1/means.npy")


def test_one_changed_header_byte_never_escapes(checkpoint):
    path = checkpoint / "level_1" / "means.npy"
    data = path.read_bytes()
    for at in range(128):
        for value in (0, 0x23, 0x28, 0x39, 0x5C, 0xFF):
            path.write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
            try:
                read_progressive(checkpoint)
            except EncodeError as error:
                assert error.code in {"bad-array", "bad-dtype", "bad-shape", "input-too-large", "not-finite"}


@pytest.mark.parametrize(
    ("name", "array", "code"),
    [
        ("level_0/means", np.zeros((9, 2), np.float32), "bad-shape"),
        ("level_0/means", np.zeros((8, 3), np.float32), "bad-shape"),
        ("level_0/means", np.zeros((9, 3), np.int32), "bad-dtype"),
        ("level_0/means", np.full((9, 3), np.nan, np.float32), "not-finite"),
        ("level_0/logit_opacities", np.full(9, np.inf, np.float32), "not-finite"),
        ("level_0/quats", np.zeros((9, 4), np.float32), "bad-quaternion"),
        ("level_0/sites", np.full(9, -1), "binding-out-of-range"),
        ("level_0/sites", np.full(9, 6), "binding-out-of-range"),
        ("level_0/sites", np.zeros(9, np.float32), "bad-dtype"),
        ("level_0/shN", np.zeros((9, 4, 3), np.float32), "bad-shape"),
        ("level_1/split_parents", np.zeros(3, np.int32), "bad-level"),
        ("level_1/split_barycentrics", np.ones((3, 3), np.float32), "bad-barycentrics"),
        ("rig/faces", np.full((8, 3), 6), "binding-out-of-range"),
        ("rig/weights", np.ones((6, 2), np.float32), "bad-weights"),
        ("rig/weights", np.ones((7, 2), np.float32) / 2, "bad-shape"),
        ("rig/shapes", np.zeros((2, 6, 3), np.float32), "bad-shape"),
        ("rig/correctives", np.zeros((10, 6, 3), np.float32), "bad-shape"),
        ("rig/regions", np.zeros((2, 6), np.float32), "bad-dtype"),
        ("identity/neutral", np.zeros((5, 3), np.float32), "bad-shape"),
        ("track_0/rotations", np.zeros((5, 2, 3), np.float32), "bad-shape"),
    ],
)
def test_a_wrong_array_is_refused(checkpoint, name, array, code):
    np.save(checkpoint / f"{name}.npy", array)
    refused(checkpoint, code)


def test_pickled_arrays_are_refused_unread(checkpoint):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was run",))

    np.save(checkpoint / "level_0" / "means.npy", np.array([Trap()], object), allow_pickle=True)
    refused(checkpoint, "bad-dtype", "level_0/means.npy", "object")


def test_a_header_that_claims_too_much_costs_nothing(checkpoint):
    path = checkpoint / "level_0" / "importance.npy"
    with path.open("wb") as stream:
        claim = {"descr": "<f4", "fortran_order": False, "shape": (1 << 50,)}
        np.lib.format.write_array_header_1_0(stream, claim)
    refused(checkpoint, "bad-shape")
    sites = checkpoint / "level_0" / "sites.npy"
    path.rename(sites)
    refused(checkpoint, "bad-dtype")
    with sites.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {**claim, "descr": "<i4"})
    refused(checkpoint, "input-too-large")


def edit(checkpoint, change):
    path = checkpoint / "avatar.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        (lambda d: d.pop("levels"), "bad-checkpoint", "levels"),
        (lambda d: d.update(colour=1), "bad-checkpoint", "colour"),
        (lambda d: d.update(version=4), "unsupported-checkpoint", "version 4"),
        (lambda d: d.update(format="ply"), "bad-checkpoint", "ply"),
        (lambda d: d.update(levels=[]), "no-gaussians", "level"),
        (lambda d: d.update(levels=[{}] * 17), "input-too-large", "levels"),
        (lambda d: d["levels"][0].update(site="edge"), "bad-checkpoint", "edge"),
        (lambda d: d["levels"][0].update(site="face"), "missing-file", "barycentrics"),
        (lambda d: d["levels"][1].update(site="vertex"), "bad-site", ""),
        (lambda d: d["levels"][0].update(importance=1), "bad-checkpoint", "importance"),
        (lambda d: d.update(rig=None), "bad-checkpoint", "identity"),
        (lambda d: d["rig"].update(parents=[0, -1]), "bad-shape", "joint"),
        (lambda d: d["rig"].update(parents=[-1, 0.5]), "bad-checkpoint", "parents"),
        (lambda d: d["rig"].update(shapes=["a", "a", "b"]), "bad-checkpoint", "shapes"),
        (lambda d: d["rig"].update(essential=["smile"]), "bad-checkpoint", "smile"),
        (lambda d: d["rig"].update(corrective_joints=[2]), "binding-out-of-range", "corrective"),
        (lambda d: d["metadata"].update(title=7), "bad-checkpoint", "title"),
        (lambda d: d["metadata"].update(title="\ud800"), "bad-checkpoint", "surrogate"),
        (lambda d: d["tracks"][0].update(frames_per_second="30"), "bad-checkpoint", "frames_per_second"),
    ],
)
def test_a_wrong_manifest_is_refused(checkpoint, change, code, word):
    edit(checkpoint, change)
    refused(checkpoint, code, word)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"format": NaN}', "[" * 100_000])
def test_what_is_no_manifest_is_refused(checkpoint, text):
    (checkpoint / "avatar.json").write_text(text)
    refused(checkpoint, "bad-checkpoint", "avatar.json")
    assert not is_progressive(checkpoint)


def test_only_checkpoints_are_recognised(checkpoint, tmp_path):
    assert is_progressive(checkpoint)
    assert is_progressive(checkpoint / "avatar.json")
    assert not is_progressive(tmp_path)
    assert not is_progressive(tmp_path / "nothing")
    assert not is_progressive(checkpoint / "rig" / "faces.npy")


@pytest.mark.parametrize("stop_after", [0, 1, 5, 20])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch, stop_after, error):
    stop_during_write(monkeypatch, stop_after, error)
    with pytest.raises(error):
        write_progressive(toy_avatar(), tmp_path / "avatar")
    assert list(tmp_path.iterdir()) == []


def stop_during_write(monkeypatch, stop_after, error):
    save, left = progressive_writing._save, iter(range(stop_after))

    def failing(*arguments):
        if next(left, None) is None:
            raise error
        save(*arguments)

    monkeypatch.setattr(progressive_writing, "_save", failing)


def test_an_interrupted_replacement_keeps_the_old_one(checkpoint, tmp_path, monkeypatch):
    before = read_progressive(checkpoint)
    stop_during_write(monkeypatch, 3, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        write_progressive(toy_avatar("static"), checkpoint, force=True)
    assert_same_avatar(before, read_progressive(checkpoint))
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_nothing_is_overwritten_without_force(checkpoint, tmp_path):
    other = toy_avatar("static")
    with pytest.raises(EncodeError, match="exists"):
        write_progressive(other, checkpoint)
    write_progressive(other, checkpoint, force=True)
    assert_same_avatar(other, read_progressive(checkpoint))
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_force_replaces_checkpoints_only(tmp_path):
    precious = tmp_path / "home"
    precious.mkdir()
    (precious / "letter.txt").write_text("dear")
    with pytest.raises(EncodeError, match="exists"):
        write_progressive(toy_avatar(), precious, force=True)
    assert (precious / "letter.txt").read_text() == "dear"
    with pytest.raises(EncodeError, match="no-folder"):
        write_progressive(toy_avatar(), tmp_path / "no" / "avatar")

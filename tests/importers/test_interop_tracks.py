"""Recorded performances: ARKit and FLAME archives, LAM's bsData.json."""

import json

import numpy as np
import pytest
from realdata import DATA, needs_data

from pavfmt.errors import EncodeError
from pavfmt.importers.flame import JOINT_NAMES
from pavfmt.importers.lam import read_lam
from pavfmt.importers.tracks import read_tracks


@needs_data
def test_arkit_archive():
    path = DATA / "tracks" / "arkit_tracks.npz"
    tracks = read_tracks(path)
    frames = {"lam_test_expression_1s": 973, "oac_james": 240, "oac_status": 184, "oac_vfhq_case1": 240}
    assert {name: track.frame_count for name, track in tracks.items()} == frames
    with np.load(path) as archive:
        for name, track in tracks.items():
            assert np.array_equal(track.weights, archive[f"{name}_weights"])
            assert track.shape_names == tuple(archive[f"{name}_names"])
            assert (track.name, track.frames_per_second, track.joint_names) == (name, 30.0, ())


@needs_data
def test_status_is_the_same_performance_in_both_forms():
    (in_avatar,) = read_lam(DATA / "lam" / "status.zip").tracks
    archived = read_tracks(DATA / "tracks" / "arkit_tracks.npz")["oac_status"]
    columns = [archived.shape_names.index(name) for name in in_avatar.shape_names]
    assert np.allclose(archived.weights[:, columns], in_avatar.weights, atol=1e-6)


@needs_data
@pytest.mark.parametrize(("number", "frames"), [("076", 76), ("132", 132), ("167", 167)])
def test_flame_archive(number, frames):
    path = DATA / "tracks" / "flame" / f"track_{number}.npz"
    (track,) = read_tracks(path).values()
    assert (track.name, track.frame_count, track.joint_names) == (f"track_{number}", frames, JOINT_NAMES)
    assert track.shape_names[0] == "expr000" and track.shape_names[-1] == "expr099"
    with np.load(path) as archive:
        assert np.array_equal(track.weights, archive["expr"])
        assert np.array_equal(track.translation, archive["translation"])
        keys = ("rotation", "neck_pose", "jaw_pose")
        expected = [archive[key] for key in keys]
        expected += [archive["eyes_pose"][:, :3], archive["eyes_pose"][:, 3:]]
        assert np.array_equal(track.rotations, np.stack(expected, axis=1))


def test_missing_rotations_are_rest(tmp_path):
    np.savez(tmp_path / "quiet.npz", expr=np.ones((4, 10), np.float32))
    track = read_tracks(tmp_path / "quiet.npz")["quiet"]
    assert not track.rotations.any() and not track.translation.any()


def bs_data(**changes):
    document = {
        "names": ["jawOpen", "eyeBlinkLeft"],
        "metadata": {"fps": 25.0},
        "frames": [{"weights": [0.5, 0.0], "time": 0.0, "rotation": []}, {"weights": [0.25, 1.0]}],
    }
    return {**document, **changes}


def test_bs_data(tmp_path):
    path = tmp_path / "bsData.json"
    path.write_text(json.dumps(bs_data()))
    track = read_tracks(path)["bsData"]
    assert track.frames_per_second == 25.0
    assert track.shape_names == ("jawOpen", "eyeBlinkLeft")
    assert track.weights.tolist() == [[0.5, 0.0], [0.25, 1.0]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not json", "bad-track"),
        ("[1, 2]", "bad-track"),
        ("[" * 100_000, "bad-track"),
        (json.dumps(bs_data(names=["a"])), "bad-track"),
        (json.dumps(bs_data(names=["a", "a"])), "bad-track"),
        (json.dumps(bs_data(frames=[{"weights": [1]}, {"weights": [1, 2]}])), "bad-track"),
        (json.dumps(bs_data(frames=[{"time": 1}])), "bad-track"),
        (json.dumps(bs_data(metadata={"fps": 0})), "bad-track"),
        (json.dumps(bs_data(metadata=[])), "bad-track"),
        (json.dumps(bs_data(frames=[{"weights": [float("nan"), 0]}])), "bad-track"),
        (json.dumps(bs_data(frames=[{"weights": [1e300, 0]}])), "not-finite"),
    ],
)
def test_wrong_bs_data(tmp_path, text, code):
    (tmp_path / "bsData.json").write_text(text)
    with pytest.raises(EncodeError) as caught:
        read_tracks(tmp_path / "bsData.json")
    assert caught.value.code == code


GOOD = {"expr": np.zeros((3, 100)), "jaw_pose": np.zeros((3, 3))}


@pytest.mark.parametrize(
    ("arrays", "code", "named"),
    [
        ({"something": np.zeros(3)}, "bad-track", "expr"),
        ({"a_weights": np.zeros((3, 2))}, "missing-array", "a_names"),
        ({"a_weights": np.zeros((3, 2)), "a_names": np.array(["x"])}, "bad-shape", "a_weights"),
        ({"a_weights": np.zeros((3, 2)), "a_names": np.array(["x", "x"])}, "bad-track", "distinct"),
        ({"a_weights": np.zeros((3, 2)), "a_names": np.array([["x"]])}, "bad-shape", "a_names"),
        ({**GOOD, "expr": np.zeros(100)}, "bad-shape", "expr"),
        ({**GOOD, "expr": np.full((3, 100), np.nan)}, "not-finite", "expr"),
        ({**GOOD, "expr": np.array([["x"]])}, "bad-dtype", "expr"),
        ({**GOOD, "expr": np.array([[print]], dtype=object)}, "bad-dtype", "expr"),
        ({**GOOD, "jaw_pose": np.zeros((2, 3))}, "bad-shape", "jaw_pose"),
    ],
)
def test_wrong_archives(tmp_path, arrays, code, named):
    np.savez(tmp_path / "track.npz", **arrays)
    with pytest.raises(EncodeError, match=named) as caught:
        read_tracks(tmp_path / "track.npz")
    assert caught.value.code == code


def test_not_an_archive(tmp_path):
    (tmp_path / "track.npz").write_bytes(b"PK no")
    with pytest.raises(EncodeError) as caught:
        read_tracks(tmp_path / "track.npz")
    assert caught.value.code == "bad-zip"
    with pytest.raises(EncodeError) as caught:
        read_tracks(tmp_path / "absent.npz")
    assert caught.value.code == "missing-file"

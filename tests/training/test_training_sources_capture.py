"""A capture written from the scene reads back as the scene; each way to degrade it changes that and nothing else."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("PIL")

from flame_standin import standin_arrays, write_flame_pickle
from PIL import Image
from realdata import needs_data

from pavfmt.errors import EncodeError
from pavfmt.model import Pose
from pavfmt.posing import pose_mesh
from pavtraining.sources import Capture, SceneSource, open_source
from pavtraining.sources.capture_writing import scene_frame, write_capture
from pavtraining.sources.degradation import NO_DEGRADATION, Degradation, Degrader
from pavtraining.sources.image_files import png
from pavtraining.sources.view import scaled_camera

SIZE = (66, 96)
FRAMES, CAMERAS = 2, 2
HALF_STEP = 0.5 / 255 + 1e-6


@pytest.fixture(scope="module")
def scene():
    return SceneSource()


@pytest.fixture(scope="module")
def clean(scene, tmp_path_factory):
    folder = tmp_path_factory.mktemp("captures") / "clean"
    write_capture(scene, folder, FRAMES, CAMERAS, NO_DEGRADATION, size=SIZE)
    return folder


@pytest.fixture
def copy(clean, tmp_path):
    """A copy of the clean capture to break."""
    return shutil.copytree(clean, tmp_path / "capture")


def test_a_capture_without_degradation_is_the_scene(scene, clean):
    capture = open_source(clean)
    assert isinstance(capture, Capture) and capture.background == 1.0 and capture.identity is None
    for split, frames in capture.frames.items():
        assert frames, split
        for frame in frames:
            view = capture.view(frame)
            pose = scene.performance.pose(scene_frame(frame.timestep, FRAMES))
            assert view.picture.shape == (96, 66, 3) and view.mask.shape == (96, 66)
            truth = scene.drawn(view.camera, pose)
            assert np.abs(view.picture - truth.picture).max() <= HALF_STEP
            assert np.abs(view.mask - truth.mask).max() <= HALF_STEP
            tracked = pose_mesh(capture.rig, capture.identity, view.pose).vertices
            assert np.abs(tracked - pose_mesh(scene.rig, None, pose).vertices).max() < 1e-6


def test_splits_hold_out_a_camera_and_later_frames(clean):
    frames = open_source(clean).frames
    seen = {split: {(f.timestep, f.camera_name) for f in frames[split]} for split in frames}
    assert seen["train"] == {(t, c) for t in (0, 1) for c in ("00", "01")}
    assert seen["val"] == {(0, "02"), (1, "02")}
    assert seen["test"] == {(2, c) for c in ("00", "01", "02")}


def test_training_views_go_through_all_pictures_in_turn(clean):
    capture, again = open_source(clean), open_source(clean)
    turns = [{capture.training_view(4 * turn + k).picture.tobytes() for k in range(4)} for turn in (0, 9)]
    assert len(turns[0]) == 4 and turns[0] == turns[1]
    for number in (0, 3, 10**7):
        assert np.array_equal(capture.training_view(number).picture, again.training_view(number).picture)
    held = {view.picture.tobytes() for view in capture.held_out}
    assert len(held) == 5 and not held & turns[0]


def test_size_scales_pictures_masks_and_cameras(clean):
    capture = open_source(clean)
    full, half = capture.training_view(1), capture.training_view(1, (33, 48))
    assert (
        half.picture.shape == (48, 33, 3)
        and half.mask.shape == (48, 33)
        and half.camera.fx == full.camera.fx / 2
    )
    assert np.allclose(half.picture, full.picture.reshape(48, 2, 33, 2, 3).mean(axis=(1, 3)), atol=1e-5)


def test_a_capture_is_written_the_same_twice_and_differs_by_seed(scene, tmp_path):
    folders = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_capture(scene, tmp_path / name, 1, 1, Degradation(), seed, SIZE)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        folders.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert folders[0] == folders[1] and folders[0].keys() == folders[2].keys()
    changed = {path.parts[0] for path in folders[0] if folders[0][path] != folders[2][path]}
    assert changed >= {"images", "fg_masks", "flame_param", "transforms_train.json"}


def changes(scene, **options):
    """What one way of degrading changes, over a few frames: pose, camera, picture and mask, largest difference."""
    degrader = Degrader(replace(NO_DEGRADATION, **options), seed=5)
    names, joints = [shape.name for shape in scene.rig.shapes], scene.rig.joint_names
    found = []
    for number in range(3):
        view = scene.view(scaled_camera(scene.cameras[number], (110, 160)), Pose({"jawOpen": 0.5}))
        pose = degrader.tracked(view.pose, names, joints, number)
        camera = degrader.calibrated(view.camera, number)
        picture, mask = degrader.photographed(view.picture, view.mask, number, number)
        found.append(
            [
                max(abs(pose.weights[name] - view.pose.weights.get(name, 0.0)) for name in names),
                max(abs(turn) for vector in pose.rotations.values() for turn in vector),
                max(abs(step) for step in pose.translation),
                np.abs(camera.rotation - view.camera.rotation).max(),
                np.abs(camera.position - view.camera.position).max(),
                np.abs(picture - view.picture).max(),
                np.abs(mask - view.mask).max(),
            ]
        )
    weight, turn, step, rotation, position, picture, mask = np.max(found, axis=0)
    names = {
        "weights": weight > 0,
        "turns": turn > 0,
        "translation": step > 0,
        "rotation": rotation > 1e-9,
        "position": position > 1e-9,
        "picture": picture > 1e-5,
        "mask": mask > 0,
    }
    return {name for name, changed in names.items() if changed}


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({}, set()),
        ({"track_weights": 0.02}, {"weights"}),
        ({"track_radians": 0.01}, {"turns"}),
        ({"track_metres": 0.001}, {"translation"}),
        ({"camera_degrees": 0.1}, {"rotation"}),
        ({"camera_metres": 0.001}, {"position"}),
        ({"mask_pixels": 2.0}, {"picture", "mask"}),
        ({"exposure": 0.05}, {"picture"}),
        ({"noise": 0.01}, {"picture"}),
    ],
)
def test_each_way_of_degrading_changes_what_it_says(scene, options, changed):
    assert changes(scene, **options) == changed


def test_degradation_is_as_strong_as_asked(scene):
    view = scene.view(scaled_camera(scene.cameras[7], (275, 401)), Pose())
    inside = view.mask > 0.999
    noisy = Degrader(replace(NO_DEGRADATION, noise=0.01), 0).photographed(view.picture, view.mask, 3, 7)[0]
    dark = inside & (view.picture.max(axis=2) < 0.9)  # not clipped
    assert np.isclose((noisy - view.picture)[dark].std(), 0.01, rtol=0.05)
    names = [shape.name for shape in scene.rig.shapes]
    tracker = Degrader(replace(NO_DEGRADATION, track_weights=0.03), 0)
    errors = [list(tracker.tracked(Pose(), names, (), t).weights.values()) for t in range(240)]
    assert np.isclose(np.std(errors), 0.03, rtol=0.08)
    steps = np.std(np.diff(errors, axis=0)) / np.sqrt(2)
    assert 0.5 < steps / np.std(errors) < 0.95, "half of the error is slow"
    gains = [
        Degrader(replace(NO_DEGRADATION, exposure=0.05), seed)._gain(t, 1)
        for seed in range(60)
        for t in (0, 40)
    ]
    assert np.isclose(np.std(gains), 0.05, rtol=0.25) and abs(np.mean(gains) - 1) < 0.02


@pytest.mark.parametrize("pixels", [2.0, 4.0])
def test_ragged_masks_stray_by_the_pixels_asked_and_only_there(scene, pixels):
    view = scene.view(scaled_camera(scene.cameras[7], (550, 802)), Pose())
    degrader = Degrader(replace(NO_DEGRADATION, mask_pixels=pixels), 0)
    picture, mask = degrader.photographed(view.picture, view.mask, 0, 7)
    face = np.s_[470:560, :250]  # a smooth cheek: no hair, no ear, and above the end of the neck, which fades
    edges = [(part[face] > 0.5).argmax(axis=1) for part in (mask, view.mask)]
    strayed = np.abs(edges[0].astype(int) - edges[1])
    assert 0.5 * pixels <= strayed.max() <= pixels + 1 and strayed.mean() > 0.15 * pixels
    inside = np.arange(250) > edges[1][:, None] + 3 * pixels
    outside = np.arange(250) < edges[1][:, None] - 3 * pixels
    assert np.allclose(picture[face][inside], view.picture[face][inside], atol=1e-5)
    assert np.allclose(picture[face][outside], 1) and np.allclose(mask[face][outside], 0)


def test_nothing_is_replaced_and_nothing_is_left_behind(scene, clean, tmp_path):
    with pytest.raises(EncodeError, match="exists; a capture is written to a new folder"):
        write_capture(scene, clean, 1, 1, size=SIZE)
    with pytest.raises(EncodeError, match="no-folder"):
        write_capture(scene, tmp_path / "no" / "where", 1, 1, size=SIZE)
    for frames, cameras in ((0, 1), (1, 0), (1, 17)):
        with pytest.raises(EncodeError, match="out-of-range"):
            write_capture(scene, tmp_path / "capture", frames, cameras, size=SIZE)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(scene, tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(EncodeError, match=r"unwritable-file.*No space left"):
        write_capture(scene, tmp_path / "capture", 1, 1, size=SIZE)
    assert list(tmp_path.iterdir()) == []


# --- Bad input ---


def edit(folder, change, split="train"):
    path = folder / f"transforms_{split}.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(change(document)))


def set_entry(number, **fields):
    def change(document):
        entry = document["frames"][number]
        for key, value in fields.items():
            if value is None:
                del entry[key]
            else:
                entry[key] = value
        return document

    return change


def drop_picture(folder):
    (folder / "images" / "00001_00.png").unlink()


def drop_mask(folder):
    (folder / "fg_masks" / "00000_01.png").unlink()


def drop_parameters(folder):
    (folder / "flame_param" / "00001.npz").unlink()


def small_mask(folder):
    (folder / "fg_masks" / "00001_01.png").write_bytes(png(np.ones((48, 33))))


def small_picture(folder):
    (folder / "images" / "00000_00.png").write_bytes(png(np.ones((96, 65, 3))))


def no_picture(folder):
    (folder / "images" / "00000_01.png").write_bytes(b"not a picture")


def change_parameters(folder, **arrays):
    path = folder / "flame_param" / "00001.npz"
    with np.load(path) as archive:
        held = dict(archive)
    for key, value in arrays.items():
        if value is None:
            del held[key]
        else:
            held[key] = value
    np.savez(path, **held)


def nan_track(folder):
    change_parameters(folder, expr=np.full((1, 100), np.nan, np.float32))


def no_expressions(folder):
    change_parameters(folder, expr=None)


def wide_jaw(folder):
    change_parameters(folder, jaw_pose=np.zeros((1, 4), np.float32))


def torn_parameters(folder):
    path = folder / "flame_param" / "00001.npz"
    path.write_bytes(path.read_bytes()[:100])


def short_track(folder):
    change_parameters(folder, **{k: np.zeros((2, w), np.float32) for k, w in WIDTHS.items()})
    edit(folder, set_entry(2, timestep_index=7))


WIDTHS = {"expr": 100, "rotation": 3, "neck_pose": 3, "jaw_pose": 3, "eyes_pose": 6, "translation": 3}
TILTED = [[1, 0.2, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
MIRRORED = [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
PROBLEMS = {
    "missing image": (drop_picture, "missing-file", r"train\.json: frame 2: .*00001_00\.png"),
    "missing mask": (drop_mask, "missing-file", r"train\.json: frame 1: .*00000_01\.png"),
    "missing parameters": (drop_parameters, "missing-file", r"train\.json: frame 2: .*FLAME.*00001\.npz"),
    "no path to parameters": (
        lambda f: edit(f, set_entry(1, flame_param_path=None)),
        "bad-capture",
        r"train\.json: frame 1: 'flame_param_path' is missing",
    ),
    "mask of another size": (
        small_mask,
        "bad-shape",
        r"frame 3: .*00001_01\.png is 33×48, w and h say 66×96",
    ),
    "image of another size": (small_picture, "bad-shape", r"frame 0: .*00000_00\.png is 65×96"),
    "no image": (no_picture, "unreadable-file", r"frame 1: .*00000_01\.png is no picture"),
    "NaN in a track": (nan_track, "not-finite", r"train\.json: frame 2: 00001\.npz: array 'expr' holds NaN"),
    "no expressions": (no_expressions, "missing-array", r"frame 2: 00001\.npz: array 'expr' is missing"),
    "jaw of four numbers": (wide_jaw, "bad-shape", r"frame 2: 00001\.npz: array 'jaw_pose'"),
    "torn parameters": (torn_parameters, "bad-zip", r"frame 2: 00001\.npz"),
    "timestep beyond the track": (short_track, "bad-track", r"frame 2: timestep 7, 00001\.npz has 2 frames"),
    "missing key": (
        lambda f: edit(f, set_entry(0, transform_matrix=None), "val"),
        "bad-capture",
        r"val\.json: frame 0: 'transform_matrix' is missing",
    ),
    "missing lens": (lambda f: edit(f, set_entry(3, fl_x=None)), "bad-capture", "frame 3: 'fl_x' is missing"),
    "text for a number": (
        lambda f: edit(f, set_entry(3, fl_x="9")),
        "bad-capture",
        "'fl_x' must be a number",
    ),
    "focal length 0": (lambda f: edit(f, set_entry(3, fl_y=0)), "bad-capture", "not above 0"),
    "half a pixel": (lambda f: edit(f, set_entry(3, w=66.5)), "bad-capture", r"'w' is 66\.5"),
    "number for a path": (lambda f: edit(f, set_entry(3, file_path=3)), "bad-capture", "must be a path"),
    "three rows": (
        lambda f: edit(f, set_entry(3, transform_matrix=TILTED[:3])),
        "bad-capture",
        "four rows of four",
    ),
    "ragged matrix": (
        lambda f: edit(f, set_entry(3, transform_matrix=[[1], [2, 3]])),
        "bad-capture",
        "four rows of four",
    ),
    "sheared camera": (
        lambda f: edit(f, set_entry(3, transform_matrix=TILTED)),
        "bad-capture",
        "does not turn rigidly",
    ),
    "mirrored camera": (
        lambda f: edit(f, set_entry(3, transform_matrix=MIRRORED)),
        "bad-capture",
        "does not turn rigidly",
    ),
    "torn JSON": (
        lambda f: (f / "transforms_train.json").write_text('{"frames": ['),
        "bad-capture",
        r"transforms_train\.json: unreadable JSON",
    ),
    "NaN in JSON": (
        lambda f: (f / "transforms_train.json").write_text('{"frames": [NaN]}'),
        "bad-capture",
        "NaN is not JSON",
    ),
    "a list": (lambda f: edit(f, lambda d: d["frames"]), "bad-capture", "no list 'frames'"),
    "no frames": (lambda f: edit(f, lambda d: {"frames": []}), "bad-capture", "'frames' is empty"),
    "frames of text": (lambda f: edit(f, lambda d: {"frames": ["a"]}), "bad-capture", "frame 0: an object"),
    "no rig": (lambda f: (f / "rig.npz").unlink(), "flame-model-needed", "give the FLAME model"),
    "other rig's offset": (
        lambda f: [change_offset(p) for p in (f / "flame_param").iterdir()],
        "bad-shape",
        "static_offset has 9 rows",
    ),
}


def change_offset(path):
    with np.load(path) as archive:
        held = dict(archive)
    held["static_offset"] = np.ones((1, 9, 3), np.float32)
    np.savez(path, **held)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_bad_input_is_refused_when_the_capture_is_opened(copy, problem):
    breaks, code, message = PROBLEMS[problem]
    breaks(copy)
    with pytest.raises(EncodeError, match=message) as caught:
        open_source(copy)
    assert caught.value.code == code


def test_a_picture_torn_in_its_middle_is_refused_when_it_is_read(copy):
    path = copy / "images" / "00000_00.png"
    path.write_bytes(path.read_bytes()[:-300])
    capture = open_source(copy)
    with pytest.raises(EncodeError, match=r"unreadable-file.*train\.json: frame 0.*00000_00\.png"):
        capture.view(capture.frames["train"][0])


def test_lenses_may_stand_at_the_top_and_masks_may_be_missing(copy):
    def lift(document):
        entry = document["frames"][0]
        lens = {key: entry[key] for key in ("w", "h", "fl_x", "fl_y", "cx", "cy")}
        for entry in document["frames"]:
            for key in (*lens, "fg_mask_path"):
                del entry[key]
        return document | lens

    before = open_source(copy).training_view(0)
    edit(copy, lift)
    view = open_source(copy).training_view(0)
    assert view.mask is None and np.array_equal(view.picture, before.picture)
    assert np.array_equal(view.camera.intrinsics, before.camera.intrinsics)


def test_an_alpha_channel_is_laid_over_white(copy):
    pixels = np.zeros((96, 66, 4), np.uint8)
    pixels[:48, :, 3] = 51
    Image.fromarray(pixels, "RGBA").save(copy / "images" / "00000_00.png")
    capture = open_source(copy)
    picture = capture.view(capture.frames["train"][0]).picture
    assert np.allclose(picture[:48], 0.8) and np.allclose(picture[48:], 1.0)


def test_one_file_of_parameters_may_serve_all_timesteps(clean, copy):
    rows = []
    for timestep in range(3):
        with np.load(clean / "flame_param" / f"{timestep:05d}.npz") as archive:
            rows.append(dict(archive))
    joined = {key: np.concatenate([row[key] for row in rows]) for key in WIDTHS}
    np.savez(copy / "flame_param" / "all.npz", shape=rows[0]["shape"], **joined)
    for split in ("train", "val", "test"):
        edit(
            copy,
            lambda d: {"frames": [f | {"flame_param_path": "flame_param/all.npz"} for f in d["frames"]]},
            split,
        )
    one, other = open_source(clean), open_source(copy)
    assert [one.pose(f) for f in one._all_frames] == [other.pose(f) for f in other._all_frames]


@needs_data
def test_a_flame_model_moves_as_the_rig_it_was_made_from(scene, clean, tmp_path):
    """The stand-in holds the CC0 rig in FLAME's layout; without pose correctives both give one mesh."""
    arrays = standin_arrays()
    arrays["posedirs"] = np.zeros_like(arrays["posedirs"])
    model = write_flame_pickle(tmp_path / "flame.pkl", arrays)
    capture, plain = open_source(clean, flame=model), open_source(clean)
    assert capture.rig.profile == "flame" and capture.identity is not None
    frame = capture.frames["train"][1]
    meshes = [pose_mesh(c.rig, c.identity, c.pose(frame)).vertices for c in (capture, plain)]
    moved = np.abs(meshes[0] - meshes[1]).max()
    assert moved < 4e-3, "FLAME's joints follow the expression, the CC0 rig's do not"
    still = [pose_mesh(c.rig, c.identity, Pose()).vertices for c in (capture, plain)]
    assert np.abs(still[0] - still[1]).max() < 1e-6

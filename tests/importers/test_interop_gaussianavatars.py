"""GaussianAvatars checkpoints: FLAME models, teeth, and posing against FLAME's forward pass written out."""

import hashlib
import pickle
from functools import cache

import numpy as np
import pytest
from flame_standin import standin_arrays, write_checkpoint, write_flame_pickle
from lam_oracle import offset_table
from realdata import DATA, needs_data
from tiny_lam import write_ply

from pavfmt.errors import EncodeError
from pavfmt.importers.files.flame_pickle import as_numbers, load_pickle
from pavfmt.importers.files.ply import columns, read_ply
from pavfmt.importers.flame import JOINT_NAMES, add_teeth, read_flame, teeth_faces
from pavfmt.importers.gaussianavatars import find_point_cloud, read_gaussianavatars
from pavfmt.model import Pose
from pavfmt.posing import pose_avatar, pose_mesh
from pavfmt.registry import Binding, ShFrame, Site

pytestmark = needs_data

TRACKS = [DATA / "tracks" / "flame" / f"track_{number}.npz" for number in ("076", "132", "167")]


# Measured: 1.2e-7 m, 1.7e-6, 4.2e-6 (median 1.6e-9 m, 4e-8, 3e-8).
STATUE_METRES, STATUE_LOG_SCALE, STATUE_ROTATION = 2e-7, 3e-6, 6e-6


# --- FLAME's forward pass, in plain NumPy, from its description alone


def turn(vector):
    angle = np.linalg.norm(vector)
    if angle == 0:
        return np.eye(3)
    x, y, z = np.asarray(vector) / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def flame_forward(arrays, shape, expr, joint_turns, translation, static_offset):
    betas = np.zeros(400)
    betas[: len(shape)] = shape
    betas[300 : 300 + len(expr)] = expr
    vertices = arrays["v_template"] + np.einsum("vxc,c->vx", arrays["shapedirs"], betas) + static_offset
    joints = arrays["J_regressor"] @ vertices
    local = [turn(vector) for vector in joint_turns]
    feature = np.concatenate([(rotation - np.eye(3)).ravel() for rotation in local[1:]])
    vertices = vertices + arrays["posedirs"] @ feature
    matrices = []
    for joint, parent in enumerate((-1, 0, 1, 1, 1)):
        matrix = np.eye(4)
        matrix[:3, :3] = local[joint]
        matrix[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        matrices.append(matrices[parent] @ matrix if parent >= 0 else matrix)
    posed = np.zeros_like(vertices)
    for joint, matrix in enumerate(matrices):
        moved = (vertices - joints[joint]) @ matrix[:3, :3].T + matrix[:3, 3]
        posed += arrays["weights"][:, [joint]] * moved
    return posed + translation


def place_on_faces(vertices, faces, rows, names):
    """GaussianAvatars' binding: world means, log scales, rotation matrices."""
    column = {name: rows[:, k].astype(np.float64) for k, name in enumerate(names)}
    a, b, c = (vertices[faces[column["binding_0"].astype(int)][:, k]] for k in range(3))
    a0 = (b - a) / np.linalg.norm(b - a, axis=1, keepdims=True)
    a1 = np.cross(a0, c - a)
    a1 /= np.linalg.norm(a1, axis=1, keepdims=True)
    a2 = -np.cross(a1, a0)
    frame = np.stack([a0, a1, a2], axis=2)
    size = (np.linalg.norm(b - a, axis=1) + np.abs(np.sum(a2 * (c - a), axis=1))) / 2
    local = np.stack([column["x"], column["y"], column["z"]], axis=1)
    means = size[:, None] * np.einsum("nij,nj->ni", frame, local) + (a + b + c) / 3
    log_scales = np.stack([column[f"scale_{k}"] for k in range(3)], axis=1) + np.log(size)[:, None]
    quats = np.stack([column[f"rot_{k}"] for k in range(4)], axis=1)
    return means, log_scales, frame @ matrices_of(quats)


def matrices_of(quats):
    w, x, y, z = (quats / np.linalg.norm(quats, axis=1, keepdims=True)).T
    flat = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return np.stack(flat, axis=1).reshape(-1, 3, 3)


def ply_rows(path):
    data = path.read_bytes()
    start = data.index(b"end_header\n") + 11
    header = data[:start].decode().split("\n")
    names = [line.split()[2] for line in header if line.startswith("property")]
    return np.frombuffer(data, "<f4", offset=start).reshape(-1, len(names)), names


def pose_of(track, frame, expressions=True):
    weights = dict(zip(track.shape_names, track.weights[frame].astype(float), strict=True))
    joints = zip(track.joint_names, track.rotations[frame].astype(float), strict=True)
    translation = tuple(track.translation[frame].astype(float))
    return Pose(weights if expressions else {}, {n: tuple(r) for n, r in joints}, translation)


# --- the stand-in model


@cache
def arrays():
    return standin_arrays()


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    return write_flame_pickle(tmp_path_factory.mktemp("flame") / "standin.pkl", arrays())


@pytest.fixture(scope="module", params=TRACKS, ids=lambda path: path.stem)
def checkpoint(request, tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"), arrays(), request.param)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_flames_pickle_is_read_without_scipy_and_chumpy(tmp_path, protocol):
    model = read_flame(write_flame_pickle(tmp_path / "model.pkl", arrays(), protocol))
    for key in ("v_template", "shapedirs", "posedirs", "J_regressor", "weights"):
        assert np.array_equal(getattr(model, key), arrays()[key]), key
    assert np.array_equal(model.faces, arrays()["f"])


def test_arrays_in_fortran_order_and_of_other_byte_order(tmp_path):
    turned = {key: np.asfortranarray(array) for key, array in arrays().items()}
    turned["weights"] = turned["weights"].astype(">f8")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(turned, protocol=4))
    model = read_flame(tmp_path / "model.pkl")
    for key in ("v_template", "shapedirs", "posedirs", "J_regressor", "weights"):
        assert np.array_equal(getattr(model, key), arrays()[key]), key


def test_npz_gives_the_same_model(tmp_path):
    np.savez(tmp_path / "model.npz", **arrays())
    model = read_flame(tmp_path / "model.npz")
    assert np.array_equal(model.J_regressor, arrays()["J_regressor"])


def test_pickles_of_python_2_are_read():
    """NumPy's array as Python 2 wrote it: protocol 2, its bytes as a string."""
    data = np.array([[1.5, -2.0, 3.0]]).tobytes()
    stream = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    stream += b"(K\x01K\x01K\x03\x86cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff"
    stream += b"J\xff\xff\xff\xffK\x00tb\x89U" + bytes([len(data)]) + data + b"tb."
    value = as_numbers(load_pickle(stream), "array")
    assert np.array_equal(value, pickle.loads(stream, encoding="latin1"))
    assert np.array_equal(value, [[1.5, -2.0, 3.0]])


def test_motion_equals_flames_forward_pass(checkpoint, model_path):
    avatar = read_gaussianavatars(checkpoint, model_path)
    (track,) = avatar.tracks
    rows, names = ply_rows(checkpoint / "point_cloud.ply")
    with np.load(checkpoint / "flame_param.npz") as param:
        motion = {key: param[key].astype(np.float64) for key in param.files}
    for frame in (0, track.frame_count // 2, track.frame_count - 1):
        eyes = motion["eyes_pose"][frame]
        turns = [motion[k][frame] for k in ("rotation", "neck_pose", "jaw_pose")] + [eyes[:3], eyes[3:]]
        expected = flame_forward(
            arrays(),
            motion["shape"],
            motion["expr"][frame],
            turns,
            motion["translation"][frame],
            motion["static_offset"][0],
        )
        pose = pose_of(track, frame)
        mesh = pose_mesh(avatar.rig, avatar.identity, pose)
        assert np.abs(mesh.vertices - expected).max() < 2e-7
        posed = pose_avatar(avatar, pose)
        means, _, _ = place_on_faces(expected, arrays()["f"], rows, names)
        assert np.abs(posed.means - means).max() < 5e-6
        # slivers magnify the float32 rounding of the neutral: frames are compared on the same vertices
        means, log_scales, rotations = place_on_faces(mesh.vertices, arrays()["f"], rows, names)
        assert np.abs(posed.means - means).max() < 1e-12
        assert np.abs(np.log(posed.scales) - log_scales).max() < 1e-9
        assert np.abs(matrices_of(posed.quats) - rotations).max() < 1e-9


def test_what_the_avatar_holds(checkpoint, model_path):
    avatar = read_gaussianavatars(checkpoint, model_path)
    (level,), rig = avatar.levels, avatar.rig
    assert (level.binding, level.site, level.sh_frame) == (Binding.FACE_FRAME, Site.FACE, ShFrame.WORLD)
    assert (rig.profile, rig.joint_names, rig.joint_parents) == ("flame", JOINT_NAMES, (-1, 0, 1, 1, 1))
    assert [shape.name for shape in rig.shapes] == [f"expr{k:03d}" for k in range(100)]
    assert [shape.essential for shape in rig.shapes] == [True] * 10 + [False] * 90
    assert rig.correctives.joints == (1, 2, 3, 4)
    assert avatar.metadata == {"title": checkpoint.name}
    (track,) = avatar.tracks
    assert track.joint_names == JOINT_NAMES
    assert track.weights.shape == (track.frame_count, 100)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_harmonics_are_channel_major(tmp_path, model_path, degree):
    checkpoint = write_checkpoint(tmp_path, arrays(), TRACKS[0], degree)
    rows, names = ply_rows(checkpoint / "point_cloud.ply")
    gaussians = read_gaussianavatars(checkpoint, model_path).levels[0].gaussians
    count = (degree + 1) ** 2 - 1
    assert gaussians.shN.shape == (len(rows), count, 3)
    for coefficient in range(count):
        for channel in range(3):
            column = rows[:, names.index(f"f_rest_{channel * count + coefficient}")]
            assert np.array_equal(gaussians.shN[:, coefficient, channel], column)


def test_the_last_iteration_is_taken(tmp_path):
    for number in (30000, 100, 7000, 600000, 9000, 20000):
        folder = tmp_path / "run" / "point_cloud" / f"iteration_{number}"
        folder.mkdir(parents=True)
        if number < 600000:
            (folder / "point_cloud.ply").touch()
    assert find_point_cloud(tmp_path / "run").parent.name == "iteration_30000"


def test_ply_written_is_read_back():
    dtype = [("x", "<f4"), ("n", "<i4"), ("b", "|u1"), ("d", "<f8")]
    table = np.array([(1.5, -3, 200, 1e300), (0.0, 7, 0, -2.0)], dtype=dtype)
    back = read_ply(write_ply({"vertex": table, "empty": table[:0]}))
    assert np.array_equal(back["vertex"], table) and len(back["empty"]) == 0
    assert columns(table, ("n", "x")).tolist() == [[-3.0, 1.5], [7.0, 0.0]]


# --- teeth and the statue


def open_flame_arrays():
    """FLAME 2023 Open's template and identity, zeros for what it does not have; all weight on joint 0."""
    with np.load(DATA / "rigs" / "flame2023_open_identity.npz") as found:
        template, faces = found["v_template"].astype(np.float64), found["faces"]
        identity = found["shapedirs"].astype(np.float64)
    shapedirs = np.zeros((5023, 3, 400))
    shapedirs[:, :, :60] = identity
    weights = np.zeros((5023, 5))
    weights[:, 0] = 1
    return {
        "v_template": template,
        "f": faces,
        "shapedirs": shapedirs,
        "posedirs": np.zeros((5023, 3, 36)),
        "J_regressor": np.full((5, 5023), 1 / 5023),
        "weights": weights,
        "kintree_table": np.array([[-1, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
    }


@pytest.fixture(scope="module")
def open_flame(tmp_path_factory):
    path = tmp_path_factory.mktemp("open") / "flame.npz"
    np.savez(path, **open_flame_arrays())
    return path


def test_teeth_faces_are_gaussianavatars():
    list_of_teeth = (teeth_faces() - 5023).astype("<i4")
    assert list_of_teeth.shape == (168, 3)
    digest = "8cb54eda8e4edef5ff44c548d78c3e68ebc07a8eec09807f749a7248a253e752"
    assert hashlib.sha256(list_of_teeth.tobytes()).hexdigest() == digest


def test_teeth_follow_the_rule(open_flame):
    model = read_flame(open_flame)
    model.shapedirs[:, :, 300:] = 0.5
    with_teeth = add_teeth(model)
    assert (len(with_teeth.v_template), len(with_teeth.faces)) == (5143, 10144)
    assert np.array_equal(with_teeth.v_template[:5023], model.v_template)
    assert np.array_equal(with_teeth.faces[:9976], model.faces)
    rows = with_teeth.v_template[5023:].reshape(8, 15, 3)
    gap = rows[0, 0, 2] - rows[4, 0, 2]
    assert np.allclose(rows[0, :, 1] - rows[2, :, 1], 2 * gap) and gap > 0
    assert np.allclose(rows[2, :, 1] - rows[3, :, 1], 0.2 * gap)
    assert np.allclose(rows[2, :, 2] - rows[3, :, 2], 0.4 * gap)
    for front, back in ((0, 4), (2, 5), (1, 6), (3, 7)):
        assert np.allclose(rows[front] - rows[back], [0, 0, gap])
    assert np.ptp(rows[2, :, 1]) < 1e-12
    assert with_teeth.weights[5023:].reshape(8, 15, 5)[[0, 2, 4, 5], :, 1].all()
    assert with_teeth.weights[5023:].reshape(8, 15, 5)[[1, 3, 6, 7], :, 2].all()
    lips = (model.shapedirs[1713] + model.shapedirs[1576]) / 2
    assert np.allclose(with_teeth.shapedirs[5023 + 75, :, :300], lips[:, :300])
    assert not with_teeth.shapedirs[5023:, :, 300:].any()
    assert not with_teeth.J_regressor[:, 5023:].any()


def test_the_statue_rests_where_lam_has_it(open_flame):
    """The converted statue, without expression and rotation, is LAM's statue at rest.

    The ideal (5e-9 m, 1e-6, 5e-7) is for float64; the neutral mesh is stored as float32, and a Gaussian lies
    up to 69 edge lengths from its face, which magnifies the rounding (3e-8 m) of the corners.
    """
    avatar = read_gaussianavatars(DATA / "gaussianavatars" / "status", open_flame)
    translation = tuple(avatar.tracks[0].translation[0].astype(float))
    posed = pose_avatar(avatar, Pose(translation=translation))
    with np.load(DATA / "gaussianavatars" / "status" / "flame_param.npz") as param:
        static, shape = param["static_offset"].reshape(-1, 3), param["shape"].astype(np.float64)
    assert (len(static), len(avatar.rig.mean_neutral)) == (5143, 5143)
    plain = open_flame_arrays()
    vertices = plain["v_template"] + plain["shapedirs"][:, :, :300] @ shape + static[:5023] + translation
    rows, names = ply_rows(DATA / "gaussianavatars" / "status" / "point_cloud.ply")
    ideal = place_on_faces(vertices, plain["f"], rows, names)
    table = offset_table("status").astype(np.float64)
    rest = lam_positions() + table[:, :3]
    assert np.abs(ideal[0] - rest).max() < 1e-8  # the oracle itself, in float64
    assert np.abs(posed.means - rest).max() < STATUE_METRES
    assert np.abs(np.log(posed.scales) - table[:, 10:13]).max() < STATUE_LOG_SCALE
    assert np.abs(matrices_of(posed.quats) - matrices_of(table[:, 13:17])).max() < STATUE_ROTATION
    assert np.abs(posed.opacities - 1 / (1 + np.exp(-table[:, 9]))).max() < 1e-6


def lam_positions():
    from lam_oracle import oracle_of

    return oracle_of("status").positions


def test_binding_to_teeth_adds_them(tmp_path, open_flame):
    folder = copy_statue(tmp_path, binding=10143, static_rows=5143)
    avatar = read_gaussianavatars(folder, open_flame)
    assert len(avatar.rig.faces) == 10144
    folder = copy_statue(tmp_path, binding=10143, static_rows=0)
    assert len(read_gaussianavatars(folder, open_flame).rig.faces) == 10144
    folder = copy_statue(tmp_path, binding=9975, static_rows=5023)
    assert len(read_gaussianavatars(folder, open_flame).rig.faces) == 9976


@pytest.mark.parametrize(
    ("binding", "static_rows", "code"),
    [
        (9976, 5023, "teeth-missing"),
        (10144, 5143, "binding-out-of-range"),
        (10144, 0, "binding-out-of-range"),
        (10144, 5023, "binding-out-of-range"),
        (-1, 5143, "binding-out-of-range"),
        (2.5, 5143, "binding-out-of-range"),
    ],
)
def test_wrong_bindings_name_the_row(tmp_path, open_flame, binding, static_rows, code):
    folder = copy_statue(tmp_path, binding, static_rows)
    with pytest.raises(EncodeError, match=r"row 17( |,)") as caught:
        read_gaussianavatars(folder, open_flame)
    assert caught.value.code == code


def copy_statue(folder, binding, static_rows):
    """Twenty of the statue's Gaussians, row 17 bound elsewhere."""
    source = DATA / "gaussianavatars" / "status"
    table = read_ply((source / "point_cloud.ply").read_bytes())["vertex"][:20].copy()
    table["binding_0"][17] = binding
    (folder / "point_cloud.ply").write_bytes(write_ply({"vertex": table}))
    with np.load(source / "flame_param.npz") as param:
        arrays = {key: param[key] for key in param.files if "offset" not in key}
    if static_rows:
        arrays["static_offset"] = np.zeros((1, static_rows, 3), np.float32)
    np.savez(folder / "flame_param.npz", **arrays)
    return folder

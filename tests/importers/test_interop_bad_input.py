"""Wrong and hostile inputs: each ends in an EncodeError that names what and where; none runs or allocates."""

import contextlib
import copy
import io
import os
import pickle
import random
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from tiny_lam import POINTS, glb_bytes, glb_parts, lam_zip, offset_rows, write_ply

from pavfmt.errors import EncodeError
from pavfmt.importers import ImportOptions, read_avatar, recognise
from pavfmt.importers.files.flame_pickle import load_pickle
from pavfmt.importers.files.ply import columns, read_ply
from pavfmt.importers.files.source import MAX_MEMBER_BYTES
from pavfmt.importers.flame import KEYS, read_flame
from pavfmt.importers.gaussianavatars import read_gaussianavatars
from pavfmt.importers.lam import read_lam
from pavfmt.posing import pose_avatar


def refused(code, function, *arguments, named=""):
    with pytest.raises(EncodeError) as caught:
        function(*arguments)
    assert caught.value.code == code, str(caught.value)
    assert named in str(caught.value)


def test_the_tiny_export_is_good(tmp_path):
    avatar = read_lam(lam_zip(tmp_path / "tiny.zip"))
    assert (avatar.rig.joint_names, avatar.rig.subdivisions) == (("neck", "head"), 0)
    assert np.allclose(avatar.rig.mean_joint_positions, [[0, 0, 0], [0, 0.5, 0]])
    assert np.allclose(avatar.rig.shapes[0].displacements[[1, 3]], [[0, 0.1, 0], [0.1, 0, 0]])
    assert np.allclose(pose_avatar(avatar).means, POINTS)


# --- zip archives


def test_archive_without_the_mesh(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/offset.ply", b"")
        archive.writestr("__MACOSX/x/skin.glb", b"")
        archive.writestr("x/._skin.glb", b"")
        archive.writestr(".hidden/skin.glb", b"")
    refused("missing-file", read_lam, path, named="skin.glb")
    refused("missing-file", read_avatar, path, named="skin.glb")


def test_archive_without_the_offsets(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/skin.glb", glb_bytes(*glb_parts()))
        archive.writestr("y/offset.ply", b"")
    refused("missing-file", read_lam, path, named="offset.ply")


def test_two_avatars_in_one_archive(tmp_path):
    path = lam_zip(tmp_path / "a.zip", extra=[("other/skin.glb", b"")])
    refused("ambiguous-input", read_lam, path, named="other/skin.glb")


def test_paths_that_climb_are_only_names(tmp_path):
    path = tmp_path / "inside" / "a.zip"
    path.parent.mkdir()
    lam_zip(path, extra=[("../../evil/bsData.json", b"x"), ("/evil.txt", b"x")])
    assert read_lam(path).gaussian_count == 4
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.zip", "inside"]


def test_bomb_by_ratio(tmp_path):
    path = lam_zip(tmp_path / "a.zip", glb=b"\0" * (8 << 20))
    assert path.stat().st_size < 20_000
    refused("zip-bomb", read_lam, path, named="skin.glb")


def test_bomb_by_size(tmp_path):
    path = lam_zip(tmp_path / "a.zip")
    patched_sizes(path, b"someone/skin.glb", size=MAX_MEMBER_BYTES + 1, packed=MAX_MEMBER_BYTES // 100)
    refused("zip-bomb", read_lam, path, named=str(MAX_MEMBER_BYTES + 1))


def test_bomb_that_lies_about_its_size(tmp_path):
    path = lam_zip(tmp_path / "a.zip", glb=b"\0" * (64 << 20))
    patched_sizes(path, b"someone/skin.glb", size=5000)
    tracemalloc.start()
    refused("bad-zip", read_lam, path, named="skin.glb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_member_that_lies_about_its_compressed_size(tmp_path):
    path = lam_zip(tmp_path / "a.zip", glb=b"\0" * (8 << 20))
    patched_sizes(path, b"someone/skin.glb", packed=1 << 30)
    with pytest.raises(EncodeError) as caught:
        read_lam(path)
    assert caught.value.code in ("bad-zip", "bad-glb")


def patched_sizes(path, name, size=None, packed=None):
    """The archive with another size declared in the central directory (and in the local header)."""
    data = bytearray(path.read_bytes())
    for signature, field, name_at in ((b"PK\1\2", 20, 46), (b"PK\3\4", 18, 30)):
        at = data.find(signature)
        while data[at + name_at : at + name_at + len(name)] != name:
            at = data.index(signature, at + 1)
        if packed is not None:
            struct.pack_into("<I", data, at + field, packed)
        if size is not None:
            struct.pack_into("<I", data, at + field + 4, size)
    path.write_bytes(data)
    return path


def test_other_compression_and_damage(tmp_path):
    refused("bad-zip", read_lam, lam_zip(tmp_path / "a.zip", method=zipfile.ZIP_LZMA), named="method 14")
    good = lam_zip(tmp_path / "b.zip").read_bytes()
    (tmp_path / "c.zip").write_bytes(good[: len(good) // 2])
    refused("bad-zip", read_lam, tmp_path / "c.zip", named="c.zip")
    refused("missing-file", read_lam, tmp_path / "absent.zip", named="absent.zip")


def test_every_damaged_archive_is_an_encode_error(tmp_path):
    good = lam_zip(tmp_path / "a.zip", method=zipfile.ZIP_STORED).read_bytes()
    chance = random.Random(5)
    path = tmp_path / "damaged.zip"
    for _ in range(400):
        data = bytearray(good)
        for _ in range(chance.choice((1, 1, 2, 8))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.choice((len(data), chance.randrange(len(data))))])
        with contextlib.suppress(EncodeError):
            read_lam(path)


# --- glTF binaries


def lam_with(tmp_path, glb):
    return lam_zip(tmp_path / "a.zip", glb=glb)


@pytest.mark.parametrize("length", [0, 4, 11, 12, 19, 20, 200, -200, -4])
def test_truncated_glb(tmp_path, length):
    refused("bad-glb", read_lam, lam_with(tmp_path, glb_bytes(*glb_parts())[:length]), named="skin.glb")


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("accessors", 0, "count"), 1 << 31, "bad-glb"),
        (("accessors", 0, "count"), -1, "bad-glb"),
        (("accessors", 0, "count"), 4.0, "bad-glb"),
        (("accessors", 0, "count"), True, "bad-glb"),
        (("accessors", 0, "count"), 10**40, "bad-glb"),
        (("accessors", 0, "byteOffset"), -4, "bad-glb"),
        (("accessors", 0, "byteOffset"), 4, "bad-glb"),
        (("accessors", 0, "type"), "VEC4", "bad-glb"),
        (("accessors", 0, "componentType"), 5130, "bad-glb"),
        (("accessors", 0, "componentType"), 5125, "bad-glb"),
        (("accessors", 0, "bufferView"), 99, "bad-glb"),
        (("accessors", 0, "bufferView"), None, "bad-glb"),
        (("accessors", 1, "count"), 3, "bad-glb"),
        (("accessors", 5, "count"), 1 << 31, "bad-glb"),
        (("accessors", 5, "sparse", "count"), 1 << 31, "bad-glb"),
        (("accessors", 5, "sparse", "count"), 4, "bad-glb"),
        (("accessors", 5, "sparse", "indices", "componentType"), 5126, "bad-glb"),
        (("accessors", 5, "sparse", "indices", "byteOffset"), -2, "bad-glb"),
        (("accessors", 5, "sparse"), 7, "bad-glb"),
        (("bufferViews", 0, "byteOffset"), -4, "bad-glb"),
        (("bufferViews", 0, "byteLength"), 1 << 31, "bad-glb"),
        (("bufferViews", 0, "buffer"), 1, "bad-glb"),
        (("bufferViews", 0, "byteStride"), 4, "bad-glb"),
        (("bufferViews", 0, "byteStride"), 16, "bad-glb"),
        (("meshes", 0, "extras", "targetNames"), ["a", "b"], "bad-glb"),
        (("meshes", 0, "extras", "targetNames"), [7], "bad-glb"),
        (("meshes", 0, "primitives", 0, "mode"), 1, "bad-glb"),
        (("meshes", 0, "primitives", 0, "indices"), None, "bad-glb"),
        (("meshes", 0, "primitives"), [], "bad-glb"),
        (("skins", 0, "joints"), [0, 7], "bad-glb"),
        (("skins", 0, "joints"), [0], "binding-out-of-range"),
        (("skins", 0, "joints"), [1, 1], "bad-skeleton"),
        (("nodes", 0, "children"), [0, 1], "bad-glb"),
        (("nodes", 1, "children"), [0], "bad-glb"),
        (("nodes", 0, "children"), [1, 1], "bad-glb"),
        (("nodes", 0, "children"), [], "bad-skeleton"),
        (("nodes", 1, "translation"), [0, 0.6, 0], "bad-skeleton"),
        (("nodes", 1, "translation"), [0, 1e29, 0], "bad-skeleton"),
        (("nodes", 1, "translation"), [0, 1e31, 0], "bad-glb"),
        (("nodes", 1, "rotation"), [0, 0, 0, 0], "bad-glb"),
        (("nodes", 1, "name"), "neck", "bad-skeleton"),
        (("nodes",), {"a": 1}, "bad-glb"),
        (("nodes",), [1, 2], "bad-glb"),
        (("accessors",), None, "bad-glb"),
    ],
)
def test_hostile_json_values(tmp_path, path, value, code):
    document, binary = copy.deepcopy(glb_parts())
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    refused(code, read_lam, lam_with(tmp_path, glb_bytes(document, binary)), named="skin.glb")


@pytest.mark.parametrize(
    "text", [b"{", b"[" * 200_000, b'{"a": NaN}', b"\xff\xfe", b"[]", b"{}", b"1" * 5000]
)
def test_json_that_is_none(tmp_path, text):
    refused("bad-glb", read_lam, lam_with(tmp_path, glb_bytes(text, b"")))


def test_sparse_index_and_triangle_out_of_range(tmp_path):
    document, binary = glb_parts()
    for view, code in ((5, "bad-glb"), (3, "binding-out-of-range")):
        at = document["bufferViews"][view]["byteOffset"]
        wrong = binary[:at] + b"\x04\x00" + binary[at + 2 :]
        refused(code, read_lam, lam_with(tmp_path, glb_bytes(document, wrong)), named="skin.glb")


def test_nan_and_bad_weights_in_the_mesh(tmp_path):
    document, binary = glb_parts()
    nan = struct.pack("<f", float("nan"))
    wrong = binary[:12] + nan + binary[16:]
    refused("not-finite", read_lam, lam_with(tmp_path, glb_bytes(document, wrong)), named="row 1")
    at = document["bufferViews"][2]["byteOffset"] + 32
    wrong = binary[:at] + struct.pack("<f", 0.5) + binary[at + 4 :]
    refused("bad-weights", read_lam, lam_with(tmp_path, glb_bytes(document, wrong)), named="vertex 2")


# --- PLY


def test_missing_property(tmp_path):
    table = offset_rows()
    table.dtype.names = tuple("other" if name == "scale_1" else name for name in table.dtype.names)
    path = lam_zip(tmp_path / "a.zip", ply=write_ply({"vertex": table}))
    refused("missing-property", read_lam, path, named="'scale_1'")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_property_that_is_not_finite(tmp_path, value):
    table = offset_rows()
    table["opacity"][2] = value
    path = lam_zip(tmp_path / "a.zip", ply=write_ply({"vertex": table}))
    refused("not-finite", read_lam, path, named="'opacity' is")
    refused("not-finite", read_lam, path, named="in row 2")


def test_doubles_beyond_float32():
    table = np.array([(1.0,), (1e300,)], [("x", "<f8")])
    refused("not-finite", columns, table, ("x",), named="row 1")


def test_row_counts(tmp_path):
    good = write_ply({"vertex": offset_rows()})
    refused("bad-ply", read_lam, lam_zip(tmp_path / "a.zip", ply=good[:-1]), named="'vertex' declares 4 rows")
    more = good.replace(b"element vertex 4\n", b"element vertex 9999999999\n")
    refused("bad-ply", read_lam, lam_zip(tmp_path / "b.zip", ply=more), named="9999999999 rows")
    five = write_ply({"vertex": offset_rows(5)})
    refused("binding-out-of-range", read_lam, lam_zip(tmp_path / "c.zip", ply=five), named="5 rows")
    none = write_ply({"face": offset_rows()})
    refused("bad-ply", read_lam, lam_zip(tmp_path / "d.zip", ply=none), named="'vertex'")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"plx\n",
        b"ply\n" + b"comment x\n" * 10_000 + b"end_header\n",
        b"ply\nformat ascii 1.0\nend_header\n",
        b"ply\nformat binary_big_endian 1.0\nend_header\n",
        b"ply\nelement vertex -1\nend_header\n",
        b"ply\nelement vertex 99999999999\nend_header\n",
        b"ply\nelement vertex 5\nend_header\n",
        b"ply\nproperty float x\nend_header\n",
        b"ply\nelement vertex 1\nproperty float x\nproperty float x\nend_header\n",
        b"ply\nelement vertex 0\nelement vertex 0\nend_header\n",
        b"ply\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n",
        b"ply\nelement vertex 1\nproperty quad x\nend_header\n",
        b"ply\ncomment \xff\nend_header\n",
    ],
)
def test_wrong_headers(header):
    refused("bad-ply", read_ply, header, "some.ply", named="some.ply")


# --- FLAME models


def flame_arrays(vertex_count=6):
    rng = np.random.default_rng(1)
    weights = np.abs(rng.standard_normal((vertex_count, 5))) + 0.1
    return {
        "v_template": rng.standard_normal((vertex_count, 3)),
        "f": np.array([[0, 1, 2], [2, 3, 4]]),
        "shapedirs": rng.standard_normal((vertex_count, 3, 400)),
        "posedirs": rng.standard_normal((vertex_count, 3, 36)),
        "J_regressor": np.full((5, vertex_count), 1 / vertex_count),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "kintree_table": np.array([[-1, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
    }


def write_model(path, arrays):
    path.write_bytes(pickle.dumps(arrays, protocol=2))
    return path


@pytest.mark.parametrize("key", KEYS)
def test_model_with_a_key_missing(tmp_path, key):
    arrays = flame_arrays()
    del arrays[key]
    refused("bad-flame-model", read_flame, write_model(tmp_path / "m.pkl", arrays), named=key)
    np.savez(tmp_path / "m.npz", **arrays)
    refused("bad-flame-model", read_flame, tmp_path / "m.npz", named=f"no {key}")


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("v_template", np.zeros((6, 2)), "bad-flame-model"),
        ("v_template", "text", "bad-flame-model"),
        ("v_template", np.array([None] * 6), "bad-flame-model"),
        ("v_template", np.full((6, 3), np.nan), "not-finite"),
        ("shapedirs", np.zeros((5, 3, 400)), "bad-flame-model"),
        ("posedirs", np.zeros((6, 3, 35)), "bad-flame-model"),
        ("posedirs", np.zeros((36, 18)), "bad-flame-model"),
        ("J_regressor", np.zeros((6, 5)), "bad-flame-model"),
        ("weights", np.zeros((6, 4)), "bad-flame-model"),
        ("f", np.array([[0, 1, 6]]), "bad-flame-model"),
        ("f", np.array([[0, 1, -1]]), "bad-flame-model"),
        ("f", np.array([[0.0, np.nan, 1]]), "bad-flame-model"),
        ("kintree_table", np.zeros((2, 24)), "bad-flame-model"),
        ("kintree_table", np.array([[-1, 0, 1, 2, 3], [0, 1, 2, 3, 4]]), "bad-flame-model"),
    ],
)
def test_model_with_wrong_arrays(tmp_path, key, value, code):
    arrays = {**flame_arrays(), key: value}
    refused(code, read_flame, write_model(tmp_path / "m.pkl", arrays))


def test_models_with_fewer_shapes_are_read(tmp_path):
    for count, identity, expression in ((400, 300, 100), (350, 300, 50), (60, 60, 0)):
        arrays = {**flame_arrays(), "shapedirs": np.ones((6, 3, count))}
        model = read_flame(write_model(tmp_path / "m.pkl", arrays))
        assert model.identity_dirs.shape[2] == identity
        assert model.expression_dirs.shape[2] == expression
        if identity < 300:
            refused("bad-flame-model", model.neutral, np.ones(300), named="identity coefficient 60")


class Runs:
    """Pickles as a call of `os.mkdir`."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("protocol", range(6))
def test_pickle_that_runs_code(tmp_path, protocol):
    proof = tmp_path / "it_ran"
    arrays = {**flame_arrays(), "bs_style": Runs(proof)}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(arrays, protocol=protocol))
    refused("forbidden-pickle", read_flame, tmp_path / "m.pkl", named="mkdir")
    assert not proof.exists()
    pickle.loads((tmp_path / "m.pkl").read_bytes())  # the same file does run where nobody looks
    assert proof.exists()


@pytest.mark.parametrize(
    "text",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"c__builtin__\nexec\n(S'1'\ntR.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n(S'x'\ntR.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
        b"\x80\x04\x8c\x05numpy\x8c\x10core.os.system__\x93.",
        b"(S'true'\nios\nsystem\n.",
        b"(cos\nsystem\nS'true'\no.",
        b"P1\n.",
        b"\x80\x02\x82\x01.",
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR.",
        b"c_codecs\nencode\n(S'61'\nS'hex'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n}S'call'\nNsb.",
    ],
)
def test_pickles_that_name_what_they_may_not(text):
    with pytest.raises(EncodeError) as caught:
        load_pickle(text)
    assert caught.value.code in ("forbidden-pickle", "bad-flame-model")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b".",
        b"N",
        b"junk",
        b"K\x01r\xff\xff\xff\xff.",  # memo slot 4294967295
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",  # bytes of 2^63 − 1
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x0f.",
        b"\x80\x02\x8b\xff\xff\xff\x7f.",
        b"(" * 30_000 + b"t" * 30_000 + b".",
        b"cnumpy\nndarray\n}b.",
        b"cnumpy\nndarray\n)\x81(K\x01K\x03\x86cnumpy\ndtype\n(S'f8'\ntRK\x00S'short'\ntb.",
    ],
)
def test_pickles_that_are_damaged(text):
    tracemalloc.start()
    refused("bad-flame-model", load_pickle, text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_every_damaged_pickle_is_an_encode_error():
    good = pickle.dumps({"v_template": np.arange(6.0).reshape(2, 3), "n": [1, "a"]}, protocol=2)
    chance = random.Random(6)
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(chance.choice((1, 1, 2, 4))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with contextlib.suppress(EncodeError):
            load_pickle(bytes(data))


# --- GaussianAvatars checkpoints, on the six-vertex model


def small_checkpoint(folder, **changes):
    names = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2"]
    names += ["rot_0", "rot_1", "rot_2", "rot_3", "binding_0", *changes.pop("more", ())]
    table = np.zeros(3, [(name, "<f4") for name in names])
    table["rot_0"] = 1
    table["binding_0"] = changes.pop("binding", (0, 1, 0))
    (folder / "point_cloud.ply").write_bytes(write_ply({"vertex": table}))
    arrays = {"shape": np.zeros(300), "expr": np.zeros((2, 100)), "static_offset": np.zeros((6, 3))} | changes
    np.savez(folder / "flame_param.npz", **{key: value for key, value in arrays.items() if value is not None})
    return write_model(folder / "m.pkl", flame_arrays())


def test_the_small_checkpoint_is_good(tmp_path):
    model = small_checkpoint(tmp_path, dynamic_offset=np.array([print], dtype=object))  # never read
    avatar = read_avatar(tmp_path, ImportOptions(model))
    assert (avatar.gaussian_count, avatar.rig.profile) == (3, "flame")
    assert recognise(tmp_path / "point_cloud.ply").name == recognise(tmp_path).name == "gaussianavatars"
    refused("flame-model-needed", read_avatar, tmp_path, named="FLAME model")


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"binding": (0, 2, 0)}, "binding-out-of-range", "row 1 is bound to face 2, the mesh has 2"),
        ({"binding": (0, 1, -1)}, "binding-out-of-range", "row 2"),
        ({"binding": (0.5, 1, 1)}, "binding-out-of-range", "row 0"),
        ({"binding": (0, 1, np.nan)}, "not-finite", "row 2"),
        ({"more": ("f_rest_0",)}, "missing-property", "1 f_rest"),
        ({"more": tuple(f"f_rest_{k}" for k in range(1, 10))}, "missing-property", "'f_rest_0'"),
        ({"shape": None}, "missing-array", "'shape'"),
        ({"expr": None}, "missing-array", "'expr'"),
        ({"shape": np.zeros((2, 300))}, "bad-shape", "'shape'"),
        ({"static_offset": np.zeros((5, 3))}, "bad-shape", "static_offset has 5 rows"),
        ({"static_offset": np.zeros((2, 6, 3))}, "bad-shape", "static_offset"),
        ({"static_offset": np.full((6, 3), np.nan)}, "not-finite", "static_offset"),
        ({"jaw_pose": np.zeros((1, 3))}, "bad-shape", "jaw_pose"),
    ],
)
def test_wrong_checkpoints(tmp_path, changes, code, named):
    model = small_checkpoint(tmp_path, **changes)
    refused(code, read_gaussianavatars, tmp_path, model, named=named)


def test_checkpoint_without_its_parts(tmp_path):
    model = small_checkpoint(tmp_path)
    refused("missing-file", read_gaussianavatars, tmp_path, tmp_path / "absent.pkl", named="absent.pkl")
    (tmp_path / "flame_param.npz").unlink()
    refused("missing-file", read_gaussianavatars, tmp_path, model, named="flame_param.npz")
    (tmp_path / "point_cloud.ply").unlink()
    refused("missing-file", read_gaussianavatars, tmp_path, model, named="point_cloud.ply")


# --- telling formats apart


def test_recognise(tmp_path):
    assert recognise(lam_zip(tmp_path / "a.zip")).name == "lam"
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "folder")
    assert recognise(tmp_path / "folder").name == recognise(tmp_path / "folder" / "someone").name == "lam"
    refused("missing-file", recognise, tmp_path / "absent")


@pytest.mark.parametrize("data", [b"", b"hello", write_ply({"vertex": offset_rows()})])
def test_unknown_input_says_what_was_looked_for(tmp_path, data):
    (tmp_path / "x.bin").write_bytes(data)
    for path in (tmp_path / "x.bin", tmp_path):
        refused("unknown-input", read_avatar, path, named="skin.glb")
        refused("unknown-input", read_avatar, path, named="binding_0")


def test_zip_of_something_else(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "hello")
    (tmp_path / "x.zip").write_bytes(stream.getvalue())
    refused("unknown-input", read_avatar, tmp_path / "x.zip", named="x.zip")

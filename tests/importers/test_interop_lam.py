"""LAM exports: what the importer reads, and posing against LAM's own rule written out from the glTF file."""

import json
import zipfile
from functools import cache

import numpy as np
import pytest
from gltf_turns import axis_angle
from lam_oracle import member, offset_table, oracle_of
from realdata import DATA, needs_data

from pavfmt.importers.files.glb import read_glb
from pavfmt.importers.lam import read_lam, rig_from
from pavfmt.importers.skinned_mesh import read_skinned_mesh
from pavfmt.model import Pose
from pavfmt.posing import pose_avatar, pose_mesh, quaternion_product
from pavfmt.registry import Binding, ShFrame, Site

pytestmark = needs_data

NAMES = ("status", *(pytest.param(name, marks=pytest.mark.slow) for name in ("tesla", "p2-1")))
TOLERANCE = 1e-5
TURNS = {  # node → glTF-local extra rotation: axis, degrees
    "neckLower": ((0.2, 1.0, 0.1), 14.0),
    "neckUpper": ((1.0, -0.3, 0.2), -9.0),
    "head": ((0.5, 0.4, -1.0), 22.0),
    "chestUpper": ((0.1, 0.2, 0.9), 6.0),
}
WEIGHTS = {
    "jawOpen": 0.7,
    "eyeBlinkLeft": 1.0,
    "eyeBlinkRight": 0.4,
    "mouthSmileLeft": 0.6,
    "browInnerUp": 0.5,
    "mouthPucker": 0.3,
}


@cache
def avatar_of(name):
    return read_lam(DATA / "lam" / f"{name}.zip")


def gltf_turns(oracle):
    """Full local rotations of the turned nodes: the node's own, then the turn in its axes."""
    rest = {node.get("name"): node.get("rotation", (0, 0, 0, 1)) for node in oracle.document["nodes"]}
    turned = {}
    for name, (axis, degrees) in TURNS.items():
        half = np.radians(degrees) / 2
        turn = np.array([np.cos(half), *(np.sin(half) * np.array(axis) / np.linalg.norm(axis))])
        x, y, z, w = rest[name]
        quat = quaternion_product(np.array([w, x, y, z]), turn)
        turned[name] = (*quat[1:], quat[0])
    return turned


def pose_for(name, weights, turned):
    rotations = {
        node: tuple(axis_angle(member(name, "skin.glb"), node, quat)) for node, quat in turned.items()
    }
    return Pose(weights=weights, rotations=rotations)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weights", [{}, WEIGHTS], ids=["neutral", "expression"])
@pytest.mark.parametrize("turn", [False, True], ids=["still", "turned"])
def test_posed_means_equal_lams_rule(name, weights, turn):
    oracle = oracle_of(name)
    turned = gltf_turns(oracle) if turn else {}
    expected = oracle.posed(offset_table(name)[:, :3].astype(np.float64), weights, turned)
    posed = pose_avatar(avatar_of(name), pose_for(name, weights, turned)).means
    assert np.abs(posed - expected).max() < TOLERANCE


def test_the_turned_pose_moves_the_head():
    oracle = oracle_of("status")
    zero = np.zeros((20018, 3))
    moved = oracle.posed(zero, {}, gltf_turns(oracle)) - oracle.posed(zero, {}, {})
    assert np.linalg.norm(moved, axis=1).max() > 0.05


def test_recorded_performance_equals_lams_rule():
    avatar, oracle = avatar_of("status"), oracle_of("status")
    (track,) = avatar.tracks
    offsets = offset_table("status")[:, :3].astype(np.float64)
    for frame in (0, 60, 120, 183):
        weights = {n: float(w) for n, w in zip(track.shape_names, track.weights[frame], strict=True)}
        expected = oracle.posed(offsets, weights, {})
        assert np.abs(pose_avatar(avatar, Pose(weights)).means - expected).max() < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_rest_rotations_scales_colours_and_opacities(name):
    table, posed = offset_table(name).astype(np.float64), pose_avatar(avatar_of(name))
    assert np.abs(np.sum(posed.quats * table[:, 13:17], axis=1)).min() > 1 - 1e-6
    assert np.abs(np.log(posed.scales) - table[:, 10:13]).max() < 1e-6
    assert np.abs(0.5 + 0.28209479177387814 * posed.sh[:, 0] - table[:, 6:9]).max() < 1e-6
    assert np.abs(posed.opacities - 1 / (1 + np.exp(-table[:, 9]))).max() < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_what_the_avatar_holds(name):
    avatar = avatar_of(name)
    rig, (level,) = avatar.rig, avatar.levels
    assert (level.binding, level.site, level.sh_frame) == (
        Binding.SURFACE_POINT,
        Site.VERTEX,
        ShFrame.WORLD,
    )
    assert rig.profile == "arkit-52"
    assert (len(rig.mean_neutral), len(rig.faces), rig.subdivisions) == (5023, 9976, 1)
    assert rig.weights.shape == (20018, 6)
    assert rig.joint_names == ("chestUpper", "lCollar", "rCollar", "neckLower", "neckUpper", "head")
    assert rig.joint_parents == (-1, 0, 0, 0, 3, 4)
    assert len(rig.shapes) == 51
    essential = {shape.name for shape in rig.shapes if shape.essential}
    assert essential == {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight"}
    assert avatar.metadata == {"title": name}


def test_regions_lie_where_their_names_say():
    rig = avatar_of("status").rig
    centre = {name: rig.mean_neutral[mask].mean(axis=0) for name, mask in rig.regions.items()}
    assert set(centre) == {"left_eye", "right_eye", "mouth", "jaw", "brows"}
    assert centre["left_eye"][0] > 0.02 and centre["right_eye"][0] < -0.02
    assert centre["brows"][1] > centre["left_eye"][1] > centre["mouth"][1] > centre["jaw"][1]


def test_track_is_mapped_by_name_and_keeps_only_known_shapes():
    (track,) = avatar_of("status").tracks
    assert (track.frame_count, track.frames_per_second, len(track.shape_names)) == (184, 30.0, 51)
    assert "tongueOut" not in track.shape_names
    recorded = json.loads(member("status", "bsData.json"))
    column = recorded["names"].index("jawOpen")
    expected = [frame["weights"][column] for frame in recorded["frames"]]
    assert np.allclose(track.weights[:, track.shape_names.index("jawOpen")], expected, atol=1e-7)


def test_folder_and_zip_give_the_same(tmp_path):
    with zipfile.ZipFile(DATA / "lam" / "p2-1.zip") as archive:
        archive.extractall(tmp_path)
    for folder in (tmp_path, tmp_path / "p2-1"):
        avatar = read_lam(folder)
        assert np.array_equal(avatar.levels[0].gaussians.means, avatar_of("p2-1").levels[0].gaussians.means)


def test_a_mesh_that_breaks_the_midpoint_rule_is_kept_whole():
    mesh = read_skinned_mesh(read_glb(member("status", "skin.glb")))
    mesh.positions[6000] += 1e-4
    rig = rig_from(mesh)
    assert (rig.subdivisions, len(rig.mean_neutral), len(rig.faces)) == (0, 20018, 39904)
    assert np.array_equal(rig.weights, avatar_of("status").rig.weights)
    posed = pose_mesh(rig, None, Pose({"jawOpen": 1.0}))
    assert len(posed.vertices) == 20018

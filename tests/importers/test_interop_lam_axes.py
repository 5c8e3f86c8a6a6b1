"""LAM-like exports whose joints have turned, scaled rest frames, and tracks with shapes the mesh has not."""

import json

import numpy as np
from gltf_turns import axis_angle
from lam_oracle import GltfOracle, trs
from tiny_lam import glb_bytes, glb_parts, lam_zip

from pavfmt.importers.lam import read_lam
from pavfmt.model import Pose
from pavfmt.posing import pose_avatar, quaternion_product

NECK, HEAD = (0.5, -0.1, 0.3, 0.8), (-0.2, 0.6, 0.1, 0.7)


def unit(quaternion):
    return tuple(float(x) for x in np.array(quaternion) / np.linalg.norm(quaternion))


def turned_parts():
    """The tiny mesh under an armature that is turned and scaled, with joints at angles of their own."""
    document, binary = glb_parts()
    document["nodes"] = [
        {"name": "neck", "children": [1], "rotation": unit(NECK), "translation": [10, 20, -30]},
        {"name": "head", "rotation": unit(HEAD), "translation": [5, 50, 0]},
        {"mesh": 0, "skin": 0, "translation": [7, 7, 7]},
        {"name": "Armature", "children": [0], "rotation": unit((1, 0, 0, 1)), "scale": [0.01] * 3},
    ]
    document["scenes"] = [{"nodes": [3, 2]}]
    above = trs((0, 0, 0), unit((1, 0, 0, 1)), [0.01] * 3)
    neck = above @ trs((10, 20, -30), unit(NECK), (1, 1, 1))
    head = neck @ trs((5, 50, 0), unit(HEAD), (1, 1, 1))
    inverse = np.linalg.inv(np.stack([neck, head])).transpose(0, 2, 1).astype("<f4").tobytes()
    at = document["bufferViews"][4]["byteOffset"]
    return document, binary[:at] + inverse + binary[at + len(inverse) :]


def test_turns_in_joint_axes_become_turns_in_world_axes(tmp_path):
    glb = glb_bytes(*turned_parts())
    avatar = read_lam(lam_zip(tmp_path / "a.zip", glb=glb))
    turned, rotations = {}, {}
    for name, rest, turn in (("neck", NECK, (0.9, 0.3, -0.2, 0.1)), ("head", HEAD, (0.7, -0.5, 0.4, 0.6))):
        x, y, z, w = unit(rest)
        quat = quaternion_product(np.array([w, x, y, z]), np.array(turn) / np.linalg.norm(turn))
        turned[name] = (*quat[1:], quat[0])
        rotations[name] = tuple(axis_angle(glb, name, turned[name]))
    expected = GltfOracle(glb).posed(np.zeros((4, 3)), {"jawOpen": 0.5}, turned)
    posed = pose_avatar(avatar, Pose({"jawOpen": 0.5}, rotations)).means
    assert np.abs(posed - expected).max() < 1e-6
    assert np.abs(posed - pose_avatar(avatar).means).max() > 0.3


def test_rest_turns_are_no_rotation(tmp_path):
    glb = glb_bytes(*turned_parts())
    for name, rest in (("neck", NECK), ("head", HEAD)):
        for sign in (1, -1):
            rotation = tuple(sign * x for x in unit(rest))
            assert np.abs(axis_angle(glb, name, rotation)).max() < 1e-12


def test_track_columns_are_found_by_name(tmp_path):
    frames = [{"weights": [0.1, 0.2, 0.3]}, {"weights": [0.4, 0.5, 0.6]}]
    data = {"names": ["tongueOut", "jawOpen", "other"], "metadata": {"fps": 30.0}, "frames": frames}
    path = lam_zip(tmp_path / "a.zip", extra=[("someone/bsData.json", json.dumps(data))])
    (track,) = read_lam(path).tracks
    assert track.shape_names == ("jawOpen",)
    assert np.allclose(track.weights, [[0.2], [0.5]])

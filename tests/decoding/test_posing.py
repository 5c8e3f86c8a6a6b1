"""The reference posing against small computations of its own kind: quaternions, one triangle, one joint at a time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt import Pose, ShFrame, pose_avatar
from pavfmt.posing import (
    blended_rotations,
    face_frames,
    forest_corners,
    joint_transforms,
    pose_level,
    pose_mesh,
    quaternion_from_rotation,
    quaternion_product,
    rotation_from_axis_angle,
    rotation_from_quaternion,
)
from spec.builders.avatars import toy

components = st.floats(-1, 1).filter(lambda value: abs(value) > 1e-3 or value == 0)
quaternions = st.lists(components, min_size=4, max_size=4).filter(lambda q: sum(v * v for v in q) > 1e-2)
vectors = st.lists(st.floats(-3, 3), min_size=3, max_size=3)


def conjugated(q, v):
    """q v q* by Hamilton's rules: i² = j² = k² = ijk = −1."""
    q = np.array(q) / np.linalg.norm(q)
    w, u = q[0], q[1:]
    return v + 2 * w * np.cross(u, v) + 2 * np.cross(u, np.cross(u, v))


@given(quaternions, vectors)
def test_a_quaternion_turns_a_vector_by_conjugation(q, v):
    assert rotation_from_quaternion(np.array(q)) @ v == pytest.approx(conjugated(q, np.array(v)), abs=1e-9)


@given(quaternions, quaternions, vectors)
def test_a_product_is_the_right_rotation_then_the_left(p, q, v):
    both = quaternion_product(np.array(p), np.array(q))
    assert rotation_from_quaternion(both) @ v == pytest.approx(
        conjugated(p, conjugated(q, np.array(v))), abs=1e-9
    )


@given(quaternions)
def test_a_rotation_gives_its_quaternion_back_with_its_largest_component_positive(q):
    unit = np.array(q) / np.linalg.norm(q)
    found = quaternion_from_rotation(rotation_from_quaternion(unit))
    assert abs(found @ unit) == pytest.approx(1, abs=1e-9)
    assert found[np.argmax(np.abs(found))] > 0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axis_angle_turns_right_handed(axis):
    vector = np.zeros(3)
    vector[axis] = np.pi / 2
    turned = rotation_from_axis_angle(vector) @ np.eye(3)[(axis + 1) % 3]
    assert turned == pytest.approx(np.eye(3)[(axis + 2) % 3], abs=1e-12)


def test_no_rotation_is_the_identity():
    assert np.array_equal(rotation_from_axis_angle(np.zeros(3)), np.eye(3))


def test_a_child_joint_turns_about_its_own_place_then_its_parents():
    rig = toy("face").rig
    joints = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    pose = Pose(rotations={"root": (0, np.pi / 2, 0), "jaw": (np.pi / 2, 0, 0)}, translation=(5, 0, 0))
    _, rotations, translations = joint_transforms(rig, joints, pose)
    point = np.array([0.0, 1.0, 1.0])  # one above the jaw: to one before it, then a quarter turn to the left
    assert rotations[1] @ point + translations[1] == pytest.approx([5 + 2.0, 0, 0], abs=1e-12)
    assert rotations[0] @ joints[1] + translations[0] == pytest.approx([6, 0, 0], abs=1e-12)


def test_shapes_add_and_move_joints():
    rig = toy("face").rig
    jaw = rig.shapes[0]
    mesh = pose_mesh(rig, None, Pose({"jawOpen": 0.5, "eyeBlinkLeft": 2.0}))
    wanted = (
        rig.mean_neutral
        + 0.5 * jaw.displacements.astype(float)
        + 2.0 * rig.shapes[1].displacements.astype(float)
    )
    assert mesh.vertices == pytest.approx(wanted, abs=1e-12)
    turned = pose_mesh(replace(rig, correctives=None), None, Pose({"jawOpen": 0.5}, {"jaw": (0.0, 0.0, 1.0)}))
    place = rig.mean_joint_positions[1] + 0.5 * jaw.joint_displacements[1].astype(float)
    fixed = turned.joint_rotations[1] @ place + turned.joint_translations[1]
    assert fixed == pytest.approx(place, abs=1e-12)


def test_a_pose_names_only_what_it_moves():
    rig = toy("face").rig
    rest = pose_mesh(rig, None, Pose({"no such shape": 3.0}, {"no such joint": (1, 1, 1)}))
    assert rest.vertices == pytest.approx(rig.mean_neutral.astype(float), abs=1e-9)


def test_correctives_follow_the_entries_of_the_rotation_less_one():
    rig = toy("face").rig
    pose = Pose(rotations={"jaw": (0.2, -0.4, 0.1)})
    mesh = pose_mesh(rig, None, pose)
    entries = (rotation_from_axis_angle(np.array([0.2, -0.4, 0.1])) - np.eye(3)).ravel()
    wanted = rig.mean_neutral.astype(float)
    for entry, field in zip(entries, rig.correctives.displacements, strict=True):
        wanted = wanted + entry * field
    assert mesh.rest_vertices == pytest.approx(wanted, abs=1e-9)


def test_skinning_is_the_weighted_sum_of_where_the_joints_take_a_vertex():
    rig = replace(toy("face").rig, correctives=None)
    pose = Pose(rotations={"root": (0.3, 0, 0), "jaw": (0, 0.8, 0)}, translation=(0.1, 0.2, 0.3))
    mesh = pose_mesh(rig, None, pose)
    for vertex, weights in enumerate(rig.weights.astype(float)):
        wanted = sum(
            weight * (rotation @ rig.mean_neutral[vertex] + translation)
            for weight, rotation, translation in zip(
                weights, mesh.joint_rotations, mesh.joint_translations, strict=True
            )
        )
        assert mesh.vertices[vertex] == pytest.approx(wanted, abs=1e-6)


def test_a_face_frame_is_edge_normal_and_their_third():
    corners = np.array([[[0, 0, 0], [2, 0, 0], [0, 0, -4]]], dtype=float)
    rotations, sizes, centroids = face_frames(corners)
    assert rotations[0] == pytest.approx(np.eye(3), abs=1e-12)
    assert sizes[0] == pytest.approx((2 + 4) / 2)
    assert centroids[0] == pytest.approx([2 / 3, 0, -4 / 3])


@pytest.mark.parametrize(
    "corners",
    [
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[1, 1, 1], [1, 1, 1], [2, 1, 1]],
        [[0, 0, 0], [1, 0, 0], [2, 0, 0]],
        [[0, 0, 0], [0, 1, 0], [0, 1, 0]],
        [[0, 0, 0], [1e-12, 0, 0], [0, 1e-12, 0]],
        [[0, 0, 0], [0, 0, 3], [0, 0, -1]],
    ],
)
def test_a_degenerate_triangle_still_has_a_right_handed_frame(corners):
    rotations, sizes, _ = face_frames(np.array([corners], dtype=float))
    assert rotations[0].T @ rotations[0] == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(rotations[0]) == pytest.approx(1)
    assert np.isfinite(sizes).all()


@given(st.lists(vectors, min_size=3, max_size=3))
def test_every_triangle_has_a_right_handed_frame(corners):
    rotations, _, _ = face_frames(np.array([corners], dtype=float))
    assert rotations[0].T @ rotations[0] == pytest.approx(np.eye(3), abs=1e-6)
    assert np.linalg.det(rotations[0]) == pytest.approx(1, abs=1e-6)


def test_a_blend_of_equal_rotations_is_that_rotation():
    rotation = rotation_from_axis_angle(np.array([0.3, 0.2, -2.9]))
    found = blended_rotations(np.array([[0.25, 0.75]]), np.stack([rotation, rotation]))
    assert rotation_from_quaternion(found[0]) == pytest.approx(rotation, abs=1e-12)


def test_a_blend_takes_the_short_way_round():
    """Quarter turns of ±179° about one axis blend to 180°, not to nothing."""
    turns = rotation_from_axis_angle(np.array([[0, 0, np.radians(179)], [0, 0, np.radians(-179)]]))
    found = blended_rotations(np.array([[0.5, 0.5]]), turns)
    assert rotation_from_quaternion(found[0]) == pytest.approx(np.diag([-1.0, -1.0, 1.0]), abs=1e-9)


def test_half_way_between_two_rotations_is_half_the_angle():
    turns = rotation_from_axis_angle(np.array([[0, 0, 0], [0.8, 0, 0]]))
    found = blended_rotations(np.array([[0.5, 0.5]]), turns)
    assert rotation_from_quaternion(found[0]) == pytest.approx(
        rotation_from_axis_angle(np.array([0.4, 0, 0])), abs=1e-12
    )


def test_children_of_a_split_face_come_in_the_stated_order():
    avatar = toy("face")
    mesh = pose_mesh(avatar.rig, avatar.identity, Pose())
    corners = forest_corners(mesh.vertices, mesh.faces, avatar.levels)
    splits = avatar.levels[1].splits
    for number, (parent, beta) in enumerate(
        zip(splits.parents, splits.barycentrics.astype(float), strict=True)
    ):
        a, b, c = corners[0][parent]
        p = (beta / beta.sum()) @ corners[0][parent]
        for child, wanted in enumerate(((a, b, p), (b, c, p), (c, a, p))):
            assert corners[1][3 * number + child] == pytest.approx(np.array(wanted), abs=1e-12)


def test_a_gaussian_in_a_face_frame_is_scaled_turned_and_moved():
    avatar = toy("face")
    mesh = pose_mesh(avatar.rig, avatar.identity, Pose({"jawOpen": 1.0}))
    posed = pose_level(avatar.levels, 0, mesh)
    local = avatar.levels[0].gaussians
    for row, face in enumerate(local.sites):
        rotations, sizes, centroids = face_frames(mesh.vertices[mesh.faces[[face]]])
        assert posed.means[row] == pytest.approx(
            centroids[0] + sizes[0] * rotations[0] @ local.means[row].astype(float), abs=1e-9
        )
        assert posed.scales[row] == pytest.approx(sizes[0] * np.exp(local.log_scales[row].astype(float)))
        wanted = rotations[0] @ rotation_from_quaternion(local.quats[row])
        assert rotation_from_quaternion(posed.quats[row]) == pytest.approx(wanted, abs=1e-9)


def test_a_vertex_gaussian_is_skinned_as_a_vertex_moved_by_its_offset_would_be():
    avatar = toy("surface")
    pose = Pose({"jawOpen": 0.5}, {"jaw": (0.4, 0.1, 0.0)})
    mesh = pose_mesh(avatar.rig, avatar.identity, pose)
    posed, local = pose_level(avatar.levels, 0, mesh), avatar.levels[0].gaussians
    for row, vertex in enumerate(local.sites):
        point = mesh.rest_vertices[vertex] + local.means[row]
        places = np.einsum("jkl,l->jk", mesh.joint_rotations, point) + mesh.joint_translations
        assert posed.means[row] == pytest.approx(mesh.weights[vertex] @ places, abs=1e-9)
        assert posed.scales[row] == pytest.approx(np.exp(local.log_scales[row].astype(float)))


def test_a_joint_gaussian_moves_with_its_joint():
    avatar = toy("surface")
    mesh = pose_mesh(
        avatar.rig, avatar.identity, Pose(rotations={"root": (0, 1.0, 0)}, translation=(1, 0, 0))
    )
    posed, local = pose_level(avatar.levels, 2, mesh), avatar.levels[2].gaussians
    for row, joint in enumerate(local.sites):
        wanted = mesh.joint_rotations[joint] @ local.means[row] + mesh.joint_translations[joint]
        assert posed.means[row] == pytest.approx(wanted, abs=1e-9)


def test_sh_axes_turn_with_the_binding_only_where_a_level_says_so():
    avatar = toy("mixed")
    assert [level.sh_frame for level in avatar.levels] == [ShFrame.WORLD, ShFrame.WORLD, ShFrame.LOCAL]
    posed = pose_avatar(avatar, Pose(rotations={"root": (0.0, 1.2, 0.0)}))
    still = np.array([1.0, 0, 0, 0])
    assert (posed.sh_quats[:16] == still).all()
    turned = rotation_from_quaternion(posed.sh_quats[16:])
    assert turned == pytest.approx(
        np.tile(rotation_from_axis_angle(np.array([0, 1.2, 0])), (5, 1, 1)), abs=1e-9
    )


def test_a_rigid_motion_moves_everything_rigidly():
    for kind in ("face", "surface", "mixed", "static"):
        avatar = toy(kind)
        rest, moved = (
            pose_avatar(avatar),
            pose_avatar(avatar, Pose({}, {"root": (0.3, -0.7, 0.2)}, (1, 2, 3))),
        )
        turn = rotation_from_axis_angle(np.array([0.3, -0.7, 0.2]))
        about = np.zeros(3) if avatar.rig is None else avatar.identity.joint_positions[0].astype(float)
        wanted = (rest.means - about) @ turn.T + about + [1, 2, 3]
        assert moved.means == pytest.approx(wanted, abs=1e-6)  # input barycentrics sum to 1 in float32 only
        assert moved.scales == pytest.approx(rest.scales)
        assert rotation_from_quaternion(moved.quats) == pytest.approx(
            turn @ rotation_from_quaternion(rest.quats)
        )

"""Midpoint subdivision: the numbering of vertices and faces is part of the format."""

import numpy as np
import pytest

from pavfmt import Pose
from pavfmt.codec.subdivision import edges_of, subdivided_faces, subdivided_values
from pavfmt.posing import pose_mesh
from spec.builders.avatars import toy

TWO = np.array([[0, 1, 2], [2, 1, 3]], dtype=np.int32)


def test_edges_are_pairs_in_lexicographic_order_each_once():
    assert edges_of(TWO).tolist() == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]


def test_faces_are_numbered_corner_by_corner_then_the_centres():
    ab, ca, bc, bd, cd = 4, 5, 6, 7, 8
    assert subdivided_faces(TWO, 4).tolist() == [
        [0, ab, ca],
        [2, bc, cd],
        [1, bc, ab],
        [1, bd, bc],
        [2, ca, bc],
        [3, cd, bd],
        [bc, ca, ab],
        [bd, cd, bc],
    ]


def test_values_continue_with_the_midpoints():
    values = np.array([[0.0], [2.0], [4.0], [10.0]])
    assert subdivided_values(values, edges_of(TWO)).ravel().tolist() == [0, 2, 4, 10, 1, 2, 3, 6, 7]


def test_no_faces_have_no_edges():
    none = np.zeros((0, 3), dtype=np.int32)
    assert edges_of(none).shape == (0, 2)
    assert subdivided_faces(none, 5).shape == (0, 3)


@pytest.mark.parametrize("unused", [0, 7])
def test_vertices_of_no_face_change_only_the_offset(unused):
    faces = subdivided_faces(TWO, 4 + unused)
    plain = subdivided_faces(TWO, 4)
    assert np.array_equal(faces, np.where(plain >= 4, plain + unused, plain))


def test_subdivision_keeps_orientation_and_area():
    rig = toy("face", subdivided=True).rig
    base = rig.mean_neutral.astype(float)
    points = subdivided_values(base, edges_of(rig.faces))
    fine = subdivided_faces(rig.faces, len(base))

    def normals(vertices, faces):
        a, b, c = vertices[faces[:, 0]], vertices[faces[:, 1]], vertices[faces[:, 2]]
        return np.cross(b - a, c - a)

    parents = np.tile(normals(base, rig.faces), (4, 1))
    assert normals(points, fine) == pytest.approx(parents / 4, abs=1e-12)


def test_a_posed_subdivided_mesh_has_all_vertices_and_faces():
    rig = toy("face", subdivided=True).rig
    mesh = pose_mesh(rig, None, Pose({"jawOpen": 1.0}))
    assert mesh.vertices.shape == (18, 3) and mesh.faces.shape == (32, 3)
    assert len(rig.weights) == 18

"""Places: where on the template a site is, the same for every reader; only who is near whom matters."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.codec.prediction import GRID
from pavfmt.codec.subdivision import edges_of, subdivided_faces
from pavfmt.codec.template_coordinates import template_coordinates
from spec.builders.avatars import toy

numbers = st.floats(-1e3, 1e3, width=32)
points = st.lists(st.tuples(numbers, numbers, numbers), min_size=3, max_size=12)
FAN = np.array([[0, 1, 2]], dtype=np.int32)


@given(points)
def test_vertices_are_rounded_down_in_binary64(mesh):
    found = template_coordinates(np.array(mesh, dtype=np.float32), FAN, 0)
    low = [min(axis) for axis in zip(*mesh, strict=True)]
    size = max(max(axis) - min(axis) for axis in zip(*mesh, strict=True))
    scale = GRID / size if size > 0 else 0.0
    wanted = [
        [math.floor((v - least) * scale) for v, least in zip(point, low, strict=True)] for point in mesh
    ]
    assert found.vertices.tolist() == wanted
    assert found.vertices.min() >= 0 and found.vertices.max() <= GRID
    assert found.faces.tolist() == [[sum(wanted[v][axis] for v in (0, 1, 2)) // 3 for axis in range(3)]]


@pytest.mark.parametrize("extent", [(0, 0, 0), (1e-30, 0, 0), (0, 3.0, 0), (1.0, 1.0, 0.0)])
def test_flat_and_empty_boxes_have_places(extent):
    mesh = np.array([[0, 0, 0], extent, [0, 0, 0]], dtype=np.float32) + np.float32(0.25)
    found = template_coordinates(mesh, FAN, 0)
    assert (found.vertices >= 0).all() and (found.vertices <= GRID).all()
    if not any(extent):
        assert not found.vertices.any()


def test_a_subdivided_mesh_has_places_of_edges_and_of_quarter_faces():
    rig = toy("face", 1, True).rig
    base, found = (template_coordinates(rig.mean_neutral, rig.faces, n) for n in (0, rig.subdivisions))
    edges = edges_of(rig.faces)
    middles = (base.vertices[edges[:, 0]] + base.vertices[edges[:, 1]]) // 2
    assert found.vertices.tolist() == [*base.vertices.tolist(), *middles.tolist()]
    faces = subdivided_faces(rig.faces, len(rig.mean_neutral))
    assert found.faces.tolist() == (found.vertices[faces].sum(axis=1) // 3).tolist()
    assert len(found.vertices) == len(rig.weights)

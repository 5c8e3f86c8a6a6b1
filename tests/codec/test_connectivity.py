"""A mesh encoded as a walk is decoded again; streams that are none are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.codec import compiled
from pavfmt.codec.mesh import (
    BadWalkError,
    Connectivity,
    add_parallelograms,
    decode_mesh,
    encode_mesh,
    parallelogram_residuals,
)
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavplayer.demo import RIG_FILE


def decoded_by_twins(*walk):
    with compiled.switched(True):
        return compiled.twins.decode_walk(*walk)


@st.composite
def soups(draw):
    """Any triangles over a few vertices: borders, fans, doubled, degenerate and non-manifold faces."""
    vertex_count = draw(st.integers(1, 9))
    corner = st.integers(0, vertex_count - 1)
    faces = draw(st.lists(st.tuples(corner, corner, corner), max_size=20))
    return np.array(faces, dtype=np.int32).reshape(-1, 3), vertex_count


def renumbered(faces, walk):
    number = np.empty(len(walk.vertex_order), dtype=np.int32)
    number[walk.vertex_order] = np.arange(len(walk.vertex_order))
    return number[faces[walk.face_order]]


@given(soups())
def test_any_triangles_are_decoded_as_they_were_encoded(soup):
    faces, vertex_count = soup
    walk = encode_mesh(faces, vertex_count)
    assert sorted(walk.vertex_order.tolist()) == list(range(vertex_count))
    assert sorted(walk.face_order.tolist()) == list(range(len(faces)))
    mesh = decode_mesh(walk.connectivity, len(faces), vertex_count)
    np.testing.assert_array_equal(mesh.faces, renumbered(faces, walk))
    found = decoded_by_twins(walk.connectivity, len(faces), vertex_count)
    np.testing.assert_array_equal(found[0], mesh.faces)
    np.testing.assert_array_equal(found[1], mesh.parallelograms)


@given(soups())
def test_a_mesh_in_the_order_of_the_walk_keeps_it(soup):
    faces, vertex_count = soup
    again = encode_mesh(renumbered(faces, encode_mesh(faces, vertex_count)), vertex_count)
    np.testing.assert_array_equal(again.face_order, np.arange(len(faces)))
    np.testing.assert_array_equal(again.vertex_order, np.arange(vertex_count))


@given(soups(), st.randoms(use_true_random=False))
def test_values_come_back_from_their_residuals(soup, random):
    faces, vertex_count = soup
    walk = encode_mesh(faces, vertex_count).connectivity
    corners = decode_mesh(walk, len(faces), vertex_count).parallelograms
    values = np.array([random.randrange(65536) for _ in range(vertex_count)], dtype=np.uint16)
    assert (corners < np.arange(vertex_count)[:, None]).all()
    residuals = parallelogram_residuals(values, corners)
    np.testing.assert_array_equal(add_parallelograms(residuals, corners), values)
    with compiled.switched(True):
        np.testing.assert_array_equal(add_parallelograms(residuals, corners), values)


@given(
    st.lists(st.integers(0, 6), max_size=12),
    st.lists(st.integers(0, 4), max_size=12),
    st.lists(st.integers(0, 9), max_size=12),
    st.integers(0, 5),
    st.integers(0, 6),
)
def test_any_streams_are_a_mesh_or_are_refused(symbols, rotations, numbers, face_count, vertex_count):
    streams = Connectivity(
        np.array(symbols, np.uint8), np.array(rotations, np.uint8), np.array(numbers, np.uint32)
    )
    found = decoded_by_twins(streams, face_count, vertex_count)
    try:
        faces = decode_mesh(streams, face_count, vertex_count).faces
    except BadWalkError:
        assert found is None
        return
    assert found is not None and found[0].tolist() == faces.tolist()
    assert faces.shape == (face_count, 3)
    assert not faces.size or (faces.min() >= 0 and faces.max() < vertex_count)


@pytest.mark.parametrize("stream", ["symbols", "rotations", "numbers"])
@pytest.mark.parametrize("change", [lambda one: one[:-1], lambda one: np.append(one, one[-1:])])
def test_a_stream_too_short_or_too_long_is_refused(stream, change):
    walk = encode_mesh(np.array([[0, 1, 2], [2, 1, 3], [0, 2, 4]], np.int32), 5).connectivity
    streams = {name: getattr(walk, name) for name in ("symbols", "rotations", "numbers")}
    changed = Connectivity(**{**streams, stream: change(streams[stream])})
    assert decoded_by_twins(changed, 3, 5) is None
    with pytest.raises(BadWalkError):
        decode_mesh(changed, 3, 5)


def test_a_real_head_takes_less_than_three_bits_a_face():
    rig = read_cc0_rig(RIG_FILE)
    walk = encode_mesh(rig.faces, len(rig.mean_neutral)).connectivity
    counts = np.bincount(walk.symbols) / len(walk.symbols)
    entropy = -sum(share * np.log2(share) for share in counts if share)
    assert len(walk.symbols) * entropy / len(rig.faces) < 1.7
    assert len(walk.numbers) < 0.04 * len(rig.faces)

"""A mesh told as a walk is heard again; streams that tell none are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.codec.compiled import CompiledKernels
from pavfmt.codec.mesh import BadWalkError, Connectivity, hear, predicted, residuals, tell
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavplayer.demo import RIG_FILE

KERNELS = CompiledKernels()


@st.composite
def soups(draw):
    """Any triangles over a few vertices: borders, fans, doubled, degenerate and non-manifold faces."""
    vertex_count = draw(st.integers(1, 9))
    corner = st.integers(0, vertex_count - 1)
    faces = draw(st.lists(st.tuples(corner, corner, corner), max_size=20))
    return np.array(faces, dtype=np.int32).reshape(-1, 3), vertex_count


def renumbered(faces, told):
    number = np.empty(len(told.vertex_order), dtype=np.int32)
    number[told.vertex_order] = np.arange(len(told.vertex_order))
    return number[faces[told.face_order]]


@given(soups())
def test_any_triangles_are_heard_as_they_were_told(soup):
    faces, vertex_count = soup
    told = tell(faces, vertex_count)
    assert sorted(told.vertex_order.tolist()) == list(range(vertex_count))
    assert sorted(told.face_order.tolist()) == list(range(len(faces)))
    heard = hear(told.connectivity, len(faces), vertex_count)
    np.testing.assert_array_equal(heard.faces, renumbered(faces, told))
    compiled = KERNELS.heard(told.connectivity, len(faces), vertex_count)
    np.testing.assert_array_equal(compiled.faces, heard.faces)
    np.testing.assert_array_equal(compiled.guides, heard.guides)


@given(soups())
def test_a_mesh_in_the_order_of_the_walk_keeps_it(soup):
    faces, vertex_count = soup
    again = tell(renumbered(faces, tell(faces, vertex_count)), vertex_count)
    np.testing.assert_array_equal(again.face_order, np.arange(len(faces)))
    np.testing.assert_array_equal(again.vertex_order, np.arange(vertex_count))


@given(soups(), st.randoms(use_true_random=False))
def test_values_come_back_from_their_residuals(soup, random):
    faces, vertex_count = soup
    guides = hear(tell(faces, vertex_count).connectivity, len(faces), vertex_count).guides
    values = np.array([random.randrange(65536) for _ in range(vertex_count)], dtype=np.uint16)
    assert (guides < np.arange(vertex_count)[:, None]).all()
    np.testing.assert_array_equal(predicted(residuals(values, guides), guides), values)
    np.testing.assert_array_equal(KERNELS.predicted(residuals(values, guides), guides), values)


@given(
    st.lists(st.integers(0, 6), max_size=12),
    st.lists(st.integers(0, 4), max_size=12),
    st.lists(st.integers(0, 9), max_size=12),
    st.integers(0, 5),
    st.integers(0, 6),
)
def test_any_streams_tell_a_mesh_or_are_refused(symbols, rotations, numbers, face_count, vertex_count):
    streams = Connectivity(
        np.array(symbols, np.uint8), np.array(rotations, np.uint8), np.array(numbers, np.uint32)
    )
    compiled = KERNELS.heard(streams, face_count, vertex_count)
    try:
        faces = hear(streams, face_count, vertex_count).faces
    except BadWalkError:
        assert compiled is None
        return
    assert compiled is not None and compiled.faces.tolist() == faces.tolist()
    assert faces.shape == (face_count, 3)
    assert not faces.size or (faces.min() >= 0 and faces.max() < vertex_count)


@pytest.mark.parametrize("stream", ["symbols", "rotations", "numbers"])
@pytest.mark.parametrize("change", [lambda one: one[:-1], lambda one: np.append(one, one[-1:])])
def test_a_stream_too_short_or_too_long_is_refused(stream, change):
    told = tell(np.array([[0, 1, 2], [2, 1, 3], [0, 2, 4]], np.int32), 5).connectivity
    streams = {name: getattr(told, name) for name in ("symbols", "rotations", "numbers")}
    changed = Connectivity(**{**streams, stream: change(streams[stream])})
    assert KERNELS.heard(changed, 3, 5) is None
    with pytest.raises(BadWalkError):
        hear(changed, 3, 5)


def test_a_real_head_takes_less_than_three_bits_a_face():
    rig = read_cc0_rig(RIG_FILE)
    told = tell(rig.faces, len(rig.mean_neutral)).connectivity
    counts = np.bincount(told.symbols) / len(told.symbols)
    entropy = -sum(share * np.log2(share) for share in counts if share)
    assert len(told.symbols) * entropy / len(rig.faces) < 1.7
    assert len(told.numbers) < 0.04 * len(rig.faces)

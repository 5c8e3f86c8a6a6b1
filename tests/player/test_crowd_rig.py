"""Avatars on one rig hold it in memory once."""

import numpy as np
from crowds import CAMERA, POSE, dolly, heads, session_of

from pavfmt import encode
from pavfmt.encoder import EncodeOptions, encode_rig_file
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.tools.cut import unit_ends
from pavfmt.tools.synthetic import synthetic_avatar
from pavplayer.crowd import Crowd
from pavplayer.demo import RIG_FILE
from pavplayer.rasterizers.tiles import TileRasterizer
from spec.builders.avatars import external_file, head_file, rig_file, toy_file


def mesh_arrays(member):
    mesh = member._state.poser.mesh
    return mesh.shapes, mesh.weights, mesh.corners[0], member.session.scene.core.weights


def two_people():
    """Two avatars over one rig file, and the rig file."""
    rig = read_cc0_rig(RIG_FILE)
    shared = encode_rig_file(rig, EncodeOptions())
    people = [synthetic_avatar(rig, 1_000, levels=1, sh_degree=0, seed=seed) for seed in (1, 2)]
    return [encode(one, rig_file=shared, rig_name="rig.pav") for one in people], shared


def test_avatars_on_one_rig_hold_it_once():
    files, rig = two_people()
    sessions = [session_of(data, rig) for data in files]
    crowd = Crowd(sessions)
    first, second = sessions[0].scene, sessions[1].scene
    assert first.core.weights is not second.core.weights
    crowd.cloud(CAMERA)
    for one, other in zip(*map(mesh_arrays, crowd.members), strict=True):
        assert one is other
    for index, shape in first.shapes.items():
        if shape.displacements.nbytes >= 4096:
            assert shape.displacements is second.shapes[index].displacements
    camera = crowd.camera(size=(36, 30))
    assert len(crowd.cloud(camera, POSE).means) == first.gaussian_count + second.gaussian_count


def test_the_rig_stays_shared_while_units_arrive():
    data = head_file()
    ends = unit_ends(data)
    sessions = [session_of(data[: ends[-4]], rasterizer=TileRasterizer()), *heads(1)]
    crowd = Crowd(sessions)
    crowd.cloud(dolly(0))
    for end, start in zip(ends[-3:], ends[-4:-1], strict=True):
        sessions[0].feed(data[start:end])
        sessions[0].update()
        crowd.cloud(dolly(0))
        one, other = map(mesh_arrays, crowd.members)
        assert one[1] is other[1] and one[2] is other[2] and one[3] is other[3]
    assert one[0] is other[0]
    assert sessions[0].frame(camera=dolly(0)).tobytes() == sessions[1].frame(camera=dolly(0)).tobytes()


def test_a_supplied_rig_draws_like_an_embedded_one():
    embedded, supplied = session_of(toy_file()), session_of(external_file(), rig_file())
    pictures = [Crowd([one]).frame(CAMERA, POSE) for one in (embedded, supplied)]
    assert np.abs(pictures[0] - pictures[1]).max() < 0.05

"""Several avatars in one picture: right at full detail, within the budget, and without jumps."""

from itertools import pairwise

import numpy as np
import pytest

from avatars import KINDS, external_file, head_file, rig_file, toy_file
from pavfmt import encode
from pavfmt.cutting import unit_ends
from pavfmt.encoder import EncodeOptions, encode_rig_file
from pavfmt.interop.cc0_rig import read_cc0_rig
from pavfmt.model import Pose
from pavfmt.synthetic import synthetic_avatar
from pavplayer.arrays import NumpyNamespace
from pavplayer.camera import Camera
from pavplayer.crowd import Crowd, FrameTimeBudget, GaussianBudget, Placement, in_rows
from pavplayer.crowd import crowd as crowd_module
from pavplayer.crowd.gain import divide
from pavplayer.crowd.member import joined
from pavplayer.demo import RIG_FILE
from pavplayer.metrics import psnr
from pavplayer.posing import Poser
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.rasterizers.tiles import TileRasterizer
from pavplayer.session import Session

POSE = Pose({"jawOpen": 0.7, "eyeBlinkLeft": 0.4}, {"jaw": (0.3, 0.1, 0.0)}, (0.01, 0.0, 0.02))
CAMERA = Camera.orbit((0, 0, 0), 1.0, 10, 5, width=36, height=30, focal_px=45)
BACKGROUND = (0.2, 0.4, 0.6)
APART = [
    Placement((-0.15, 0.0, 0.0), 30.0),
    Placement((0.1, 0.05, -0.3), -100.0, 1.7),
    Placement((0.1, 0, 0.1)),
]


def session_of(data, rig=None, rasterizer=None):
    session = Session(rasterizer or PlainRasterizer())
    if rig is not None:
        session.supply_rig(rig)
    session.feed(data)
    session.update()
    return session


def toys():
    return [session_of(toy_file(kind)) for kind in ("face", "mixed", "surface")]


def heads(count=3):
    """A head of 3,000 Gaussians in a few sessions, drawn by tiles."""
    return [session_of(head_file(), rasterizer=TileRasterizer()) for _ in range(count)]


def dolly(share):
    """A camera that comes near three heads in rows."""
    return Camera.orbit((0.0, 0.05, 0.0), 3.5 - 2.5 * share, 5 * share, width=96, height=72, focal_px=150)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [None, GaussianBudget(1000)])
def test_one_avatar_without_a_limit_looks_as_it_does_alone(kind, budget):
    alone = session_of(toy_file(kind))
    crowd = Crowd([session_of(toy_file(kind))], budget=budget)
    picture = crowd.frame(CAMERA, POSE, BACKGROUND)
    assert np.abs(picture - alone.frame(POSE, CAMERA, BACKGROUND)).max() < 1e-6
    assert crowd.counts == [alone.scene.gaussian_count]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("placement", APART)
def test_a_placed_avatar_looks_as_from_a_camera_moved_the_other_way(kind, placement):
    """Spherical harmonics turn with the avatar, in world and in local axes."""
    alone = session_of(toy_file(kind))
    picture = Crowd([session_of(toy_file(kind))], [placement]).frame(CAMERA, POSE, BACKGROUND)
    moved = alone.frame(POSE, placement.seen_by(CAMERA), BACKGROUND)
    assert np.abs(picture - moved).max() < 2e-5
    assert picture.std() > 0.02


def test_a_placement_puts_points_where_its_camera_sees_them():
    point = np.array([[0.1, 0.2, 0.3]])
    for placement in APART:
        world, seen = placement.points(point)[0], placement.seen_by(CAMERA)
        here = CAMERA.rotation @ world + CAMERA.translation
        there = seen.rotation @ point[0] + seen.translation
        assert np.allclose(here, there * placement.scale)
    turned = Placement(yaw_degrees=90).points(np.array([[0.0, 0.0, 1.0]]))
    assert np.allclose(turned, [[1, 0, 0]])


def test_depth_decides_across_avatars_and_not_who_came_first():
    places = [Placement((0, 0, 0.1)), Placement((0.03, 0, -0.1), 40), Placement((-0.03, 0.02, 0.0), 10)]
    forward = Crowd(toys(), places).frame(CAMERA, None, BACKGROUND)
    backward = Crowd(toys()[::-1], places[::-1]).frame(CAMERA, None, BACKGROUND)
    assert np.abs(forward - backward).max() < 1e-6
    hidden = Crowd(toys()[:2], places[:2]).frame(CAMERA, None, BACKGROUND)
    assert np.abs(forward - hidden).max() > 0.02


def test_each_avatar_has_its_pose():
    poses = [Pose(), POSE, Pose(translation=(0.05, 0, 0))]
    together = Crowd(toys(), APART).cloud(CAMERA, poses)
    alone = [
        Crowd([one], [at]).cloud(CAMERA, pose) for one, at, pose in zip(toys(), APART, poses, strict=True)
    ]
    for name in ("means", "quats", "scales", "opacities", "sh"):
        joined = np.concatenate([getattr(cloud, name) for cloud in alone])
        assert getattr(together, name).tobytes() == joined.tobytes()


@pytest.mark.parametrize("limit", [10, 400, 3_000, 8_999])
def test_the_budget_holds_in_every_frame_and_is_used(limit):
    crowd = Crowd(heads(), budget=GaussianBudget(limit))
    for share in np.linspace(0, 1, 8):
        camera = dolly(share)
        cloud = crowd.cloud(camera)
        assert len(cloud.means) == crowd.drawn <= limit
        assert crowd.drawn > 0.8 * limit - 3
    crowd.budget = GaussianBudget(limit // 2)
    assert len(crowd.cloud(camera).means) <= limit // 2


def test_only_what_is_drawn_is_posed(monkeypatch):
    crowd, posed = Crowd(heads(), budget=GaussianBudget(900)), []
    frame = Poser.frame
    crowd.cloud(dolly(0))

    def noted(self, pose):
        posed.append(len(self))
        return frame(self, pose)

    monkeypatch.setattr(Poser, "frame", noted)
    crowd.cloud(dolly(0))
    assert posed == crowd.counts and sum(posed) <= 900


def test_out_of_view_costs_nothing(monkeypatch):
    crowd = Crowd(heads(), [Placement(), Placement((0, 50, 0)), Placement((0, 0, 80))], GaussianBudget(1500))
    camera = crowd.members[0].session.camera(size=(40, 60))
    crowd.cloud(camera)
    assert crowd.counts[1:] == [0, 0]
    assert crowd.counts[0] >= 1490
    crowd.members[1].placement = Placement((0.1, 0, 0))
    crowd.cloud(camera)
    assert crowd.counts[1] > 0 and crowd.drawn <= 1500


def test_nearer_more_important_and_looked_at_get_more():
    def counts(importance=(1, 1, 1), gaze=None, near=(0, 0, 0)):
        crowd = Crowd(heads(), [Placement((0.3 * (at - 1), -0.7, near[at])) for at in range(3)])
        crowd.budget = GaussianBudget(3_000)
        for member, worth in zip(crowd.members, importance, strict=True):
            member.importance = worth
        crowd.cloud(dolly(0), gaze=gaze)
        return crowd.counts

    even = counts()
    assert max(even) < 1.1 * min(even)
    assert counts(near=(0, 1.5, 0))[1] > 1.05 * even[1]
    assert counts(importance=(1, 8, 1))[1] > 1.1 * even[1]
    left, _, right = counts(gaze=(10, 36))
    assert left > 1.05 * even[0] and right < 0.95 * even[2]
    assert counts(importance=(1, 0, 1))[1] == 0


def blocks_changed(one, other):
    """The largest mean change of a block of 8×8 pixels."""
    change = np.abs(one.astype(np.float64) - other).mean(axis=2)
    rows, columns = (size // 8 for size in change.shape)
    return change[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).mean(axis=(1, 3)).max()


def pictured(crowd, camera, positions):
    """The crowd with prefixes of these lengths."""
    clouds = []
    for member, position in zip(crowd.members, positions, strict=True):
        kept, member.position = member.position, position
        clouds.append(member.cloud(Pose(), camera, crowd.rasterizer))
        member.position = kept
    return crowd.rasterizer.render(joined(NumpyNamespace(), clouds), camera, BACKGROUND)


def largest_jump(frames=16):
    """While a camera passes the first of three heads: the largest block change that new lengths alone make."""
    places = [Placement((0.15 * at, -0.7, -2.0 * at)) for at in range(3)]
    crowd, jumps = Crowd(heads(), places, GaussianBudget(3_000)), []
    for share in np.linspace(0, 1, frames):
        camera = Camera.orbit((0, 0, -4.2 * share), 3.5, width=96, height=72, focal_px=150)
        before = [member.position for member in crowd.members]
        after = crowd.frame(camera, background=BACKGROUND)
        if share > 0:
            jumps.append(blocks_changed(after, pictured(crowd, camera, before)))
    assert crowd.counts[0] == 0 and min(crowd.counts[1:]) > 1_100
    return max(jumps)


def test_nothing_jumps_when_the_camera_comes_near(monkeypatch):
    smooth = largest_jump()
    assert 0 < smooth < 0.01
    monkeypatch.setattr(crowd_module, "divide", lambda *asked: np.floor(divide(*asked) / 300) * 300)
    monkeypatch.setattr(crowd_module, "PACE", 1.0)
    stepped = largest_jump()
    assert stepped > 3 * smooth


def test_lengths_come_to_rest_and_stay_through_a_tremble():
    crowd = Crowd(heads(), budget=GaussianBudget(2_000))
    crowd.cloud(dolly(0.0))
    for _ in range(30):
        crowd.cloud(dolly(0.8))
    settled = crowd.counts
    for share in (0.802, 0.798, 0.801):
        crowd.cloud(dolly(share))
        assert crowd.counts == settled
    still = Crowd(heads(), budget=GaussianBudget(2_000))
    still.cloud(dolly(0.8))
    assert np.abs(np.array(still.counts) - settled).max() < 0.1 * 2_000
    crowd.settle()
    crowd.cloud(dolly(0.8))
    assert crowd.counts == still.counts


def test_more_budget_is_nearer_to_all():
    full = Crowd(heads()).frame(dolly(0.7))
    quality = [
        psnr(Crowd(heads(), budget=GaussianBudget(b)).frame(dolly(0.7)), full) for b in (600, 2_000, 7_000)
    ]
    assert quality[0] < quality[1] < quality[2]
    assert quality[2] > 40


def test_an_avatar_that_arrives_fills_its_place():
    data, session = head_file(), Session(TileRasterizer())
    crowd = Crowd(
        [*heads(1), session], [Placement((-0.2, -0.7, 0)), Placement((0.2, -0.7, 0))], GaussianBudget(2_500)
    )
    empty = Crowd([Session(TileRasterizer())]).frame(dolly(0), background=BACKGROUND)
    assert np.ptp(empty, axis=(0, 1)).max() == 0
    at, drawn = 0, []
    for end in unit_ends(data):
        session.feed(data[at:end])
        session.update()
        at = end
        crowd.cloud(dolly(0))
        assert crowd.drawn <= 2_500
        drawn.append(crowd.counts[1])
    assert drawn[0] == 0 and drawn[-1] > 800
    for _ in range(25):
        crowd.cloud(dolly(0))
    assert abs(crowd.counts[0] - crowd.counts[1]) < 250


def test_what_arrives_comes_up_over_some_frames():
    """Also where it belongs before what is there. Nothing goes while there is room for all."""
    data, (session,) = head_file(), heads(1)
    half = session.growth[len(session.growth) // 2]
    late = session_of(data[:half], rasterizer=TileRasterizer())
    crowd = Crowd([late], [Placement((0, -0.7, 0))])
    before = crowd.frame(dolly(0.5))
    late.feed(data[half:])
    late.update()
    assert late.scene.gaussian_count == session.scene.gaussian_count
    pictures = [before, *(crowd.frame(dolly(0.5)) for _ in range(9)), crowd.frame(dolly(0.5))]
    steps = [np.abs(one - other).max() for one, other in pairwise(pictures)]
    whole = np.abs(pictures[-1] - before).max()
    assert whole > 0.02 and max(steps) < 0.3 * whole
    assert steps[-1] == 0
    wanted = Crowd([session], [Placement((0, -0.7, 0))]).frame(dolly(0.5))
    assert np.abs(pictures[-1] - wanted).max() < 1e-6


def test_settling_shows_all_at_once():
    data = head_file()
    session = Session(TileRasterizer())
    crowd = Crowd([session])
    for end, start in zip(unit_ends(data), [0, *unit_ends(data)[:-1]], strict=True):
        session.feed(data[start:end])
        session.update()
        crowd.cloud(dolly(0))
    crowd.settle()
    camera = session.camera(size=(48, 70))
    assert np.abs(crowd.frame(camera) - session.frame(None, camera)).max() < 1e-6


@pytest.mark.parametrize("limit", [None, 30])
def test_torch_poses_the_same_crowd(limit):
    pytest.importorskip("torch")
    clouds = []
    for library in ("compiled", "torch"):
        sessions = []
        for kind in ("face", "mixed", "surface"):
            sessions.append(Session(PlainRasterizer(), xp=library))
            sessions[-1].feed(toy_file(kind, sh_degree=0))
            sessions[-1].update()
        clouds.append(Crowd(sessions, APART, limit and GaussianBudget(limit)).cloud(CAMERA, POSE))
    assert 0 < len(clouds[0].means) <= (limit or 63)
    for name in ("means", "scales", "opacities", "sh"):
        assert np.allclose(getattr(clouds[0], name), getattr(clouds[1], name).numpy(), atol=1e-5)


def mesh_arrays(member):
    mesh = member._arrived.poser.mesh
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


def test_rows_keep_heads_apart_and_in_view():
    sessions = heads(7)
    placements = in_rows(sessions)
    crowd = Crowd(sessions, placements)
    crowd.cloud(crowd.camera(size=(120, 80)))
    assert min(crowd.counts) > 0
    spots = np.array([placement.position for placement in placements])
    apart = np.linalg.norm(spots[:, None] - spots[None], axis=2) + np.eye(7)
    assert apart.min() > 0.2
    assert in_rows(sessions[:1]) == [Placement()]


def test_a_frame_time_budget_sees_the_clock():
    times = iter(np.arange(100) * 0.1)  # 100 ms a frame
    budget = FrameTimeBudget(10.0)
    crowd = Crowd(heads(1), budget=budget, clock=lambda: next(times))
    for _ in range(12):
        crowd.frame(dolly(0))
    assert budget.gaussians < 3_000


def test_what_makes_no_crowd():
    with pytest.raises(ValueError, match="needs an avatar"):
        Crowd([])
    with pytest.raises(ValueError, match="scale above 0"):
        Placement(scale=0.0)
    with pytest.raises(ValueError, match="zip"):
        Crowd(toys(), [Placement()])

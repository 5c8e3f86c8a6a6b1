"""Prefixes of a crowd grow and shrink without jumps, and what arrives comes up."""

from itertools import pairwise

import numpy as np
from crowds import BACKGROUND, dolly, heads, session_of

from pavfmt.model import Pose
from pavfmt.tools.cut import unit_ends
from pavplayer.camera import Camera
from pavplayer.crowd import Crowd, GaussianBudget, Placement
from pavplayer.crowd import crowd as crowd_module
from pavplayer.crowd.gain import allocate
from pavplayer.crowd.member import joined
from pavplayer.rasterizers.tiles import TileRasterizer
from pavplayer.session import Session
from spec.builders.avatars import head_file


def blocks_changed(one, other):
    """The largest mean change of a block of 8×8 pixels."""
    change = np.abs(one.astype(np.float64) - other).mean(axis=2)
    rows, columns = (size // 8 for size in change.shape)
    return change[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).mean(axis=(1, 3)).max()


def pictured(crowd, camera, lengths):
    """The crowd with prefixes of these lengths."""
    clouds = []
    for member, length in zip(crowd.members, lengths, strict=True):
        kept, member.length = member.length, length
        clouds.append(member.cloud(Pose(), camera))
        member.length = kept
    return crowd.rasterizer.render(joined(clouds), camera, BACKGROUND)


def largest_jump(frames=16):
    """While a camera passes the first of three heads: the largest block change that new lengths alone make."""
    places = [Placement((0.15 * at, -0.7, -2.0 * at)) for at in range(3)]
    crowd, jumps = Crowd(heads(), places, GaussianBudget(3_000)), []
    for share in np.linspace(0, 1, frames):
        camera = Camera.orbit((0, 0, -4.2 * share), 3.5, width=96, height=72, focal_px=150)
        before = [member.length for member in crowd.members]
        after = crowd.frame(camera, background=BACKGROUND)
        if share > 0:
            jumps.append(blocks_changed(after, pictured(crowd, camera, before)))
    assert crowd.counts[0] == 0 and min(crowd.counts[1:]) > 1_100
    return max(jumps)


def test_nothing_jumps_when_the_camera_comes_near(monkeypatch):
    smooth = largest_jump()
    assert 0 < smooth < 0.01
    monkeypatch.setattr(crowd_module, "allocate", lambda *asked: np.floor(allocate(*asked) / 300) * 300)
    monkeypatch.setattr(crowd_module, "STEP_SHARE", 1.0)
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

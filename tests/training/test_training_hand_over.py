"""A fitted base hands over to the originals: the parts of the method, and the whole on toys and a real head."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("torch")

import torch
from realdata import DATA, needs_data

from pavfmt import EncodeOptions, decode
from pavfmt.encoder import encode
from pavfmt.encoder.options import HAND_OVER_PRECISION
from pavfmt.encoder.pictures import height_of
from pavfmt.errors import EncodeError
from pavfmt.importers import read_avatar
from pavfmt.model import Avatar, Pose
from pavfmt.posing import pose_avatar
from pavfmt.registry import ShFrame
from pavfmt.tools.synthetic import toy_avatar
from pavfmt.tools.verify import verify
from pavtraining.fake_quantization import fake_quantized, quaternions_from_stereographic
from pavtraining.hand_over import HandOverConfiguration, default_configuration, hand_over
from pavtraining.hand_over.base import _principal
from pavtraining.hand_over.checkpoint import Checkpoint
from pavtraining.hand_over.clusters import clustered, divided
from pavtraining.hand_over.method import HandOverFit
from pavtraining.hand_over.on_faces import flattened, on_children
from pavtraining.hand_over.order.patches import only_last, parents_of, with_chunks
from pavtraining.hand_over.order.schedule import (
    NEVER,
    HandOverSchedule,
    Move,
    arrivals_of,
    best_moves,
    retirements_of,
)
from pavtraining.hand_over.order.significance import significance
from pavtraining.hand_over.training_views import TrainingViewMaker
from pavtraining.rendering.projection import rotation_from_quaternion
from pavtraining.sources import Teacher
from research.results.judging import judged

KINDS = ("surface", "static")
TINY = HandOverConfiguration(
    cover_count=4,
    lining_count=2,
    patch_size=4,
    exact_decibels=60.0,
    exact=True,
    shares=(0.5, 1.0),
    view_count=4,
    measured_view_count=2,
    significant_view_count=2,
    picture_size=(44, 64),
    scout_steps=2,
    alone_steps=4,
    prefix_steps=(3, 3),
)


FINE = EncodeOptions(first_unit_bytes=2048, unit_bytes=2048)
FITTED = replace(
    TINY,
    exact=False,
    kept_decibels=30.0,
    own_steps=6,
    joint_steps=3,
    whole_steps=2,
    full_picture_size=(66, 96),
    full_view_count=2,
)


def flat_toy(kind="surface"):
    avatar = toy_avatar(kind)
    return Avatar(avatar.levels[:1], avatar.rig, avatar.identity)


@pytest.fixture(scope="module", params=KINDS)
def handed_over(request):
    return flat_toy(request.param), hand_over(flat_toy(request.param), TINY)


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    return flat_toy(request.param), hand_over(flat_toy(request.param), FITTED)


# --- Clusters and patches ---


def features(count=200):
    return np.random.Generator(np.random.PCG64(5)).normal(size=(count, 3))


def test_every_cluster_has_a_member_and_a_seed_gives_the_same_ones():
    labels = clustered(features(), np.ones(200), 30, seed=1)
    assert set(labels) == set(range(labels.max() + 1)) and labels.max() < 30
    assert (labels == clustered(features(), np.ones(200), 30, seed=1)).all()
    assert (labels != clustered(features(), np.ones(200), 30, seed=2)).any()


def test_there_are_no_more_clusters_than_places_of_weight():
    weights = np.zeros(200)
    weights[:7] = 1
    assert clustered(features(), weights, 30, seed=1).max() == 6


def test_parts_are_no_heavier_than_asked_unless_they_cannot_be_divided():
    weights = np.ones(200)
    weights[3] = 50
    labels = divided(features(), weights, 20)
    heavy = np.bincount(labels, weights)
    assert (heavy[np.arange(len(heavy)) != labels[3]] <= 20).all()
    assert np.bincount(labels)[labels[3]] == 1
    assert 10 <= len(heavy) <= 40, "parts are about halves"


def test_equal_places_are_divided_too():
    assert divided(np.zeros((9, 3)), np.ones(9), 2).max() >= 4


# --- Order ---


def test_moves_follow_the_hull_and_the_steepest_come_first():
    errors = np.array([[10.0, 9.0, 1.0, 0.0], [8.0, 4.0, 3.2, 3.1]])
    costs = np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    moves = best_moves(errors, costs)
    assert [(move.patch, move.state) for move in moves] == [(0, 2), (1, 1), (0, 3), (1, 2), (1, 3)]


def test_empty_chunks_and_empty_patches_make_no_moves():
    errors = np.array([[4.0, 1.0, 0.5], [3.0, 2.0, 1.0]])
    costs = np.array([[0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    assert [(move.patch, move.state) for move in best_moves(errors, costs)] == [(0, 2)]


def test_a_chunk_that_does_harm_still_comes_after_those_before_it():
    moves = best_moves(np.array([[4.0, 1.0, 2.0]]), np.array([[0.0, 1.0, 2.0]]))
    assert [move.state for move in moves] == [1, 2]


def test_arrivals_and_retirements():
    moves = [Move(1, 1, 3.0), Move(0, 2, 2.0), Move(1, 2, 1.0)]
    patches, states = np.array([0, 0, 1, 1, 1]), np.array([1, 2, 1, 2, 3])
    arrivals = arrivals_of(moves, patches, states)
    assert arrivals.tolist() == [1, 1, 0, 2, NEVER]
    parents = np.array([0, 1, 2, 2, -1], np.int32)
    retirements = retirements_of(parents, arrivals, 4)
    assert retirements.tolist() == [1, 1, 2, NEVER]
    assert only_last(parents, arrivals, retirements).tolist() == [0, 1, -1, 2, -1]
    schedule = HandOverSchedule(
        tuple(moves), arrivals, parents, retirements, np.array([10.0, 18.0, 34.0, 42.0])
    )
    assert schedule.there(1).tolist() == [2] and schedule.there(2).tolist() == [0, 1, 2]
    assert schedule.shown(1).tolist() == [True, True, True, True]
    assert schedule.shown(2).tolist() == [False, False, True, True]
    assert [schedule.moves_within(budget) for budget in (0, 17, 18, 99)] == [0, 0, 1, 3]


def test_everyone_of_the_base_has_a_child_where_there_are_originals_enough():
    method = HandOverFit(flat_toy(), TINY)
    method.begin_base(method.importance)
    patches = with_chunks(method.patches, method.importance, TINY.shares)
    first, bare = (np.full(patches.patch_count, state) for state in (1, 2))
    count = patches.cluster_count + 2
    parents = parents_of(patches, first, bare, patches.features[:2])
    assert parents.max() < count
    spare = min((patches.states == 1).sum(), patches.cluster_count)
    assert len(set(parents[(parents >= 0) & (parents < patches.cluster_count)])) == spare


def test_significance_is_the_error_of_leaving_one_out():
    teacher = Teacher(flat_toy())
    view = TrainingViewMaker(teacher, teacher.avatar).views(1, (44, 64))[0]
    found = significance([view], None, 0, probes=400)
    whole = view.picture(view.originals)
    for row in range(len(found)):
        others = torch.tensor([k for k in range(len(found)) if k != row])
        wanted = float((view.picture(view.originals.take(others)) - whole).square().sum())
        assert found[row] == pytest.approx(wanted, rel=0.35, abs=1e-6)


# --- The whole ---


def test_the_originals_are_the_flat_avatars_own(handed_over):
    flat, result = handed_over
    found, wanted = result.avatar.levels[1].gaussians, flat.levels[0].gaussians.take(result.kept)
    for name in ("sites", "means", "quats", "log_scales", "opacities", "sh0", "shN"):
        assert getattr(found, name).tobytes() == getattr(wanted, name).tobytes()


def test_siblings_come_together(handed_over):
    _, result = handed_over
    schedule = result.schedule
    for parent in set(schedule.parents[schedule.parents >= 0]):
        assert len(set(schedule.arrivals[schedule.parents == parent])) == 1


def test_importance_is_the_order_of_the_schedule(handed_over):
    _, result = handed_over
    order = np.argsort(-result.avatar.levels[1].gaussians.importance)
    assert (np.diff(result.schedule.arrivals[order]) >= 0).all()


def test_nothing_of_a_base_with_children_is_left_at_the_end(handed_over):
    _, result = handed_over
    scene = decode(encode(result.avatar))
    base, originals = result.avatar.levels
    left = np.setdiff1d(np.arange(len(base.gaussians)), originals.parents)
    opacities, _ = scene.effective()
    of_base = opacities[scene.arrays().levels == 0]
    assert (of_base > 0).sum() <= len(left)


def test_fitted_originals_are_other_numbers_in_the_same_places(fitted):
    flat, result = fitted
    found, given = result.avatar.levels[1].gaussians, flat.levels[0].gaussians.take(result.kept)
    assert found.sites.tobytes() == given.sites.tobytes()
    for name in ("means", "log_scales", "opacities", "sh0"):
        assert (getattr(found, name) != getattr(given, name)).any()
        assert np.abs(getattr(found, name) - getattr(given, name)).max() < 0.5
    assert verify(encode(result.avatar)) == []


def test_fitted_originals_are_repeatable(fitted):
    flat, result = fitted
    again = hand_over(flat, FITTED)
    for name in ("means", "quats", "log_scales", "opacities", "sh0", "importance"):
        one, other = (levels[1].gaussians for levels in (result.avatar.levels, again.avatar.levels))
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_a_seed_makes_it_repeatable(handed_over):
    flat, result = handed_over
    again = hand_over(flat, TINY)
    for one, other in zip(result.avatar.levels, again.avatar.levels, strict=True):
        for name in ("sites", "means", "quats", "log_scales", "opacities", "sh0", "importance"):
            assert getattr(one.gaussians, name).tobytes() == getattr(other.gaussians, name).tobytes()
    assert (result.avatar.levels[1].parents == again.avatar.levels[1].parents).all()


def test_progress_rises_to_one():
    told = []
    hand_over(flat_toy(), TINY, lambda what, done: told.append((what, done)))
    done = [share for _, share in told]
    assert done == sorted(done) and done[0] == 0 and 0.5 < done[-1] <= 1
    assert {what for what, _ in told} >= {
        "drawing views",
        "fitting the base",
        "fitting the base under prefixes",
    }


def test_the_base_stays_in_its_ranges(handed_over):
    _, result = handed_over
    base = result.avatar.levels[0].gaussians
    low, high = TINY.scales
    half = HAND_OVER_PRECISION.log_scale_step / 2 + 1e-4
    assert base.log_scales.min() >= np.log(low) - half and base.log_scales.max() <= np.log(high) + half
    assert base.opacities.max() <= TINY.most_opacity


def test_the_base_is_on_the_lattice_it_is_written_on(handed_over):
    _, result = handed_over
    base = result.avatar.levels[0].gaussians
    turns = base.quats[:, 1:] / (1 + base.quats[:, :1])
    if result.avatar.rig is not None:  # else its height is that of Gaussians, which are still being fitted
        steps = base.means / (HAND_OVER_PRECISION.mean_step * height_of(result.avatar))
        assert np.abs(steps - np.round(steps)).max() < 1e-3
    for values, step in (
        (base.log_scales, HAND_OVER_PRECISION.log_scale_step),
        (turns, HAND_OVER_PRECISION.quat_step),
        (base.opacities, HAND_OVER_PRECISION.opacity_step),
        (base.sh0, HAND_OVER_PRECISION.sh0_step),
    ):
        assert np.abs(values / step - np.round(values / step)).max() < 1e-3


def test_rounding_lets_gradients_pass():
    values = torch.tensor([0.2, 0.7], requires_grad=True)
    found = fake_quantized(values, 0.5)
    assert found.tolist() == [0.0, 0.5]
    found.sum().backward()
    assert values.grad.tolist() == [1.0, 1.0]


def test_of_all_forms_of_an_ellipsoid_the_least_turned_is_taken():
    turn = np.linalg.qr(features(27).reshape(9, 3, 3))[0]
    turn[:, :, 0] *= np.linalg.det(turn)[:, None]
    scales = np.array([3.0, 2.0, 1.0])
    covariances = turn * scales**2 @ turn.transpose(0, 2, 1)
    points, found = _principal(covariances)
    quats = quaternions_from_stereographic(torch.from_numpy(points))
    axes = rotation_from_quaternion(quats).numpy()
    assert np.abs(axes * found[:, None] ** 2 @ axes.transpose(0, 2, 1) - covariances).max() < 1e-9
    assert (np.linalg.norm(points, axis=1) <= np.tan(np.radians(62.8) / 4)).all()


@pytest.mark.parametrize(
    "options",
    [
        {"cover_count": 0},
        {"first_count": 771},
        {"patch_size": 0},
        {"shares": (0.5, 0.4, 1.0)},
        {"shares": (0.5,)},
    ],
)
def test_nonsense_is_refused(options):
    with pytest.raises(EncodeError):
        HandOverConfiguration(**options)


def test_levels_are_refused():
    with pytest.raises(EncodeError) as caught:
        hand_over(toy_avatar("surface"), TINY)
    assert caught.value.code == "bad-level"


def test_an_invisible_avatar_is_refused():
    avatar = flat_toy()
    level = avatar.levels[0]
    unseen = replace(level.gaussians, opacities=np.zeros(len(level.gaussians)))
    with pytest.raises(EncodeError) as caught:
        hand_over(replace(avatar, levels=(replace(level, gaussians=unseen),)), TINY)
    assert caught.value.code == "no-gaussians"


def test_surface_points_on_faces_are_refused():
    avatar = toy_avatar("surface")
    level = replace(avatar.levels[1], splits=None)
    sites = level.gaussians.sites % len(avatar.rig.faces)
    level = replace(level, gaussians=replace(level.gaussians, sites=sites))
    with pytest.raises(EncodeError) as caught:
        hand_over(Avatar((level,), avatar.rig, avatar.identity), TINY)
    assert caught.value.code == "bad-site"


def test_where_a_base_errs_its_originals_weigh_most():
    method = HandOverFit(flat_toy(), replace(TINY, scout_steps=0))
    method.begin_base(method.importance)
    wrong = int(np.argmax(np.bincount(method.patches.clusters, method.importance)))
    with torch.no_grad():
        method.base.colours[wrong] = 1 - method.base.colours[wrong].round()
        method.base.logits[wrong] = 6.0
    found = method.errors_of_base()
    members = method.patches.clusters == wrong
    assert (found[method.importance > 0] > 0).all() and (found[method.importance == 0] == 0).all()
    per_light = found / np.maximum(method.importance, 1e-12)
    assert per_light[members].max() > np.median(per_light[~members])
    method.begin_base(found)
    assert len(method.base) > 0


def test_the_first_of_a_cover_are_sent_before_the_others():
    result = hand_over(flat_toy(), replace(TINY, first_count=2))
    method = HandOverFit(flat_toy(), replace(TINY, first_count=2))
    method.begin_base(method.importance)
    parts = method.base.part
    assert (np.bincount(parts) == [2, len(parts) - 4, 2]).all()
    shown, alone = zip(*(method.base.beginning(place) for place in (0.1, 0.5, 0.9)), strict=True)
    assert [mask.sum() for mask in shown] == [len(parts), len(parts) - 2, 2] and alone == (False, False, True)
    assert (parts[shown[2]] == 0).all()
    level = result.avatar.levels[0]
    rows, ranks, count = level.beginning.rows, level.gaussians.importance, len(level.gaussians)
    others, lining = np.setdiff1d(np.arange(count - 2), rows), np.arange(count - 2, count)
    assert len(rows) == 2 and ranks[rows].min() > ranks[others].max() > ranks[lining].max()
    assert (level.beginning.log_scales != level.gaussians.log_scales[rows]).any()


@pytest.mark.parametrize("stop", range(1, 20, 3))
def test_what_was_kept_of_a_base_in_two_parts_leads_to_the_same_end(stop):
    """What only the first part's numbers have done by then is theirs: not every step shows them."""
    configuration, kept = replace(TINY, first_count=2, alone_steps=20), []

    def on_step(phase, steps, error):
        if phase.number == 2 and steps == stop:
            kept.append({name: values.copy() for name, values in checkpoint.arrays().items()})

    checkpoint = Checkpoint(on_step=on_step)
    wanted = hand_over(flat_toy(), configuration, checkpoint=checkpoint).avatar.levels[0]
    found = hand_over(flat_toy(), configuration, checkpoint=Checkpoint(kept[0])).avatar.levels[0]
    assert found.beginning.log_scales.tolist() == wanted.beginning.log_scales.tolist()
    assert found.gaussians.means.tolist() == wanted.gaussians.means.tolist()


# --- Originals on faces ---


@pytest.mark.parametrize(("kind", "has_parts"), [("face", True), ("surface", False), ("static", False)])
def test_what_is_on_faces_gets_a_base_in_two_parts(kind, has_parts):
    toy = toy_avatar(kind)
    one = Avatar(toy.levels[:1], toy.rig, toy.identity)
    assert (default_configuration(one).first_count > 0) is has_parts


def as_seen(avatar, pose):
    posed = pose_avatar(avatar, pose)
    signs = np.where(posed.quats[:, :1] < 0, -1, 1)
    return np.concatenate([posed.means, posed.scales, signs * posed.quats], axis=1)


def test_levels_on_faces_become_one_that_looks_the_same_at_rest():
    avatar = toy_avatar("face")
    flat = flattened(avatar)
    assert len(flat.levels) == 1 and flat.levels[0].splits is None
    np.testing.assert_allclose(as_seen(flat, Pose()), as_seen(avatar, Pose()), atol=2e-6)


def test_one_level_on_faces_stays_as_it_is():
    avatar = flat_toy("face")
    assert flattened(avatar) is avatar


def test_sh_that_turn_with_their_faces_cannot_be_put_into_one_level():
    avatar = toy_avatar("face")
    local = replace(avatar, levels=tuple(replace(one, sh_frame=ShFrame.LOCAL) for one in avatar.levels))
    with pytest.raises(EncodeError) as caught:
        flattened(local)
    assert caught.value.code == "bad-site"


def children_of(flat):
    nothing = replace(flat.levels[0], gaussians=flat.levels[0].gaussians.take(np.zeros(0, np.int64)))
    return replace(flat, levels=(nothing, on_children(flat, flat.levels[0])))


def test_first_children_carry_the_same_gaussians():
    """At rest; and turned as their parents turn, whatever the pose."""
    flat = flattened(toy_avatar("face"))
    there = children_of(flat)
    assert (there.levels[1].gaussians.sites % 3 == 0).all()
    np.testing.assert_allclose(as_seen(there, Pose()), as_seen(flat, Pose()), atol=2e-6)
    names = [shape.name for shape in flat.rig.shapes]
    moved = Pose(dict.fromkeys(names, 0.5), rotations={flat.rig.joint_names[-1]: (0.3, -0.2, 0.1)})
    given, found = as_seen(flat, moved), as_seen(there, moved)
    np.testing.assert_allclose(found[:, 6:], given[:, 6:], atol=2e-6)
    motion = np.abs(given[:, :3] - as_seen(flat, Pose())[:, :3]).max()
    assert np.abs(found[:, :3] - given[:, :3]).max() < 0.2 * motion


@pytest.mark.parametrize("configuration", [TINY, FITTED], ids=["exact", "fitted"])
def test_an_avatar_on_faces_hands_over(configuration):
    given = toy_avatar("face")
    avatar = hand_over(given, configuration).avatar
    base, originals = avatar.levels
    assert base.parents is None and originals.parents.max() < len(base.gaussians)
    data = encode(avatar, FINE)
    assert verify(data) == []
    assert decode(data).gaussian_count == len(base.gaussians) + len(originals.gaussians)


def test_what_hands_over_already_is_refused():
    avatar = toy_avatar("face")
    coarse, finer, _ = avatar.levels
    finer = replace(finer, parents=np.zeros(len(finer.gaussians), np.int32))
    with pytest.raises(EncodeError) as caught:
        hand_over(replace(avatar, levels=(coarse, finer)), TINY)
    assert caught.value.code == "bad-level"


@needs_data
@pytest.mark.slow
def test_a_real_heads_base_is_a_whole_head_where_its_originals_are_not():
    flat = read_avatar(DATA / "lam" / "status.zip")
    quick = HandOverConfiguration(
        cover_count=300,
        lining_count=80,
        view_count=9,
        measured_view_count=2,
        significant_view_count=4,
        picture_size=(138, 200),
        full_picture_size=(138, 200),
        full_view_count=9,
        own_steps=200,
        joint_steps=40,
        whole_steps=2,
        scout_steps=60,
        alone_steps=120,
        prefix_steps=(40,),
    )
    teacher = Teacher(flat)
    views = [teacher.training_view(number, (138, 200)) for number in (7, 8)]
    result = hand_over(flat, quick)
    plain = replace(
        flat, levels=(replace(flat.levels[0], gaussians=flat.levels[0].gaussians.take(result.kept)),)
    )
    budgets = [5_000, 20_000, 200_000]
    found, without = (judged(encode(one, FINE), budgets, views) for one in (result.avatar, plain))
    gains = [one.psnr - other.psnr for one, other in zip(found, without, strict=True)]
    for gain, least in zip(gains, (8, 5, 1), strict=True):
        assert gain > least, f"gains over the same originals as they were: {gains}"

"""What is encoded comes back: posed Gaussians within stated bounds, rig and annotations as stated."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from comparing import frozen

from pavfmt import (
    Avatar,
    Decoder,
    EncodeError,
    Gaussians,
    Level,
    Pose,
    Site,
    Splits,
    Track,
    decode,
    encode,
    pose_avatar,
)
from pavfmt.decoding.events import UnitDamaged
from pavfmt.encoder import EncodeOptions, stored_importance
from pavfmt.encoder.options import Precision
from pavfmt.encoder.precision import FINER, VISIBILITY_RANGE, level_precisions
from pavfmt.encoder.rig.renumbering import renumbered
from pavfmt.posing import STATIC_RIG, level_frames, pose_mesh, rotation_from_quaternion
from pavfmt.registry import Binding, UnitType
from pavfmt.tools.synthetic import toy_avatar
from pavfmt.tools.verify import verify
from spec.builders.avatars import KINDS, PICTURE, SMALL_UNITS, toy, toy_file
from spec.builders.forging import frames_of, unit_spans

EVEN = Precision(
    mean_power=0, log_scale_power=0, quat_power=0, opacity_power=0, sh0_power=0, kept_importance=1.0
)
"""The same steps for all Gaussians, none left out."""
FINE = EncodeOptions(
    precision=replace(
        EVEN,
        mean_step=1e-6,
        log_scale_step=1e-4,
        quat_step=1e-4,
        opacity_step=1e-5,
        sh0_step=1e-4,
        band_steps=(1e-4, 1e-4, 1e-4),
    ),
    minimum_scale=1e-9,
    barycentric_bits=15,
    split_bits=15,
    weight_bits=10,
    first_unit_bytes=200,
    unit_bytes=300,
    unit_share=0.0,
    neutral_step=1e-7,
    shape_step=1e-7,
)
POSES = {
    "rest": Pose(),
    "open": Pose({"jawOpen": 0.7, "eyeBlinkLeft": 0.4}, {"jaw": (0.3, 0.1, -0.2)}, (0.01, 0.02, -0.03)),
    "turned": Pose({"still": 1.0}, {"root": (0.0, 2.0, 0.4), "jaw": (-0.5, 0.0, 0.0)}),
}


def equally_seen(avatar):
    """Importance by which no Gaussian is written more coarsely than another."""
    return [np.ones(len(level.gaussians)) for level in avatar.levels]


def differences(avatar, data, pose):
    """Largest difference of every attribute, Gaussians being matched level by level, nearest colour first."""
    before, after = pose_avatar(avatar, pose), pose_avatar(decode(data).snapshot().avatar, pose)
    assert len(before.means) == len(after.means)
    order = np.concatenate([_matching(avatar, data, number) for number in range(len(avatar.levels))])
    turned = rotation_from_quaternion(before.quats) - rotation_from_quaternion(after.quats[order])
    return {
        "means": np.abs(before.means - after.means[order]).max(),
        "rotations": np.abs(turned).max(),
        "scales": np.abs(np.log(before.scales) - np.log(after.scales[order])).max(),
        "opacities": np.abs(before.opacities - after.opacities[order]).max(),
        "sh": np.abs(before.sh - after.sh[order]).max(),
        "sh frames": 0.0
        if before.sh_quats is None
        else np.abs(
            rotation_from_quaternion(before.sh_quats) - rotation_from_quaternion(after.sh_quats[order])
        ).max(),
    }


def _matching(avatar, data, number):
    """Which decoded Gaussian each of a level's is, by colour and opacity, which are far apart in toys."""
    decoded = decode(data).snapshot().avatar
    start = sum(len(level.gaussians) for level in avatar.levels[:number])

    def signature(level):
        return np.concatenate([level.gaussians.sh0[:, 0], level.gaussians.opacities[:, None]], axis=1)

    one, two = signature(avatar.levels[number]), signature(decoded.levels[number])
    if not len(one):
        return np.zeros(0, dtype=int)
    nearest = np.argmin(np.abs(one[:, None] - two[None]).sum(axis=2), axis=1)
    assert sorted(nearest) == list(range(len(one)))
    return start + nearest


CASES = [
    *((kind, {}) for kind in KINDS),
    *((kind, {"subdivided": True}) for kind in ("face", "surface", "mixed")),
    *(("mixed", {"sh_degree": degree}) for degree in (0, 2, 3)),
    ("static", {"sh_degree": 3}),
]


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("kind, options", CASES)
def test_fine_grids_give_nearly_the_same_posed_gaussians(kind, options, pose):
    """The neutral's and the shapes' steps of 0.1 µm and barycentrics of 2^−15 remain."""
    avatar = toy_avatar(kind, **options)
    found = differences(avatar, encode(avatar, FINE, equally_seen(avatar)), POSES[pose])
    bounds = {
        "means": 2e-5,
        "rotations": 2e-3,
        "scales": 1e-3,
        "opacities": 1e-4,
        "sh": 2e-4,
        "sh frames": 1e-3,
    }
    assert {name: value for name, value in found.items() if value > bounds[name]} == {}


def bounds_at_rest(avatar, precision):
    """A step, and what rounding to the grid's own, a sixth of it, adds: the most there can be at a grid's ends.

    Elsewhere it is half of that (`test_steps`). A turn by θ is tan(θ / 4) in stereographic coordinates, and no entry
    of a rotation moves more than it turns.
    """
    whole = 1 + 1 / FINER
    rig = avatar.rig
    height = np.ptp(avatar.identity.neutral[:, 1]) if rig else np.ptp(pose_avatar(avatar).means, axis=0).max()
    widest = max(_largest_over_median(avatar, number) for number in range(len(avatar.levels)))
    return {
        "means": whole * precision.mean_step * height * widest * 3**0.5,
        "rotations": 4 * whole * precision.quat_step * 3**0.5,
        "scales": whole * precision.log_scale_step,
        "opacities": whole * precision.opacity_step,
        "sh": whole * max(precision.sh0_step, *precision.band_steps),
        "sh frames": 2e-2,
    }


def _largest_over_median(avatar, number):
    """Of the sizes of the frames that a level's Gaussians live in; its steps are those of the median."""
    mesh = pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, Pose())
    sizes = level_frames(avatar.levels, number, mesh)[3]
    return sizes.max() / np.median(sizes)


@pytest.mark.parametrize("factor", [0.1, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_gaussians_stay_within_their_steps_at_rest(kind, factor):
    """Where all are as visible. A coarse neutral and coarse points on faces cost nothing at rest."""
    avatar, precision = toy(kind), replace(EVEN.scaled(factor), kept_importance=1.0)
    data = encode(avatar, EncodeOptions(precision), equally_seen(avatar))
    found = differences(avatar, data, Pose())
    bounds = bounds_at_rest(avatar, precision)
    assert {name: value for name, value in found.items() if value > bounds[name]} == {}


def test_what_is_hardly_seen_is_written_no_coarser_than_what_is_seen_a_little():
    """Else a speck whose size is rounded becomes a blanket."""
    avatar = toy_avatar("static")
    importance = equally_seen(avatar)
    importance[0][:3] = 1e-9, VISIBILITY_RANGE[0], 1.0
    level = level_precisions(avatar, importance, EncodeOptions())[0]
    hardly, little, well = (level.unit_steps(np.array([row])).multipliers for row in range(3))
    assert hardly == little
    assert all(little[name] > well[name] for name in ("log_scales", "quats", "sh0"))


@pytest.mark.parametrize("kind", ["face", "surface", "mixed"])
def test_a_coarse_neutral_costs_nothing_at_rest(kind):
    coarse = replace(FINE, neutral_step=2e-3)
    avatar = toy(kind)
    assert differences(avatar, encode(avatar, coarse), Pose())["means"] < 3e-5
    moved = decode(encode(avatar, coarse)).identity.neutral - avatar.identity.neutral
    assert np.abs(moved).max() > 1e-4


@pytest.mark.parametrize("per", ["gaussian", "face"])
@pytest.mark.parametrize("kind", ["face", "mixed"])
def test_either_order_brings_every_gaussian(kind, per):
    avatar = toy_avatar(kind, importance=True)
    data = encode(avatar, replace(FINE, importance_per=per), stored_importance(avatar))
    assert differences(avatar, data, POSES["open"])["means"] < 2e-5
    assert verify(data) == []


def test_more_important_gaussians_come_first():
    avatar = toy_avatar("surface", importance=True)
    data = encode(avatar, replace(FINE, first_unit_bytes=1, unit_bytes=1), stored_importance(avatar))
    for number, level in enumerate(avatar.levels):
        order = _matching(avatar, data, number) - sum(len(one.gaussians) for one in avatar.levels[:number])
        in_level = decode(data).arrays().levels == number
        assert in_level.sum() == len(level.gaussians)
        assert (np.diff(level.gaussians.importance[np.argsort(order)]) <= 0).all()


def test_whole_faces_go_together():
    avatar = toy_avatar("face", importance=True)
    options = replace(FINE, importance_per="face", first_unit_bytes=1, unit_bytes=1)
    blocks = decode(encode(avatar, options, stored_importance(avatar))).gaussians.blocks
    sites = [int(block.sites[0]) for block in blocks if block.level == 0]
    changes = sum(a != b for a, b in itertools.pairwise(sites))
    assert changes == len(set(sites)) - 1


def test_empty_levels_and_levels_without_splits_are_legal():
    avatar = toy("face")
    empty = avatar.levels[1].gaussians.take(slice(0, 0))
    nothing = Splits(np.zeros(0, np.int32), np.zeros((0, 3), np.float32))
    levels = (avatar.levels[0], replace(avatar.levels[1], gaussians=empty), Level(empty, splits=nothing))
    data = encode(replace(avatar, levels=levels), SMALL_UNITS)
    assert verify(data) == []
    assert [len(level.gaussians) for level in decode(data).snapshot().avatar.levels] == [9, 0, 0]


def test_an_avatar_of_no_gaussians_is_legal_and_shows_nothing():
    avatar = toy("face")
    nothing = tuple(replace(level, gaussians=level.gaussians.take(slice(0, 0))) for level in avatar.levels)
    data = encode(replace(avatar, levels=nothing))
    assert verify(data) == []
    assert not decode(data).is_visible


def one_gaussian(mean, log_scale=-5.0):
    return Gaussians(
        [0], [mean], [[1, 0, 0, 0]], [[log_scale] * 3], [0.5], np.full((1, 1, 3), 3.0), np.zeros((1, 0, 3))
    )


@pytest.mark.parametrize("options", [EncodeOptions(), FINE], ids=["default", "fine"])
@pytest.mark.parametrize("mean", [(0, 0, 0), (3.0, -5.0, 1e3), (1e-6, 2.0, 0.0)])
def test_a_single_gaussian_anywhere_is_legal(mean, options):
    """Within half a step; alone it is one metre high."""
    avatar = Avatar((Level(one_gaussian(mean), Binding.SURFACE_POINT, Site.JOINT),))
    found, precision = decode(encode(avatar, options)).arrays(), options.precision
    assert found.means[0] == pytest.approx(mean, rel=1e-6, abs=0.6 * precision.mean_step)
    assert found.log_scales[0] == pytest.approx([-5.0] * 3, abs=0.6 * precision.log_scale_step)


@pytest.mark.parametrize("thinnest", [6e-5, 1e-6])
def test_thin_axes_are_thickened_to_the_minimum_scale(thinnest):
    avatar = Avatar((Level(one_gaussian((0, 0, 0), -30.0), Binding.SURFACE_POINT, Site.JOINT),))
    options = replace(FINE, minimum_scale=thinnest)
    assert np.exp(decode(encode(avatar, options)).arrays().log_scales) == pytest.approx(thinnest, rel=1e-4)


def test_identity_is_separate_from_the_mean_neutral():
    avatar = renumbered(toy("face"))
    scene = decode(encode(avatar, FINE))
    assert np.abs(scene.core.mean_neutral - avatar.rig.mean_neutral).max() < 2e-6  # 0.2 m in 2^16 steps
    assert np.abs(scene.identity.neutral - avatar.identity.neutral).max() < 4e-7
    assert np.abs(scene.identity.joint_positions - avatar.identity.joint_positions).max() < 1e-7
    without = decode(encode(replace(avatar, identity=None)))
    assert without.identity is None


def test_the_rig_comes_back_exactly_where_it_is_stated_so():
    rig, core = renumbered(toy("face")).rig, decode(encode(toy("face"), FINE)).core
    assert (core.joint_names, core.joint_parents, core.profile) == (
        rig.joint_names,
        rig.joint_parents,
        rig.profile,
    )
    assert core.faces.tolist() == rig.faces.tolist()
    assert core.mean_joint_positions.tobytes() == rig.mean_joint_positions.tobytes()
    assert np.abs(core.weights - rig.weights).max() <= 1 / 1023
    assert core.shape_names == tuple(shape.name for shape in rig.shapes)
    assert core.essential_shapes == {0, 1}
    assert core.corrective_joints == (1,)
    assert core.region_names == ("top", "bottom")


def test_shapes_and_correctives_come_back_within_a_step():
    rig, scene = renumbered(toy("face")).rig, decode(toy_file("face"))
    half = 0.51 * SMALL_UNITS.shape_step
    for index, shape in enumerate(rig.shapes):
        assert np.abs(scene.shapes[index].displacements - shape.displacements).max() <= half
    assert scene.shapes[0].joint_displacements.tobytes() == rig.shapes[0].joint_displacements.tobytes()
    assert scene.shapes[1].joint_displacements is None
    assert not scene.shapes[2].displacements.any()
    assert np.abs(scene.correctives.displacements - rig.correctives.displacements).max() <= half


def test_metadata_comes_back_and_names_its_generator():
    metadata = {"title": "Zoë", "license": "CC0-1.0", "org.example.note": "two\nlines"}
    data = encode(replace(toy("static"), metadata=metadata))
    assert decode(data).metadata == {**metadata, "generator": "pavfmt"}


def test_a_thumbnail_stands_after_the_first_gaussians():
    data = toy_file("face", picture=True)
    scene = decode(data)
    assert (scene.thumbnail.media_type, scene.thumbnail.data) == ("image/png", PICTURE)
    types = [frame.header.type for frame in frames_of(data)]
    assert types.index(UnitType.GAUSSIANS) < types.index(UnitType.THUMBNAIL) < len(types) - 3


def test_a_track_comes_back_to_sixteen_bits():
    (track,) = toy("face").tracks
    (found,) = decode(toy_file("face")).tracks.values()
    assert (found.name, found.frames_per_second, found.shape_names, found.joint_names) == (
        track.name,
        track.frames_per_second,
        track.shape_names,
        track.joint_names,
    )
    for name in ("weights", "rotations", "translation"):
        assert np.abs(getattr(found, name) - getattr(track, name)).max() < 2e-5


@pytest.mark.parametrize("frames, shapes", [(0, 2), (1, 0), (20_000, 2), (3, 1)])
def test_odd_tracks_come_back(frames, shapes):
    names = tuple(f"s{k}" for k in range(shapes))
    track = Track("still", 25.0, names, np.zeros((frames, shapes)), ("jaw",), np.zeros((frames, 1, 3)))
    data = encode(replace(toy("face"), tracks=(track,)))
    assert verify(data) == []
    (found,) = decode(data).tracks.values()
    assert frozen(found) == frozen(track)


@pytest.mark.parametrize("kind", ["face", "surface", "mixed"])
def test_a_partial_forest_is_a_valid_avatar_with_the_same_gaussians(kind):
    """Units with holes between them: faces are renumbered, what is drawn is not."""
    data = toy_file(kind)
    whole = decode(data)
    posed = {pose: pose_avatar(whole.snapshot().avatar, POSES[pose]) for pose in POSES}
    place = np.argsort(whole.snapshot().order)
    for left_out in range(4, len(unit_spans(data))):
        decoder = Decoder()
        for number, (low, high) in enumerate([(0, 52), *unit_spans(data)][::-1]):
            if len(unit_spans(data)) - number != left_out + 1:
                decoder.feed_at(low, data[low:high])
        kinds = [type(event) for event in decoder.events()]
        assert UnitDamaged not in kinds
        snapshot = decoder.scene.snapshot()
        if snapshot is None or len(decoder.scene.shapes) < 3 or decoder.scene.correctives is None:
            continue
        for pose in POSES:
            some = pose_avatar(snapshot.avatar, POSES[pose])
            wanted = posed[pose].means[_rows(whole, decoder.scene)]
            assert np.array_equal(some.means[snapshot.order], wanted)
    assert sorted(place) == list(range(21))


def _rows(whole, scene):
    """Where, level after level, the whole's Gaussians stand that a partial scene has, in file order."""
    return whole.snapshot().order[np.searchsorted(whole.arrays().indices, scene.arrays().indices)]


def test_snapshot_orders_level_after_level_and_says_how_to_undo_it():
    scene = decode(toy_file("mixed"))
    snapshot = scene.snapshot()
    means = np.concatenate([level.gaussians.means for level in snapshot.avatar.levels])
    assert np.array_equal(means[snapshot.order], scene.arrays().means)


def test_a_decoded_avatar_encodes_again_to_the_same_scene():
    first = decode(toy_file("mixed")).snapshot().avatar
    again = decode(encode(first, FINE)).snapshot().avatar
    assert differences(first, encode(first, FINE), POSES["open"])["means"] < 2e-5
    assert len(again.levels) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"title": "x" * 5000}},
        {"metadata": {"title": "bell \a"}},
        {"metadata": {"": "x"}},
        {"metadata": {f"org.example.{k}": "x" * 4000 for k in range(20)}},
        {"thumbnail": b"GIF89a"},
        {"tracks": (Track("t", -1.0, (), np.zeros((1, 0))),)},
        {"tracks": (Track("t", float("nan"), (), np.zeros((1, 0))),)},
    ],
)
def test_what_no_decoder_would_read_is_refused_by_the_encoder(change):
    with pytest.raises(EncodeError):
        encode(replace(toy("face"), **change))

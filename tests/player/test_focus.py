"""Attention first: what names mean, which units come first, and that a look at a pixel finds the region."""

import argparse
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from pavcli.options.focus import focus as focus_argument
from pavfmt import decode, encode
from pavfmt.container.headers import DirectoryEntry, UnitHeader
from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.events import UnitDamaged, contents
from pavfmt.encoder.order.grouping import grouped, merged
from pavfmt.encoder.order.region_importance import LEFT_OUT, matters, region_weights, with_measured_regions
from pavfmt.encoder.order.regions import site_region_bits
from pavfmt.encoder.pruning import pruned
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.model import Pose
from pavfmt.tools.synthetic import synthetic_avatar
from pavfmt.tools.verify import verify
from pavfmt.units.directory import Directory
from pavplayer.camera import evaluation_camera
from pavplayer.focus import Focus, FocusError, focus_at_pixel, focus_at_point, focus_plan, parse_focus
from pavplayer.focus.gaze import NOWHERE
from pavplayer.focus.plan import planned
from pavplayer.importance import EncoderRenderer
from pavplayer.rasterizers import open_rasterizer
from spec.builders.avatars import RIG_FILE, SMALL_UNITS, toy

LAM = ("left_eye", "right_eye", "mouth", "jaw", "brows")
CC0 = (
    "skin",
    "left_eye",
    "lower_teeth",
    "right_eye",
    "tongue",
    "upper_teeth",
    "left_lids",
    "right_lids",
    "mouth",
)
UNITS = replace(SMALL_UNITS, first_unit_bytes=1500, unit_bytes=1500)


@pytest.fixture(scope="module")
def head():
    return synthetic_avatar(read_cc0_rig(RIG_FILE), 1_200, levels=2, sh_degree=0)


@pytest.fixture(scope="module", autouse=True)
def one_picture():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pavfmt.encoder.order.region_importance.CAMERAS", ((0, 0),))
        patch.setattr("pavfmt.encoder.order.region_importance.EXPRESSIONS", ({},))
        yield


@pytest.fixture(scope="module")
def measured(head):
    return with_measured_regions(head, EncoderRenderer(open_rasterizer("cpu")))


@pytest.fixture(scope="module")
def data(measured):
    return encode(measured, replace(UNITS, group_regions=True))


def directory(data):
    decoder = Decoder()
    decoder.feed(data)
    entries = next(contents(list(decoder.events()), Directory)).entries
    return entries, decoder.scene


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("eyes", LAM, {"left_eye", "right_eye"}),
        ("eyes", CC0, {"left_eye", "right_eye", "left_lids", "right_lids"}),
        ("mouth", CC0, {"mouth", "lower_teeth", "upper_teeth", "tongue"}),
        ("eyes, mouth", LAM, {"left_eye", "right_eye", "mouth"}),
        ("left_eye", LAM, {"left_eye"}),
        ("skin", CC0, {"skin"}),
    ],
)
def test_what_names_stand_for(text, names, expected):
    bits = parse_focus(text).bits_in(names)
    assert {name for k, name in enumerate(names) if bits >> k & 1} == expected


def test_names_that_an_avatar_lacks_are_refused_with_those_it_has():
    with pytest.raises(FocusError, match="no region 'nose': this avatar has eyes, mouth, left_eye"):
        Focus(("eyes", "nose")).bits_in(LAM)
    with pytest.raises(FocusError, match="has none"):
        Focus(("eyes",)).bits_in(())


@pytest.mark.parametrize("text", ["", ",", "eyes,", " "])
def test_no_names_are_no_focus(text):
    with pytest.raises(argparse.ArgumentTypeError, match="eyes,mouth"):
        focus_argument(text)


def test_a_plan_is_every_unit_once_after_its_needs(data):
    entries, scene = directory(data)
    for text in ("eyes", "mouth", "eyes,mouth"):
        order = list(focus_plan(parse_focus(text), scene)(entries))
        assert sorted(order) == [entry.id for entry in entries]
        place = {id_: at for at, id_ in enumerate(order)}
        for entry in entries:
            assert all(place[need] < place[entry.id] for need in entry.needs if need)


def test_what_matters_comes_before_all_that_nobody_asked_for(data):
    entries, scene = directory(data)
    focus = parse_focus("eyes")
    bits = focus.bits_in(scene.core.region_names)
    order = list(focus_plan(focus, scene)(entries))
    wanted = {one.id for one in entries if one.regions & bits or one.critical}
    needed = wanted | {need for one in entries if one.id in wanted for need in one.needs}
    assert set(order[: len(needed - {0})]) == needed - {0}
    gaussians = [one for one in entries if one.gaussian_count]
    assert 0 < sum(bool(one.regions & bits) for one in gaussians) < len(gaussians)


def test_before_the_rig_is_there_the_plan_is_file_order(data):
    entries, _ = directory(data)
    blind = Decoder().scene
    order = list(focus_plan(parse_focus("eyes"), blind)(entries))
    assert order == sorted(order, key=lambda id_: (not entries[id_ - 1].critical, id_))
    _, scene = directory(data)
    with pytest.raises(FocusError):
        focus_plan(parse_focus("wings"), scene)


def test_any_part_of_a_plan_is_a_scene(data):
    entries, scene = directory(data)
    by_id = {entry.id: entry for entry in entries}
    decoder, active = Decoder(), 0
    decoder.feed_at(0, data[: entries[0].offset])
    for id_ in focus_plan(parse_focus("mouth"), scene)(entries):
        entry = by_id[id_]
        decoder.feed_at(entry.offset, data[entry.offset : entry.offset + UnitHeader.SIZE + entry.length])
        assert not [one for one in decoder.events() if isinstance(one, UnitDamaged)]
        assert len(decoder.scene.active_units) > active, "whatever a unit needs has come before it"
        active = len(decoder.scene.active_units)
    assert decoder.scene.gaussian_count == decode(data).gaussian_count


def test_a_directory_that_lies_about_needs_still_ends():
    entries = [
        DirectoryEntry(1, 9, False, 52, 10, needs=(1, 2, 99), regions=1),
        DirectoryEntry(2, 9, False, 82, 10, needs=(1,)),
    ]
    assert list(planned(entries, 1)) == [1, 2]


def test_hand_over_comes_with_its_successor():
    avatar = toy("face")
    base, fine = avatar.levels[0], avatar.levels[0]
    parents = np.arange(len(fine.gaussians), dtype=np.int32)
    bits = np.where(np.arange(len(parents)) % 2, 1, 2).astype(np.uint16)
    fine = replace(fine, gaussians=replace(fine.gaussians, regions=bits))
    levels = (base, replace(avatar.levels[1], gaussians=fine.gaussians, parents=parents))
    data = encode(replace(avatar, levels=levels), replace(SMALL_UNITS, group_regions=True))
    assert verify(data) == []
    entries, _ = directory(data)
    hand_overs = [entry for entry in entries if entry.type == 10]
    assert len({entry.regions for entry in hand_overs}) == 2
    for entry in hand_overs:
        assert entries[entry.id].gaussian_count and entries[entry.id].regions == entry.regions


def test_the_units_of_a_region_show_it(measured):
    """All but what matters to the eyes left out: the eyes' pixels stay as they are."""
    renderer = EncoderRenderer(open_rasterizer("cpu"))
    weights = np.concatenate(region_weights(measured, measured.rig, renderer))
    bits = np.concatenate([level.gaussians.regions for level in measured.levels])
    for k in range(len(measured.rig.regions)):
        own = (bits >> k & 1) > 0
        assert weights[~own, k].sum() <= LEFT_OUT * weights[:, k].sum() * (1 + 1e-9)
    sited = np.concatenate(site_region_bits(measured))
    names = list(measured.rig.regions)
    eye = names.index("left_eye")
    assert ((bits >> eye & 1) & ~(sited >> eye & 1)).any(), "lids before the eye matter to it"


def test_an_avatar_without_regions_stays_as_it_is():
    class Unused:
        pass

    avatar = toy("static")
    assert with_measured_regions(avatar, Unused()) is avatar


def test_the_weakest_are_left_out_and_no_more():
    weights = np.array([0.0, 1e-4, 5e-4, 1.0, 0.0])
    assert matters(weights).tolist() == [False, False, False, True, False]
    assert matters(weights * 0).tolist() == [False] * 5
    assert matters(np.array([0.5, 0.5])).all()


def test_groups_are_a_partition_in_order():
    random = np.random.default_rng(5)
    order, bits = random.permutation(500), random.integers(0, 64, 500).astype(np.uint16)
    parts = grouped(order, bits)
    place = {row: at for at, row in enumerate(order.tolist())}
    assert sorted(np.concatenate(parts).tolist()) == list(range(500)) and 1 < len(parts) <= 12
    for part in parts:
        assert [place[row] for row in part.tolist()] == sorted(place[row] for row in part.tolist())


def test_families_are_not_torn_apart():
    random = np.random.default_rng(6)
    parents = random.integers(-1, 40, 300).astype(np.int32)
    bits = (1 << random.integers(0, 6, 300)).astype(np.uint16)
    parts = grouped(np.arange(300), bits, parents)
    for one, other in combinations(parts, 2):
        assert not set(parents[one].tolist()) & set(parents[other].tolist()) - {-1}


def test_groups_merge_where_least_is_fetched_in_vain():
    masks, counts = [0b001, 0b010, 0b011, 0b100], [100, 100, 1, 100]
    label = merged(masks, counts, 3)
    assert label[2] in (label[0], label[1]) and len(set(label.tolist())) == 3
    assert merged(masks, counts, 4).tolist() == [0, 1, 2, 3]
    assert len(set(merged(masks, counts, 1).tolist())) == 1


def test_grouping_changes_nothing_of_the_whole(measured, data):
    plain = decode(encode(measured, UNITS)).arrays()
    found = decode(data).arrays()
    assert verify(data) == [] and len(found) == len(plain)
    assert np.bincount(found.levels).tolist() == np.bincount(plain.levels).tolist()
    assert data == encode(measured, replace(UNITS, group_regions=True))


@pytest.mark.parametrize("name", ["left_eye", "right_eye", "mouth", "brows"])
def test_a_look_finds_the_region(name):
    from pavfmt.importers.arkit import regions_from_shapes

    scene = decode(encode(synthetic_avatar(read_cc0_rig(RIG_FILE), 200, levels=1, sh_degree=0)))
    rig = scene.rig()
    vertices = rig.mean_neutral if scene.identity is None else scene.identity.neutral
    mask = regions_from_shapes(rig.shapes)[name]
    front = vertices[:, 2] * mask - 10 * ~mask
    point = vertices[int(np.argmax(front))]
    assert name in focus_at_point(scene, point).names
    camera = evaluation_camera(vertices)
    x, y, z = camera.rotation @ point + camera.translation
    pixel = (camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy)
    assert name in focus_at_pixel(scene, pixel, camera, Pose()).names


def test_a_look_beside_the_head_is_no_focus(data):
    _, scene = directory(data)
    camera = evaluation_camera(scene.core.mean_neutral)
    assert (
        focus_at_pixel(scene, (1.0, 1.0), camera) == NOWHERE == focus_at_point(scene, np.array([9.0, 0, 0]))
    )
    assert focus_at_point(Decoder().scene, np.zeros(3)) == NOWHERE
    assert NOWHERE.bits_in(LAM) == 0


def test_what_matters_to_a_region_is_kept_however_weak(head):
    everything = [np.linspace(1, 1e-9, len(level.gaussians)) ** 8 for level in head.levels]
    weak = len(everything[0]) - 1
    bits = np.zeros(len(everything[0]), np.uint16)
    bits[weak] = 1
    first = replace(head.levels[0], gaussians=replace(head.levels[0].gaussians, regions=bits))
    marked = replace(head, levels=(first, *head.levels[1:]))
    plain, kept = (pruned(one, everything, 0.9)[0].levels[0].gaussians for one in (head, marked))
    assert len(kept) == len(plain) + 1 and kept.regions[-1] == 1

"""The prefix law: every `file[:n]` decodes, its arrays begin the whole's, and only unit ends change anything."""

import random
from dataclasses import fields

import pytest
from comparing import begins, frozen_scene, history
from hypothesis import given
from hypothesis import strategies as st
from strategies import damaged, splits_of

from pavfmt import Decoder, decode, unit_ends
from pavfmt.decoding.scene import SceneArrays
from spec.builders.avatars import KINDS, head_file, toy_file


def cuts_around_units(data):
    return sorted({n for end in unit_ends(data) for n in (end - 1, end, end + 1) if n <= len(data)})


SLOW = {"mixed", "surface"}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW)) for kind in KINDS]
)
def test_every_prefix_of_a_toy_is_a_growing_leading_part_of_the_whole(kind):
    data = toy_file(kind)
    whole = decode(data).arrays()
    counts = []
    for n in range(len(data) + 1):
        arrays = decode(data[:n]).arrays()
        assert begins(arrays, whole)
        counts.append(len(arrays))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, decode(data).header.gaussian_count)


@pytest.mark.parametrize("kind", ["static", pytest.param("mixed", marks=pytest.mark.slow)])
def test_the_scene_changes_exactly_at_unit_ends(kind):
    data = toy_file(kind)
    scenes = [frozen_scene(decode(data[:n])) for n in range(len(data) + 1)]
    changes = [n for n in range(1, len(data) + 1) if scenes[n] != scenes[n - 1]]
    assert changes == unit_ends(data)


def test_before_the_first_drawable_unit_the_scene_is_defined_and_empty():
    scene = decode(toy_file()[:100])
    assert len(scene.arrays()) == 0
    assert scene.arrays().means.shape == (0, 3)
    assert scene.snapshot() is None and not scene.is_visible


@pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_every_unit_end_of_a_head_and_odd_cuts_begin_the_whole(stride):
    data = head_file()
    whole = decode(data).arrays()
    odd = random.Random(1).sample(range(len(data)), 60)
    for n in [*cuts_around_units(data), *odd][::stride]:
        assert begins(decode(data[:n]).arrays(), whole)


def test_a_cut_keeps_the_totals_of_the_complete_avatar():
    data = toy_file()
    header = decode(data[:300]).header
    assert (header.file_bytes, header.gaussian_count) == (len(data), 21)


@pytest.mark.parametrize("kind", KINDS)
def test_byte_by_byte_gives_the_same_events_as_the_whole(kind):
    data = toy_file(kind)
    assert history(data[n : n + 1] for n in range(len(data)))[0] == history([data])[0]


@given(st.data())
def test_random_splits_give_the_same_events(drawn):
    data = toy_file("mixed", picture=True)
    pieces = drawn.draw(splits_of(data))
    assert history(pieces)[0] == history([data])[0]


@given(st.data())
def test_random_splits_of_damaged_files_give_the_same_events_and_errors(drawn):
    data = drawn.draw(damaged(toy_file()))
    pieces = drawn.draw(splits_of(data))
    assert history(pieces)[0] == history([data])[0]


@pytest.mark.parametrize("place", range(60, 700, 16))
def test_byte_by_byte_gives_the_same_events_of_a_damaged_file(place):
    data = bytearray(toy_file())
    data[place] ^= 0x55
    data = bytes(data)
    assert history(data[n : n + 1] for n in range(len(data)))[0] == history([data])[0]


def test_arrays_read_on_the_way_do_not_change_what_comes():
    data, seen = toy_file("mixed"), []
    decoder = Decoder()
    for n in range(0, len(data), 37):
        decoder.feed(data[n : n + 37])
        for _ in decoder.events():
            pass
        arrays = decoder.scene.arrays()
        seen.append((arrays, [getattr(arrays, item.name).tobytes() for item in fields(SceneArrays)]))
    assert frozen_scene(decoder.scene) == frozen_scene(decode(data))
    for arrays, before in seen:  # views given out earlier still hold what they held
        assert [getattr(arrays, item.name).tobytes() for item in fields(SceneArrays)] == before


def test_stored_arrays_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        decode(toy_file()).arrays().means[0, 0] = 1


def test_leaving_the_events_early_loses_none():
    data = toy_file()
    decoder, seen = Decoder(), []
    decoder.feed(data)
    decoder.close()
    while (event := next(decoder.events(), None)) is not None:
        seen.append(type(event).__name__)
    assert seen == [event[0] for event in history([data])[0]]

"""The scene law: the same units give the same scene, in whatever order and pieces their bytes come."""

from dataclasses import replace

import numpy as np
import pytest
from comparing import frozen_scene, history
from hypothesis import given
from hypothesis import strategies as st
from strategies import damaged, scattered

from pavfmt.container.headers import UnitHeader
from pavfmt.decoding.decoder import Decoder, decode
from pavfmt.model import Track
from pavfmt.registry import UnitType
from pavfmt.units.track import encode_track
from spec.builders.avatars import KINDS, head_file, toy_file
from spec.builders.forging import Forge, Part, flipped, frames_of, payload, unit_spans


def scene_of(pieces):
    return frozen_scene(history(pieces)[1])


def pieces_of(data):
    """The file header, then every unit, as (offset, bytes)."""
    return [(0, data[:52]), *((low, data[low:high]) for low, high in unit_spans(data))]


@given(st.data())
def test_units_in_any_order(drawn):
    data = toy_file(drawn.draw(st.sampled_from(KINDS)))
    assert scene_of(drawn.draw(st.permutations(pieces_of(data)))) == frozen_scene(decode(data))


@given(st.data())
def test_pieces_that_overlap_and_end_anywhere(drawn):
    data = toy_file(drawn.draw(st.sampled_from(KINDS)), picture=True)
    assert scene_of(drawn.draw(scattered(data))) == frozen_scene(decode(data))


@given(st.data())
def test_no_event_of_a_sound_file_in_any_order_is_damage(drawn):
    data = toy_file("mixed")
    events, _ = history(drawn.draw(scattered(data)))
    assert "UnitDamaged" not in [event[0] for event in events]
    assert events[-1][:4] == ("StreamEnded", None, len(data), True)


def outcome(pieces):
    """The scene, or the error that ends the play."""
    events, scene = history(pieces)
    return events[-1][:2] if "Error" in events[-1][0] else frozen_scene(scene)


@given(st.data())
def test_units_of_a_damaged_file_in_any_order(drawn):
    sound = toy_file("mixed")
    data = drawn.draw(damaged(sound, first=52, most=2))
    pieces = [(low, data[low : low + len(piece)]) for low, piece in pieces_of(sound)]
    assert outcome(drawn.draw(st.permutations(pieces))) == outcome([data])


@given(st.data())
def test_pieces_of_a_file_whose_directory_is_lost(drawn):
    data = flipped(toy_file("surface"), 80)
    assert outcome(drawn.draw(scattered(data))) == outcome([data])


def test_the_directory_may_come_last():
    data = toy_file()
    pieces = pieces_of(data)
    assert scene_of([pieces[0], *pieces[2:], pieces[1]]) == frozen_scene(decode(data))


def test_a_directory_that_comes_last_finds_the_units_after_a_damaged_header():
    sound = toy_file()
    data = flipped(sound, unit_spans(sound)[-6][0] + 3)
    pieces = [(low, data[low : low + len(piece)]) for low, piece in pieces_of(sound)]
    first, last = scene_of(pieces), scene_of([pieces[0], *pieces[2:], pieces[1]])
    assert first == last
    assert decode(data).gaussian_count == history(pieces)[1].gaussian_count > 0


@pytest.mark.parametrize("place", [3, 25])
@pytest.mark.parametrize("type_", [UnitType.GAUSSIANS, UnitType.SHAPE, UnitType.SPLITS])
def test_a_damaged_unit_fetched_again_is_healed(type_, place):
    sound = toy_file()
    start, end = next(
        span
        for frame, span in zip(frames_of(sound), unit_spans(sound), strict=True)
        if frame.header.type == type_
    )
    bad = flipped(sound, start + place)
    broken, healed = history([bad])[1], history([bad, (start, sound[start:end])])[1]
    assert frozen_scene(broken) != frozen_scene(decode(sound))
    assert frozen_scene(healed) == frozen_scene(decode(sound))


def test_only_the_damaged_bytes_of_a_unit_header_need_to_be_fetched_again():
    sound = toy_file()
    start = unit_spans(sound)[-1][0]
    bad = flipped(sound, start + 3)
    assert frozen_scene(history([bad, (start, sound[start : start + 5])])[1]) == frozen_scene(decode(sound))


def test_bytes_sent_twice_are_not_a_repeated_unit():
    data = toy_file()
    events, scene = history([data, (0, data), (400, data[400:900])])
    assert "UnitDamaged" not in [event[0] for event in events]
    assert frozen_scene(scene) == frozen_scene(decode(data))


def test_the_order_of_a_head_fetched_backwards_does_not_show():
    data = head_file()
    assert scene_of(pieces_of(data)[::-1]) == frozen_scene(decode(data))


def write_still_track(writer):
    encode_track(writer, Track("still", 30.0, (), np.zeros((1, 0))))


def test_a_long_chain_of_waiting_units_wakes():
    """No recursion: three thousand units, each needing the one before, the first of them last."""
    forge = Forge(toy_file("static"))
    first = len(forge.parts) + 1
    for own in range(first, first + 3000):
        needs = [own - 1] if own > first else []
        forge.parts.append(Part(UnitType.TRACK, False, own, payload(own, needs, write_still_track)))
    data = forge.build()
    pieces = pieces_of(data)
    scene = history([*pieces[: first + 1], *pieces[first + 2 :], pieces[first + 1]])[1]
    assert len(scene.active_units) == scene.header.unit_count


@pytest.mark.parametrize("later", [False, True])
def test_two_units_of_one_id_that_differ_end_the_play_in_either_order(later):
    forge = Forge(toy_file())
    index = forge.where(UnitType.SHAPE)
    twin = forge.parts[forge.where(UnitType.SHAPE, 1)]
    forge.parts.append(replace(twin, id=forge.parts[index].id))
    data = forge.build(directory=False)
    pieces = pieces_of_all(data)
    if later:
        pieces = pieces[:-1][: index + 1] + pieces[-1:] + pieces[index + 1 : -1]
    events, _ = history(pieces)
    assert events[-1][:2] == ("FormatError", "duplicate-unit")


def pieces_of_all(data):
    """Like pieces_of, for files whose units are only found by walking."""
    spans, at = [], 52
    while at < len(data):
        length = int.from_bytes(data[at + 8 : at + 12], "little")
        spans.append((at, at + 20 + length))
        at += 20 + length
    return [(0, data[:52]), *((low, data[low:high]) for low, high in spans)]


def test_a_directory_that_lies_about_a_length_changes_nothing():
    """It names offsets inside other units from then on; how the bytes are split must not matter."""
    data = toy_file()
    forge = Forge(data)
    honest = forge.parts
    forge.parts = [replace(part, payload=part.payload[3:]) if part.id == 4 else part for part in honest]
    forge.parts = [forge.directory(), *honest]
    lying = forge.build(directory=False)
    assert frozen_scene(decode(lying))[1:] == frozen_scene(decode(data))[1:]
    assert history(lying[n : n + 1] for n in range(len(lying)))[0] == history([lying])[0]


def test_the_decoder_tells_of_a_partial_unit_at_the_end():
    data = toy_file()
    decoder = Decoder()
    decoder.feed(data[:-1])
    decoder.close()
    ended = list(decoder.events())[-1]
    start, end = unit_spans(data)[-1]
    assert (ended.partial.offset, ended.partial.received, ended.partial.expected) == (
        start,
        end - start - 1,
        end - start,
    )
    assert not ended.complete


def ended_after(pieces):
    """What the decoder tells at the end of pieces at their offsets."""
    decoder = Decoder()
    for offset, data in pieces:
        decoder.feed_at(offset, data)
    decoder.close()
    *_, ended = decoder.events()
    return ended


@pytest.mark.parametrize("there", [1, 19, 20, 21])
def test_a_unit_that_has_only_begun_is_told_with_its_header_once_that_is_whole(there):
    data = toy_file()
    start, end = unit_spans(data)[3]
    ended = ended_after([(0, data[: start + there])])
    assert (ended.partial.offset, ended.partial.received) == (start, there)
    if there < UnitHeader.SIZE:
        assert ended.partial.header is None and ended.partial.expected is None
    else:
        assert ended.partial.header.id == 3 and ended.partial.expected == end - start


def test_the_unit_in_which_the_last_range_ends_is_told():
    data = toy_file()
    spans = unit_spans(data)
    pieces = [(0, data[: spans[2][0] + 5]), (spans[4][0], data[spans[4][0] : spans[5][0] + 30])]
    ended = ended_after(pieces)
    assert (ended.partial.offset, ended.partial.received) == (spans[5][0], 30)

"""A rig in a file of its own: nothing is drawn until it is supplied, and then all is as if it were embedded."""

import hashlib

import numpy as np
import pytest
from comparing import frozen, frozen_scene, history
from hypothesis import given
from hypothesis import strategies as st
from strategies import splits_of

from pavfmt import Decoder, FormatError, Pose, decode, pose_avatar
from pavfmt.decoding.events import (
    RigNamed,
    StreamEnded,
    UnitDamaged,
    contents,
)
from pavfmt.encoder import encode_rig_file
from pavfmt.model import PoseCorrectives
from pavfmt.registry import UnitType
from pavfmt.tools.synthetic import toy_avatar
from pavfmt.tools.verify import verify
from pavfmt.units.gaussians import GaussianBlock
from pavfmt.units.rig import RigCore
from pavfmt.units.shapes import NumberedShape
from spec.builders.avatars import SMALL_UNITS, external_file, rig_file, toy, toy_file
from spec.builders.forging import Forge, Part, frames_of, payload, reader_of

RIG_PARTS = (NumberedShape, PoseCorrectives)
POSE = Pose({"jawOpen": 0.7}, {"jaw": (0.3, 0.1, -0.2)})


def supplied(data, rig):
    decoder = Decoder()
    decoder.feed(data)
    first = list(decoder.events())
    decoder.supply_rig(rig)
    second = list(decoder.events())
    return decoder, first, second


def kinds_of(events):
    return [type(getattr(event, "content", event)) for event in events]


@pytest.mark.parametrize("kind", ["face", "surface", "mixed"])
def test_with_its_rig_it_is_the_embedded_avatar(kind):
    decoder, _, _ = supplied(external_file(kind), rig_file(kind))
    embedded = decode(toy_file(kind))
    assert frozen(decoder.scene.arrays()) == frozen(embedded.arrays())
    one, two = (pose_avatar(scene.snapshot().avatar, POSE) for scene in (decoder.scene, embedded))
    assert frozen(one) == frozen(two)


def test_nothing_is_drawn_before_the_rig_is_there():
    decoder, first, second = supplied(external_file(), rig_file())
    (named,) = [event for event in first if isinstance(event, RigNamed)]
    assert (named.reference.name, len(named.reference.sha256)) == ("toy-rig.pav", 32)
    assert not list(contents(first, RigCore))
    assert isinstance(second[0].content, RigCore)
    assert (second[0].unit, second[0].offset) == (named.unit, named.offset)
    kinds = kinds_of(second)
    assert all(event.unit is None for event, kind in zip(second, kinds, strict=True) if kind in RIG_PARTS)
    assert (kinds.count(NumberedShape), kinds.count(PoseCorrectives)) == (3, 1)
    assert decoder.scene.is_animatable


def test_gaussians_do_not_wait_for_the_shapes_of_a_rig_file():
    _, _, second = supplied(external_file(), rig_file())
    kinds = kinds_of(second)
    first, essential = kinds.index(GaussianBlock), kinds.index(NumberedShape)
    assert first < essential < len(kinds) - 1 - kinds[::-1].index(GaussianBlock)
    assert kinds[-1] in RIG_PARTS


@given(st.data())
def test_a_shape_of_its_own_is_lost_at_the_same_byte_however_it_came(drawn):
    forge = Forge(external_file())
    shape = next(frame for frame in frames_of(rig_file()) if frame.header.type == UnitType.SHAPE)
    reader = reader_of(shape.payload)
    reader.needs_of(shape.header.id)
    reference = forge.parts[forge.where(UnitType.RIG_REFERENCE)].id
    id_ = len(forge.parts) + 1
    body = payload(id_, (reference,), lambda writer: writer.raw(reader.rest()))
    forge.parts.append(Part(UnitType.SHAPE, False, id_, body))
    data = forge.build()
    decoder = Decoder()
    decoder.supply_rig(rig_file())
    lost = []
    for piece in drawn.draw(splits_of(data)):
        decoder.feed(piece)
        lost += [event for event in decoder.events() if isinstance(event, UnitDamaged)]
    assert [(event.code, event.error_offset) for event in lost] == [
        ("bad-needs", frames_of(data)[-1].payload_offset)
    ]
    assert len(decoder.scene.shapes) == 3


def test_until_then_the_scene_is_empty():
    scene = decode(external_file())
    assert scene.gaussian_count == 0 and scene.core is None and scene.table is not None


def test_the_rig_may_come_at_any_time():
    data = external_file()
    wanted = frozen_scene(supplied(data, rig_file())[0].scene)
    for n in range(0, len(data), 97):
        decoder = Decoder()
        decoder.feed(data[:n])
        list(decoder.events())
        decoder.supply_rig(rig_file())
        list(decoder.events())
        decoder.feed(data[n:])
        list(decoder.events())
        assert frozen_scene(decoder.scene) == wanted


def test_the_shapes_are_told_of_before_the_end():
    decoder = Decoder()
    decoder.feed(external_file())
    decoder.supply_rig(rig_file())
    decoder.close()
    events = list(decoder.events())
    assert isinstance(events[-1], StreamEnded)
    assert len(list(contents(events, NumberedShape))) == 3
    assert events[-1].complete and events[-1].waiting == {}


def test_a_rig_supplied_too_late_still_shows():
    decoder = Decoder()
    decoder.feed(external_file())
    decoder.close()
    ended = list(decoder.events())[-1]
    assert isinstance(ended, StreamEnded) and not ended.complete
    decoder.supply_rig(rig_file())
    list(decoder.events())
    assert decoder.scene.gaussian_count == 21


@pytest.mark.parametrize("wrong", [b"", b"another", "other rig", "no rig"])
def test_another_rig_is_refused(wrong):
    rig = {"other rig": encode_rig_file(toy_avatar("face", seed=3).rig), "no rig": toy_file("static")}.get(
        wrong, wrong
    )
    decoder = Decoder()
    decoder.feed(external_file())
    decoder.supply_rig(rig)
    with pytest.raises(FormatError) as caught:
        list(decoder.events())
    (named,) = [frame for frame in frames_of(external_file()) if frame.header.type == UnitType.RIG_REFERENCE]
    assert (caught.value.code, caught.value.offset) == ("rig-mismatch", named.payload_offset)


def test_a_named_file_without_a_rig_is_refused_by_name():
    avatar = toy_file("static")
    forge = Forge(external_file())
    sha256 = hashlib.sha256(rig_file()).digest()
    named = forge.parts[forge.where(UnitType.RIG_REFERENCE)].payload
    forge.change(UnitType.RIG_REFERENCE, named.replace(sha256, hashlib.sha256(avatar).digest()))
    decoder = Decoder()
    decoder.feed(forge.build())
    decoder.supply_rig(avatar)
    with pytest.raises(FormatError, match=r"toy-rig\.pav.* no rig") as caught:
        list(decoder.events())
    at = forge.where(UnitType.RIG_REFERENCE) + 1
    assert caught.value.code == "rig-mismatch"
    assert caught.value.offset == frames_of(forge.build())[at].payload_offset


def test_a_rig_file_holds_only_a_rig_and_is_clean():
    scene = decode(rig_file())
    assert verify(rig_file()) == []
    assert len(scene.shapes) == 3 and scene.correctives is not None and scene.table is None
    assert not scene.is_visible and scene.snapshot() is None


def test_one_rig_file_serves_two_avatars():
    two = toy_avatar("surface")
    assert np.array_equal(two.rig.mean_neutral, toy("face").rig.mean_neutral)
    for kind in ("face", "surface"):
        assert supplied(external_file(kind), rig_file("face"))[0].scene.gaussian_count == 21


def test_the_file_is_smaller_by_the_rig():
    assert len(external_file()) < len(toy_file()) - 300
    assert rig_file() == encode_rig_file(toy("face").rig, SMALL_UNITS)


def test_a_file_that_waits_for_its_rig_is_not_damaged():
    events = [event for event in supplied(external_file(), rig_file())[1] if isinstance(event, UnitDamaged)]
    assert events == []
    assert {found.severity for found in verify(external_file())} == {"note"}
    assert verify(external_file(), rig_file=rig_file()) == []


@given(st.data())
def test_splits_do_not_change_the_events(drawn):
    data = external_file()
    assert history(drawn.draw(splits_of(data)))[0] == history([data])[0]


def test_the_reference_is_a_critical_unit():
    (frame,) = [frame for frame in frames_of(external_file()) if frame.header.type == UnitType.RIG_REFERENCE]
    assert frame.header.critical

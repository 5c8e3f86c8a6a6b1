"""What has arrived is in memory once: the scene's arrays, and everything else looks into them."""

from dataclasses import fields

import numpy as np

from pavfmt import Decoder
from pavfmt.tools.cut import unit_ends
from pavfmt.units.gaussians import GaussianBlock
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from spec.builders.avatars import head_file, toy_file
from spec.builders.forging import unit_spans

ATTRIBUTES = [item.name for item in fields(GaussianBlock) if item.name not in ("level", "first")]


def arrays_of(block):
    return {name: getattr(block, name) for name in ATTRIBUTES if getattr(block, name) is not None}


def look_into(block, arrays):
    return all(
        np.shares_memory(value, getattr(arrays, name))
        for name, value in arrays_of(block).items()
        if value.size
    )


def test_blocks_become_views_and_keep_their_values():
    data = head_file()
    decoder, at, known = Decoder(), 0, {}
    for end in unit_ends(data):
        decoder.feed(data[at:end])
        list(decoder.events())
        at = end
        for block in decoder.scene.gaussians.blocks:
            known.setdefault(block.first, {name: value.tobytes() for name, value in arrays_of(block).items()})
        arrays = decoder.scene.arrays()
        assert all(look_into(block, arrays) for block in decoder.scene.gaussians.blocks)
    assert len(known) > 4
    for block in decoder.scene.gaussians.blocks:
        assert {name: value.tobytes() for name, value in arrays_of(block).items()} == known[block.first]
        assert not block.means.flags.writeable


def test_units_out_of_order_too():
    data = toy_file("mixed")
    spans = unit_spans(data)
    decoder, wanted = Decoder(), Decoder()
    decoder.feed(data[: spans[0][0]])
    for low, high in reversed(spans):
        decoder.feed_at(low, data[low:high])
        list(decoder.events())
        if decoder.scene.is_visible:
            decoder.scene.arrays()
    wanted.feed(data)
    list(wanted.events())
    arrays = decoder.scene.arrays()
    assert all(look_into(block, arrays) for block in decoder.scene.gaussians.blocks)
    for name in ("indices", "sites", "barycentrics", "means", "sh", "sh0", "shN"):
        assert getattr(arrays, name).tobytes() == getattr(wanted.scene.arrays(), name).tobytes()


def test_there_is_no_more_room_than_the_file_asks_for():
    data = head_file()
    decoder, at = Decoder(), 0
    for end in unit_ends(data):
        decoder.feed(data[at:end])
        list(decoder.events())
        at = end
        decoder.scene.arrays()
    whole = decoder.scene.arrays().means.base
    assert len(whole) == decoder.scene.gaussian_count == decoder.scene.header.gaussian_count


def test_a_session_poses_with_the_scenes_own_colours():
    session = Session(PlainRasterizer())
    session.feed(head_file())
    session.update()
    cloud = session.posed()
    assert np.shares_memory(cloud.sh, session.scene.arrays().sh)
    assert cloud.sh.tobytes() == session.scene.arrays().sh.tobytes()

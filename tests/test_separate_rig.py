"""An avatar taken apart for the benchmarks is the same avatar, and both its files are clean."""

import pytest

from avatars import KINDS, toy_file
from comparing import frozen
from pavfmt import Decoder, decode, verify
from tests.benchmarks.separate_rig import separated


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "static"])
def test_the_rig_moves_to_a_file_of_its_own(kind):
    avatar, rig_file = separated(toy_file(kind), "rig.pav")
    assert verify(rig_file) == [] and verify(avatar, rig_file=rig_file) == []
    decoder = Decoder()
    decoder.supply_rig(rig_file)
    decoder.feed(avatar)
    list(decoder.events())
    whole = decode(toy_file(kind))
    assert frozen(decoder.scene.arrays()) == frozen(whole.arrays())
    assert decoder.scene.shapes.keys() == whole.shapes.keys()

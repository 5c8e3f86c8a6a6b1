"""An avatar taken apart for the benchmarks is the same avatar, and both its files are clean."""

import pytest
from comparing import frozen

from pavfmt import Decoder, decode, verify
from pavplayer.demo import AVATAR_FILE
from spec.builders.avatars import KINDS, toy_file
from tests.benchmarks.separate_rig import separated

FILES = {kind: toy_file(kind) for kind in KINDS if kind != "static"} | {"hand-over": AVATAR_FILE.read_bytes()}


@pytest.mark.parametrize("kind", FILES)
def test_the_rig_moves_to_a_file_of_its_own(kind):
    avatar, rig_file = separated(FILES[kind], "rig.pav")
    assert verify(rig_file) == [] and verify(avatar, rig_file=rig_file) == []
    decoder = Decoder()
    decoder.supply_rig(rig_file)
    decoder.feed(avatar)
    list(decoder.events())
    whole = decode(FILES[kind])
    assert frozen(decoder.scene.arrays()) == frozen(whole.arrays())
    assert frozen(decoder.scene.effective()) == frozen(whole.effective())
    assert decoder.scene.shapes.keys() == whole.shapes.keys()

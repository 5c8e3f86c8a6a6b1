"""The growing poser gives what the reference gives, after every unit, and takes in no unit twice."""

import numpy as np
import pytest

from pavfmt.decoding.decoder import Decoder
from pavfmt.model import Pose
from spec.builders.avatars import KINDS, toy_file
from spec.builders.hand_over import hand_over_file

torch = pytest.importorskip("torch")
from growing import fed, pieces_of  # noqa: E402

from pavplayer.posing.device import GrowingPoser  # noqa: E402
from pavplayer.posing.device_buffers import Buffer  # noqa: E402


@pytest.mark.parametrize("subdivided", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_after_every_unit(kind, subdivided):
    assert fed(pieces_of(toy_file(kind, 2, subdivided)), poses=2) > 4


@pytest.mark.parametrize("kind", KINDS)
def test_units_in_another_order(kind):
    data = toy_file(kind)
    pieces = pieces_of(data)
    order = np.random.default_rng(1).permutation(len(pieces) - 1) + 1
    assert fed([pieces[0], *(pieces[k] for k in order)]) > 0


@pytest.mark.parametrize("second_values", [False, True])
def test_a_hand_over_changes_what_is_there(second_values):
    data = hand_over_file(second_values)
    assert fed(pieces_of(data)) > 1


def test_buffers_double_and_end_at_what_is_announced():
    buffer, rooms = Buffer(torch.device("cpu"), torch.float32, (2,), fill=-1), []
    for k in range(100):
        buffer.append(np.full((3, 2), k), announced=300)
        rooms.append(len(buffer.whole))
        assert len(buffer.whole) <= max(2 * buffer.count, 300)
        assert (buffer.whole[buffer.count :] == -1).all()
    assert len(set(rooms)) < 10
    assert rooms[-1] == 300
    assert torch.equal(buffer.rows[:, 0], torch.arange(100).repeat_interleave(3).float())
    buffer.append(np.zeros((1, 2)), announced=300)  # a file that did not tell the truth
    assert buffer.count == 301


def test_what_is_there_stays_where_it_is():
    """Arrays move only when they were full."""
    data, decoder, homes = toy_file("face"), Decoder(), []
    poser = GrowingPoser(decoder.scene, "cpu")
    for offset, unit in pieces_of(data):
        decoder.feed_at(offset, unit)
        list(decoder.events())
        before = len(poser)
        poser.update()
        if len(poser) > before:
            homes.append(poser.frame(Pose()).sh.data_ptr())
    assert 1 < len(set(homes)) < len(homes)
    assert len(poser._sh.whole) == decoder.scene.gaussian_count
